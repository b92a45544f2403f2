// SPDX-License-Identifier: Apache-2.0

#include "sim/tally.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fairuse::sim {

void user_path::move(const decision& change) {
  if (at != stage::none) held_ms[index_of(at)] += change.time - since;
  at = change.to;
  since = change.time;
  if (at != stage::none and reached[index_of(at)] == never) reached[index_of(at)] = change.time;
}

void user_path::finish(time_ms end) {
  if (at != stage::none) held_ms[index_of(at)] += end - since;
}

void stage_tally::merge(const stage_tally& other) {
  hits += other.hits;
  newly_hit += other.newly_hit;
  newly_spared += other.newly_spared;
  held_ms += other.held_ms;
  reached_after_ms.insert(reached_after_ms.end(), other.reached_after_ms.begin(), other.reached_after_ms.end());
}

void user_trace::add(const decision& what) {
  for (std::size_t i = 0; i < what.sum_count; ++i)
    most_ms[i] = std::max(most_ms[i], what.sums[i]);
  if (what.kind == decision_kind::stage_changed and what.from != what.to) changes.push_back({what.to, what.time});
  if (what.kind != decision_kind::strike_added) return;
  ++strikes;
  score_nano = what.score_nano;
  type = what.type;
}

void review_tally::add(const decision& what) {
  cleared += what.kind == decision_kind::review_cleared;
  strikes += what.kind == decision_kind::strike_added;
  failed += what.kind == decision_kind::review_failed;
  timed_out += what.kind == decision_kind::review_timed_out;
  ignored += what.kind == decision_kind::review_ignored;
}

review_tally& review_tally::operator+=(const review_tally& other) {
  cleared += other.cleared;
  strikes += other.strikes;
  failed += other.failed;
  timed_out += other.timed_out;
  ignored += other.ignored;
  recorded += other.recorded;
  modelled += other.modelled;
  missing += other.missing;
  return *this;
}

void group_tally::add(const user_path& path, const user_path& baseline, time_ms first_speech) {
  hit += path.hit_at_all();
  for (std::size_t i = 0; i < counted_stage_count; ++i) {
    auto& of = stages[i];
    of.newly_hit += path.hit(i) and not baseline.hit(i);
    of.newly_spared += baseline.hit(i) and not path.hit(i);
    of.held_ms += path.held_ms[i];
    if (not path.hit(i)) continue;
    ++of.hits;
    of.reached_after_ms.push_back(path.reached[i] - first_speech);
  }
}

void group_tally::merge(const group_tally& other) {
  users += other.users;
  hit += other.hit;
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    stages[i].merge(other.stages[i]);
  answers += other.answers;
  audio += other.audio;
}

run_tally::run_tally(std::size_t policy_count, std::size_t group_count) : policies(policy_count) {
  for (auto& each : policies)
    each.groups.resize(group_count);
}

void run_tally::merge(run_tally&& other) {
  users += other.users;
  events += other.events;
  skipped_commands += other.skipped_commands;
  counts += other.counts;
  for (std::size_t index = 0; index < policies.size(); ++index) {
    for (std::size_t group = 0; group < policies[index].groups.size(); ++group)
      policies[index].groups[group].merge(other.policies[index].groups[group]);
    auto& listed = policies[index].users;
    std::move(other.policies[index].users.begin(), other.policies[index].users.end(), std::back_inserter(listed));
    policies[index].chains.merge(std::move(other.policies[index].chains));
  }
  chains.merge(std::move(other.chains));
  std::move(other.decisions.begin(), other.decisions.end(), std::back_inserter(decisions));
}

} // namespace fairuse::sim
