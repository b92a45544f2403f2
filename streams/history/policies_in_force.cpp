// SPDX-License-Identifier: Apache-2.0
#include "streams/history/policies_in_force.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairuse::history {

namespace {

/// A canonical text is one line of JSON.
std::string name_in(const std::string& text) {
  const auto read = nlohmann::json::parse(text, nullptr, false);
  const auto name = read.is_object() ? read.find("name") : read.end();
  return name != read.end() and name->is_string() ? name->get<std::string>() : std::string();
}

} // namespace

result<std::string, store_error> policies_in_force::name_of(const std::string& digest) {
  if (const auto known = names_.find(digest); known != names_.end()) return known->second;
  const auto text = texts_(digest);
  if (not text) return text.error();
  const auto name = name_in(*text);
  if (name.empty()) return damaged(fmt::format("policy {} is not there, or its text is none", digest));
  const auto has_text = [&](const history_policy& each) { return each.digest == digest; };
  if (std::none_of(into_.policies.begin(), into_.policies.end(), has_text)) into_.policies.push_back({digest, *text});
  return names_[digest] = name;
}

void policies_in_force::put(time_ms from, const std::string& slot, const std::string& digest) {
  into_.in_force.push_back({partition_, from, slot, digest});
}

result<void, store_error> policies_in_force::load(history_run begins, const stored_controls& loaded) {
  std::map<std::string, std::string> wanted;
  if (const auto live = name_of(loaded.live); not live) return live.error();
  wanted["live"] = loaded.live;
  for (const auto& digest : loaded.shadows) {
    const auto name = name_of(digest);
    if (not name) return name.error();
    wanted[*name] = digest;
  }
  begins.enabled = loaded.enabled;
  begins.killed = loaded.killed;
  note_slots(begins.now, std::move(wanted));
  note_run(std::move(begins));
  return {};
}

void policies_in_force::note_slots(time_ms from, std::map<std::string, std::string> wanted) {
  for (const auto& [slot, digest] : digests_)
    if (not wanted.contains(slot)) put(from, slot, {});
  for (const auto& [slot, digest] : wanted)
    if (const auto had = digests_.find(slot); had == digests_.end() or had->second != digest) put(from, slot, digest);
  digests_ = std::move(wanted);
}

void policies_in_force::note_run(history_run begins) {
  begins.partition = partition_;
  for (const auto& [slot, digest] : digests_)
    if (slot == "live")
      begins.live = digest;
    else
      begins.shadows.push_back(digest);
  const auto what = [](const history_run& of) {
    return std::tie(of.enabled, of.killed, of.live, of.shadows, of.retention_ms, of.rules, of.program);
  };
  if (begun_ and what(last_) == what(begins)) return;
  begun_ = true;
  last_ = begins;
  into_.runs.push_back(std::move(begins));
}

void policies_in_force::obey(time_ms at, const event& command) {
  const auto& what = detail_of<admin_command>(command);
  if (not obeyed_.insert(command.key).second) return;
  if (what.verb == admin_verb::enable) last_.enabled = what.on;
  if (what.verb == admin_verb::kill_switch) last_.killed = what.on;
  if (what.verb != admin_verb::promote_policy) return;
  const auto shadow = digests_.find(what.policy);
  if (shadow == digests_.end() or shadow->first == "live") return;
  digests_["live"] = last_.live = shadow->second;
  put(at, "live", shadow->second);
  put(at, shadow->first, {});
  std::erase(last_.shadows, shadow->second);
  digests_.erase(shadow);
}

} // namespace fairuse::history
