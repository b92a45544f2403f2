// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage/history. The bytes of a block's parts (a text is its length as a varint, then its bytes; a column
// is its count, two bytes for each number, then a text of the larger ones).
//
//   facts  count of users; text: heads; text: kinds, a byte an event; columns: ms since the step before (new steps),
//          now - instant (zigzag, no broadcast), ms | segments | number (speech, stt, changes for all users), bounds of
//          segments (begin - end before, zigzag; length); text: a text per account fact, answer, command, erasure;
//          text: a text per review; with states: text: a byte a user, 1: idle
//   conversations, texts
//          count of strings, the strings; text: a text per conversation
//   ids    count of sources, the sources; ids in a piece; count of pieces; of each: stored bytes, bytes, XXH3 of the
//          stored ones (8 bytes, little-endian)
//   pieces of ids, compressed apart
//          columns: source + 1 (0: none), length of the id (with a source); text: ids (8 bytes of key, little-endian,
//          without a source). In version 1 of the format the sources and one piece are the part `ids`.
//   states a text per user
//   head   length of what the uid shares with the one before, the rest; partition; label + 1; events; first now
//          (zigzag); reviews; peaks
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairuse::history {

// A kind's byte: event_kind (7: a broadcast), lane, whether there are segments, whether a step begins.
inline constexpr unsigned kind_mask = 7;
inline constexpr unsigned kind_broadcast = 7;
inline constexpr unsigned kind_lane_shift = 3;
inline constexpr unsigned kind_has_detail = 1U << 5;
inline constexpr unsigned kind_new_step = 1U << 6;

/// A decision's cause costs the reading of so many.
inline constexpr std::size_t piece_ids = 128;

inline void append_little_endian(std::string& out, std::uint64_t key) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<char>(key >> shift & 0xFF));
}
/// REQUIRES: 8 bytes.
inline std::uint64_t little_endian_key(std::string_view bytes) {
  std::uint64_t key = 0;
  for (std::size_t byte = 0; byte < sizeof key; ++byte)
    key |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[byte])) << (8 * byte);
  return key;
}

/// Far above what a block of the builder's users has.
inline constexpr std::size_t part_bytes_max = std::size_t{1} << 30;

} // namespace fairuse::history
