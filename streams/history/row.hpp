// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What a packer sorts, as key and value: all rows of a user lie together, what is known of
// the user first, then events in the order in which they are applied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "streams/history/packer.hpp"

namespace fairuse::history {

/// In the order of a user's rows.
enum class row_kind : std::uint8_t { erased = 0, label = 1, request = 2, timeout = 3, answered = 4, event = 5 };

struct row_bytes {
  std::string key;
  std::string value;
};

/// The user was erased: all of the user is left out.
void encode_erased(row_bytes& out, std::string_view uid);
void encode_label(row_bytes& out, std::string_view uid, std::uint32_t label);
void encode_request(row_bytes& out, row_kind kind, const incoming_request& of, time_ms at);
void encode_answered(row_bytes& out, std::string_view uid, std::string_view id, std::uint64_t epoch);
void encode_event(row_bytes& out, const incoming_event& what);

/// A decision of a deployment, for rows of their own: the `number`-th that was read.
void encode_decision(row_bytes& out, std::string_view uid, std::string_view slot, std::uint64_t number,
                     std::string_view line);

/// The user of a row, whose key is left without it; of a decision the slot behind it, too. False: no such row.
bool take_uid(std::string_view& key, std::string& out);

/// The rest of a row, read back. Texts lie in the row or in the arena.
struct decoded_row {
  row_kind kind = row_kind::event;
  std::uint32_t label = 0;
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

/// False: no such row. `key`: what take_uid() left. REQUIRES: `out.event.uid` is not read.
bool decode_row(std::string_view key, std::string_view value, event_arena& arena, decoded_row& out);

} // namespace fairuse::history
