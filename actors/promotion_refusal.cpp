// SPDX-License-Identifier: Apache-2.0
#include "actors/promotion_refusal.hpp"

#include <algorithm>

#include "base/pure/text.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

std::string names_of_shadows(const policy_set& loaded) {
  std::string names;
  for (const auto& slot : loaded.slots())
    if (slot.kind == slot_kind::shadow) names += (names.empty() ? "" : ", ") + slot.rules.name;
  return names;
}

} // namespace

bool may_promote(const policy_set& loaded, const admin_command& what, time_ms now) {
  const auto found = loaded.slot_named(what.policy);
  if (found <= 0) return false;
  const auto slot = static_cast<std::size_t>(found);
  return loaded.slots()[slot].label.digest.starts_with(what.digest) and not loaded.is_incomplete(slot, now);
}

std::string why_not_promoted(const policy_set& loaded, const admin_command& what, time_ms now) {
  const std::string_view policy = what.policy;
  const auto& slots = loaded.slots();
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const slot_spec& each) {
    return each.kind == slot_kind::shadow and each.rules.name == policy;
  });
  if (found != slots.end()) {
    const auto slot = static_cast<std::size_t>(found - slots.begin());
    if (not found->label.digest.starts_with(what.digest))
      return found->rules.name + " is " + found->label.digest.substr(0, digest_digits_min) + ", and not "
             + what.digest.substr(0, digest_digits_min) + ".";
    if (loaded.is_incomplete(slot, now))
      return found->rules.name + " is incomplete until " + to_time_text(loaded.complete_from(slot)) + ".";
    return found->rules.name + " and the other policies together are too many to be loaded.";
  }
  if (loaded.live().rules.name == policy) return loaded.live().rules.name + " is live already.";
  const auto names = names_of_shadows(loaded);
  return "No shadow is called '" + without_control(std::string{policy}) + "'; "
         + (names.empty() ? "none is" : "loaded are " + names) + (names.empty() ? " loaded." : ".");
}

} // namespace fairuse
