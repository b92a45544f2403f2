// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/group_coordinator.hpp"

#include <algorithm>

namespace fairuse::simlog {

error_code group_coordinator::join(identity& who, const std::vector<std::string>& topics, time_ms session,
                                   time_ms now) {
  const auto found = members_.find(who.instance);
  if (found == members_.end() && !who.member.empty()) return "UNKNOWN_MEMBER_ID";
  if (found != members_.end() && !who.member.empty() && found->second.member != who.member) return "FENCED_INSTANCE_ID";
  const bool newcomer = found == members_.end();
  group_member& mine = newcomer ? members_[who.instance] : found->second;
  if (who.member.empty()) mine.member = who.instance + "-run" + std::to_string(++joins_);
  who.member = mine.member;
  const bool changed = mine.topics != topics;
  mine.topics = topics;
  mine.last_seen = now;
  mine.session = session;
  if (newcomer || changed) begin_rebalance();
  mine.joined = true;
  complete_if_all_joined();
  return "";
}

error_code group_coordinator::heartbeat(const identity& who, time_ms now) {
  const auto found = members_.find(who.instance);
  if (found == members_.end()) return "UNKNOWN_MEMBER_ID";
  if (found->second.member != who.member) return "FENCED_INSTANCE_ID";
  found->second.last_seen = now;
  return rebalancing_ && !found->second.joined ? "REBALANCE_IN_PROGRESS" : "";
}

std::optional<part_list> group_coordinator::sync(identity& who) const {
  const auto found = members_.find(who.instance);
  if (rebalancing_ || found == members_.end() || found->second.member != who.member) return std::nullopt;
  who.generation = generation_;
  return found->second.assigned;
}

void group_coordinator::expire(time_ms now) {
  const std::size_t before = members_.size();
  std::erase_if(members_, [&](const auto& entry) { return entry.second.last_seen + entry.second.session < now; });
  if (members_.size() == before) return;
  begin_rebalance();
  complete_if_all_joined();
}

void group_coordinator::restart_sessions(time_ms now) {
  for (auto& [instance, each] : members_)
    each.last_seen = now;
}

void group_coordinator::begin_rebalance() {
  if (rebalancing_) return;
  rebalancing_ = true;
  for (auto& [instance, each] : members_)
    each.joined = false;
}

void group_coordinator::complete_if_all_joined() {
  if (!rebalancing_) return;
  if (!std::all_of(members_.begin(), members_.end(), [](const auto& entry) { return entry.second.joined; })) return;
  rebalancing_ = false;
  ++generation_;
  assign_ranges();
}

void group_coordinator::assign_ranges() {
  std::set<std::string> topics;
  for (auto& [instance, each] : members_) {
    each.assigned.clear();
    topics.insert(each.topics.begin(), each.topics.end());
  }
  for (const std::string& topic : topics) {
    std::vector<group_member*> takers;
    for (auto& [instance, each] : members_)
      if (std::find(each.topics.begin(), each.topics.end(), topic) != each.topics.end()) takers.push_back(&each);
    const std::int32_t count = count_partitions(topic);
    const auto people = static_cast<std::int32_t>(takers.size());
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < people; ++i) {
      const std::int32_t share = count / people + (i < count % people ? 1 : 0);
      for (std::int32_t n = 0; n < share; ++n)
        takers[static_cast<std::size_t>(i)]->assigned.push_back({topic, next++});
    }
  }
}

// The order of these checks is the broker's; like the broker, it accepts offsets that name no member.
error_code group_coordinator::validate(const identity& who) const {
  if (who.generation < 0 && members_.empty()) return "";
  if (who.generation < 0 && who.member.empty() && who.instance.empty()) return "";
  const auto by_member = [&](const auto& entry) { return entry.second.member == who.member; };
  if (!who.instance.empty()) {
    const auto found = members_.find(who.instance);
    if (found == members_.end()) return "UNKNOWN_MEMBER_ID";
    if (found->second.member != who.member) return "FENCED_INSTANCE_ID";
  } else if (std::none_of(members_.begin(), members_.end(), by_member)) {
    return "UNKNOWN_MEMBER_ID";
  }
  return who.generation == generation_ ? "" : "ILLEGAL_GENERATION";
}

error_code group_coordinator::hold(producer_number by, const identity& who, const offset_map& offsets) {
  if (const error_code refused = validate(who); !refused.empty()) return refused;
  for (const auto& [of, offset] : offsets)
    pending_[by][of] = offset;
  return "";
}

void group_coordinator::end_transaction(producer_number by, bool commit) {
  const auto found = pending_.find(by);
  if (found == pending_.end()) return;
  if (commit)
    for (const auto& [of, offset] : found->second)
      committed_[of] = offset;
  pending_.erase(found);
}

bool group_coordinator::is_unstable(const kafka::topic_partition& of) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const auto& entry) { return entry.second.contains(of); });
}

std::set<std::string> group_coordinator::members() const {
  std::set<std::string> names;
  for (const auto& [instance, each] : members_)
    names.insert(instance);
  return names;
}

} // namespace fairuse::simlog
