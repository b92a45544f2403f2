// SPDX-License-Identifier: Apache-2.0
//
// A run: admitted events of one user in columns, in the order in which they are applied. Speech in `ms` and STT stand
// in the columns alone; conversations are read where a review asks for them; all other events stand in `whole`.
// Admitted: not too old, not from the future, not erased and not seen before, as their source has found out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "events/event.hpp"

namespace fairuse {

/// What an entry of a run is: its kind, its lane, and whether it is a whole event.
class run_tag {
public:
  run_tag() = default;
  run_tag(event_kind kind, lane from, bool whole = false)
    : bits_(static_cast<std::uint8_t>(static_cast<unsigned>(kind) | static_cast<unsigned>(from) << lane_shift
                                      | (whole ? whole_bit : 0U))) {}

  event_kind kind() const { return static_cast<event_kind>(bits_ & kind_mask); }
  lane from() const { return static_cast<lane>(bits_ >> lane_shift & 3); }
  bool whole() const { return (bits_ & whole_bit) != 0; }

private:
  static constexpr unsigned kind_mask = 7;
  static constexpr unsigned lane_shift = 3;
  static constexpr unsigned whole_bit = 1U << 5;
  std::uint8_t bits_ = 0;
};

/// What a review request says of a conversation. Valid as long as its source.
struct conversation_outline {
  std::string_view id;
  std::string_view category;
  std::int64_t duration_ms = 0;
};

/// The conversations of a run.
class conversation_source {
public:
  virtual ~conversation_source() = default;
  virtual conversation_outline outline(std::size_t place) const = 0;
  /// `entry` with what conversation number `place` says. The detail is valid until the next call.
  virtual event conversation(std::size_t place, event entry) const = 0;
};

/// The memory belongs to the source. REQUIRES: `now` ascends.
struct event_columns {
  /// When the entry was decided.
  const time_ms* now = nullptr;
  /// Its instant.
  const time_ms* instant = nullptr;
  /// Of speech and STT. Of a conversation: its place in `conversations`. Of a whole event: its place in `whole`.
  const std::int32_t* ms = nullptr;
  const run_tag* tag = nullptr;
  /// nullptr: the keys count up from first_key.
  const std::uint64_t* key = nullptr;
  std::uint64_t first_key = 0;
  std::span<const event> whole;
  const conversation_source* conversations = nullptr;
  std::size_t count = 0;

  /// Entry number `i` as an event; the detail of a conversation is valid until the next call.
  event at(std::size_t i) const {
    const auto place = static_cast<std::size_t>(ms[i]);
    event made;
    made.instant = made.time = instant[i];
    made.kind = tag[i].kind();
    made.from = tag[i].from();
    if (tag[i].whole())
      made = whole[place];
    else if (made.kind == event_kind::conversation)
      made = conversations->conversation(place, made);
    else
      made.ms = ms[i];
    made.key = key_of(i);
    return made;
  }

  std::uint64_t key_of(std::size_t i) const { return key != nullptr ? key[i] : first_key + i; }
};

} // namespace fairuse
