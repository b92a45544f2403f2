// SPDX-License-Identifier: Apache-2.0

#include "api/gate/lease_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/pure/hex.hpp"
#include "base/system/random_bits.hpp"

namespace fairuse {

namespace {

constexpr std::int64_t drop_every_ms = 1'000;

} // namespace

lease_table::lease_table(lease_rules rules) : rules_{rules}, prefix_{to_hex(random_bits()) + '-'} {}

lease_answer lease_table::reserve(const lease_request& asked, const budget_facts& budget, std::int64_t now) {
  const std::lock_guard guard{mutex_};
  drop_lapsed(now);
  auto& all = users_[std::string{asked.uid}];
  // What the last owner gave may still be in use.
  const bool is_new_owner = budget.owned_for_ms < rules_.told_ms + rules_.grace_ms;
  const auto told_ms = is_new_owner ? rules_.short_ms : rules_.told_ms;
  const auto unused = std::max<std::int64_t>(0, budget.limit_ms - budget.used_ms);
  if (const auto own = std::ranges::find(all, asked.session, &held::session); own != all.end()) {
    if (asked.is_whole and own->granted_ms < asked.planned_ms) return refuse(all, unused >= asked.planned_ms, now);
    return {.granted = renewed(*own, told_ms, now)};
  }
  const auto add = [](std::int64_t sum, const held& each) { return sum + each.granted_ms; };
  const auto leased = std::accumulate(all.begin(), all.end(), std::int64_t{0}, add);
  const auto left = std::max<std::int64_t>(0, unused - leased);
  auto wanted = asked.planned_ms;
  if (is_new_owner and not asked.is_whole) wanted = std::min(wanted, rules_.short_ms);
  const bool fits = asked.is_whole ? left >= wanted and left > 0 : left > 0;
  if (not fits or all.size() >= rules_.sessions_max)
    return refuse(all, unused > left and (not asked.is_whole or unused >= wanted), now);
  return {.granted = made(all, asked, std::min(wanted, left), told_ms, now)};
}

void lease_table::drop_lapsed(std::int64_t now) {
  if (dropped_at_ != INT64_MIN and now - dropped_at_ < drop_every_ms) return;
  dropped_at_ = now;
  for (auto at = users_.begin(); at != users_.end();) {
    const auto lapsed = std::erase_if(at->second, [now](const held& each) { return each.lapses_at <= now; });
    counts_.lapsed += lapsed;
    counts_.open -= lapsed;
    at = at->second.empty() ? users_.erase(at) : std::next(at);
  }
}

lease_answer lease_table::refuse(const user_leases& of, bool is_reserved, std::int64_t now) {
  counts_.reserved += is_reserved ? 1 : 0;
  auto next = now + rules_.told_ms + rules_.grace_ms;
  for (const auto& each : of)
    next = std::min(next, each.lapses_at);
  return {.is_reserved = is_reserved, .retry_after_ms = std::max<std::int64_t>(1, next - now)};
}

lease lease_table::renewed(held& what, std::int64_t told_ms, std::int64_t now) {
  ++counts_.renewed;
  what.lapses_at = now + told_ms + rules_.grace_ms;
  return {what.id, what.granted_ms, told_ms};
}

lease lease_table::made(user_leases& of, const lease_request& asked, std::int64_t granted_ms, std::int64_t told_ms,
                        std::int64_t now) {
  ++counts_.granted;
  ++counts_.open;
  const auto lapses_at = now + told_ms + rules_.grace_ms;
  of.push_back({std::string{asked.session}, prefix_ + std::to_string(++last_), granted_ms, lapses_at});
  return {of.back().id, granted_ms, told_ms};
}

void lease_table::end(std::string_view uid, std::string_view id) {
  const std::lock_guard guard{mutex_};
  const auto found = users_.find(uid);
  if (found == users_.end()) return;
  const auto ended = std::erase_if(found->second, [id](const held& each) { return each.id == id; });
  counts_.ended += ended;
  counts_.open -= ended;
  if (found->second.empty()) users_.erase(found);
}

lease_counts lease_table::counts() const {
  const std::lock_guard guard{mutex_};
  return counts_;
}

} // namespace fairuse
