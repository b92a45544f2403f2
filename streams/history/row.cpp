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

/// Without arrivals: `now` is not written.
constexpr unsigned now_is_instant_bit = 32;

constexpr std::size_t input_bytes = sizeof(incoming_event::input);
constexpr std::size_t number_bytes = sizeof(std::uint64_t);
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;

/// So that keys compare as the texts do, one after the other.
void append_ordered(std::string& out, std::string_view text) {
  for (auto zero = text.find('\0'); zero != std::string_view::npos; zero = text.find('\0')) {
    out.append(text.substr(0, zero + 1)).push_back('\xFF');
    text.remove_prefix(zero + 1);
  }
  out.append(text).append("\0\1", 2);
}

/// `held` has the text if it does not lie in the key as it is.
bool take_ordered(std::string_view& from, std::string& held, std::string_view& out) {
  held.clear();
  for (;;) {
    const auto zero = from.find('\0');
    if (zero == std::string_view::npos or zero + 1 == from.size()) return false;
    const auto part = from.substr(0, zero);
    const bool ends = from[zero + 1] == '\1';
    from.remove_prefix(zero + 2);
    if (ends and held.empty()) {
      out = part;
      return true;
    }
    held.append(part);
    if (ends) {
      out = held;
      return true;
    }
    held.push_back('\0');
  }
}

void append_ordered(std::string& out, std::int64_t value) {
  append_big_endian(out, static_cast<std::uint64_t>(value) ^ sign_bit);
}

void begin_key(row_bytes& out, row_kind kind) {
  out.key.assign(1, static_cast<char>(kind));
  out.value.clear();
}

void append_detail(std::string& out, const event& what) {
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
    out += encode_detail(what);
  }
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

/// What the key alone says: epoch, instant, and how the event is named.
bool decode_key(std::string_view key, bool has_text, event_arena& arena, incoming_event& out) {
  if (key.size() < 2 * number_bytes) return false;
  auto& what = out.what;
  out.epoch = big_endian<std::uint64_t>(key.data());
  what.instant = static_cast<time_ms>(big_endian<std::uint64_t>(key.data() + number_bytes) ^ sign_bit);
  key.remove_prefix(2 * number_bytes);
  if (has_text) {
    std::string held_source;
    std::string held_id;
    std::string_view source;
    std::string_view id;
    if (not take_ordered(key, held_source, source) or not take_ordered(key, held_id, id)) return false;
    what.text = arena.keep(source, id);
    what.key = event_key(source, id);
  } else if (out.has_id) {
    if (key.size() < number_bytes) return false;
    what.key = big_endian<std::uint64_t>(key.data());
  }
  return true;
}

bool decode_event(std::string_view key, std::string_view value, event_arena& arena, incoming_event& out) {
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
  if (not decode_key(key, (bits & has_text_bit) != 0, arena, out)) return false;
  std::uint64_t partition = 0, now = zigzag(what.instant), time = 0, ms = 0;
  if (not take_varint(value, partition)) return false;
  if ((bits & now_is_instant_bit) == 0 and not take_varint(value, now)) return false;
  if (not take_varint(value, time) or not take_varint(value, ms)) return false;
  out.partition = static_cast<std::int32_t>(partition);
  out.now = unzigzag(now);
  what.time = unzigzag(time);
  what.ms = static_cast<std::int32_t>(unzigzag(ms));
  if ((bits & has_detail_bit) == 0) return value.empty();
  auto detail = detail_from(what.kind, value);
  if (not detail) return false;
  what.detail = arena.keep(std::move(*detail));
  return true;
}

} // namespace

void encode_erased(row_bytes& out) { begin_key(out, row_kind::erased); }

void encode_state(row_bytes& out, std::int32_t partition, std::string_view state) {
  begin_key(out, row_kind::state);
  append_varint(out.value, static_cast<std::uint32_t>(partition));
  out.value.append(state);
}

void encode_erased_before(row_bytes& out, std::string_view left) {
  begin_key(out, row_kind::erased_before);
  out.value = left;
}

void encode_label(row_bytes& out, std::uint32_t label) {
  begin_key(out, row_kind::label);
  append_varint(out.value, label);
}

void encode_request(row_bytes& out, row_kind kind, const incoming_request& of, time_ms at) {
  begin_key(out, kind);
  append_ordered(out.key, at);
  append_ordered(out.key, of.slot);
  append_varint(out.value, of.number);
  append_varint(out.value, zigzag(at));
  append_varint(out.value, of.epoch);
  append_varint(out.value, of.after_erasure ? 1U : 0U);
  append_text(out.value, of.slot);
}

void encode_answered(row_bytes& out, std::string_view id, std::uint64_t epoch) {
  begin_key(out, row_kind::answered);
  append_big_endian(out.key, epoch);
  append_varint(out.value, epoch);
  append_text(out.value, id);
}

void encode_event(row_bytes& out, const incoming_event& given) {
  const auto& what = given.what;
  begin_key(out, row_kind::event);
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
  const bool now_is_instant = given.epoch == 0 and given.now == what.instant;
  const unsigned bits = (given.has_id ? has_id_bit : 0U) | (has_text ? has_text_bit : 0U)
                        | (what.detail != nullptr ? has_detail_bit : 0U) | (given.refused ? refused_bit : 0U)
                        | (given.notes_id ? notes_id_bit : 0U) | (now_is_instant ? now_is_instant_bit : 0U);
  for (const auto byte : {bits, static_cast<unsigned>(what.kind), static_cast<unsigned>(what.from)})
    out.value.push_back(static_cast<char>(byte));
  append_varint(out.value, static_cast<std::uint64_t>(given.partition));
  if (not now_is_instant) append_varint(out.value, zigzag(given.now));
  append_varint(out.value, zigzag(what.time));
  append_varint(out.value, zigzag(what.ms));
  if (what.detail != nullptr) append_detail(out.value, what);
  // Last: of rows that say the same, any may come first.
  append_big_endian(out.value, given.input);
}

void encode_decision(row_bytes& out, std::string_view slot, std::uint64_t number, std::string_view line) {
  out.key.clear();
  append_ordered(out.key, slot);
  append_big_endian(out.key, number);
  out.value = line;
}

bool take_slot(std::string_view key, std::string& out) {
  std::string held;
  std::string_view slot;
  if (not take_ordered(key, held, slot)) return false;
  out = slot;
  return true;
}

bool decode_row(std::string_view key, std::string_view value, event_arena& arena, decoded_row& out) {
  if (key.empty()) return false;
  out.kind = static_cast<row_kind>(key.front());
  if (out.kind == row_kind::erased) return value.empty();
  if (out.kind == row_kind::erased_before) {
    out.state = value;
    return true;
  }
  if (out.kind == row_kind::event) return decode_event(key.substr(1), value, arena, out.event);
  if (out.kind == row_kind::answered) return take_varint(value, out.answered_in) and take_text(value, out.id);
  std::uint64_t number = 0;
  if (not take_varint(value, number) or number > std::numeric_limits<std::uint32_t>::max()) return false;
  if (out.kind == row_kind::state) {
    out.partition = static_cast<std::int32_t>(number);
    out.state = value;
    return true;
  }
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
