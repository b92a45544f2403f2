// SPDX-License-Identifier: Apache-2.0

#include "cli/topics_report.hpp"

#include <algorithm>

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

std::string acl_commands(const kafka_settings& settings, const std::string& principal) {
  const auto name = settings.properties.find("sasl.username");
  const auto who = not principal.empty()               ? principal
                   : name != settings.properties.end() ? "User:" + name->second
                                                       : "User:" + settings.app;
  const auto command = [&](std::string_view operations, std::string_view resource) {
    std::string text = fmt::format("kafka-acls.sh {} --add --allow-principal '{}'", tool_options(settings), who);
    while (not operations.empty()) {
      const auto end = std::min(operations.find(' '), operations.size());
      text += fmt::format(" --operation {}", operations.substr(0, end));
      operations.remove_prefix(std::min(end + 1, operations.size()));
    }
    return text + fmt::format(" {}\n", resource);
  };
  // Describe comes with Read and with Write. `topics check` needs DescribeConfigs.
  std::string text;
  for (const auto& topic : settings.inputs)
    text += command("Read Write DescribeConfigs", "--topic " + topic);
  for (const auto& [role, topic] : settings.outputs.named()) {
    const bool read_back = role == topic_role::changelog or role == topic_role::policies or role == topic_role::journal;
    text += command(read_back ? "Read Write DescribeConfigs" : "Write DescribeConfigs", "--topic " + *topic);
  }
  text += command("Read", "--group " + settings.app);
  text += command("Write Describe", "--transactional-id " + settings.app + ". --resource-pattern-type prefixed");
  return text;
}

} // namespace fairuse::cli
