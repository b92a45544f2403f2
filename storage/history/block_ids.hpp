// SPDX-License-Identifier: Apache-2.0
//
// The ids of a block's events, one after the other (commands to all users have none): read at once, made into text one
// by one, because a replay needs few of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse::history {

class block_ids {
public:
  std::size_t size() const { return places_.size(); }
  /// REQUIRES: i < size(). Without a source: event_text is empty, and the event has its key alone.
  std::uint64_t key(std::size_t i) const;
  event_text text(std::size_t i) const;
  bool has_text(std::size_t i) const { return places_[i].source > 0; }

private:
  friend result<void> decode_ids(std::string_view from, block_ids& out);
  struct place {
    std::uint32_t at;
    std::uint32_t size;
    std::uint32_t source; ///< 0: none
  };
  std::vector<std::string> sources_;
  std::vector<place> places_;
  /// The block's bytes.
  std::string_view ids_;
};

/// The bytes of the part must outlive `out`. The error says what is impossible in them.
result<void> decode_ids(std::string_view from, block_ids& out);

} // namespace fairuse::history
