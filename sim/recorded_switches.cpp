// SPDX-License-Identifier: Apache-2.0

#include "sim/recorded_switches.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>

namespace fairuse::sim {

namespace {

/// What holds where nothing is recorded of a partition's start.
constexpr bool enabled_at_start = true;

/// A command or a run of the engine that may have moved a switch. Of one epoch, the run comes first.
struct recorded_change {
  std::int32_t partition = 0;
  std::uint64_t epoch = 0;
  bool is_command = false;
  /// In its list.
  std::uint32_t number = 0;

  auto operator<=>(const recorded_change&) const = default;
};

std::vector<recorded_change> changes_of(const history::history_contents& of) {
  std::vector<recorded_change> all;
  for (std::uint32_t i = 0; i < of.broadcasts.size(); ++i)
    all.push_back({of.broadcasts[i].partition, of.broadcasts[i].epoch, true, i});
  for (std::uint32_t i = 0; i < of.runs.size(); ++i)
    all.push_back({of.runs[i].partition, of.runs[i].epoch, false, i});
  std::sort(all.begin(), all.end());
  return all;
}

/// `held` before it.
switch_change after_command(const history::broadcast_command& command, std::uint32_t mark, switch_change held) {
  if (command.what.verb == admin_verb::enable) held.enabled = command.what.on;
  if (command.what.verb == admin_verb::kill_switch) held.killed = command.what.on;
  held.mark = mark;
  held.now = command.now;
  held.instant = command.instant;
  return held;
}

/// It holds for the whole epoch, timers that became due since the one before included.
switch_change at_run(const history::history_run& run, std::uint32_t mark) {
  const auto from = run.previous_now == INT64_MIN ? INT64_MIN : run.previous_now + 1;
  return {mark, run.now, from, run.enabled, run.killed};
}

} // namespace

recorded_switches switches_of(const history::history_contents& of) {
  recorded_switches all;
  const auto commands = static_cast<std::uint32_t>(of.broadcasts.size());
  for (const auto& each : changes_of(of)) {
    auto& changes = all[each.partition];
    const auto held = changes.empty() ? switch_change{.enabled = enabled_at_start} : changes.back();
    const auto next = each.is_command ? after_command(of.broadcasts[each.number], each.number, held)
                                      : at_run(of.runs[each.number], commands + each.number);
    if (next.enabled != held.enabled or next.killed != held.killed) changes.push_back(next);
  }
  return all;
}

all_controls controls_with(const policy_set* policies) {
  return {{{false, false, policies}, {true, false, policies}, {false, true, policies}, {true, true, policies}}};
}

switched_steps::switched_steps(const all_controls& under, std::span<const switch_change> changes,
                               std::vector<step>& out)
  : under_(&under), changes_(changes), out_(&out) {}

const controls* switched_steps::in_force() const {
  const auto held = next_ == 0 ? switch_change{.enabled = enabled_at_start} : changes_[next_ - 1];
  return &under_->at((held.enabled ? 1U : 0U) + (held.killed ? 2U : 0U));
}

std::size_t switched_steps::passed_by(std::uint32_t mark) const {
  const auto place =
      std::find_if(changes_.begin(), changes_.end(), [mark](const switch_change& each) { return each.mark == mark; });
  return place == changes_.end() ? next_ : static_cast<std::size_t>(place - changes_.begin()) + 1;
}

/// The events so far are a step.
void switched_steps::close() {
  if (added_ > closed_) out_->push_back({opened_at_, in_force(), closed_, added_ - closed_, true});
  closed_ = added_;
}

/// What is due up to `at`, under what holds.
void switched_steps::fire(time_ms at) {
  close();
  out_->push_back({at, in_force(), 0, 0});
  reached_ = at;
}

/// The changes up to `until` take effect.
void switched_steps::take(std::size_t until) {
  for (; next_ < until; ++next_) {
    const auto& change = changes_[next_];
    if (reached_ and change.instant > *reached_)
      if (const auto before = std::min(change.instant - 1, change.now); before > *reached_) fire(before);
    close();
  }
}

void switched_steps::begin(time_ms now, std::span<const std::uint32_t> marks) {
  now_ = now;
  auto until = next_;
  while (until < changes_.size() and changes_[until].now < now)
    ++until;
  take(until);
  const auto held = next_;
  for (const auto mark : marks)
    take(std::max(next_, passed_by(mark)));
  // What is due up to here fires under what holds at the end.
  if (next_ > held and reached_) fire(now);
  next_ = held;
}

void switched_steps::add() {
  if (added_ == closed_) opened_at_ = now_;
  ++added_;
  reached_ = now_;
}

void switched_steps::pass_mark(std::uint32_t mark) {
  const auto until = std::max(next_, passed_by(mark));
  if (until > next_) close();
  next_ = until;
}

void switched_steps::finish(time_ms at) {
  auto until = next_;
  while (until < changes_.size() and changes_[until].now <= at)
    ++until;
  take(until);
  close();
  out_->push_back({at, in_force(), 0, 0});
}

} // namespace fairuse::sim
