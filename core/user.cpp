// SPDX-License-Identifier: Apache-2.0
#include "core/user.hpp"

#include <algorithm>

#include "core/counters.hpp"
#include "core/rules.hpp"

namespace fairuse {

void note_once(compact_list<hour_number>& hours, hour_number hour) {
  if (std::find(hours.begin(), hours.end(), hour) == hours.end()) hours.push_back(hour);
}

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

void bound_sums::reset(const policy_set& to) {
  policies = &to;
  block_ = std::make_unique<std::int64_t[]>(memory_bytes() / sizeof(std::int64_t));
  std::uninitialized_default_construct_n(spans(), to.spans().size());
  std::uninitialized_default_construct_n(watches(), to.slots().size());
}

std::size_t bound_sums::memory_bytes() const {
  if (policies == nullptr) return 0;
  return policies->spans().size() * sizeof(span_sum) + policies->views().size() * sizeof(std::int64_t)
         + policies->slots().size() * sizeof(slot_watch);
}

void user::note_id_hour(hour_number hour) {
  if (not changed.track) return;
  note_once(changed.id_hours, hour);
}

std::size_t user::memory_bytes() const {
  auto bytes = sizeof(user) + metered.capacity() * sizeof(bucket_log) + ids.memory_bytes() + sums.memory_bytes()
               + standings.capacity() * sizeof(standings[0]) + admin_ids.capacity() * sizeof(std::uint64_t)
               + changed.bucket_hours.memory_bytes() + changed.id_hours.memory_bytes();
  for (const auto& log : metered)
    bytes += log.memory_bytes();
  for (const auto& s : standings)
    if (s) bytes += sizeof(standing) + s->marks.capacity() * sizeof(mark);
  if (account) bytes += sizeof(account_state);
  if (conversations) bytes += sizeof(*conversations) + conversations->capacity() * sizeof(conversation);
  return bytes;
}

} // namespace fairuse
