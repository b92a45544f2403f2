// SPDX-License-Identifier: Apache-2.0

#include "api/service/request_json.hpp"

#include <algorithm>

#include "api/service/replies.hpp"
#include "base/pure/text.hpp"
#include "events/json_text.hpp"
#include "storage/keys.hpp"

namespace fairuse {

namespace {

constexpr std::size_t name_bytes_shown_max = 64;

/// Keeps its memory between requests. It lets half of a surrogate pair pass, which is no text.
simdjson::dom::parser& parser_of_thread() {
  static thread_local simdjson::dom::parser parser;
  return parser;
}

/// As a person wrote it, if it can be shown.
std::string named(std::string_view key) {
  if (key.size() > name_bytes_shown_max or has_control(key) or find_utf8_fault(key)) return "a member";
  return std::string("`").append(key).append("`");
}

} // namespace

request_json::request_json(const http_request& request) {
  if (request.media_type() != "application/json") {
    wrong_ = problem(415, "unsupported_media_type", "the body must be application/json");
    return;
  }
  const auto parsed = parser_of_thread().parse(request.body);
  if (parsed.error() != simdjson::SUCCESS) {
    wrong_ = no_json(request.body);
    return;
  }
  is_object_ = parsed.get(object_) == simdjson::SUCCESS;
  if (not is_object_) wrong_ = invalid_body("the body must be a JSON object");
}

void request_json::refuse(std::string_view name, std::string_view why) {
  if (not wrong_) wrong_ = invalid_body(std::string("`").append(name).append("` ").append(why));
}

std::optional<simdjson::dom::element> request_json::find(std::string_view name) {
  known_.push_back(name);
  if (not is_object_) return std::nullopt;
  simdjson::dom::element found;
  if (object_.at_key(name).get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::optional<std::string_view> request_json::required_text(std::string_view name) {
  const auto found = find(name);
  std::string_view text;
  if (not found)
    refuse(name, "is missing");
  else if (found->get(text) != simdjson::SUCCESS or find_utf8_fault(text))
    refuse(name, "must be a text");
  else
    return text;
  return std::nullopt;
}

void request_json::uid(std::string_view name, std::string& into) {
  const auto text = required_text(name);
  if (not text) return;
  if (text->empty() or text->size() > keys::uid_bytes_max or *text == "*" or has_control(*text))
    refuse(name, "must be the id of one user, of 1 to 256 bytes without control characters");
  else
    into = *text;
}

void request_json::optional_count(std::string_view name, std::int64_t most, std::int64_t& into) {
  const auto found = find(name);
  if (not found) return;
  std::int64_t value = 0;
  if (found->get(value) != simdjson::SUCCESS or value < 0 or value > most)
    refuse(name, "must be a whole number from 0 to " + std::to_string(most));
  else
    into = value;
}

void request_json::optional_text(std::string_view name, std::size_t bytes_max, std::string& into) {
  const auto found = find(name);
  if (not found) return;
  std::string_view text;
  if (found->get(text) != simdjson::SUCCESS or text.empty() or text.size() > bytes_max or find_utf8_fault(text))
    refuse(name, "must be a text of 1 to " + std::to_string(bytes_max) + " bytes");
  else
    into = text;
}

std::optional<http_reply> request_json::finish() {
  if (wrong_ or not is_object_) return std::move(wrong_);
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : object_) {
    const bool is_twice = std::find(seen.begin(), seen.end(), key) != seen.end();
    if (is_twice) return invalid_body(named(key) + " is there twice");
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      return invalid_body(named(key) + " is no member that this operation knows");
    seen.push_back(key);
  }
  return std::nullopt;
}

} // namespace fairuse
