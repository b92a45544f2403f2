// SPDX-License-Identifier: Apache-2.0
#include "streams/history/row.hpp"

#include <limits>
#include <utility>

#include "storage/bytes.hpp"
#include "storage/history/details.hpp"

namespace fairuse::history {

namespace {

constexpr unsigned has_id_bit = 1;
constexpr unsigned has_text_bit = 2;
constexpr unsigned has_detail_bit = 4;
constexpr unsigned refused_bit = 8;
constexpr unsigned notes_id_bit = 16;

constexpr std::size_t input_bytes = sizeof(incoming_event::input);

/// So that keys compare as the texts do, one after the other.
void append_ordered(std::string& out, std::string_view text) {
  for (const char each : text) {
    out.push_back(each);
    if (each == '\0') out.push_back('\xFF');
  }
  out.push_back('\0');
  out.push_back('\1');
}

bool take_ordered(std::string_view& from, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i + 1 < from.size(); ++i) {
    out.push_back(from[i]);
    if (from[i] != '\0') continue;
    if (from[i + 1] == '\1') {
      out.pop_back();
      from.remove_prefix(i + 2);
      return true;
    }
    ++i;
  }
  return false;
}

void append_ordered(std::string& out, std::int64_t value) {
  append_big_endian(out, static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63));
}

void begin_key(row_bytes& out, std::string_view uid, row_kind kind) {
  out.key.clear();
  out.value.clear();
  append_ordered(out.key, uid);
  out.key.push_back(static_cast<char>(kind));
}

std::string detail_bytes(const event& what) {
  std::string out;
  if (what.kind == event_kind::speech) {
    for (const auto& each : detail_of<speech_segments>(what).segments) {
      append_varint(out, each.begin_ms);
      append_varint(out, each.end_ms);
    }
  } else if (what.kind == event_kind::conversation) {
    const auto& fact = detail_of<conversation_fact>(what);
    for (const auto* text : {&fact.conversation, &fact.title, &fact.overview, &fact.category})
      append_text(out, *text);
    append_varint(out, static_cast<std::uint64_t>(fact.duration_ms));
    append_varint(out, static_cast<std::uint64_t>(fact.from));
  } else {
    out = encode_detail(what);
  }
  return out;
}

std::optional<event_detail> segments_of(std::string_view bytes) {
  speech_segments out;
  while (not bytes.empty()) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    if (not take_varint(bytes, begin) or not take_varint(bytes, end)) return std::nullopt;
    out.segments.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  }
  return out;
}

std::optional<event_detail> conversation_of(std::string_view bytes) {
  conversation_fact out;
  for (auto* text : {&out.conversation, &out.title, &out.overview, &out.category}) {
    std::string_view taken;
    if (not take_text(bytes, taken)) return std::nullopt;
    *text = taken;
  }
  std::uint64_t duration = 0;
  std::uint64_t from = 0;
  if (not take_varint(bytes, duration) or not take_varint(bytes, from) or from >= lane_count) return std::nullopt;
  out.duration_ms = static_cast<std::int64_t>(duration);
  out.from = static_cast<lane>(from);
  return out;
}

std::optional<event_detail> detail_from(event_kind kind, std::string_view bytes) {
  if (kind == event_kind::speech) return segments_of(bytes);
  if (kind == event_kind::conversation) return conversation_of(bytes);
  return decode_detail(kind, bytes);
}

bool decode_event(std::string_view value, event_arena& arena, incoming_event& out) {
  if (value.size() < 3 + input_bytes) return false;
  const auto bits = static_cast<unsigned char>(value[0]);
  auto& what = out.what;
  what = {};
  what.kind = static_cast<event_kind>(value[1]);
  what.from = static_cast<lane>(value[2]);
  value.remove_prefix(3);
  out.has_id = (bits & has_id_bit) != 0;
  out.refused = (bits & refused_bit) != 0;
  out.notes_id = (bits & notes_id_bit) != 0;
  out.input = big_endian<std::uint32_t>(value.data() + value.size() - input_bytes);
  value.remove_suffix(input_bytes);
  std::uint64_t partition = 0, now = 0, time = 0, instant = 0, ms = 0, key = 0;
  for (auto* number : {&partition, &out.epoch, &now, &time, &instant, &ms, &key})
    if (not take_varint(value, *number)) return false;
  out.partition = static_cast<std::int32_t>(partition);
  out.now = unzigzag(now);
  what.time = unzigzag(time);
  what.instant = unzigzag(instant);
  what.ms = static_cast<std::int32_t>(unzigzag(ms));
  what.key = key;
  if ((bits & has_text_bit) != 0) {
    std::string_view source;
    std::string_view id;
    if (not take_text(value, source) or not take_text(value, id)) return false;
    what.text = arena.keep(source, id);
  }
  if ((bits & has_detail_bit) == 0) return value.empty();
  auto detail = detail_from(what.kind, value);
  if (not detail) return false;
  what.detail = arena.keep(std::move(*detail));
  return true;
}

} // namespace

void encode_erased(row_bytes& out, std::string_view uid) { begin_key(out, uid, row_kind::erased); }

void encode_label(row_bytes& out, std::string_view uid, std::uint32_t label) {
  begin_key(out, uid, row_kind::label);
  append_varint(out.value, label);
}

void encode_request(row_bytes& out, row_kind kind, const incoming_request& of, time_ms at) {
  begin_key(out, of.uid, kind);
  append_ordered(out.key, at);
  append_ordered(out.key, of.slot);
  append_varint(out.value, of.number);
  append_varint(out.value, zigzag(at));
  append_varint(out.value, of.epoch);
  append_varint(out.value, of.after_erasure ? 1U : 0U);
  append_text(out.value, of.slot);
}

void encode_answered(row_bytes& out, std::string_view uid, std::string_view id, std::uint64_t epoch) {
  begin_key(out, uid, row_kind::answered);
  append_big_endian(out.key, epoch);
  append_varint(out.value, epoch);
  append_text(out.value, id);
}

void encode_event(row_bytes& out, const incoming_event& given) {
  const auto& what = given.what;
  begin_key(out, given.uid, row_kind::event);
  append_big_endian(out.key, given.epoch);
  append_ordered(out.key, what.instant);
  const bool has_text = given.has_id and what.text != nullptr;
  if (has_text) {
    append_ordered(out.key, what.text->source);
    append_ordered(out.key, what.text->id);
  } else if (given.has_id) {
    append_big_endian(out.key, what.key);
  } else {
    append_ordered(out.key, std::string_view());
    append_big_endian(out.key, static_cast<std::uint32_t>(what.ms));
    out.key.push_back(static_cast<char>(what.from));
    append_big_endian(out.key, given.input);
  }
  append_big_endian(out.key, given.place);
  const unsigned bits = (given.has_id ? has_id_bit : 0U) | (has_text ? has_text_bit : 0U)
                        | (what.detail != nullptr ? has_detail_bit : 0U) | (given.refused ? refused_bit : 0U)
                        | (given.notes_id ? notes_id_bit : 0U);
  for (const auto byte : {bits, static_cast<unsigned>(what.kind), static_cast<unsigned>(what.from)})
    out.value.push_back(static_cast<char>(byte));
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(given.partition), given.epoch, zigzag(given.now), zigzag(what.time),
        zigzag(what.instant), zigzag(what.ms), given.has_id ? what.key : 0})
    append_varint(out.value, number);
  if (has_text) {
    append_text(out.value, what.text->source);
    append_text(out.value, what.text->id);
  }
  if (what.detail != nullptr) out.value += detail_bytes(what);
  // Last: of rows that say the same, any may come first.
  append_big_endian(out.value, given.input);
}

void encode_decision(row_bytes& out, std::string_view uid, std::string_view slot, std::uint64_t number,
                     std::string_view line) {
  out.key.clear();
  append_ordered(out.key, uid);
  append_ordered(out.key, slot);
  append_big_endian(out.key, number);
  out.value = line;
}

bool take_uid(std::string_view& key, std::string& out) { return take_ordered(key, out); }

bool decode_row(std::string_view key, std::string_view value, event_arena& arena, decoded_row& out) {
  if (key.empty()) return false;
  out.kind = static_cast<row_kind>(key.front());
  if (out.kind == row_kind::erased) return value.empty();
  if (out.kind == row_kind::event) return decode_event(value, arena, out.event);
  if (out.kind == row_kind::answered) return take_varint(value, out.answered_in) and take_text(value, out.id);
  std::uint64_t number = 0;
  if (not take_varint(value, number) or number > std::numeric_limits<std::uint32_t>::max()) return false;
  if (out.kind == row_kind::label) {
    out.label = static_cast<std::uint32_t>(number);
    return true;
  }
  std::uint64_t at = 0;
  std::uint64_t after_erasure = 0;
  out.number = static_cast<std::uint32_t>(number);
  for (auto* each : {&at, &out.asked_in, &after_erasure})
    if (not take_varint(value, *each)) return false;
  if (not take_text(value, out.slot)) return false;
  out.after_erasure = after_erasure != 0;
  out.at = unzigzag(at);
  return true;
}

} // namespace fairuse::history
