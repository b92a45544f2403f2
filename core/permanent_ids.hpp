// SPDX-License-Identifier: Apache-2.0
//
// Ids that are never forgotten: of commands, and of answers that have no other trace.
#pragma once

#include <cstdint>
#include <vector>

namespace fairuse {

struct permanent_id {
  /// event_key.
  std::uint64_t key = 0;
  /// command_content; 0: not known (an answer, or a command that an earlier build noted).
  std::uint32_t content = 0;
  friend bool operator==(const permanent_id&, const permanent_id&) = default;
};

enum class id_use : std::uint8_t {
  first,
  again,
  reused, ///< again, with other content
};

/// Add `what` unless its key is there. `known` is sorted by key.
id_use note_permanent_id(std::vector<permanent_id>& known, permanent_id what);

} // namespace fairuse
