// SPDX-License-Identifier: Apache-2.0
//
// The ids of a block's events, one after the other (commands to all users have none). They lie in pieces of equal
// numbers, each compressed by itself, because a replay needs the id of an event only where a decision names one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse::history {

/// Where the ids of a block lie.
struct id_index {
  struct piece {
    /// In the part.
    std::uint64_t at;
    std::uint32_t stored_bytes;
    std::uint32_t bytes;
    std::uint64_t checksum;
  };
  std::vector<std::string> sources;
  /// Ids in each piece but the last.
  std::uint64_t piece_ids = 0;
  std::vector<piece> pieces;
  /// Of all pieces.
  std::uint64_t stored_bytes = 0;
};

/// Some ids of a block, by their number in it.
class block_ids {
public:
  /// There are ids [first(), end()).
  std::size_t first() const { return first_; }
  std::size_t end() const { return first_ + places_.size(); }
  bool holds(std::size_t i) const { return i >= first_ and i < end(); }
  // REQUIRES: holds(i). Without a source: event_text is empty, and the event has its key alone.
  std::uint64_t key(std::size_t i) const;
  event_text text(std::size_t i) const;
  bool has_text(std::size_t i) const { return at(i).source > 0; }

private:
  friend class id_decoder;
  friend class history_reader;
  friend result<void> decode_ids(std::string_view from, block_ids& out);
  struct place {
    std::uint32_t at;
    std::uint32_t size;
    std::uint32_t source; ///< 0: none
  };
  const place& at(std::size_t i) const { return places_[i - first_]; }
  /// Of the block `block_`; SIZE_MAX: of none.
  id_index index_;
  std::size_t block_ = SIZE_MAX;
  std::size_t first_ = 0;
  std::vector<place> places_;
  /// What places are places in.
  std::string bytes_;
};

// The errors say what is impossible in the bytes.
result<void> decode_id_index(std::string_view from, id_index& out);
/// As version 1 of the format has them: all in one.
result<void> decode_ids(std::string_view from, block_ids& out);

/// Reads pieces one behind the other.
class id_decoder {
public:
  /// `first`: the number of the first id.
  id_decoder(std::size_t first, block_ids& out);
  result<void> add(std::string_view piece);

private:
  block_ids& out_;
};

} // namespace fairuse::history
