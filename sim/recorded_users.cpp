// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_users.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/bind.hpp"
#include "events/decision_json.hpp"
#include "storage/bytes.hpp"
#include "storage/user_row_reader.hpp"
#include "storage/user_state.hpp"

namespace fairuse::sim {

namespace {

constexpr std::string_view not_a_state = "what the deployment knew of a user before cannot be read";

/// When the next timer was due, as the engine knew it; `never`: none was. nullopt: it is no state.
std::optional<time_ms> due_in(std::string_view state) {
  auto due = never;
  const bool whole = each_state_row(state, [&due](std::string_view key, std::string_view value) {
    if (not key.empty()) return true;
    if (value.size() != sizeof(std::uint64_t)) return false;
    due = static_cast<time_ms>(big_endian<std::uint64_t>(value.data()));
    return true;
  });
  return whole ? std::optional(due) : std::nullopt;
}

} // namespace

std::vector<std::unique_ptr<user>> recorded_users::one_user::load(std::span<const std::string_view>, const policy_set&,
                                                                  time_ms) {
  std::vector<std::unique_ptr<user>> users;
  users.push_back(std::move(next));
  return users;
}

recorded_users::recorded_users(const recorded_controls& under, case_naming case_of) : under_(under) {
  shard_options options;
  // Every step has controls of its own.
  options.start = under.first();
  options.policies = {std::shared_ptr<const policy_set>(), options.start.policies};
  // What a deployment admitted is not judged again.
  options.horizon_ms = INT64_MAX / 2;
  options.track_changes = false;
  options.fires_timers = false;
  options.case_of = std::move(case_of);
  shard_ = actors_.open_shard(store_, options);
}

result<void> recorded_users::begin(const history::block_user& who) {
  who_ = &who;
  changes_ = under_.of(who.partition);
  if (changes_ == nullptr)
    return error{fmt::format("a user is of partition {}, of which no run is recorded", who.partition)};
  next_step_ = next_change_ = next_cut_ = 0;
  held_ = nullptr;
  bound_ = nullptr;
  reads_again_ = false;
  const auto due = due_in(who.state);
  if (not due) return error{std::string(not_a_state)};
  due_ = *due;
  cut_ = waiting_ = {};
  cut_steps_.clear();
  unloaded_.clear();
  decided_.clear();
  fault_.clear();
  return {};
}

result<user_decisions> recorded_users::decide(const history::block_user& who) {
  if (auto begun = begin(who); not begun) return begun.error();
  waiting_ = next();
  auto known = known_before();
  if (not known) return known.error();
  auto again = std::move(*known);
  const continuation rest = [this](const slice& given, const outcome& so_far) { return this->rest(given, so_far); };
  while (not waiting_.steps.empty()) {
    auto first = std::exchange(waiting_, {});
    // The shard drops the user of the epoch before, and its text.
    first.uid = who.uid;
    store_.next = bound(std::move(again), first.steps.front());
    const auto decided = shard_->run({.number = ++epochs_, .slices = {&first, 1}}, rest);
    auto& of = decided.outcomes.front();
    collect(of);
    if (not waiting_.steps.empty()) again = read_again(*of.who, *front_);
  }
  if (not fault_.empty()) return error{std::move(fault_)};
  user_decisions out;
  out.uid = who.uid;
  for (auto& [slot, lines] : decided_)
    out.slots.push_back({slot, std::move(lines)});
  return out;
}

// Read where the user has its first step, as from a store. Ids of events are left behind: a history holds none twice.
result<std::unique_ptr<user>> recorded_users::known_before() {
  auto made = std::make_unique<user>();
  if (waiting_.steps.empty() or who_->state.empty()) return made;
  std::vector<standing_row> unloaded;
  user_row_reader reader(codec_, *front_, waiting_.steps.front().now, *made);
  reader.keep_unloaded(unloaded);
  if (not reader.take_state(who_->state)) return error{std::string(not_a_state)};
  made->ids = {};
  for (auto& each : unloaded)
    unloaded_.insert_or_assign(each.slot, unloaded_slot{std::move(each.last), each.loaded, made->erased_at});
  return made;
}

// Under the policies from before the epoch; those of its first step may be others.
std::unique_ptr<user> recorded_users::bound(std::unique_ptr<user> who, const step& first) {
  reads_again_ = false;
  bind(*who, *front_, first.now);
  bound_ = first.in_force->policies;
  if (bound_ != front_) unload(*who, *front_, bound_);
  return who;
}

slice recorded_users::rest(const slice& given, const outcome& so_far) {
  due_ = so_far.next_due;
  if (const auto left = remaining_steps(given, so_far); not left.steps.empty()) return left;
  auto piece = next();
  if (piece.steps.empty()) return {};
  // The shard's own text, which outlives the block.
  piece.uid = given.uid;
  const auto* policies = piece.steps.front().in_force->policies;
  if (policies == bound_) return piece;
  if (reads_again_) {
    waiting_ = piece;
    return {};
  }
  // A promotion binds the user in memory, and its shadow ends.
  unload(*so_far.who, *bound_, policies);
  bound_ = policies;
  return piece;
}

// Steps under the same policies.
slice recorded_users::next() {
  while (fault_.empty()) {
    if (next_cut_ < cut_steps_.size()) return take_cut();
    if (is_change_next()) {
      const auto& change = changes_->changes[next_change_];
      // Epochs before it fired what was due; what they did before the first one, a checkpoint has.
      const auto fired = who_->uid <= change.fired_uid ? change.previous_now : change.fired_now;
      if (due_ <= fired and held_ != nullptr) return one_step(fired);
      begin_change(change);
    } else if (next_step_ < who_->steps.size()) {
      return own_steps();
    } else if (const auto fired = who_->uid <= changes_->fired_uid ? changes_->last_now : changes_->fired_now;
               due_ <= fired) {
      return one_step(fired);
    } else {
      break;
    }
  }
  return {};
}

bool recorded_users::has_marks(const history::block_step& step) const {
  const auto events = who_->events.subspan(step.first, step.count);
  return std::any_of(events.begin(), events.end(), history::is_broadcast_mark);
}

// Where the user has a step at the `now` of a change, a mark says the place.
bool recorded_users::is_change_next() const {
  if (next_change_ == changes_->changes.size()) return false;
  if (next_step_ == who_->steps.size()) return true;
  const auto& step = who_->steps[next_step_];
  const auto now = changes_->changes[next_change_].now;
  return now < step.now or (now == step.now and has_marks(step));
}

void recorded_users::take_marked(const controls_change& what, const history::block_step& step) {
  std::size_t period = 0;
  for (const auto& each : who_->events.subspan(step.first, step.count)) {
    if (not history::is_broadcast_mark(each)) {
      events_.push_back({who_->uid, each});
      continue;
    }
    const auto number = static_cast<std::uint32_t>(each.ms);
    if (number == history::left_out_mark) {
      left_out_in_ = period;
      continue;
    }
    const auto mark =
        std::find_if(what.marks.begin(), what.marks.end(), [number](const auto& one) { return one.number == number; });
    if (mark == what.marks.end()) {
      fault_ = fmt::format("a user has change {} for all users in another epoch than its deployment", number);
      return;
    }
    period = mark->period;
  }
}

// As production cuts slices: a promotion gives every user with a timer steps, another command those whose timer is due.
void recorded_users::begin_change(const controls_change& what) {
  events_.clear();
  left_out_in_.reset();
  if (next_step_ < who_->steps.size() and who_->steps[next_step_].now == what.now)
    take_marked(what, who_->steps[next_step_++]);
  if (what.begins_run and held_ != nullptr and what.periods.front().in_force->policies != held_->policies)
    reads_again_ = true;
  held_ = what.after();
  ++next_change_;
  const auto until = what.changes_policies() ? never - 1 : what.now;
  const bool has_commands = what.periods.size() > 1;
  if (events_.empty() and not(has_commands and due_ <= until)) return;
  const std::string_view due[] = {who_->uid};
  cut_ = cutter_
             .cut({.number = what.epoch, .now = what.now, .events = events_}, what.periods,
                  events_.empty() ? std::span(due) : std::span<const std::string_view>(), what.previous_now)
             .front();
  cut_front_ = what.periods.front().in_force->policies;
  cut_steps_.assign(cut_.steps.begin(), cut_.steps.end());
  if (left_out_in_ and what.changes_policies()) add_left_out_step(what);
  next_cut_ = 0;
}

// Events before a promotion fire all timers that are due, also where nothing else came of them.
void recorded_users::add_left_out_step(const controls_change& what) {
  const auto first =
      std::find_if(cut_steps_.begin(), cut_steps_.end() - 1, [](const step& each) { return each.count > 0; });
  cut_steps_.insert(first, {what.now, what.periods[*left_out_in_].in_force, 0, 0});
}

slice recorded_users::take_cut() {
  const auto left = std::span<const step>(cut_steps_).subspan(next_cut_);
  const auto same = std::find_if(left.begin(), left.end(), [&left](const step& each) {
    return each.in_force->policies != left.front().in_force->policies;
  });
  const auto count = static_cast<std::size_t>(same - left.begin());
  front_ = cut_front_;
  next_cut_ += count;
  return {who_->uid, left.first(count), cut_.events, {}};
}

slice recorded_users::own_steps() {
  steps_.clear();
  do {
    const auto& each = who_->steps[next_step_++];
    if (has_marks(each)) fault_ = "a user has a change for all users that its deployment does not have";
    steps_.push_back({each.now, held_, each.first, each.count});
  } while (next_step_ < who_->steps.size() and not is_change_next());
  if (held_ == nullptr) fault_ = "a user has events from before the engine's first epoch";
  if (not fault_.empty()) return {};
  front_ = held_->policies;
  return {who_->uid, steps_, who_->events, {}};
}

slice recorded_users::one_step(time_ms now) {
  front_ = held_->policies;
  steps_.assign(1, {now, held_, 0, 0});
  return {who_->uid, steps_, {}, {}};
}

/// What a store keeps of slots that `kept` does not have; nullptr: of all.
void recorded_users::unload(user& from, const policy_set& old, const policy_set* kept) {
  for (std::size_t slot = 0; slot < from.standings.size(); ++slot) {
    const auto& name = old.slots()[slot].label.slot;
    if (from.standings[slot] == nullptr or (kept != nullptr and kept->slot_named(name) >= 0)) continue;
    unloaded_.insert_or_assign(name, unloaded_slot{*from.standings[slot], old.slots()[slot].loaded, from.erased_at});
  }
}

std::optional<standing> recorded_users::take_unloaded(const slot_spec& slot, time_ms erased_at) {
  const auto found = unloaded_.find(slot.label.slot);
  if (found == unloaded_.end()) return std::nullopt;
  auto taken = std::move(found->second);
  unloaded_.erase(found);
  if (taken.loaded == slot.loaded and taken.erased_at >= erased_at) return std::move(taken.last);
  auto numbers = numbers_of(taken.last);
  if (numbers.last_strike == 0 and numbers.last_request == 0) return std::nullopt;
  return numbers;
}

// Ids of events are left behind: a history holds none twice.
std::unique_ptr<user> recorded_users::read_again(user& from, const policy_set& to) {
  unload(from, *bound_, nullptr);
  auto made = std::make_unique<user>();
  made->account = std::move(from.account);
  made->conversations = std::move(from.conversations);
  made->admin_ids = std::move(from.admin_ids);
  made->exempt = from.exempt;
  made->exempt_until = from.exempt_until;
  made->erased_at = from.erased_at;
  made->metered.resize(to.profiles().size());
  for (std::size_t i = 0; i < to.profiles().size(); ++i)
    for (std::size_t old = 0; old < bound_->profiles().size(); ++old)
      if (to.profiles()[i] == bound_->profiles()[old] and to.loaded(i) == bound_->loaded(old))
        made->metered[i] = std::move(from.metered[old]);
  for (std::size_t slot = 0; slot < to.slot_count(); ++slot) {
    auto known = take_unloaded(to.slots()[slot], made->erased_at);
    if (not known) continue;
    if (made->standings.empty()) made->standings.resize(to.slot_count());
    made->standings[slot] = std::make_unique<standing>(std::move(*known));
  }
  return made;
}

namespace {

std::string_view refusal_text(applied why) {
  if (why == applied::unknown_strike)
    return "it names no strike. If it names a case, --case-key must be the deployment's key";
  if (why == applied::no_appeal) return "there can be no appeal against its strike then";
  if (why == applied::past_until) return "its exemption would end before it begins";
  return "it is too old. The deployment's `retention.usage` was changed, and its store does not say when";
}

} // namespace

void recorded_users::collect(const outcome& of) {
  for (const auto& each : of.wrote.decisions)
    append_decision_chain(decided_[each.slot->slot].emplace_back(), each, who_->uid);
  if (of.refused.empty() or not fault_.empty()) return;
  const auto& first = of.refused.front();
  fault_ = fmt::format("event {} was accepted by the deployment and is refused here: {}", event_id(*first.what),
                       refusal_text(first.why));
}

} // namespace fairuse::sim
