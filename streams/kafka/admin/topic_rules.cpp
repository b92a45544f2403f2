// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/admin/topic_rules.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"

namespace fairuse::kafka {

namespace {

// Tombstones outlast the longest outage; erased data is not kept longer.
constexpr std::int64_t tombstones_ms = 7 * day_ms;
constexpr std::int64_t compaction_lag_ms = 7 * day_ms;
constexpr std::int64_t segment_ms = day_ms;

enum class relation : std::uint8_t { equal, at_least, at_most };

struct rule {
  std::string name;
  relation how = relation::equal;
  std::string value;
  gravity weight = gravity::needed;
  std::string_view why;
};

bool is_compacted(topic_role role) {
  return role == topic_role::changelog or role == topic_role::enforcement or role == topic_role::policies
         or role == topic_role::instances;
}

// -1 is without limit in Kafka's retentions.
bool holds(const rule& wanted, const std::string& found) {
  if (wanted.how == relation::equal) return found == wanted.value;
  const auto is = parse_number<double>(found);
  const auto should_be = parse_number<double>(wanted.value);
  if (not is or not should_be) return false;
  if (wanted.how == relation::at_most) return *is <= *should_be;
  return *is >= *should_be or (*is == -1 and wanted.name.starts_with("retention"));
}

void add_compaction(std::vector<rule>& rules) {
  rules.push_back({"cleanup.policy", relation::equal, "compact", gravity::needed,
                   "the last value of a key is the state, however old it is"});
  rules.push_back({"delete.retention.ms", relation::at_least, std::to_string(tombstones_ms), gravity::needed,
                   "a reader that was away for longer would keep what was deleted"});
  rules.push_back({"max.compaction.lag.ms", relation::at_most, std::to_string(compaction_lag_ms), gravity::needed,
                   "what was erased has to go within a bounded time"});
  rules.push_back({"segment.ms", relation::at_most, std::to_string(segment_ms), gravity::better,
                   "the segment that is being written is not compacted"});
}

void add_retention(std::vector<rule>& rules, topic_role role, const topic_needs& needs) {
  rules.push_back({"cleanup.policy", relation::equal, "delete", gravity::needed,
                   "compaction would remove records that a replay needs"});
  const bool replayed = role == topic_role::journal;
  rules.push_back({"retention.ms", relation::at_least,
                   std::to_string(role == topic_role::decisions ? needs.decisions_ms : needs.replay_ms),
                   replayed ? gravity::needed : gravity::better,
                   role == topic_role::decisions ? "the deployment's retention.decisions says so"
                                                 : "the deployment's retention.input says how far back a replay goes"});
  if (replayed)
    rules.push_back({"retention.bytes", relation::equal, "-1", gravity::needed,
                     "a journal cut by size cannot be replayed for as long as promised"});
}

void add_sizes(std::vector<rule>& rules, topic_role role, const topic_needs& needs) {
  const auto record = std::to_string(needs.record_bytes_max);
  if (role == topic_role::input)
    rules.push_back({"max.message.bytes", relation::at_most, record, gravity::needed,
                     "a larger record would not fit into a dead letter; or raise streams.record_bytes_max"});
  else
    rules.push_back({"max.message.bytes", relation::at_least,
                     std::to_string(needs.record_bytes_max + needs.dead_letter_extra_bytes),
                     role == topic_role::dead_letters ? gravity::needed : gravity::better,
                     role == topic_role::dead_letters ? "a dead letter is a whole record and where it came from"
                                                      : "an epoch with many users or refusals writes long records"});
}

std::vector<rule> rules_of(topic_role role, const topic_needs& needs, std::int32_t replicas) {
  std::vector<rule> rules;
  if (is_compacted(role))
    add_compaction(rules);
  else
    add_retention(rules, role, needs);
  if (role == topic_role::changelog)
    rules.push_back({"min.cleanable.dirty.ratio", relation::at_most, "0.5", gravity::better,
                     "a restore reads everything that is not compacted yet"});
  add_sizes(rules, role, needs);
  if (replicas >= 3)
    rules.push_back({"min.insync.replicas", relation::at_least, "2", gravity::needed,
                     "what one broker acknowledged alone is lost with it"});
  rules.push_back({"unclean.leader.election.enable", relation::equal, "false", gravity::needed,
                   "a replica that was behind would become the truth"});
  return rules;
}

std::string alter_command(std::string_view tool_options, const std::string& topic, const rule& wanted) {
  const bool list = wanted.value.find(',') != std::string::npos;
  return fmt::format("kafka-configs.sh {} --alter --topic {} --add-config {}={}", tool_options, topic, wanted.name,
                     list ? "[" + wanted.value + "]" : wanted.value);
}

std::string_view text_of(relation how) {
  switch (how) {
    case relation::at_least:
      return "at least ";
    case relation::at_most:
      return "at most ";
    case relation::equal:
      break;
  }
  return "";
}

class topic_checker {
public:
  topic_checker(const topic_needs& needs, std::span<const found_topic> found, std::int32_t brokers,
                std::string_view tool_options)
    : needs_{needs}, brokers_{brokers}, tools_{tool_options}, partitions_{common_partitions(needs, found)} {}

  void check(topic_role role, const found_topic& topic) {
    if (topic.hidden) {
      add(gravity::needed, topic, "is not visible to this user: it may not describe it",
          "fairuse topics check --print-acls lists the rights that are needed");
    } else if (not topic.exists) {
      add(gravity::needed, topic, "does not exist",
          role == topic_role::input ? "fairuse topics create --inputs --partitions N" : "fairuse topics create");
    } else {
      check_partitions(role, topic);
      check_replicas(topic);
      check_config(role, topic);
    }
  }

  std::vector<difference> result;

private:
  void add(gravity how, const found_topic& topic, std::string what, std::string remedy) {
    result.push_back({how, topic.topic, std::move(what), std::move(remedy)});
  }

  void check_partitions(topic_role role, const found_topic& topic) {
    if (role == topic_role::input and partitions_ == 0) {
      add(gravity::needed, topic, fmt::format("has {} partitions; all inputs need the same number", topic.partitions),
          "a user's events have to be in one partition number: make the inputs anew with equal counts");
    } else if (role != topic_role::input and partitions_ != 0 and topic.partitions != partitions_) {
      add(gravity::needed, topic, fmt::format("has {} partitions, the inputs have {}", topic.partitions, partitions_),
          topic.partitions < partitions_
              ? fmt::format("kafka-topics.sh {} --alter --topic {} --partitions {}, if the engine has not run yet",
                            tools_, topic.topic, partitions_)
              : "partitions cannot be taken away: delete the topic if the engine has not run yet, or name another");
    }
  }

  void check_replicas(const found_topic& topic) {
    const auto wanted = std::min(brokers_, 3);
    if (topic.replicas < wanted)
      add(gravity::better, topic,
          fmt::format("has {} cop{} on {} brokers; {} survive the loss of a broker", topic.replicas,
                      topic.replicas == 1 ? "y" : "ies", brokers_, wanted),
          fmt::format("kafka-reassign-partitions.sh {} moves it to {} replicas", tools_, wanted));
    const auto in_sync = topic.config.find("min.insync.replicas");
    if (in_sync == topic.config.end()) return;
    if (const auto least = parse_number<double>(in_sync->second); least and *least > topic.replicas)
      add(gravity::needed, topic,
          fmt::format("has {} replicas and min.insync.replicas={}: nothing can be written", topic.replicas,
                      in_sync->second),
          alter_command(tools_, topic.topic, {"min.insync.replicas", relation::equal, std::to_string(topic.replicas)}));
  }

  void check_config(topic_role role, const found_topic& topic) {
    if (topic.config.empty())
      return add(gravity::better, topic, "does not show its configuration to this user",
                 "allow DescribeConfigs on it, or check as an administrator");
    for (const auto& wanted : rules_of(role, needs_, topic.replicas)) {
      const auto is = topic.config.find(wanted.name);
      if (is == topic.config.end() or holds(wanted, is->second)) continue;
      add(wanted.weight, topic,
          fmt::format("{} is {}, not {}{}: {}", wanted.name, is->second, text_of(wanted.how), wanted.value, wanted.why),
          alter_command(tools_, topic.topic, wanted));
    }
  }

  const topic_needs& needs_;
  std::int32_t brokers_;
  std::string_view tools_;
  std::int32_t partitions_;
};

} // namespace

std::vector<wanted_topic> wanted_topics(const topic_needs& needs, std::int32_t replicas) {
  std::vector<wanted_topic> all;
  for (const auto& [role, name] : needs.topics) {
    wanted_topic one{role, name, {}};
    for (auto& each : rules_of(role, needs, replicas))
      one.config.emplace(std::move(each.name), std::move(each.value));
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<difference> differences(const topic_needs& needs, std::span<const found_topic> found, std::int32_t brokers,
                                    std::string_view tool_options) {
  topic_checker checker{needs, found, brokers, tool_options};
  for (std::size_t i = 0; i < found.size(); ++i)
    checker.check(needs.topics[i].first, found[i]);
  return std::move(checker.result);
}

std::int32_t common_partitions(const topic_needs& needs, std::span<const found_topic> found) {
  std::int32_t common = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (needs.topics[i].first != topic_role::input or not found[i].exists) continue;
    if (common != 0 and found[i].partitions != common) return 0;
    common = found[i].partitions;
  }
  return common;
}

} // namespace fairuse::kafka
