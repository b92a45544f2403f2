// SPDX-License-Identifier: Apache-2.0
//
// The wire form of events: CloudEvents 1.0 JSON (docs/events-format.md). Structured, one a line; or in Kafka's binary
// mode, the attributes in headers and `data` alone in the value. Both hold the same facts and obey the same rules.
//
// Strict where a mistake would be silent: unknown or repeated members of `data`, wrong types and impossible values are
// refused. Lenient where CloudEvents asks for it: extension attributes are ignored. A line decodes or is refused with
// one reason and one place; nothing is thrown and nothing is repaired.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"

namespace fairuse {

/// Bytes that must be readable (their value does not matter) after a line given to `decode_padded`.
inline constexpr std::size_t wire_padding = 64;

inline constexpr std::size_t wire_name_bytes_max = 256;  ///< id, source, subject and the short names in `data`
inline constexpr std::size_t wire_text_bytes_max = 4096; ///< title, reason, notes, failed, a line of evidence
inline constexpr std::size_t wire_segments_max = 100'000;
inline constexpr std::size_t wire_evidence_max = 10;
inline constexpr std::size_t wire_overview_points_max = 200;
inline constexpr std::size_t wire_depth_max = 64;

/// Instants that an event may carry: [2000-01-01, 2100-01-01) UTC.
inline constexpr time_ms wire_time_min = 946'684'800'000;
inline constexpr time_ms wire_time_end = 4'102'444'800'000;

struct wire_event {
  /// In the arena. The uid, or `*` for a command about all users.
  std::string_view subject;
  event what;
  /// In the arena. Of STT: the lease under which it was used; empty: none. No rule reads it, so no event has it.
  std::string_view lease;
};

/// A header of a record.
struct wire_header {
  std::string_view name;
  /// Nullopt: a header with a null value.
  std::optional<std::string_view> value;
};

struct wire_limits {
  std::size_t line_bytes_max = std::size_t{1} << 20;
};

/// Turns lines into events. Keeps one parser and its buffers, which grow to the longest line seen.
/// Threads: one decoder per thread.
class wire_decoder {
public:
  explicit wire_decoder(wire_limits limits = {});
  ~wire_decoder();
  wire_decoder(wire_decoder&&) noexcept;
  wire_decoder& operator=(wire_decoder&&) noexcept;
  /// REQUIRES: `wire_padding` readable bytes after the line. On success the event's texts are in the arena and the line
  /// is no longer needed; a refused line leaves nothing there. An empty line is for the reader to skip (here:
  /// truncated).
  result<wire_event, refused> decode_padded(std::string_view line, event_arena& arena);
  /// The same for a line without padding: one copy more.
  result<wire_event, refused> decode(std::string_view line, event_arena& arena);
  /// Binary mode: attributes are the headers `ce_*` and `content-type`, `value` is `data`. Other headers are ignored.
  /// Attributes are read first, then the text of the value. A place names a header (`ce_time`), or a member of the
  /// value as in structured mode.
  result<wire_event, refused> decode_binary(std::span<const wire_header> headers, std::string_view value,
                                            event_arena& arena);
  /// A record in either mode. A value that is a whole event is one, whatever headers are with it; else it is structured
  /// if `content-type` is `application/cloudevents+json` or no header begins with `ce_`, else binary. No value at all
  /// (a tombstone) is no event, whatever headers say.
  result<wire_event, refused> decode_record(std::span<const wire_header> headers, std::optional<std::string_view> value,
                                            event_arena& arena) {
    return decode_record([&] { return headers; }, value, arena);
  }
  /// `headers_of()` gives what makes a span of headers. It is not called for a value that is a whole event, the common
  /// case: to ask librdkafka for headers costs half as much as to decode the value.
  template <std::invocable Headers>
  result<wire_event, refused> decode_record(Headers headers_of, std::optional<std::string_view> value,
                                            event_arena& arena) {
    if (not value) return refused{refusal::not_json, std::string(place_of_value)};
    auto whole = decode(*value, arena);
    if (whole) return whole;
    const auto headers = headers_of();
    return std::empty(headers) ? std::move(whole) : decode_by_headers(headers, *value, arena);
  }

private:
  result<wire_event, refused> decode_by_headers(std::span<const wire_header> headers, std::string_view value,
                                                event_arena& arena);

  struct parts;
  std::unique_ptr<parts> parts_;
};

/// Append the event as one CloudEvents line, without a newline. decode(append_event(what)) == what for every event that
/// the wire can hold (see wire_equal). An event without text (synthetic traffic) gets the source `synthetic` and its id
/// as event_id says, hence another key.
void append_event(std::string& out, std::string_view subject, const event& what);

/// Equal in all that the wire carries, also in different arenas.
bool wire_equal(const event& left, const event& right);

} // namespace fairuse
