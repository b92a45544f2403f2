// SPDX-License-Identifier: Apache-2.0
#include "actors/user_actor.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/query.hpp"

namespace fairuse {

namespace {

/// How many strikes a refusal lists.
constexpr std::size_t strikes_listed_max = 10;

/// The marks of the live standing, which is the first.
std::span<const mark> live_marks(const user& who) {
  if (who.standings.empty() or who.standings.front() == nullptr) return {};
  return who.standings.front()->marks;
}

/// A user and what names the strikes.
struct named_user {
  user& who;
  std::string_view uid;
  const case_naming& case_of;

  /// 0: no strike has that reference.
  std::uint32_t strike_of(std::string_view reference) const {
    if (case_of == nullptr) return 0;
    for (const auto& each : live_marks(who))
      if (each.strike and case_of(uid, each.number) == reference) return each.number;
    return 0;
  }

  /// For a person whose command was refused; empty: there is nothing to say.
  std::string why_refused(applied how, const event& what) const {
    if (how == applied::unknown_strike) return strikes();
    if (how != applied::no_appeal) return {};
    const auto& command = detail_of<admin_command>(what);
    const auto number = command.reference.empty() ? command.strike : strike_of(command.reference);
    for (const auto& each : live_marks(who))
      if (each.strike and each.number == number) return std::string{why_no_appeal(each)};
    return {};
  }

  /// For a person who named one that is not there.
  std::string strikes() const {
    std::vector<std::uint32_t> numbers;
    for (const auto& each : live_marks(who))
      if (each.strike) numbers.push_back(each.number);
    if (numbers.empty()) return "The user has no strike now.";
    const auto listed = std::min(numbers.size(), strikes_listed_max);
    std::string text = listed < numbers.size() ? "The user's last strikes are" : "The user's strikes are";
    for (const auto number : std::span(numbers).last(listed)) {
      text += (number == numbers[numbers.size() - listed] ? " " : ", ") + std::to_string(number);
      if (case_of != nullptr) text += " (" + case_of(uid, number) + ")";
    }
    return text + ".";
  }
};

/// Apply an event. A command that names a strike by its reference is applied as a copy with the number.
applied apply_named(const named_user& whom, const step& taken, const event& what, std::int64_t horizon_ms,
                    step_output& out) {
  const auto* command = what.kind == event_kind::admin ? &detail_of<admin_command>(what) : nullptr;
  if (command == nullptr or command->reference.empty())
    return apply(whom.who, *taken.in_force, taken.now, what, horizon_ms, out);
  auto numbered = *command;
  numbered.strike = whom.strike_of(numbered.reference);
  const event_detail detail{std::move(numbered)};
  auto copy = what;
  copy.detail = &detail;
  return apply(whom.who, *taken.in_force, taken.now, copy, horizon_ms, out);
}

/// False: the user stopped inside the run, at a review request.
bool take_run(user& who, const slice& what, const step& taken, outcome& result) {
  const std::size_t last = taken.first + taken.count;
  const auto next = apply(who, *taken.in_force, *what.run, taken.first, last, result.wrote);
  result.events_taken = next == last ? 0 : static_cast<std::uint32_t>(next - taken.first);
  return next == last;
}

/// Such a step is always taken whole.
bool take_step(user& who, const slice& what, const step& taken, const shard_options& options, outcome& result) {
  advance(who, *taken.in_force, taken.now, result.wrote);
  // After advance, which forgets hours that memory does not keep.
  for (const auto& hour : what.older)
    who.ids.load(hour.hour, hour.keys);
  for (const auto& each : what.events.subspan(taken.first, taken.count)) {
    const named_user whom{who, what.uid, options.case_of};
    const auto how = apply_named(whom, taken, each, options.horizon_ms, result.wrote);
    if (is_refused(how))
      result.refused.push_back({&each, how, whom.why_refused(how, each)});
    else if (how != applied::accepted)
      result.unused.push_back({each.kind, how});
  }
  return true;
}

} // namespace

void take_steps(user& who, const slice& what, const shard_options& options, outcome& result) {
  result.steps_taken = 0;
  result.events_taken = 0;
  result.asked = false;
  for (const auto& each : what.steps) {
    const auto written = result.wrote.decisions.size();
    const bool whole = each.in_run ? take_run(who, what, each, result) : take_step(who, what, each, options, result);
    result.steps_taken += whole;
    result.asked = result.wrote.asked_since(written);
    if (result.asked) break;
  }
  result.who = &who;
  result.next_due = who.next_due;
}

user_actor::behavior_type run_user(user_actor::stateful_pointer<user_state> self, user* who,
                                   const shard_options* options) {
  self->state.who.reset(who);
  self->state.options = options;
  // The shard is the sender. It holds a handle of this actor, so a handle of the shard here would be a cycle.
  return {[self](take_slice request) {
    take_steps(*self->state.who, *request.what, *self->state.options, *request.result);
    self->send(caf::actor_cast<shard_actor>(self->current_sender()), slice_taken{request.result});
  }};
}

} // namespace fairuse
