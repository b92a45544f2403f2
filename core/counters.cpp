// SPDX-License-Identifier: Apache-2.0
#include "core/counters.hpp"

namespace fairuse {

// Members are of 8 bytes: a new one changes the size, and fails here until its line is there.
counters& counters::operator+=(const counters& other) {
  static_assert(sizeof(counters) == 8 * (12 + lane_count), "add the new member below, too");
  accepted += other.accepted;
  duplicates += other.duplicates;
  reused_command_ids += other.reused_command_ids;
  stale += other.stale;
  too_old += other.too_old;
  future += other.future;
  erased += other.erased;
  moved_to_backfill += other.moved_to_backfill;
  stt_of_earlier_day += other.stt_of_earlier_day;
  review_cooldown += other.review_cooldown;
  review_terminal += other.review_terminal;
  review_pending += other.review_pending;
  for (std::size_t i = 0; i < lane_count; ++i)
    metered_ms[i] += other.metered_ms[i];
  return *this;
}

slot_tally& slot_tally::operator+=(const slot_tally& other) {
  static_assert(sizeof(slot_tally) == 8 * 7, "add the new member below, too");
  stt_ms += other.stt_ms;
  stt_blocked_ms += other.stt_blocked_ms;
  stt_economy_ms += other.stt_economy_ms;
  upload_refused_ms += other.upload_refused_ms;
  reviews += other.reviews;
  synthetic += other.synthetic;
  unanswered += other.unanswered;
  return *this;
}

} // namespace fairuse
