// SPDX-License-Identifier: Apache-2.0
#include "streams/history/kcat_record.hpp"

#include <limits>
#include <string>

#include <simdjson.h>

#include "streams/history/json_members.hpp"

namespace fairuse::history {

namespace dom = simdjson::dom;

namespace {

static_assert(wire_padding >= simdjson::SIMDJSON_PADDING);

refused wrong(std::string_view member) { return {refusal::wrong_type, std::string(member)}; }

/// Names and values in turn; a value may be null.
bool read_headers(dom::array from, std::vector<wire_header>& out) {
  bool is_name = true;
  for (const auto each : from) {
    std::string_view text;
    const bool is_text = each.get(text) == simdjson::SUCCESS;
    if (is_name) {
      if (not is_text) return false;
      out.push_back({text, std::nullopt});
    } else {
      if (not is_text and not each.is_null()) return false;
      if (is_text) out.back().value = text;
    }
    is_name = not is_name;
  }
  return is_name;
}

} // namespace

struct kcat_decoder::parts {
  dom::parser records;
  dom::parser values;
  /// Explains lines that are no JSON.
  wire_decoder events;
  event_arena arena;
};

kcat_decoder::kcat_decoder() : parts_{std::make_unique<parts>()} {}
kcat_decoder::~kcat_decoder() = default;

kcat_decoder::shape kcat_decoder::shape_of(std::string_view line) {
  dom::element whole;
  // Also a line that was cut is of some kind.
  if (parts_->values.parse(line.data(), line.size()).get(whole) != simdjson::SUCCESS)
    return line.starts_with('{') and line.find("\"specversion\"") != std::string_view::npos ? shape::event
                                                                                            : shape::none;
  const auto has = [&](const char* name) { return whole[name].error() == simdjson::SUCCESS; };
  if (has("topic") and has("partition") and has("offset")) return shape::record;
  return has("specversion") ? shape::event : shape::none;
}

result<void, refused> kcat_decoder::decode(std::string_view line, kcat_record& out) {
  out.headers.clear();
  out.payload.reset();
  dom::element whole;
  if (parts_->records.parse(line.data(), line.size(), false).get(whole) != simdjson::SUCCESS) {
    auto why = parts_->events.decode(line, parts_->arena);
    parts_->arena.clear();
    return why ? refused{refusal::not_json, "byte 0"} : why.error();
  }
  if (not whole.is_object()) return wrong("");
  std::int64_t partition = 0;
  if (whole["topic"].get(out.topic) != simdjson::SUCCESS) return wrong("topic");
  if (whole["partition"].get(partition) != simdjson::SUCCESS or partition < 0
      or partition > std::numeric_limits<std::int32_t>::max())
    return wrong("partition");
  out.partition = static_cast<std::int32_t>(partition);
  if (whole["offset"].get(out.offset) != simdjson::SUCCESS) return wrong("offset");
  out.is_append_time = text_or_empty(whole["tstype"]) == "logappend";
  if (out.is_append_time and (whole["ts"].get(out.ts) != simdjson::SUCCESS or out.ts < 0)) return wrong("ts");
  dom::element headers;
  if (whole["headers"].get(headers) == simdjson::SUCCESS and not headers.is_null()) {
    dom::array list;
    if (headers.get(list) != simdjson::SUCCESS or not read_headers(list, out.headers)) return wrong("headers");
  }
  dom::element payload;
  if (whole["payload"].get(payload) != simdjson::SUCCESS) return refused{refusal::missing_field, "payload"};
  std::string_view text;
  if (payload.get(text) == simdjson::SUCCESS)
    out.payload = text;
  else if (not payload.is_null())
    return wrong("payload");
  return {};
}

} // namespace fairuse::history
