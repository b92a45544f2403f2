// SPDX-License-Identifier: Apache-2.0

#include "engine/config_commands.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/wire.hpp"
#include "streams/local/local_sink.hpp"

namespace fairuse {

namespace {

std::string value_of(const std::map<std::string, std::string>& from, const std::string& key,
                     const std::string& otherwise) {
  const auto found = from.find(key);
  return found == from.end() ? otherwise : found->second;
}

// The oldest instant that the wire can carry, so that the command is never ahead of `now`.
void append_command(config_commands& to, const std::string& subject, const std::string& generation,
                    const std::string& value, admin_command what) {
  event_arena arena;
  const auto id = fmt::format("{}-{}-{}", to_text(what.verb), generation, value);
  event command{.instant = wire_time_min, .time = wire_time_min, .kind = event_kind::admin};
  command.key = event_key(config_source, id);
  command.text = arena.keep(config_source, id);
  what.actor = config_source;
  what.reason = "configuration";
  command.detail = arena.keep(event_detail{std::move(what)});
  append_event(to.lines.emplace_back(subject, "").second, subject, command);
}

} // namespace

config_commands make_config_commands(const deployment& wanted, const std::map<std::string, std::string>& remembered,
                                     const std::string& promotes) {
  config_commands made;
  const auto generation = std::to_string(std::stoull(value_of(remembered, "config.generation", "0")) + 1);
  const auto turn = [&](const std::string& subject, admin_verb verb, bool on) {
    append_command(made, subject, generation, on ? "on" : "off", {.verb = verb, .on = on});
  };
  if (not promotes.empty())
    append_command(made, "*", generation, promotes, {.verb = admin_verb::promote_policy, .policy = promotes});
  const auto flag = [&](const char* key, admin_verb verb, bool value) {
    if (value_of(remembered, key, "false") == (value ? "true" : "false")) return;
    turn("*", verb, value);
    made.settings[key] = value ? "true" : "false";
  };
  flag("config.enabled", admin_verb::enable, wanted.enabled);
  flag("config.kill_switch", admin_verb::kill_switch, wanted.kill_switch);
  // A damaged list reads as empty: all users of the new one are exempted again, which changes nothing for them.
  const auto known = nlohmann::json::parse(value_of(remembered, "config.exempt", "[]"), nullptr, false);
  const auto before = known.is_array() ? known.get<std::vector<std::string>>() : std::vector<std::string>{};
  const auto change = [&](const auto& from, const auto& without, bool on) {
    std::vector<std::string> only;
    std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(only));
    for (const auto& uid : only)
      turn(uid, admin_verb::exempt, on);
  };
  change(wanted.exempt, before, true);
  change(before, wanted.exempt, false);
  if (not made.lines.empty()) {
    made.settings["config.exempt"] = nlohmann::json(wanted.exempt).dump();
    made.settings["config.generation"] = generation;
  }
  return made;
}

} // namespace fairuse
