// SPDX-License-Identifier: Apache-2.0
//
// All policies that are loaded at one time, compiled for the hot path: which bucket sets they need (profiles), which
// sums over them (views and spans), and where each of them runs (slots). Immutable; shared by all threads. A process
// keeps every policy set that it ever made, so labels in decisions stay valid.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "core/policy.hpp"

namespace fairuse {

/// One way to sum a profile's buckets: which lanes, and whether speech metered while the system was off counts.
struct view_spec {
  std::uint16_t profile = 0;
  /// Bit per lane.
  std::uint8_t lanes = 0;
  bool counts_off = true;
  /// Does speech of this kind belong to the view?
  bool counts(lane from, bool while_off) const {
    return ((lanes >> static_cast<unsigned>(from)) & 1) != 0 and (counts_off or not while_off);
  }
  friend bool operator==(const view_spec&, const view_spec&) = default;
};

/// One running sum: a view over the last `span_s` seconds.
struct span_spec {
  std::uint16_t view = 0;
  std::int64_t span_s = 0;
  friend bool operator==(const span_spec&, const span_spec&) = default;
};

/// The place of a slot in policy_set::slots(); 0 is the live one.
using slot_number = std::uint16_t;

enum class slot_kind : std::uint8_t {
  live,
  off,
  shadow,
  alone, ///< beside the live one in review_mode::alone: it decides as if it were the live one
};

/// A place where a policy runs.
struct slot_spec {
  slot_label label;
  slot_kind kind = slot_kind::live;
  policy rules;
  std::uint16_t view = 0;
  /// Index into policy_set::spans() of each window of `rules`.
  std::array<std::uint16_t, windows_max> spans{};
  std::uint16_t ceiling_span = 0;
  /// See slot_age.
  time_ms loaded = INT64_MIN;
  /// `off` of a live policy that does nothing while the system is off: it keeps what stands there for a policy that a
  /// promotion may bring.
  bool only_keeps() const { return kind == slot_kind::off and rules.off == off_rule::nothing; }
};

/// From when on a profile has been metered; a deployment remembers it, because a later profile has not metered the
/// speech before.
struct profile_age {
  metering_profile profile;
  time_ms since = INT64_MIN;
  /// When it was loaded; INT64_MIN: it always was. Buckets from before, when it was loaded once already, do not count:
  /// which of them are still stored depends on when rows were written.
  time_ms loaded = INT64_MIN;
};

/// When a slot was loaded; INT64_MIN: it always was. A standing from before, when it was loaded once already, does not
/// go on but for its numbers: nobody judged meanwhile, and what its timers would sum may not be stored any more.
struct slot_age {
  std::string slot;
  time_ms loaded = INT64_MIN;
};

/// What a deployment remembers of its policies.
struct policy_ages {
  std::vector<profile_age> profiles;
  std::vector<slot_age> slots;
};

/// Of policies that are loaded `now`: slots that were loaded `before` go on, all others begin.
std::vector<slot_age> slots_after(const std::vector<slot_age>& before, const std::vector<const policy*>& loaded,
                                  time_ms now);

/// How slots get their reviews answered.
enum class review_mode : std::uint8_t {
  shared, ///< production: shadows borrow the live slot's verdicts
  alone,  ///< simulation: every slot asks for itself
};

/// What rows name a standing's change by is a bit of 64 per slot, so a deployment takes no more.
inline constexpr std::size_t deployment_slots_max = 64;
inline constexpr std::size_t deployment_indices_max = 256;
/// Without rows.
inline constexpr std::size_t slots_max = 1'024;

class policy_set {
public:
  /// Slots: live first, then `off` if any of the policies says off: shadow, then shadows by name. See
  /// only_keeps().
  /// Profiles that `ages` does not name have always been metered, slots always been loaded.
  /// REQUIRES: distinct shadow names, none `live` or `off`; spans <= retention; check() passes.
  static std::shared_ptr<const policy_set> make(const policy& live, std::vector<policy> shadows,
                                                std::int64_t retention_ms = 8 * day_ms,
                                                review_mode reviews = review_mode::shared, policy_ages ages = {});

  /// Fails if the policies need more slots, profiles, views or spans than a deployment (shared) or a laboratory (alone)
  /// takes.
  static result<void> check(const policy& live, std::vector<policy> shadows, review_mode reviews = review_mode::shared);

  const std::vector<metering_profile>& profiles() const { return profiles_; }
  const std::vector<view_spec>& views() const { return views_; }
  const std::vector<span_spec>& spans() const { return spans_; }
  const std::vector<slot_spec>& slots() const { return slots_; }
  /// Kept sizes: vector::size() divides, and every speech event needs them once per slot.
  std::size_t view_count() const { return view_count_; }
  std::size_t span_count() const { return span_count_; }
  std::size_t slot_count() const { return slot_count_; }
  const slot_spec& live() const { return slots_.front(); }
  /// 0, 1, ...
  const std::vector<slot_number>& every_slot() const { return every_slot_; }
  /// The view that a span sums, and the number of the profile that a slot sums.
  const view_spec& view_of(const span_spec& span) const { return views_[span.view]; }
  std::size_t profile_of(const slot_spec& slot) const { return views_[slot.view].profile; }
  std::int32_t bucket_s(const span_spec& span) const { return profiles_[view_of(span).profile].bucket_s; }
  std::int64_t retention_ms() const { return retention_ms_; }
  review_mode reviews() const { return reviews_; }
  /// Index of a slot by name; -1 if there is none.
  int slot_named(std::string_view name) const;

  /// From when on a slot's sums miss no speech: its profile has been metered for its longest span. INT64_MIN: always.
  time_ms complete_from(std::size_t slot) const;
  /// A slot whose sums may miss speech. It cannot be promoted.
  bool is_incomplete(std::size_t slot, time_ms now) const { return complete_from(slot) > now; }

  /// Of the loaded profiles, and of all slots but the live one, which always is.
  const policy_ages& ages() const { return ages_; }
  /// Of a profile by number; see profile_age.
  time_ms loaded(std::size_t profile) const;

  /// The set after `promote_policy`: the shadow's rules in the live slot, without the shadow. nullptr if there is no
  /// such shadow, or if check() fails for them.
  std::shared_ptr<const policy_set> promoted(std::string_view shadow) const;

private:
  void add_slot(slot_kind kind, const policy& rules);
  void forget_other_ages();
  profile_age age_of(const metering_profile& profile) const;
  std::uint16_t span_index(std::uint16_t view, std::int64_t span_ms);

  std::vector<metering_profile> profiles_;
  std::vector<view_spec> views_;
  std::vector<span_spec> spans_;
  std::vector<slot_spec> slots_;
  std::size_t view_count_ = 0;
  std::size_t span_count_ = 0;
  std::size_t slot_count_ = 0;
  std::vector<slot_number> every_slot_;
  policy_ages ages_;
  std::int64_t retention_ms_ = 0;
  review_mode reviews_ = review_mode::shared;
};

/// The switches and policies that hold for all users at one moment.
struct controls {
  bool enabled = false;
  bool killed = false;
  /// Owned by its maker, for as long as the process runs (see above).
  const policy_set* policies = nullptr;
  friend bool operator==(const controls&, const controls&) = default;
};

} // namespace fairuse
