// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/chat_request.hpp"

#include <algorithm>

#include "base/system/sha256.hpp"
#include "events/json_text.hpp"

namespace fairuse {
namespace {

// Bounds are left out: some endpoints refuse a schema with them, and every answer is checked anyway.
constexpr std::string_view answer_schema =
    R"({"type":"json_schema","json_schema":{"name":"review","strict":true,"schema":{"type":"object",)"
    R"("additionalProperties":false,"required":["score","usage_type","confidence","evidence"],"properties":{)"
    R"("score":{"type":"number"},"usage_type":{"type":"string","enum":["none","audiobook","podcast","prerecorded",)"
    R"("tv_movie","commercial","unknown"]},"confidence":{"type":"number"},)"
    R"("evidence":{"type":"array","items":{"type":"string"}}}}}})";

void append_messages(std::string& out, const chat_messages& messages) {
  out += R"([{"role":"system","content":)";
  append_json(out, messages.system);
  out += R"(},{"role":"user","content":)";
  append_json(out, messages.user);
  out += "}]";
}

} // namespace

std::string chat_body(const reviewer_settings& settings, const chat_messages& messages, answer_format format) {
  std::string out = "{";
  json_members members{out};
  members.text("model", settings.model);
  append_messages(members.member("messages"), messages);
  if (format == answer_format::json_schema)
    members.member("response_format").append(answer_schema);
  else if (format == answer_format::json_object)
    members.member("response_format").append(R"({"type":"json_object"})");
  if (settings.temperature_nano) members.nano("temperature", *settings.temperature_nano);
  return out + "}";
}

outgoing_request chat_request(const reviewer_settings& settings, const std::string& key, std::string body) {
  outgoing_request call;
  call.url = settings.endpoint + "/chat/completions" + (settings.query.empty() ? "" : "?" + settings.query);
  call.headers = {"Content-Type: application/json", "Accept: application/json"};
  if (not key.empty())
    call.headers.push_back((settings.key_in == key_header::api_key ? "api-key: " : "Authorization: Bearer ") + key);
  call.body = std::move(body);
  return call;
}

bool is_key(std::string_view text) {
  return not text.empty() and std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' and c < 0x7f; });
}

std::string recording_name(const reviewer_settings& settings, const chat_messages& messages) {
  std::string text = "{";
  json_members members{text};
  members.text("model", settings.model);
  append_messages(members.member("messages"), messages);
  return sha256_hex(text + "}");
}

} // namespace fairuse
