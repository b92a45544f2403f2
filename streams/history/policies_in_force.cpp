// SPDX-License-Identifier: Apache-2.0
#include "streams/history/policies_in_force.hpp"

#include <algorithm>

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

result<void, store_error> policies_in_force::load(time_ms from, const stored_controls& loaded) {
  std::map<std::string, std::string> wanted;
  if (const auto live = name_of(loaded.live); not live) return live.error();
  wanted["live"] = loaded.live;
  for (const auto& digest : loaded.shadows) {
    const auto name = name_of(digest);
    if (not name) return name.error();
    wanted[*name] = digest;
  }
  for (const auto& [slot, digest] : digests_)
    if (not wanted.contains(slot)) put(from, slot, {});
  for (const auto& [slot, digest] : wanted)
    if (const auto had = digests_.find(slot); had == digests_.end() or had->second != digest) put(from, slot, digest);
  digests_ = std::move(wanted);
  return {};
}

void policies_in_force::obey(time_ms at, const event& command) {
  const auto& what = detail_of<admin_command>(command);
  if (not obeyed_.insert(command.key).second or what.verb != admin_verb::promote_policy) return;
  const auto shadow = digests_.find(what.policy);
  if (shadow == digests_.end() or shadow->first == "live") return;
  digests_["live"] = shadow->second;
  put(at, "live", shadow->second);
  put(at, shadow->first, {});
  digests_.erase(shadow);
}

} // namespace fairuse::history
