// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/request_json.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"

namespace fairuse {

namespace {

using nlohmann::json;

/// An empty array if there is none.
json array_at(const json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() and found->is_array() ? *found : json::array();
}

std::uint8_t recipes_from(const json& names) {
  std::uint8_t bits = 0;
  for (std::size_t i = 0; i < recipe_names.size(); ++i)
    if (std::find(names.begin(), names.end(), recipe_names[i]) != names.end())
      bits |= static_cast<std::uint8_t>(1U << i);
  return bits;
}

shown_conversation conversation_from(const json& from) {
  return {.id = text_in(from, "conversation"),
          .at = time_in(from, "at", 0),
          .title = text_in(from, "title"),
          .overview = text_in(from, "overview"),
          .category = text_in(from, "category"),
          .duration_ms = number_in(from, "duration_ms"),
          .from = lane_from(text_in(from, "lane")).value_or(lane::realtime)};
}

} // namespace

bool read_request(std::string_view uid, std::string_view value, review_request& to, std::uint64_t& epoch) {
  const auto root = json::parse(value, nullptr, false);
  if (not root.is_object()) return false;
  to.uid = uid;
  to.request = text_in(root, "request");
  to.answer_by = time_in(root, "answer_by", never);
  if (to.uid.empty() or to.request.empty()) return false;
  to.recipes = recipes_from(array_at(root, "recipes"));
  for (const auto& each : array_at(root, "windows"))
    if (each.is_object())
      to.windows.push_back({text_in(each, "window"), number_in(each, "sum_ms"), number_in(each, "cap_ms")});
  for (const auto& each : array_at(root, "conversations"))
    if (each.is_object()) to.conversations.push_back(conversation_from(each));
  epoch = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_in(root, "epoch")));
  return true;
}

std::optional<decided_request> read_decided_request(std::string_view decision) {
  // Most decisions are of other kinds.
  if (decision.find(R"("decision":"review_requested")") == std::string_view::npos) return std::nullopt;
  const auto root = json::parse(decision, nullptr, false);
  if (not root.is_object() or not root.contains("data")) return std::nullopt;
  const auto& data = root["data"];
  if (not data.is_object() or text_in(data, "decision") != "review_requested") return std::nullopt;
  decided_request told;
  auto& to = told.what;
  to.uid = text_in(root, "subject");
  to.request = text_in(data, "request");
  to.asked_at = time_in(root, "time", 0);
  to.answer_by = time_in(data, "until", never);
  to.recipes = recipes_from(array_at(data, "recipes"));
  const auto sums = data.value("sums", json::object());
  for (const auto& name : array_at(data, "windows"))
    if (name.is_string()) to.windows.push_back({name, number_in(sums, name.get<std::string>().c_str()), 0});
  told.slot = text_in(data, "slot");
  told.policy_digest = text_in(data.value("policy", json::object()), "digest");
  return told;
}

} // namespace fairuse
