// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "base/pure/text.hpp"
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

/// Reads the invalid text again, slowly, to say what is wrong and where.
refused explain(std::string_view line, simdjson::error_code error) {
  if (const auto fault = find_json_fault(line, wire_depth_max))
    return {fault->why, "byte " + std::to_string(fault->byte)};
  const auto why = error == simdjson::DEPTH_ERROR    ? refusal::too_deep
                   : error == simdjson::NUMBER_ERROR ? refusal::integer_overflow
                                                     : refusal::not_json;
  return {why, "byte 0"};
}

/// The attributes of a record in binary mode.
struct header_attributes {
  std::array<std::string_view, attribute_names.size()> value{};
  std::uint32_t seen = 0;

  bool has(std::size_t i) const { return ((seen >> i) & 1U) != 0; }
};

constexpr std::string_view content_type_header = "content-type";

bool refuse_attribute(line_reading& in, refusal why, std::size_t i) {
  if (in.is_binary and i == content_type_at) return in.refuse(why, "", content_type_header);
  return in.refuse(why, in.attribute_prefix(), attribute_names[i]);
}

template <class Attributes>
bool need(line_reading& in, const Attributes& from, std::size_t i) {
  return from.has(i) or refuse_attribute(in, refusal::missing_field, i);
}

bool read_any_text(line_reading& in, const header_attributes& from, std::size_t i, std::string_view& out) {
  out = from.value[i];
  return simdjson::validate_utf8(out.data(), out.size()) or refuse_attribute(in, refusal::bad_utf8, i);
}

/// REQUIRES: more than one extension. Sorting bounds the cost of a line with many.
bool refuse_repeated_extension(line_reading& in) {
  std::sort(in.extensions.begin(), in.extensions.end());
  const auto twice = std::adjacent_find(in.extensions.begin(), in.extensions.end());
  if (twice == in.extensions.end()) return true;
  return in.refuse(refusal::duplicate_key, in.attribute_prefix(), cut_code_points(*twice, place_name_bytes_max));
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

/// Which attribute a header carries; attribute_names.size(): an extension.
std::size_t attribute_of(std::string_view name) {
  // `data` is the value, and its type has a header without the prefix.
  for (const auto i : {specversion_at, id_at, source_at, type_at, subject_at, time_at, schema_at})
    if (attribute_names[i] == name) return i;
  return attribute_names.size();
}

bool read_attributes(line_reading& in, std::span<const wire_header> headers, header_attributes& out) {
  in.extensions.clear();
  std::uint32_t nulls = 0;
  for (const auto& each : headers) {
    const bool is_ours = each.name.starts_with("ce_");
    if (not is_ours and each.name != content_type_header) continue;
    const auto name = each.name.substr(is_ours ? 3 : 0);
    const auto i = is_ours ? attribute_of(name) : static_cast<std::size_t>(content_type_at);
    if (i == attribute_names.size()) {
      // A name that is no text is no attribute, and must not stand in a place.
      if (simdjson::validate_utf8(name.data(), name.size())) in.extensions.push_back(name);
      continue;
    }
    if (out.has(i)) return refuse_attribute(in, refusal::duplicate_key, i);
    out.seen |= 1U << i;
    out.value[i] = each.value.value_or(std::string_view());
    if (not each.value) nulls |= 1U << i;
  }
  out.seen &= ~nulls;
  return in.extensions.size() < 2 or refuse_repeated_extension(in);
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
template <class Attributes>
bool read_name(line_reading& in, const Attributes& from, const name_rule& rule, std::string_view& out) {
  if (not need(in, from, rule.at) or not read_any_text(in, from, rule.at, out)) return false;
  if (out.empty()) return refuse_attribute(in, rule.empty, rule.at);
  if (out.size() > wire_name_bytes_max) return refuse_attribute(in, rule.too_long, rule.at);
  return not has_control(out) or refuse_attribute(in, refusal::bad_value, rule.at);
}

template <class Attributes>
bool read_version(line_reading& in, const Attributes& from) {
  std::string_view version;
  if (not need(in, from, specversion_at) or not read_any_text(in, from, specversion_at, version)) return false;
  return version == "1.0" or refuse_attribute(in, refusal::bad_specversion, specversion_at);
}

template <class Attributes>
bool read_type(line_reading& in, const Attributes& from, event& made) {
  std::string_view type;
  if (not need(in, from, type_at) or not read_any_text(in, from, type_at, type)) return false;
  const auto kind = event_kind_from_type(type);
  if (not kind) return refuse_attribute(in, refusal::unknown_type, type_at);
  made.kind = *kind;
  return true;
}

template <class Attributes>
bool read_time(line_reading& in, const Attributes& from, event& made) {
  std::string_view text;
  if (not need(in, from, time_at) or not read_any_text(in, from, time_at, text)) return false;
  const auto time = time_from(text);
  if (not time or *time < wire_time_min or *time >= wire_time_end)
    return refuse_attribute(in, refusal::time_out_of_range, time_at);
  made.time = *time;
  return true;
}

/// Only what the attributes say about `data`; they are optional and mostly absent or constant.
template <class Attributes>
bool read_content_type(line_reading& in, const Attributes& from) {
  std::string_view text;
  if (from.has(schema_at) and not read_any_text(in, from, schema_at, text)) return false;
  if (from.has(base64_at)) return refuse_attribute(in, refusal::unknown_field, base64_at);
  if (not from.has(content_type_at)) return true;
  if (not read_any_text(in, from, content_type_at, text)) return false;
  const auto media = text.substr(0, text.find(';'));
  return media == "application/json" or media.ends_with("+json")
         or refuse_attribute(in, refusal::bad_value, content_type_at);
}

struct event_names {
  std::string_view id;
  std::string_view source;
  std::string_view subject;
};

template <class Attributes>
bool read_envelope(line_reading& in, const Attributes& from, event_names& names, event& made) {
  return read_version(in, from) and read_type(in, from, made) and read_name(in, from, id_rule, names.id)
         and read_name(in, from, source_rule, names.source) and read_name(in, from, subject_rule, names.subject)
         and read_time(in, from, made) and read_content_type(in, from);
}

bool read_line(line_reading& in, dom::element root, event_names& names, event& made, event_detail& detail) {
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, "", "$");
  attributes from{"", attribute_names};
  if (not read_attributes(in, object, from) or not read_envelope(in, from, names, made) or not need(in, from, data_at))
    return false;
  dom::object data;
  if (from.value[data_at].get(data) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, "", "data");
  return read_data(in, data, names.subject, made, detail);
}

wire_event keep(const event_names& names, event& made, event_detail&& detail, std::string_view lease,
                event_arena& arena) {
  made.key = event_key(names.source, names.id);
  made.text = arena.keep(names.source, names.id);
  if (not std::holds_alternative<std::monostate>(detail)) made.detail = arena.keep(std::move(detail));
  return {arena.keep(names.subject), made, lease.empty() ? lease : arena.keep(lease)};
}

bool equal_without_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' and c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  const auto equal = [&](char one, char other) { return lower(one) == lower(other); };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), equal);
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

  bool is_too_large(std::string_view text) {
    if (text.size() <= limits.line_bytes_max) return false;
    reading.problem = {refusal::too_large, "byte " + std::to_string(limits.line_bytes_max)};
    return true;
  }

  /// REQUIRES: padding behind `text`. False: `reading.problem` says why.
  bool parse(std::string_view text, dom::element& root) {
    if (is_too_large(text)) return false;
    if (text.empty()) {
      reading.problem = {refusal::truncated, "byte 0"};
      return false;
    }
    // Parsers differ: simdjson 3.2 and later skip the mark.
    auto error = text.starts_with(byte_order_mark) ? simdjson::TAPE_ERROR : reserve(text.size());
    if (error == simdjson::SUCCESS) error = parser.parse(text.data(), text.size(), false).get(root);
    if (error != simdjson::SUCCESS) {
      reading.problem = explain(text, error);
      return false;
    }
    // This version of the parser lets the second half of a surrogate pair stand alone, which is no UTF-8.
    if (const auto lone = find_lone_surrogate(text)) {
      reading.problem = {refusal::bad_utf8, "byte " + std::to_string(*lone)};
      return false;
    }
    reading.line = text;
    return true;
  }

  std::string_view pad(std::string_view text) {
    padded.assign(text);
    padded.append(wire_padding, '\0');
    return std::string_view(padded).substr(0, text.size());
  }
};

wire_decoder::wire_decoder(wire_limits limits) : parts_(std::make_unique<parts>(limits)) {}
wire_decoder::~wire_decoder() = default;
wire_decoder::wire_decoder(wire_decoder&&) noexcept = default;
wire_decoder& wire_decoder::operator=(wire_decoder&&) noexcept = default;

result<wire_event, refused> wire_decoder::decode_padded(std::string_view line, event_arena& arena) {
  auto& in = parts_->reading;
  in.is_binary = false;
  in.lease = {};
  dom::element root;
  event made;
  event_names names;
  event_detail detail;
  if (not parts_->parse(line, root) or not read_line(in, root, names, made, detail)) return std::move(in.problem);
  return keep(names, made, std::move(detail), in.lease, arena);
}

result<wire_event, refused> wire_decoder::decode(std::string_view line, event_arena& arena) {
  // Too large is refused by the size alone.
  return decode_padded(parts_->is_too_large(line) ? line : parts_->pad(line), arena);
}

result<wire_event, refused> wire_decoder::decode_binary(std::span<const wire_header> headers, std::string_view value,
                                                        event_arena& arena) {
  auto& in = parts_->reading;
  in.is_binary = true;
  in.lease = {};
  header_attributes from;
  event made;
  event_names names;
  event_detail detail;
  if (not read_attributes(in, headers, from) or not read_envelope(in, from, names, made)) return std::move(in.problem);
  dom::element root;
  if (parts_->is_too_large(value) or not parts_->parse(parts_->pad(value), root)) return std::move(in.problem);
  dom::object data;
  if (root.is_null()) return refused{refusal::missing_field, "data"};
  if (root.get(data) != simdjson::SUCCESS) return refused{refusal::wrong_type, "data"};
  if (not read_data(in, data, names.subject, made, detail)) return std::move(in.problem);
  return keep(names, made, std::move(detail), in.lease, arena);
}

result<wire_event, refused> wire_decoder::decode_by_headers(std::span<const wire_header> headers,
                                                            std::string_view value, event_arena& arena) {
  bool is_binary = false;
  for (const auto& each : headers) {
    if (each.name == content_type_header and each.value) {
      const auto media = each.value->substr(0, each.value->find(';'));
      if (equal_without_case(media, "application/cloudevents+json")) return decode(value, arena);
      // Batches and other formats of CloudEvents.
      if (equal_without_case(media.substr(0, 23), "application/cloudevents"))
        return refused{refusal::bad_value, std::string(content_type_header)};
    }
    is_binary = is_binary or each.name.starts_with("ce_");
  }
  return is_binary ? decode_binary(headers, value, arena) : decode(value, arena);
}

} // namespace fairuse
