// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: strikes, stages and their ends. The stage is a fold over marks and timers: it is kept, and can be
// recomputed.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/context.hpp"

namespace fairuse::detail {

/// A review's finished judgement of a user.
struct verdict {
  std::int32_t score_nano = 0;
  usage_type type = usage_type::none;
  reason why = reason::verdict;
  std::uint32_t request = 0;
  /// Cooldowns count from here.
  time_ms asked_at = 0;
  shared_details said;
};

/// Why a stage changes: what stage_changed and the notification say of it.
struct stage_cause {
  reason why = reason::none;
  /// Of the strike that led to it; `none` and 0: no strike did.
  usage_type type = usage_type::none;
  std::uint32_t strike = 0;
  /// Of an admin command.
  std::string_view who;
  std::string_view note;
};

/// A finished review: mark, perhaps a strike, perhaps the next stage.
void finish_review(slot_context& context, const verdict& found);
/// Move to a stage whose deadline counts from context.at, and write what follows from it.
void enter_stage(slot_context& context, stage to, const stage_cause& cause);
/// The stage's timer.
void end_stage(slot_context& context);
/// Recompute the stage from marks after strikes were cleared; writes one stage_changed iff stage or end differs.
void refold(slot_context& context, const stage_cause& cause);
/// Clear one strike if it counts; true if it did. Closes its appeal.
bool clear_strike(slot_context& context, mark& strike, const stage_cause& cause);
/// Count one strike again that was cleared; true if it was.
bool restore_strike(slot_context& context, mark& strike, const stage_cause& cause);
void open_appeal(slot_context& context, mark& strike, std::string_view text, const stage_cause& cause);
/// If one is open.
void close_appeal(slot_context& context, mark& strike, const stage_cause& cause);
/// Strikes that count, from `from` on.
std::uint32_t strikes_since(const standing& of, time_ms from);
/// Append a mark; time, cause and policy are filled in.
void add_mark(slot_context& context, mark added);

} // namespace fairuse::detail
