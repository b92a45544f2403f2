// SPDX-License-Identifier: Apache-2.0
//
// Which answer follows from which row. A clock never makes a refusal: it only ends one whose end has passed, before the
// row that says so is written. A fault never makes one, either: whatever is not known is allowed, and said to be
// `degraded`.
//
// For an upload the first that holds, in this order: hard restriction, ceiling, budget; for a stream the budget alone.
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "streams/enforcement_row.hpp"

namespace fairuse {

enum class gate_purpose : std::uint8_t { stream, upload };

std::optional<gate_purpose> gate_purpose_from(std::string_view text);

/// Why an answer is what it is; `none`: nothing stands against it.
enum class gate_reason : std::uint8_t {
  none,
  // Refused.
  hard_restricted,
  ceiling,
  budget_exhausted,
  budget_reserved, ///< what is left of it is leased to other sessions
  // Allowed, whatever the row says.
  exempt,
  kill_switch,
  disabled,
  // Allowed, because of a fault.
  starting,  ///< what was committed before the start is still being read
  view_late, ///< no broker has said for a while that there is nothing newer
  no_owner,  ///< whoever gives leases on the user's budget does not answer
};

inline constexpr std::size_t gate_reason_count = 11;
/// Of an answer that is `degraded`.
inline bool is_fault(gate_reason value) { return value >= gate_reason::starting; }

std::string_view to_text(gate_reason value);

struct gate_facts {
  std::optional<enforcement_row> row;
  std::optional<controls_row> controls;
  /// The clock that ends refusals: the wall's or, under `--clock events`, the events'.
  time_ms now = 0;
  /// Since all that was committed was in the view; negative: not yet.
  std::int64_t age_ms = 0;
  std::int64_t age_max_ms = INT64_MAX;
};

struct gate_answer {
  bool allowed = true;
  gate_reason why = gate_reason::none;
  /// A fault made it: nothing is known of the user now.
  bool degraded = false;
  // What the stage does to what is allowed.
  bool economy_stt = false;
  std::int32_t vad_threshold_nano = 0;
  /// What it produces is locked until the user pays.
  bool locked = false;
  // Of a refusal.
  std::int64_t used_ms = 0;
  std::int64_t limit_ms = 0;
  time_ms resets_at = never;
  friend bool operator==(const gate_answer&, const gate_answer&) = default;
};

gate_answer answer_gate(gate_purpose purpose, const gate_facts& facts);

} // namespace fairuse
