// SPDX-License-Identifier: Apache-2.0

#include "sim/recorded_switches.hpp"

#include <algorithm>

namespace fairuse::sim {

namespace {

/// What holds when a partition begins.
constexpr bool enabled_at_start = true;

} // namespace

recorded_switches switches_of(const history::history_contents& of) {
  recorded_switches all;
  for (std::uint32_t number = 0; number < of.broadcasts.size(); ++number) {
    const auto& command = of.broadcasts[number];
    auto& changes = all[command.partition];
    const auto before = changes.empty() ? switch_change{.enabled = enabled_at_start} : changes.back();
    auto after = before;
    if (command.what.verb == admin_verb::enable) after.enabled = command.what.on;
    if (command.what.verb == admin_verb::kill_switch) after.killed = command.what.on;
    if (after.enabled == before.enabled and after.killed == before.killed) continue;
    after.mark = number;
    after.now = command.now;
    after.instant = command.instant;
    changes.push_back(after);
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
  const auto behind = std::partition_point(changes_.begin(), changes_.end(),
                                           [mark](const switch_change& each) { return each.mark <= mark; });
  return static_cast<std::size_t>(behind - changes_.begin());
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
