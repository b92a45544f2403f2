// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What a packer sorts, as key and value in the group of its user: what is known of the
// user comes first, then events in the order in which they are applied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "streams/history/packer.hpp"

namespace fairuse::history {

/// In the order of a user's rows.
enum class row_kind : std::uint8_t { erased, state, erased_before, label, request, timeout, answered, event };

struct row_bytes {
  std::string key;
  std::string value;
};

/// The user was erased: all of the user is left out.
void encode_erased(row_bytes& out);
void encode_state(row_bytes& out, std::int32_t partition, std::string_view state);
/// What is left of a user who was erased before the history begins.
void encode_erased_before(row_bytes& out, std::string_view left);
void encode_label(row_bytes& out, std::uint32_t label);
void encode_request(row_bytes& out, row_kind kind, const incoming_request& of, time_ms at);
void encode_answered(row_bytes& out, std::string_view id, std::uint64_t epoch);
void encode_event(row_bytes& out, const incoming_event& what);

/// A decision of a deployment, for rows of their own: the `number`-th that was read.
void encode_decision(row_bytes& out, std::string_view slot, std::uint64_t number, std::string_view line);
/// The slot of such a row. False: no such row.
bool take_slot(std::string_view key, std::string& out);

/// A row, read back. Texts lie in the row or in the arena.
struct decoded_row {
  row_kind kind = row_kind::event;
  std::uint32_t label = 0;
  /// Of a state.
  std::int32_t partition = 0;
  /// Or what an erasure left.
  std::string_view state;
  std::string_view slot;
  std::uint32_t number = 0;
  /// Of the request, or of the time-out.
  time_ms at = 0;
  std::uint64_t asked_in = 0;
  /// Of an answer, and its epoch.
  std::string_view id;
  std::uint64_t answered_in = 0;
  bool after_erasure = false;
  incoming_event event;
};

/// False: no such row. `out.event.uid` is left alone.
bool decode_row(std::string_view key, std::string_view value, event_arena& arena, decoded_row& out);

} // namespace fairuse::history
