// SPDX-License-Identifier: Apache-2.0
#include "actors/promotion_refusal.hpp"

#include <algorithm>

#include "events/time_text.hpp"

namespace fairuse {

namespace {

/// Stands in log lines and headers, and came from outside.
std::string printable(std::string_view name) {
  std::string text(name);
  const auto is_control = [](char each) { return static_cast<unsigned char>(each) < ' ' or each == '\x7f'; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::string names_of_shadows(const policy_set& loaded) {
  std::string names;
  for (const auto& slot : loaded.slots())
    if (slot.kind == slot_kind::shadow) names += (names.empty() ? "" : ", ") + slot.rules.name;
  return names;
}

} // namespace

std::string why_not_promoted(const policy_set& loaded, std::string_view policy, time_ms now) {
  const auto& slots = loaded.slots();
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const slot_spec& each) {
    return each.kind == slot_kind::shadow and each.rules.name == policy;
  });
  if (found != slots.end()) {
    const auto slot = static_cast<std::size_t>(found - slots.begin());
    if (loaded.is_incomplete(slot, now))
      return found->rules.name + " is incomplete until " + to_time_text(loaded.complete_from(slot)) + ".";
    return found->rules.name + " and the other policies together are too many to be loaded.";
  }
  if (loaded.live().rules.name == policy) return loaded.live().rules.name + " is live already.";
  const auto names = names_of_shadows(loaded);
  return "No shadow is called '" + printable(policy) + "'; " + (names.empty() ? "none is" : "loaded are " + names)
         + (names.empty() ? " loaded." : ".");
}

} // namespace fairuse
