// SPDX-License-Identifier: Apache-2.0
#include "core/policy_set.hpp"

#include <algorithm>
#include <utility>

namespace fairuse {

namespace {

template <class T>
std::uint16_t index_of(std::vector<T>& all, const T& wanted) {
  auto found = std::find(all.begin(), all.end(), wanted);
  if (found == all.end()) found = all.insert(all.end(), wanted);
  return static_cast<std::uint16_t>(found - all.begin());
}

slot_label make_label(slot_kind kind, const policy& rules) {
  slot_label label;
  label.slot = kind == slot_kind::live ? "live" : kind == slot_kind::off ? "off" : rules.name;
  label.enforced = kind == slot_kind::live;
  label.policy = rules.name;
  label.digest = rules.digest;
  for (const auto& window : rules.windows)
    label.windows.push_back(window.name);
  return label;
}

/// Also while the live policy does nothing when the system is off: a promotion can bring the slot back, and what stands
/// there must not depend on who was in memory meanwhile.
bool may_run_off(const policy& live, const std::vector<policy>& shadows) {
  const auto says_so = [](const policy& each) { return each.off == off_rule::shadow; };
  return says_so(live) or std::any_of(shadows.begin(), shadows.end(), says_so);
}

/// Indices wrap in a set that is too large, its counts do not.
result<void> check_counts(const policy_set& set) {
  const bool deployed = set.reviews() == review_mode::shared;
  const auto indices_max = deployed ? deployment_indices_max : std::size_t{UINT16_MAX};
  struct {
    std::size_t count, most;
    std::string_view what;
  } const limits[] = {{set.slot_count(), deployed ? deployment_slots_max : slots_max, "slots"},
                      {set.profiles().size(), indices_max, "metering profiles"},
                      {set.view_count(), indices_max, "combinations of metering and lanes"},
                      {set.span_count(), indices_max, "different window spans"}};
  for (const auto& each : limits)
    if (each.count > each.most)
      return error{"the policies need " + std::to_string(each.count) + " " + std::string(each.what) + " together, and "
                   + std::to_string(each.most) + " are the most: load fewer policies"};
  return {};
}

} // namespace

std::vector<slot_age> slots_after(const std::vector<slot_age>& before, const std::vector<const policy*>& loaded,
                                  time_ms now) {
  std::vector<slot_age> ages{{"off", now}};
  for (const auto* each : loaded)
    ages.push_back({each->name, now});
  for (auto& age : ages)
    for (const auto& known : before)
      if (known.slot == age.slot) age.loaded = known.loaded;
  return ages;
}

std::shared_ptr<const policy_set> policy_set::make(const policy& live, std::vector<policy> shadows,
                                                   std::int64_t retention_ms, review_mode reviews, policy_ages ages) {
  auto set = std::make_shared<policy_set>();
  set->ages_ = std::move(ages);
  set->retention_ms_ = retention_ms;
  set->reviews_ = reviews;
  set->add_slot(slot_kind::live, live);
  if (may_run_off(live, shadows)) set->add_slot(slot_kind::off, live);
  std::sort(shadows.begin(), shadows.end(), [](const policy& a, const policy& b) { return a.name < b.name; });
  const auto beside = reviews == review_mode::alone ? slot_kind::alone : slot_kind::shadow;
  for (const auto& shadow : shadows)
    set->add_slot(beside, shadow);
  set->forget_other_ages();
  return set;
}

result<void> policy_set::check(const policy& live, std::vector<policy> shadows, review_mode reviews) {
  return check_counts(*make(live, std::move(shadows), 8 * day_ms, reviews));
}

void policy_set::add_slot(slot_kind kind, const policy& rules) {
  slot_spec slot;
  slot.label = make_label(kind, rules);
  slot.kind = kind;
  slot.rules = rules;
  const auto age = std::find_if(ages_.slots.begin(), ages_.slots.end(),
                                [&slot](const slot_age& each) { return each.slot == slot.label.slot; });
  if (kind != slot_kind::live and age != ages_.slots.end()) slot.loaded = age->loaded;
  view_spec view;
  view.profile = index_of(profiles_, rules.metering);
  for (std::size_t i = 0; i < lane_count; ++i)
    if (rules.enforced_lanes[i]) view.lanes = static_cast<std::uint8_t>(view.lanes | (1U << i));
  const bool is_switched = kind == slot_kind::live or kind == slot_kind::alone;
  view.counts_off = not(is_switched and rules.off == off_rule::nothing);
  slot.view = index_of(views_, view);
  for (std::size_t i = 0; i < rules.windows.size(); ++i)
    slot.spans[i] = span_index(slot.view, rules.windows[i].span_ms);
  slot.ceiling_span = rules.ceiling.cap_ms > 0 ? span_index(slot.view, rules.ceiling.span_ms) : slot.spans[0];
  slots_.push_back(std::move(slot));
  view_count_ = views_.size();
  span_count_ = spans_.size();
  every_slot_.push_back(static_cast<slot_number>(slot_count_));
  slot_count_ = slots_.size();
}

void policy_set::forget_other_ages() {
  std::erase_if(ages_.profiles, [this](const profile_age& age) {
    return std::find(profiles_.begin(), profiles_.end(), age.profile) == profiles_.end();
  });
  ages_.slots.clear();
  for (const auto& slot : slots_)
    if (slot.kind != slot_kind::live) ages_.slots.push_back({slot.label.slot, slot.loaded});
}

std::uint16_t policy_set::span_index(std::uint16_t view, std::int64_t span_ms) {
  return index_of(spans_, span_spec{view, span_ms / second_ms});
}

time_ms policy_set::loaded(std::size_t profile) const { return age_of(profiles_[profile]).loaded; }

profile_age policy_set::age_of(const metering_profile& profile) const {
  const auto found = std::find_if(ages_.profiles.begin(), ages_.profiles.end(),
                                  [&](const profile_age& each) { return each.profile == profile; });
  return found == ages_.profiles.end() ? profile_age{profile} : *found;
}

int policy_set::slot_named(std::string_view name) const {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].label.slot == name) return static_cast<int>(i);
  return -1;
}

time_ms policy_set::complete_from(std::size_t slot) const {
  const auto& spec = slots_[slot];
  const auto age = age_of(spec.rules.metering);
  if (age.since == INT64_MIN) return INT64_MIN;
  auto longest = spec.rules.ceiling.cap_ms > 0 ? spec.rules.ceiling.span_ms : 0;
  for (const auto& window : spec.rules.windows)
    longest = std::max(longest, window.span_ms);
  return age.since + longest;
}

std::shared_ptr<const policy_set> policy_set::promoted(std::string_view shadow) const {
  const policy* chosen = nullptr;
  std::vector<policy> others;
  for (const auto& slot : slots_) {
    if (slot.kind == slot_kind::live or slot.kind == slot_kind::off) continue;
    if (slot.rules.name == shadow)
      chosen = &slot.rules;
    else
      others.push_back(slot.rules);
  }
  if (chosen == nullptr) return nullptr;
  auto made = make(*chosen, std::move(others), retention_ms_, reviews_, ages_);
  return check_counts(*made) ? made : nullptr;
}

} // namespace fairuse
