// SPDX-License-Identifier: Apache-2.0
//
// Everything the engine remembers about one user: usage (policy-independent) and a standing per slot. Plain data; only
// core/rules.hpp changes it, only core/query.hpp reads it for people, only storage/rows.hpp writes it down.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bucket_log.hpp"
#include "core/compact_list.hpp"
#include "core/id_log.hpp"
#include "core/permanent_ids.hpp"
#include "core/policy_set.hpp"
#include "events/decision.hpp"

namespace fairuse {

/// (time, source, id): which of two facts about the same field is newer.
struct fact_stamp {
  time_ms time = INT64_MIN;
  std::string source;
  std::string id;
  friend auto operator<=>(const fact_stamp&, const fact_stamp&) = default; // NOLINT(modernize-use-nullptr): clang 14
};

struct account_state {
  std::string plan = "basic";
  bool credits_exhausted = false;
  std::string time_zone;
  fact_stamp plan_stamp;
  fact_stamp credits_stamp;
  fact_stamp time_zone_stamp;
  /// Empty: not known.
  std::string locale;
  fact_stamp locale_stamp;
};

struct conversation {
  std::string id;
  time_ms at = 0;
  fact_stamp stamp;
  std::string title;
  std::string overview;
  std::string category;
  std::int64_t duration_ms = 0;
  lane from = lane::realtime;
};
inline constexpr std::size_t conversations_max = 30;

/// Persistent: never renumber.
enum class mark_kind : std::uint8_t { verdict = 0, admin_stage = 1, reset = 2, upgrade = 3 };

/// What a user said against a strike.
struct appeal {
  time_ms at = 0;
  std::string text;
  /// `never`: it is open.
  time_ms closed_at = never;
  friend bool operator==(const appeal&, const appeal&) = default;
};
/// Of one strike, over its life.
inline constexpr std::size_t appeals_max = 3;
/// Shared by copies of a mark, which are read alone; nullptr: there is none.
using shared_appeals = std::shared_ptr<const std::vector<appeal>>;

/// One entry of a standing's history. It stores its result, so a later policy does not change it.
struct mark {
  time_ms at = 0;
  mark_kind kind = mark_kind::verdict;
  bool strike = false;
  bool qualifying = false;
  /// What cleared the strike; none: it counts.
  reason cleared = reason::none;
  bool resolved = false;
  usage_type type = usage_type::none;
  std::int32_t score_nano = 0;
  stage from = stage::none;
  stage to = stage::none;
  /// Stage end that this mark set; `never` if it set none.
  time_ms end = never;
  std::uint32_t number = 0;  ///< strike number; 0: not a strike
  std::uint32_t request = 0; ///< 0: no request (synthetic, borrowed, admin)
  std::string cause;         ///< event id
  std::string policy_digest;
  std::string notes; ///< resolve, reopen: who and what
  /// Of a verdict: what else the reviewer said.
  shared_details said;
  /// Oldest first; the last one may be open.
  shared_appeals appeals;

  bool has_open_appeal() const { return appeals != nullptr and appeals->back().closed_at == never; }
};

/// Where a user stands in one slot.
struct standing {
  std::vector<mark> marks;
  stage at = stage::none;
  time_ms since = 0;
  /// Last instant of the stage; `never`: it does not end by itself.
  time_ms until = never;
  std::uint32_t last_strike = 0;
  std::uint32_t last_request = 0;
  /// The pending request's number; 0: none is pending.
  std::uint32_t pending = 0;
  time_ms asked_at = INT64_MIN;
  time_ms pending_until = never;
  /// Last instant of the cooldown; INT64_MIN: there is none.
  time_ms cooldown_until = INT64_MIN;
  time_ms retry_until = INT64_MIN;
  /// Failures in a row.
  std::uint32_t failures = 0;
  /// Requests that timed out and have no answer yet.
  std::vector<std::uint32_t> timed_out;
  /// The last review that changed the stage was free_exhausted (forgotten by admin reset only).
  bool last_change_free = false;
  /// UTC day that `used_ms` counts.
  std::int32_t utc_day = 0;
  std::int64_t used_ms = 0;
  bool exhausted = false; ///< budget_exhausted was written and still holds
  /// Of `utc_day`: budget_low was written, or more had been used at once.
  bool low = false;
  bool hard = false; ///< restriction_engaged (hard) was written and still holds
  bool ceiling = false;
  bool locked = false;
  /// May be early, never late; `never`: nothing holds.
  time_ms drain_due = never;
};

/// Nothing but the numbers that are never given twice.
inline standing numbers_of(const standing& what) {
  standing numbers;
  numbers.last_strike = what.last_strike;
  numbers.last_request = what.last_request;
  return numbers;
}

/// Running sum over one span: all that was ever added to its view without what has left the window. So an event is one
/// addition per view, however many spans sum it. Entries before `tail` have left.
struct span_sum {
  std::int64_t left_ms = 0;
  std::uint32_t first = 0; ///< first bucket that counts
  std::uint32_t tail = 0;  ///< position in the bucket_log
};

/// Why a standing excess asks for no review now.
enum class review_block : std::uint8_t { none, cooldown, terminal, pending };

/// Until when speech can cross, drain or ask for nothing in a slot (see core/quiet.hpp).
struct quiet_bounds {
  /// Quiet while the view has had no more speech added than this (no other cap can be crossed) ...
  std::int64_t added_max_ms = INT64_MIN;
  /// ... `now` is before this (no review may be asked for) ...
  time_ms asks_at = INT64_MIN;
  /// ... and before this (the first exceeded window is back at its cap even if no more speech comes).
  time_ms drains_at = INT64_MIN;
  /// Windows that stay exceeded meanwhile, a bit each, and why they ask for nothing.
  std::uint8_t exceeded = 0;
  review_block why = review_block::none;
  bool hold(std::int64_t added_ms, time_ms now) const {
    return added_ms <= added_max_ms and now < asks_at and now < drains_at;
  }
};

/// What follows from usage and the loaded policies: rebuilt, never stored. One block, because of the memory that an
/// ordinary user costs.
class bound_sums {
public:
  const policy_set* policies = nullptr;

  void reset(const policy_set& to);
  span_sum& span(std::size_t i) { return spans()[i]; }
  const span_sum& span(std::size_t i) const { return spans()[i]; }
  /// All speech ever added to a view, ms: it only grows.
  std::int64_t& added_ms(std::size_t view) { return added()[view]; }
  std::int64_t added_ms(std::size_t view) const { return added()[view]; }
  /// Speech of a profile in this bucket or a later one is in all of its windows.
  std::int64_t& first_in_all(std::size_t profile) { return firsts()[profile]; }
  quiet_bounds& quiet(std::size_t slot) { return quiets()[slot]; }
  /// The next speech is evaluated in this slot, whatever the bounds were.
  void end_quiet(std::size_t slot) { quiets()[slot] = {}; }
  std::size_t memory_bytes() const;

private:
  span_sum* spans() const { return reinterpret_cast<span_sum*>(block_.get()); }
  std::int64_t* added() const { return reinterpret_cast<std::int64_t*>(spans() + policies->span_count()); }
  std::int64_t* firsts() const { return added() + policies->view_count(); }
  quiet_bounds* quiets() const { return reinterpret_cast<quiet_bounds*>(firsts() + policies->profiles().size()); }
  std::unique_ptr<std::int64_t[]> block_;
};

/// The standing of a slot that is not loaded any more.
struct unloaded_standing {
  std::string slot;
  /// When the slot was loaded.
  time_ms loaded = INT64_MIN;
  /// nullptr: an erasure left nothing of it.
  std::unique_ptr<standing> last;
};

/// What a step changed, for the writer. Kept only where `track` is set (production).
struct changes {
  bool track = false;
  bool core = false;
  bool conversations = false;
  bool erased = false;
  /// When the live slot's restriction may be lifted, by a timer that lifted nothing.
  bool retry_at = false;
  /// When an exemption ends: the earliest timer may be another one, though no standing changed.
  bool exempt_until = false;
  /// A bit per slot of a deployment. Of more slots several share one: where nothing is written it says that one
  /// changed.
  std::uint64_t standings = 0;
  compact_list<hour_number> bucket_hours;
  compact_list<hour_number> id_hours;
  /// Changed, and unloaded before they were written: their rows do not depend on when rows are written.
  std::unique_ptr<std::vector<unloaded_standing>> unloaded;
  bool any() const {
    return core or conversations or erased or exempt_until or standings != 0 or not bucket_hours.empty()
           or not id_hours.empty() or unloaded;
  }
  void clear();
};

/// Add `hour` unless it is there.
void note_once(compact_list<hour_number>& hours, hour_number hour);

struct user {
  /// Same order as policy_set::profiles() of `sums.policies`.
  std::vector<bucket_log> metered;
  id_log ids;
  bound_sums sums;
  /// Same order as policy_set::slots(); nullptr: nothing has happened there yet.
  std::vector<std::unique_ptr<standing>> standings;
  std::unique_ptr<account_state> account;
  std::unique_ptr<std::vector<conversation>> conversations; ///< by (at, id), at most conversations_max
  std::vector<permanent_id> admin_ids;                      ///< by key
  bool exempt = false;
  /// Last instant of an exemption; `never`: it does not end by itself, or there is none.
  time_ms exempt_until = never;
  /// Events up to here are refused as erased; INT64_MIN: never erased.
  time_ms erased_at = INT64_MIN;
  /// Earliest due timer over all standings; `never`: none. Maintained by rules.
  time_ms next_due = never;
  hour_number pruned_hour = 0;
  changes changed;

  /// For the writer: this hour's ids changed.
  void note_id_hour(hour_number hour);
  std::string_view plan() const { return account ? std::string_view(account->plan) : std::string_view("basic"); }
  /// At an instant that is not before the last step: one that has ended is over, although its timer has not fired.
  bool is_exempt(time_ms at) const { return exempt and at <= exempt_until; }
  bool credits_exhausted() const { return account and account->credits_exhausted; }
  /// Heap and struct, as allocated (for the memory figures of bench/).
  std::size_t memory_bytes() const;
};

} // namespace fairuse
