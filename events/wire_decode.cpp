// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "events/time_text.hpp"
#include "events/wire.hpp"
#include "events/wire_fields.hpp"

namespace fairuse {

namespace {

using namespace wire;

static_assert(wire_padding >= simdjson::SIMDJSON_PADDING);

enum attribute : std::size_t {
  specversion_at,
  id_at,
  source_at,
  type_at,
  subject_at,
  time_at,
  content_type_at,
  data_at,
  schema_at,
  base64_at,
};
constexpr std::array<std::string_view, 10> attribute_names{
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "dataschema", "data_base64"};
using attributes = members<attribute_names.size()>;

constexpr std::array<std::string_view, 7> type_names{
    "fairuse.speech.v1", "fairuse.stt.v1",   "fairuse.account.v1", "fairuse.conversation.v1",
    "fairuse.review.v1", "fairuse.admin.v1", "fairuse.erasure.v1"};

/// The broken text again, slowly, to say what and where.
refused explain(std::string_view line, simdjson::error_code error) {
  if (const auto fault = find_json_fault(line, wire_depth_max))
    return {fault->why, "byte " + std::to_string(fault->byte)};
  const auto why = error == simdjson::DEPTH_ERROR    ? refusal::too_deep
                   : error == simdjson::NUMBER_ERROR ? refusal::integer_overflow
                                                     : refusal::not_json;
  return {why, "byte 0"};
}

/// REQUIRES: more than one extension; few, save for a line that wants to be slow, which sorting bounds.
bool refuse_repeated_extension(line_reading& in) {
  std::sort(in.extensions.begin(), in.extensions.end());
  const auto twice = std::adjacent_find(in.extensions.begin(), in.extensions.end());
  if (twice == in.extensions.end()) return true;
  return in.refuse(refusal::duplicate_key, "", cut_code_points(*twice, place_name_bytes_max));
}

bool read_attributes(line_reading& in, dom::object root, attributes& out) {
  in.extensions.clear();
  const auto keep_extension = [&](std::string_view name) {
    in.extensions.push_back(name);
    return true;
  };
  if (not read_members(in, root, out, keep_extension)) return false;
  if (in.extensions.size() > 1 and not refuse_repeated_extension(in)) return false;
  // CloudEvents: an attribute that is null is an attribute that is absent.
  for (std::size_t i = 0; i < attribute_names.size(); ++i)
    if (out.has(i) and out.value[i].is_null()) out.seen &= ~(1U << i);
  in.data_index = out.index[data_at];
  return true;
}

struct name_rule {
  attribute at;
  refusal empty;
  refusal too_long;
};
constexpr name_rule id_rule{id_at, refusal::empty_id, refusal::id_too_long};
constexpr name_rule source_rule{source_at, refusal::empty_source, refusal::source_too_long};
constexpr name_rule subject_rule{subject_at, refusal::empty_subject, refusal::subject_too_long};

/// Control characters are refused (CloudEvents has none), which also keeps the zero byte of event_key unambiguous.
bool read_name(line_reading& in, const attributes& from, const name_rule& rule, std::string_view& out) {
  const auto name = attribute_names[rule.at];
  if (not need(in, from, rule.at) or not read_any_text(in, from, rule.at, out)) return false;
  if (out.empty()) return in.refuse(rule.empty, "", name);
  if (out.size() > wire_name_bytes_max) return in.refuse(rule.too_long, "", name);
  return not has_control(out) or in.refuse(refusal::bad_value, "", name);
}

bool read_version(line_reading& in, const attributes& from) {
  std::string_view version;
  if (not need(in, from, specversion_at) or not read_any_text(in, from, specversion_at, version)) return false;
  return version == "1.0" or in.refuse(refusal::bad_specversion, "", "specversion");
}

bool read_type(line_reading& in, const attributes& from, event& e) {
  std::string_view type;
  if (not need(in, from, type_at) or not read_any_text(in, from, type_at, type)) return false;
  const auto found = std::find(type_names.begin(), type_names.end(), type);
  if (found == type_names.end()) return in.refuse(refusal::unknown_type, "", "type");
  e.kind = static_cast<event_kind>(found - type_names.begin());
  return true;
}

bool read_time(line_reading& in, const attributes& from, event& e) {
  std::string_view text;
  if (not need(in, from, time_at) or not read_any_text(in, from, time_at, text)) return false;
  const auto time = time_from(text);
  if (not time or *time < wire_time_min or *time >= wire_time_end)
    return in.refuse(refusal::time_out_of_range, "", "time");
  e.time = *time;
  return true;
}

/// Only what the attributes say about `data`; they are optional and mostly absent or constant.
bool read_content_type(line_reading& in, const attributes& from) {
  std::string_view text;
  if (from.has(schema_at) and not read_any_text(in, from, schema_at, text)) return false;
  if (from.has(base64_at)) return in.refuse(refusal::unknown_field, "", attribute_names[base64_at]);
  if (not from.has(content_type_at)) return true;
  if (not read_any_text(in, from, content_type_at, text)) return false;
  const auto media = text.substr(0, text.find(';'));
  return media == "application/json" or media.ends_with("+json")
         or in.refuse(refusal::bad_value, "", attribute_names[content_type_at]);
}

struct event_names {
  std::string_view id;
  std::string_view source;
  std::string_view subject;
};

bool read_line(line_reading& in, dom::element root, event_names& names, event& e, event_detail& detail) {
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, "", "$");
  attributes from{"", attribute_names};
  if (not read_attributes(in, object, from) or not read_version(in, from) or not read_type(in, from, e)
      or not read_name(in, from, id_rule, names.id) or not read_name(in, from, source_rule, names.source)
      or not read_name(in, from, subject_rule, names.subject) or not read_time(in, from, e)
      or not read_content_type(in, from) or not need(in, from, data_at))
    return false;
  dom::object data;
  if (from.value[data_at].get(data) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, "", "data");
  return read_data(in, data, names.subject, e, detail);
}

} // namespace

struct wire_decoder::parts {
  explicit parts(wire_limits given) : limits(given) {}

  wire_limits limits;
  dom::parser parser;
  line_reading reading;
  std::string padded;

  /// Grow by doubling: lines that each exceed the last by a byte would otherwise allocate every time.
  simdjson::error_code reserve(std::size_t size) {
    const auto capacity = parser.capacity();
    if (size <= capacity) return simdjson::SUCCESS;
    constexpr std::size_t smallest = 4096;
    const auto wanted = std::max({size, 2 * capacity, smallest});
    const auto error = parser.allocate(wanted, wire_depth_max);
    return error != simdjson::SUCCESS ? error : parser.doc.allocate(wanted);
  }
};

wire_decoder::wire_decoder(wire_limits limits) : parts_(std::make_unique<parts>(limits)) {}
wire_decoder::~wire_decoder() = default;
wire_decoder::wire_decoder(wire_decoder&&) noexcept = default;
wire_decoder& wire_decoder::operator=(wire_decoder&&) noexcept = default;

wire_result wire_decoder::decode_padded(std::string_view line, event_arena& arena) {
  auto& in = parts_->reading;
  if (line.size() > parts_->limits.line_bytes_max)
    return refused{refusal::too_large, "byte " + std::to_string(parts_->limits.line_bytes_max)};
  if (line.empty()) return refused{refusal::truncated, "byte 0"};
  auto error = parts_->reserve(line.size());
  dom::element root;
  if (error == simdjson::SUCCESS) error = parts_->parser.parse(line.data(), line.size(), false).get(root);
  if (error != simdjson::SUCCESS) return explain(line, error);
  // This version of the parser lets the second half of a surrogate pair stand alone, which is no UTF-8.
  if (const auto lone = find_lone_surrogate(line)) return refused{refusal::bad_utf8, "byte " + std::to_string(*lone)};
  in.line = line;
  event e;
  event_names names;
  event_detail detail;
  if (not read_line(in, root, names, e, detail)) return std::move(in.problem);
  e.key = event_key(names.source, names.id);
  e.text = arena.keep(names.source, names.id);
  if (not std::holds_alternative<std::monostate>(detail)) e.detail = arena.keep(std::move(detail));
  return wire_event{arena.keep(names.subject), e};
}

wire_result wire_decoder::decode(std::string_view line, event_arena& arena) {
  if (line.size() > parts_->limits.line_bytes_max) return decode_padded(line, arena); // refuses by the size alone
  auto& padded = parts_->padded;
  padded.assign(line);
  padded.append(wire_padding, '\0');
  return decode_padded(std::string_view(padded).substr(0, line.size()), arena);
}

} // namespace fairuse
