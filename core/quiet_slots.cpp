// SPDX-License-Identifier: Apache-2.0
#include "core/quiet_slots.hpp"

#include <algorithm>
#include <bit>

namespace fairuse::detail {

namespace {

/// Does the slot neither count STT, nor refuse or count uploads, while its bounds hold?
bool is_idle(const slot_context& context) {
  const auto* known = context.known();
  const bool restricted = known != nullptr and (known->at != stage::none or known->hard or known->ceiling);
  return not restricted and context.who.sums.quiet(context.slot).exceeded == 0;
}

} // namespace

void slot_minima::reset(std::size_t slots) {
  first_leaf_ = std::bit_ceil(std::max<std::size_t>(slots, 1));
  tree_.assign(2 * first_leaf_, INT64_MAX);
}

void slot_minima::set(std::size_t slot, std::int64_t number) {
  auto node = first_leaf_ + slot;
  tree_[node] = number;
  for (node /= 2; node > 0; node /= 2) {
    const auto least = std::min(tree_[2 * node], tree_[2 * node + 1]);
    if (tree_[node] == least) return;
    tree_[node] = least;
  }
}

void slot_minima::finish() {
  for (auto node = first_leaf_ - 1; node > 0; --node)
    tree_[node] = std::min(tree_[2 * node], tree_[2 * node + 1]);
}

void slot_minima::below(std::int64_t bound, std::vector<slot_number>& out) const {
  if (least() >= bound) return;
  // Depth first, the lower slot first: from a leaf or a subtree without any, to the next subtree.
  for (std::size_t node = 1; node != 0;) {
    if (tree_[node] < bound and node < first_leaf_) {
      node *= 2;
      continue;
    }
    if (tree_[node] < bound) out.push_back(static_cast<slot_number>(node - first_leaf_));
    while (node % 2 == 1)
      node /= 2;
    node += node != 0;
  }
}

template <class Write>
void quiet_slots::note(const slot_context& context, Write write) {
  if (not context.judges()) return;
  const auto& bounds = context.who.sums.quiet(context.slot);
  if (context.slot == 0) live_why_ = bounds.why;
  write(until_, std::min(bounds.asks_at, bounds.drains_at));
  write(added_max_ms_[context.spec().view], bounds.added_max_ms);
  write(idle_, is_idle(context) ? 1 : 0);
}

void quiet_slots::read(const slot_context& live) {
  const auto slots = live.policies().slot_count();
  until_.reset(slots);
  idle_.reset(slots);
  added_max_ms_.resize(live.policies().view_count());
  for (auto& each : added_max_ms_)
    each.reset(slots);
  live_why_ = review_block::none;
  for (std::size_t slot = 0; slot < slots; ++slot)
    note(live.in_slot(slot), [slot](slot_minima& to, std::int64_t number) { to.put(slot, number); });
  until_.finish();
  idle_.finish();
  for (auto& each : added_max_ms_)
    each.finish();
}

void quiet_slots::read(const slot_context& live, std::span<const slot_number> slots) {
  for (const auto slot : slots)
    note(live.in_slot(slot), [slot](slot_minima& to, std::int64_t number) { to.set(slot, number); });
}

} // namespace fairuse::detail
