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

stage user_path::highest() const {
  for (std::size_t i = counted_stage_count; i > 0; --i)
    if (hit(i - 1)) return counted_stages.at(i - 1);
  return stage::none;
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

void decision_tally::add(const decision& what) {
  if (what.kind == decision_kind::cap_crossed) {
    ++crossings.at(what.window);
    ++days[what.time / day_ms].crossings;
  } else if (what.kind == decision_kind::review_requested) {
    ++days[what.time / day_ms].reviews;
  } else if (what.kind == decision_kind::restriction_engaged) {
    ceilings += what.restriction == restriction_kind::ceiling;
  }
}

void decision_tally::merge(const decision_tally& other) {
  for (std::size_t i = 0; i < crossings.size(); ++i)
    crossings.at(i) += other.crossings.at(i);
  ceilings += other.ceilings;
  for (const auto& [day, of] : other.days) {
    auto& sum = days[day];
    sum.crossings += of.crossings;
    sum.reviews += of.reviews;
  }
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

void policy_tally::merge(policy_tally&& other) {
  for (std::size_t group = 0; group < groups.size(); ++group)
    groups[group].merge(other.groups[group]);
  std::move(other.users.begin(), other.users.end(), std::back_inserter(users));
  for (std::size_t from = 0; from < stage_count; ++from)
    for (std::size_t to = 0; to < stage_count; ++to)
      moved.at(from).at(to) += other.moved.at(from).at(to);
  std::move(other.changed.begin(), other.changed.end(), std::back_inserter(changed));
  decided.merge(other.decided);
  chains.merge(std::move(other.chains));
}

run_tally::run_tally(std::size_t policy_count, std::size_t group_count) : policies(policy_count) {
  for (auto& each : policies)
    each.groups.resize(group_count);
}

void run_tally::merge(run_tally&& other) {
  users += other.users;
  events += other.events;
  skipped_commands += other.skipped_commands;
  certified_users += other.certified_users;
  counts += other.counts;
  for (std::size_t index = 0; index < policies.size(); ++index)
    policies[index].merge(std::move(other.policies[index]));
  chains.merge(std::move(other.chains));
  std::move(other.decisions.begin(), other.decisions.end(), std::back_inserter(decisions));
}

} // namespace fairuse::sim
