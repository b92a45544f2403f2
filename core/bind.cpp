// SPDX-License-Identifier: Apache-2.0
#include "core/bind.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/sums.hpp"
#include "core/timers.hpp"

namespace fairuse {

namespace {

void keep_for_writer(user& who, const slot_spec& slot, std::unique_ptr<standing> last) {
  if (not who.changed.track or last == nullptr) return;
  if (who.changed.unloaded == nullptr) who.changed.unloaded = std::make_unique<std::vector<unloaded_standing>>();
  who.changed.unloaded->push_back({slot.label.slot, slot.loaded, std::move(last)});
}

/// Buckets follow their profile, standings their slot's name.
void move_to_set(user& who, const policy_set& from, const policy_set& to) {
  std::vector<bucket_log> metered(to.profiles().size());
  for (std::size_t old = 0; old < from.profiles().size(); ++old)
    for (std::size_t i = 0; i < metered.size(); ++i)
      if (to.profiles()[i] == from.profiles()[old]) metered[i] = std::move(who.metered[old]);
  who.metered = std::move(metered);
  std::vector<std::unique_ptr<standing>> standings(who.standings.empty() ? 0 : to.slot_count());
  std::uint64_t changed = 0;
  for (std::size_t i = 0; i < who.standings.size(); ++i) {
    const auto slot = to.slot_named(from.slots()[i].label.slot);
    if (slot < 0) {
      // An erasure leaves numbers that were not written either.
      if (who.changed.erased or (who.changed.standings >> i & 1) != 0)
        keep_for_writer(who, from.slots()[i], std::move(who.standings[i]));
      continue;
    }
    standings[static_cast<std::size_t>(slot)] = std::move(who.standings[i]);
    changed |= (who.changed.standings >> i & 1) << slot;
  }
  who.standings = std::move(standings);
  who.changed.standings = changed;
}

/// Other rules may hold a restriction for longer or shorter: its drain timer is due `now`.
void recheck_restrictions(user& who, time_ms now) {
  for (const auto& standing : who.standings)
    if (standing and (standing->hard or standing->ceiling)) standing->drain_due = now;
}

} // namespace

void bind(user& who, const policy_set& policies, time_ms now) {
  const auto* old = who.sums.policies;
  if (old == &policies) return;
  if (old != nullptr) {
    move_to_set(who, *old, policies);
    recheck_restrictions(who, now);
  }
  who.metered.resize(policies.profiles().size());
  if (not who.standings.empty()) who.standings.resize(policies.slot_count());
  who.next_due = detail::next_due(who);
  // Sums only move forward, and a timer that is due before `now` fires with the sums of its own instant.
  detail::rebuild_sums(who, policies, std::min(now, who.next_due));
}

} // namespace fairuse
