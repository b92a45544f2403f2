// SPDX-License-Identifier: Apache-2.0

#include "api/service/event_request.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <simdjson.h>
#include <xxhash.h>

#include "api/http/request_target.hpp"
#include "api/service/replies.hpp"
#include "core/rules.hpp"
#include "events/json_text.hpp"
#include "events/wire.hpp"
#include "streams/refusal_of.hpp"

namespace fairuse {

namespace {

constexpr std::string_view header_prefix = "ce-";

wire_decoder& decoder_of_thread() {
  static thread_local wire_decoder decoder;
  return decoder;
}

std::uint64_t content_of(const wire_event& decoded) {
  auto untimed = decoded.what;
  untimed.time = 0;
  std::string text;
  append_event(text, decoded.subject, untimed);
  text += decoded.lease;
  return XXH3_64bits(text.data(), text.size());
}

incoming_event taken(const result<wire_event, refused>& decoded, std::string line, const intake_rules& by) {
  incoming_event event;
  if (not decoded) {
    event.wrong = decoded.error();
    return event;
  }
  const auto& what = decoded->what;
  event.line = std::move(line);
  event.uid = decoded->subject;
  event.source = what.text->source;
  event.id = what.text->id;
  event.kind = what.kind;
  event.content = content_of(*decoded);
  if (event.line.size() > by.line_bytes_max)
    event.wrong = refused{refusal::too_large, "byte " + std::to_string(by.line_bytes_max)};
  else if (const auto late = lateness(what, by.now, by.retention_ms, horizon_wall_ms); late != applied::accepted)
    event.wrong = refused{refusal_of(late).why, "time"};
  return event;
}

/// Line ends between members go; the rest stays as it is, byte for byte.
std::string as_line(std::string_view json) {
  std::string line(json.size() + simdjson::SIMDJSON_PADDING, '\0');
  std::size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), line.data(), size) != simdjson::SUCCESS) return std::string{json};
  line.resize(size);
  return line;
}

/// An event that came in binary mode, with its data as they came.
std::string structured_line(const wire_event& decoded, std::string_view data) {
  const auto& what = decoded.what;
  std::string line = "{";
  json_members to(line);
  to.text("specversion", "1.0");
  to.text("id", what.text->id);
  to.text("source", what.text->source);
  to.text("type", event_type(what.kind));
  to.text("subject", decoded.subject);
  to.time("time", what.time);
  to.text("datacontenttype", "application/json");
  to.member("data").append(as_line(data)).push_back('}');
  return line;
}

incoming_event structured(std::string_view json, const intake_rules& by) {
  event_arena arena;
  auto line = as_line(json);
  const auto decoded = decoder_of_thread().decode(line, arena);
  return taken(decoded, std::move(line), by);
}

/// The elements of an array as they stand there. REQUIRES: it is a valid one.
std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> found;
  const auto begin = array.find('[') + 1;
  auto first = begin;
  std::size_t depth = 0;
  bool in_text = false;
  const auto add = [&](std::size_t end) {
    if (const auto one = array.substr(first, end - first); one.find_first_not_of(" \t\r\n") != std::string_view::npos)
      found.push_back(one);
    first = end + 1;
  };
  for (auto at = begin; at < array.size(); ++at) {
    const char c = array[at];
    if (in_text) {
      if (c == '\\')
        ++at;
      else
        in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' or c == '{') {
      ++depth;
    } else if (depth == 0 and (c == ',' or c == ']')) {
      add(at);
      if (c == ']') break;
    } else if (c == ']' or c == '}') {
      --depth;
    }
  }
  return found;
}

result<std::vector<incoming_event>, http_reply> batch(const std::string& body, const intake_rules& by) {
  static thread_local simdjson::dom::parser parser;
  simdjson::dom::array array;
  const auto parsed = parser.parse(body);
  if (parsed.error() != simdjson::SUCCESS) return no_json(body);
  if (parsed.get(array) != simdjson::SUCCESS) return invalid_body("a batch is an array of events");
  const auto elements = elements_of(body);
  if (elements.size() > events_at_once_max)
    return problem(413, "too_many_events", "a batch may have " + std::to_string(events_at_once_max) + " events");
  std::vector<incoming_event> events;
  events.reserve(elements.size());
  for (const auto each : elements)
    events.push_back(structured(each, by));
  return events;
}

/// What a value in double quotes says (RFC 9110, 5.6.4); any other says itself.
std::string unquoted(std::string_view value) {
  if (value.size() < 2 or not value.starts_with('"') or not value.ends_with('"')) return std::string{value};
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\\' and at + 1 < value.size()) ++at;
    text.push_back(value[at]);
  }
  return text;
}

// Values of `ce-*` are percent-encoded UTF-8, which may stand in quotes (HTTP binding, 3.1.3.2).
result<std::vector<incoming_event>, http_reply> binary(const http_request& request, const intake_rules& by) {
  std::vector<std::pair<std::string, std::string>> owned;
  for (const auto& [name, value] : request.headers) {
    if (not name.starts_with(header_prefix)) continue;
    auto text = percent_decoded(unquoted(value));
    if (not text) return invalid_body("the header " + name + " is not percent-encoded as CloudEvents says");
    owned.emplace_back("ce_" + name.substr(header_prefix.size()), std::move(*text));
  }
  std::vector<wire_header> headers{{"content-type", "application/json"}};
  for (const auto& [name, value] : owned)
    headers.push_back({name, value});
  event_arena arena;
  const auto decoded = decoder_of_thread().decode_binary(headers, request.body, arena);
  std::vector<incoming_event> one;
  one.push_back(taken(decoded, decoded ? structured_line(*decoded, request.body) : std::string{}, by));
  return one;
}

} // namespace

result<std::vector<incoming_event>, http_reply> events_of(const http_request& request, const intake_rules& by) {
  const auto type = request.media_type();
  if (type == "application/cloudevents-batch+json") return batch(request.body, by);
  if (type == "application/cloudevents+json") {
    std::vector<incoming_event> one;
    one.push_back(structured(request.body, by));
    return one;
  }
  if (type == "application/json" and request.header("ce-specversion")) return binary(request, by);
  return problem(415, "unsupported_media_type",
                 "send application/cloudevents+json, application/cloudevents-batch+json, or application/json with the "
                 "headers ce-*");
}

} // namespace fairuse
