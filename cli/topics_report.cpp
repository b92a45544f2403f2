// SPDX-License-Identifier: Apache-2.0

#include "cli/topics_report.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"

namespace fairuse::cli {

namespace {

std::string setting(const kafka::found_topic& topic, const std::string& name) {
  const auto found = topic.config.find(name);
  return found == topic.config.end() ? "?" : found->second;
}

// How long records are kept; for ever in compacted topics.
std::string kept(const kafka::found_topic& topic) {
  if (setting(topic, "cleanup.policy") == "compact") return "compacted";
  auto text = setting(topic, "retention.ms");
  const auto ms = yaml::parse_decimal(text, 0);
  if (not ms) return text;
  return *ms < 0 ? "for ever" : yaml::format_duration(*ms);
}

std::string state_of(const kafka::found_topic& topic, std::span<const kafka::difference> differences) {
  if (topic.hidden) return "not visible";
  if (not topic.exists) return "missing";
  std::string state = "ok";
  for (const auto& each : differences) {
    if (each.topic != topic.topic) continue;
    if (each.how == kafka::gravity::needed) return "wrong";
    state = "could be better";
  }
  return state;
}

} // namespace

std::string tool_options(const kafka_settings& settings) {
  const bool login = settings.properties.contains("security.protocol");
  return fmt::format("--bootstrap-server {}{}", bootstrap_servers(settings),
                     login ? " --command-config admin.properties" : "");
}

std::string topics_table(const kafka::topic_needs& needs, std::span<const kafka::found_topic> found,
                         std::span<const kafka::difference> differences, std::size_t width) {
  constexpr auto left = text_table::align::left;
  text_table table{
      {{"topic", left}, {"state", left}, {"role", left}, {"partitions"}, {"copies"}, {"kept", left}, {"record bytes"}}};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& topic = found[i];
    const std::string role{to_text(needs.topics[i].first)};
    const auto state = state_of(topic, differences);
    if (topic.exists)
      table.add({topic.topic, state, role, std::to_string(topic.partitions), std::to_string(topic.replicas),
                 kept(topic), setting(topic, "max.message.bytes")});
    else
      table.add({topic.topic, state, role, "-", "-", "-", "-"});
  }
  auto text = table.text(width);
  for (const auto& each : differences)
    text += fmt::format("\n{}\n  -> {}\n",
                        wrapped(fmt::format("{}: {} {}", each.how == kafka::gravity::needed ? "needed" : "better",
                                            each.topic, each.what),
                                2, width),
                        each.remedy);
  return text;
}

std::string topics_json(const kafka::topic_needs& needs, std::span<const kafka::found_topic> found,
                        std::span<const kafka::difference> differences, std::int32_t brokers) {
  auto topics = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& topic = found[i];
    topics.push_back({{"topic", topic.topic},
                      {"role", std::string{to_text(needs.topics[i].first)}},
                      {"state", state_of(topic, differences)},
                      {"partitions", topic.partitions},
                      {"replicas", topic.replicas},
                      {"config", topic.config}});
  }
  auto wrong = nlohmann::ordered_json::array();
  bool ok = true;
  for (const auto& each : differences) {
    const bool needed = each.how == kafka::gravity::needed;
    ok = ok and not needed;
    wrong.push_back({{"topic", each.topic}, {"needed", needed}, {"what", each.what}, {"remedy", each.remedy}});
  }
  const nlohmann::ordered_json all{{"ok", ok}, {"brokers", brokers}, {"topics", topics}, {"differences", wrong}};
  return all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

namespace {

std::string principal_of(const kafka_settings& settings, const std::string& given) {
  const auto name = settings.properties.find("sasl.username");
  if (not given.empty()) return given;
  return "User:" + (name != settings.properties.end() ? name->second : settings.app);
}

struct right {
  std::string_view operations;
  std::string resource;
};

std::string topic_resource(const std::string& topic) { return "--topic " + topic; }

std::string transactional_prefix(const std::string& prefix) {
  return "--transactional-id " + prefix + ". --resource-pattern-type prefixed";
}

// Describe comes with Read and with Write. `topics check` needs DescribeConfigs, and to see what the others write.
std::vector<right> engine_rights(const deployment& of) {
  const auto& settings = of.kafka;
  std::vector<right> rights;
  for (const auto& topic : settings.inputs)
    rights.push_back({"Read Write DescribeConfigs", topic_resource(topic)});
  for (const auto& [role, topic] : settings.outputs.named()) {
    // The API of an instance answers for the users of all.
    const bool read_back = role == topic_role::changelog or role == topic_role::policies or role == topic_role::journal
                           or role == topic_role::enforcement;
    rights.push_back({read_back ? "Read Write DescribeConfigs" : "Write DescribeConfigs", topic_resource(*topic)});
  }
  if (not of.notifier.url.empty())
    rights.push_back({of.api.listen.empty() ? "Describe DescribeConfigs" : "Read DescribeConfigs",
                      topic_resource(of.notifier.ends_topic)});
  if (not of.api.forward_key.empty())
    rights.push_back({"Read Write DescribeConfigs", topic_resource(of.api.instances_topic)});
  rights.push_back({"Read", "--group " + settings.app});
  rights.push_back({"Write Describe", transactional_prefix(settings.app)});
  return rights;
}

// What a member of a group beside the engine reads and writes.
std::vector<right> beside_rights(const kafka_settings& settings, const std::string& taken, const std::string& written,
                                 bool read_back, const std::string& group) {
  return {{"Read", topic_resource(taken)},
          {"Read", topic_resource(settings.outputs.enforcement)},
          {read_back ? "Read Write" : "Write", topic_resource(written)},
          {"Read", "--group " + group},
          {"Write Describe", transactional_prefix(group)}};
}

std::vector<right> rights_of(const deployment& of, acl_holder holder) {
  const auto& settings = of.kafka;
  switch (holder) {
    case acl_holder::reviewer:
      return beside_rights(settings, settings.outputs.review_requests, settings.inputs.front(), false,
                           reviewer_group(settings));
    case acl_holder::notifier:
      return beside_rights(settings, settings.outputs.notifications, of.notifier.ends_topic, true,
                           notifier_group(settings));
    case acl_holder::engine:
      break;
  }
  return engine_rights(of);
}

} // namespace

std::string acl_commands(const deployment& of, acl_holder holder, const std::string& principal) {
  const auto who = principal_of(of.kafka, principal);
  std::string text;
  for (const auto& each : rights_of(of, holder)) {
    text += fmt::format("kafka-acls.sh {} --add --allow-principal '{}'", tool_options(of.kafka), who);
    for (auto operations = each.operations; not operations.empty();) {
      const auto end = std::min(operations.find(' '), operations.size());
      text += fmt::format(" --operation {}", operations.substr(0, end));
      operations.remove_prefix(std::min(end + 1, operations.size()));
    }
    text += fmt::format(" {}\n", each.resource);
  }
  return text;
}

} // namespace fairuse::cli
