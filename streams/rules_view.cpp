// SPDX-License-Identifier: Apache-2.0

#include "streams/rules_view.hpp"

namespace fairuse {

namespace {

policy_view view_of(const policy_set& all, std::size_t slot) {
  const auto& from = all.slots()[slot];
  const auto since = all.complete_from(slot);
  return {from.rules.name, from.label.digest, since == INT64_MIN ? std::nullopt : std::optional{since}};
}

} // namespace

rules_view view_of(const controls& in_force) {
  rules_view made{.live = {}, .shadows = {}, .enabled = in_force.enabled, .killed = in_force.killed};
  const auto& all = *in_force.policies;
  for (std::size_t i = 0; i < all.slot_count(); ++i) {
    if (all.slots()[i].kind == slot_kind::live) made.live = view_of(all, i);
    if (all.slots()[i].kind == slot_kind::shadow) made.shadows.push_back(view_of(all, i));
  }
  return made;
}

} // namespace fairuse
