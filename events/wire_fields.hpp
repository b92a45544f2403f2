// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to events/. Reading one JSON object into named places, and the typed reads from there. Every function
// returns false once `line_reading::problem` says why; nothing here throws.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/json_scan.hpp"
#include "events/wire.hpp"

namespace fairuse::wire {

namespace dom = simdjson::dom;

/// How many bytes of a sender's own member name a place shows.
inline constexpr std::size_t place_name_bytes_max = 64;

/// `text` up to `points` code points. REQUIRES: UTF-8.
inline std::string_view cut_code_points(std::string_view text, std::size_t points) {
  if (text.size() <= points) return text;
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 and points-- == 0) break;
  return text.substr(0, at);
}

/// One line, or one record in binary mode, while it is being read.
struct line_reading {
  std::string_view line;
  refused problem;
  /// `line` is `data` itself, and the attributes are headers.
  bool is_binary = false;
  /// The text of `data`'s value is found again by its place among the members.
  std::uint32_t data_index = 0;
  /// Of the line's STT; empty: none.
  std::string_view lease;
  /// Extension attributes, to find repeated ones; kept from line to line for its memory.
  std::vector<std::string_view> extensions;

  std::string_view data_text() const { return is_binary ? line : raw_member(line, data_index); }
  /// What stands before an attribute's name in a place.
  std::string_view attribute_prefix() const { return is_binary ? "ce_" : ""; }

  bool refuse(refusal why, std::string_view prefix, std::string_view name) {
    problem.why = why;
    problem.place.assign(prefix).append(name);
    return false;
  }
};

/// The members of one object, by index into `names`.
template <std::size_t N>
struct members {
  std::string_view prefix; ///< what stands before a member's name in a place: "" or "data."
  const std::array<std::string_view, N>& names;
  std::array<dom::element, N> value{};
  std::array<std::uint32_t, N> index{};
  std::uint32_t seen = 0;

  bool has(std::size_t i) const { return ((seen >> i) & 1U) != 0; }

  /// N: not one of ours. Senders keep an order, so the search begins behind the last hit.
  std::size_t find(std::string_view name, std::size_t begin) const {
    for (std::size_t i = begin; i < N; ++i)
      if (names[i] == name) return i;
    for (std::size_t i = 0; i < begin; ++i)
      if (names[i] == name) return i;
    return N;
  }
};

template <std::size_t N>
members(std::string_view, const std::array<std::string_view, N>&) -> members<N>;

/// `unknown(name)` decides about a member that is not ours.
template <std::size_t N, class Unknown>
bool read_members(line_reading& in, dom::object object, members<N>& out, Unknown unknown) {
  std::size_t next = 0;
  std::uint32_t index = 0;
  for (const auto field : object) {
    const auto found = out.find(field.key, next);
    if (found == N) {
      if (not unknown(field.key)) return false;
    } else {
      if (out.has(found)) return in.refuse(refusal::duplicate_key, out.prefix, out.names[found]);
      out.seen |= 1U << found;
      out.value[found] = field.value;
      out.index[found] = index;
      next = found + 1;
    }
    ++index;
  }
  return true;
}

template <std::size_t N>
bool need(line_reading& in, const members<N>& from, std::size_t i) {
  return from.has(i) or in.refuse(refusal::missing_field, from.prefix, from.names[i]);
}

template <std::size_t N>
bool read_any_text(line_reading& in, const members<N>& from, std::size_t i, std::string_view& out) {
  return from.value[i].get(out) == simdjson::SUCCESS or in.refuse(refusal::wrong_type, from.prefix, from.names[i]);
}

/// A text within `bytes_max`; absent leaves `out` as it is.
template <std::size_t N>
bool read_text(line_reading& in, const members<N>& from, std::size_t i, std::size_t bytes_max, std::string_view& out) {
  if (not from.has(i)) return true;
  if (not read_any_text(in, from, i, out)) return false;
  return out.size() <= bytes_max or in.refuse(refusal::text_too_long, from.prefix, from.names[i]);
}

template <std::size_t N>
bool read_text(line_reading& in, const members<N>& from, std::size_t i, std::size_t bytes_max, std::string& out) {
  std::string_view text;
  if (not from.has(i)) return true;
  if (not read_text(in, from, i, bytes_max, text)) return false;
  out.assign(text);
  return true;
}

/// A name: required, not empty, within `wire_name_bytes_max`.
template <std::size_t N>
bool need_name(line_reading& in, const members<N>& from, std::size_t i, std::string& out) {
  if (not need(in, from, i) or not read_text(in, from, i, wire_name_bytes_max, out)) return false;
  return not out.empty() or in.refuse(refusal::bad_value, from.prefix, from.names[i]);
}

/// A required text that `parse` turns into one of a closed list.
template <std::size_t N, class Enum, class Parse>
bool need_one_of(line_reading& in, const members<N>& from, std::size_t i, Parse parse, Enum& out) {
  std::string_view text;
  if (not need(in, from, i) or not read_any_text(in, from, i, text)) return false;
  const auto value = parse(text);
  if (not value) return in.refuse(refusal::bad_value, from.prefix, from.names[i]);
  out = *value;
  return true;
}

template <std::size_t N>
bool read_bool(line_reading& in, const members<N>& from, std::size_t i, bool& out) {
  return from.value[i].get(out) == simdjson::SUCCESS or in.refuse(refusal::wrong_type, from.prefix, from.names[i]);
}

/// A whole number as JSON writes them; refuses 1.0 and 1e3.
inline result<std::int64_t, refusal> read_integer(dom::element from) {
  std::int64_t number = 0;
  if (from.get(number) == simdjson::SUCCESS) return number;
  // Wrong type too, if the parser had to make it unsigned or a double.
  return from.is<std::uint64_t>() ? refusal::integer_overflow : refusal::wrong_type;
}

/// Milliseconds in 0 .. 24 h. In registers: as a `result` it costs a tenth of decoding segments.
inline std::optional<std::int64_t> duration_from(dom::element from) {
  std::int64_t number = 0;
  if (from.get(number) != simdjson::SUCCESS or number < 0 or number > day_ms) return std::nullopt;
  return number;
}

/// Why `from` is no duration. REQUIRES: duration_from says so.
inline refusal why_no_duration(dom::element from) {
  const auto number = read_integer(from);
  if (not number) return number.error();
  return *number < 0 ? refusal::negative_duration : refusal::absurd_duration;
}

template <std::size_t N>
bool need_duration(line_reading& in, const members<N>& from, std::size_t i, std::int64_t& out) {
  if (not need(in, from, i)) return false;
  const auto duration = duration_from(from.value[i]);
  if (not duration) return in.refuse(why_no_duration(from.value[i]), from.prefix, from.names[i]);
  out = *duration;
  return true;
}

/// Read `data` of one kind into `made`, and what does not fit there into `detail` (monostate if nothing). Sets `ms`,
/// `from` and `instant`; REQUIRES `time` and `kind` set. `subject` is for the rule about `*`, which admin commands
/// keep.
bool read_data(line_reading& in, dom::object data, std::string_view subject, event& made, event_detail& detail);

} // namespace fairuse::wire
