// SPDX-License-Identifier: Apache-2.0
#include "core/user.hpp"

#include <algorithm>

#include "core/counters.hpp"
#include "core/rules.hpp"

namespace fairuse {

void changes::clear() {
  core = conversations = erased = false;
  standings = 0;
  bucket_hours.clear();
  id_hours.clear();
}

void step_output::clear() {
  decisions.clear();
  counts = {};
  tallies.assign(tallies.size(), {});
}

counters& counters::operator+=(const counters& other) {
  accepted += other.accepted;
  duplicates += other.duplicates;
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
  stt_ms += other.stt_ms;
  stt_blocked_ms += other.stt_blocked_ms;
  stt_economy_ms += other.stt_economy_ms;
  upload_refused_ms += other.upload_refused_ms;
  reviews += other.reviews;
  synthetic += other.synthetic;
  unanswered += other.unanswered;
  return *this;
}

void user::note_id_hour(hour_number hour) {
  if (not changed.track)
    return;
  auto& hours = changed.id_hours;
  if (std::find(hours.rbegin(), hours.rend(), hour) == hours.rend())
    hours.push_back(hour);
}

std::size_t user::memory_bytes() const {
  auto bytes = sizeof(user) + metered.capacity() * sizeof(bucket_log) + ids.memory_bytes() +
               sums.spans.capacity() * sizeof(span_sum) + sums.odometers.capacity() * sizeof(std::int64_t) +
               sums.wakes.capacity() * sizeof(std::int64_t) + standings.capacity() * sizeof(standings[0]) +
               admin_ids.capacity() * sizeof(std::uint64_t) +
               (changed.bucket_hours.capacity() + changed.id_hours.capacity()) * sizeof(hour_number);
  for (const auto& log : metered)
    bytes += log.memory_bytes();
  for (const auto& s : standings)
    if (s)
      bytes += sizeof(standing) + s->marks.capacity() * sizeof(mark);
  if (account)
    bytes += sizeof(account_state);
  if (conversations)
    bytes += sizeof(*conversations) + conversations->capacity() * sizeof(conversation);
  return bytes;
}

} // namespace fairuse
