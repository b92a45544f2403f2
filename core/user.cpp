// SPDX-License-Identifier: Apache-2.0
#include "core/user.hpp"

#include <algorithm>
#include <memory>

namespace fairuse {

void note_once(compact_list<hour_number>& hours, hour_number hour) {
  if (std::find(hours.begin(), hours.end(), hour) == hours.end()) hours.push_back(hour);
}

void changes::clear() {
  core = conversations = erased = retry_at = exempt_until = false;
  standings = 0;
  bucket_hours.clear();
  id_hours.clear();
  unloaded.reset();
}

void bound_sums::reset(const policy_set& to) {
  policies = &to;
  block_ = std::make_unique<std::int64_t[]>(memory_bytes() / sizeof(std::int64_t));
  std::uninitialized_default_construct_n(spans(), to.span_count());
  std::uninitialized_default_construct_n(quiets(), to.slot_count());
}

std::size_t bound_sums::memory_bytes() const {
  if (policies == nullptr) return 0;
  return policies->span_count() * sizeof(span_sum)
         + (policies->view_count() + policies->profiles().size()) * sizeof(std::int64_t)
         + policies->slot_count() * sizeof(quiet_bounds);
}

void user::note_id_hour(hour_number hour) {
  if (not changed.track) return;
  note_once(changed.id_hours, hour);
}

std::size_t user::memory_bytes() const {
  auto bytes = sizeof(user) + metered.capacity() * sizeof(bucket_log) + ids.memory_bytes() + sums.memory_bytes()
               + standings.capacity() * sizeof(standings[0]) + admin_ids.capacity() * sizeof(admin_ids[0])
               + changed.bucket_hours.memory_bytes() + changed.id_hours.memory_bytes();
  for (const auto& log : metered)
    bytes += log.memory_bytes();
  for (const auto& each : standings)
    if (each) bytes += sizeof(standing) + each->marks.capacity() * sizeof(mark);
  if (account) bytes += sizeof(account_state);
  if (conversations) bytes += sizeof(*conversations) + conversations->capacity() * sizeof(conversation);
  return bytes;
}

} // namespace fairuse
