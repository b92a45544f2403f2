// SPDX-License-Identifier: Apache-2.0

#include "engine/instance_view.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairuse {

namespace {

using json = nlohmann::ordered_json;

json json_of(const policy_view& from) {
  json made = {{"name", from.name}, {"digest", from.digest}};
  if (from.complete_from) made["complete_from"] = *from.complete_from;
  return made;
}

json json_of(const partition_view& from) {
  json made = {{"partition", from.partition},
               {"state", from.state},
               {"epoch", from.epoch},
               {"now", from.now},
               {"lag", from.lag},
               {"active_users", from.active_users},
               {"pending_rows", from.pending_rows}};
  if (not from.says.empty()) made["says"] = from.says;
  if (from.state == "restoring") made.update({{"restored", from.restored}, {"to_restore", from.to_restore}});
  if (from.rules) made["rules"] = to_json(*from.rules);
  return made;
}

policy_view policy_from(const json& from) {
  policy_view made{from.at("name"), from.at("digest"), std::nullopt};
  if (from.contains("complete_from")) made.complete_from = from["complete_from"].get<time_ms>();
  return made;
}

rules_view rules_from(const json& from) {
  rules_view made{.live = policy_from(from.at("live")),
                  .shadows = {},
                  .enabled = from.at("enabled"),
                  .killed = from.at("kill_switch")};
  for (const auto& each : from.at("shadows"))
    made.shadows.push_back(policy_from(each));
  return made;
}

partition_view partition_from(const json& from) {
  partition_view made{.partition = from.at("partition"),
                      .state = from.at("state"),
                      .says = from.value("says", ""),
                      .epoch = from.at("epoch"),
                      .now = from.at("now"),
                      .lag = from.at("lag"),
                      .active_users = from.at("active_users"),
                      .pending_rows = from.at("pending_rows"),
                      .restored = from.value("restored", std::int64_t{0}),
                      .to_restore = from.value("to_restore", std::int64_t{0}),
                      .rules = {}};
  if (from.contains("rules")) made.rules = rules_from(from["rules"]);
  return made;
}

} // namespace

json to_json(const rules_view& from) {
  auto shadows = json::array();
  for (const auto& each : from.shadows)
    shadows.push_back(json_of(each));
  return {{"live", json_of(from.live)},
          {"shadows", std::move(shadows)},
          {"enabled", from.enabled},
          {"kill_switch", from.killed}};
}

json to_json(const refusal_counts& counts) {
  auto made = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) made[std::string{to_text(static_cast<refusal>(i))}] = counts[i];
  return made;
}

std::filesystem::path instance_view_file(const std::filesystem::path& state_folder) {
  return state_folder / "partitions.json";
}

std::string to_text(const instance_view& view) {
  auto partitions = json::array();
  for (const auto& each : view.partitions)
    partitions.push_back(json_of(each));
  const json made = {{"instance", view.instance},
                     {"pid", view.pid},
                     {"running", view.running},
                     {"at", view.at},
                     {"bootstrap", view.bootstrap},
                     {"topics",
                      {{"decisions", view.decisions_topic},
                       {"dead_letters", view.dead_letters_topic},
                       {"enforcement", view.enforcement_topic}}},
                     {"aborts", view.aborts},
                     {"recycled", view.recycled},
                     {"transactions", view.transactions},
                     {"rebalances", view.rebalances},
                     {"dead_letters", to_json(view.dead_letters)},
                     {"partitions", std::move(partitions)}};
  return made.dump(1) + '\n';
}

result<instance_view> instance_view_from(std::string_view text) {
  try {
    const auto from = json::parse(text);
    instance_view made{.instance = from.at("instance"),
                       .pid = from.at("pid"),
                       .running = from.at("running"),
                       .at = from.at("at"),
                       .bootstrap = from.at("bootstrap"),
                       .decisions_topic = from.at("topics").at("decisions"),
                       .dead_letters_topic = from.at("topics").at("dead_letters"),
                       .enforcement_topic = from.at("topics").at("enforcement"),
                       .aborts = from.at("aborts"),
                       .recycled = from.at("recycled"),
                       .transactions = from.at("transactions"),
                       .rebalances = from.at("rebalances"),
                       .dead_letters = {},
                       .partitions = {}};
    const auto& dead_letters = from.at("dead_letters");
    for (std::size_t i = 0; i < refusal_count; ++i)
      made.dead_letters[i] = dead_letters.value(std::string{to_text(static_cast<refusal>(i))}, std::uint64_t{0});
    for (const auto& each : from.at("partitions"))
      made.partitions.push_back(partition_from(each));
    return made;
  } catch (const json::exception& what) {
    return error{what.what()};
  }
}

std::string reader_command(const std::string& bootstrap, const std::string& topic, std::string_view format) {
  return fmt::format("kcat -q -C -b {} -t {} -o beginning -e -f '{}'", bootstrap, topic, format);
}

} // namespace fairuse
