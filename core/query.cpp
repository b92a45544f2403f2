// SPDX-License-Identifier: Apache-2.0
#include "core/query.hpp"

#include <utility>

#include "core/budget.hpp"
#include "core/context.hpp"
#include "core/ladder.hpp"
#include "core/reading.hpp"
#include "core/timers.hpp"

namespace fairuse {

namespace {

/// One query: the view is filled in part by part.
class standing_query {
public:
  standing_query(const user& who, const controls& in_force, std::size_t slot, time_ms at)
    : who_(who),
      policies_(*in_force.policies),
      slot_(policies_.slots()[slot]),
      at_(at),
      known_(standing_in(who, slot)),
      judges_(detail::judges(who.is_exempt(at), in_force, slot_)) {}

  standing_view answer() {
    view_.slot = &slot_;
    view_.details = known_;
    view_.judges = judges_;
    if (known_ != nullptr) add_standing();
    add_windows();
    if (judges_) add_restrictions();
    if (slot_.rules.budget.per_utc_day_ms > 0) add_budget();
    return std::move(view_);
  }

private:
  auto bucket_sums() const {
    return [this](std::size_t span) { return detail::bucket_sum(who_, policies_, span, at_); };
  }

  void add_standing() {
    view_.at = known_->at;
    view_.since = known_->since;
    view_.until = known_->until;
    skip_ended_stages();
    view_.strikes_7d = detail::strikes_since(*known_, at_ - 7 * day_ms);
    view_.strikes_30d = detail::strikes_since(*known_, at_ - 30 * day_ms);
    view_.content_locked = known_->locked;
    view_.pending_request = known_->pending;
    view_.cooldown_until = known_->cooldown_until;
    view_.next_due = detail::next_due(*known_);
  }

  // What end_stage will do, each at its due instant.
  void skip_ended_stages() {
    while (view_.at != stage::none and view_.until < at_) {
      view_.at = slot_.rules.falls_to(view_.at);
      view_.since = view_.until + 1;
      view_.until = slot_.rules.stage_end(view_.at, view_.since);
    }
  }

  void add_windows() {
    const auto reading = detail::read_limits(detail::window_limits(slot_, who_.plan()), bucket_sums());
    exceeds_cap_ = judges_ and reading.exceeded != 0;
    for (std::size_t window = 0; window < reading.limits.count; ++window)
      view_.windows.push_back(
          {reading.sums[window], reading.limits.all[window].limit_ms, judges_ and reading.is_exceeded(window)});
  }

  void add_restrictions() {
    const auto reading = detail::read_restrictions(slot_, view_.at, who_.plan(), bucket_sums());
    view_.hard_restricted = reading.holds_hard;
    view_.ceiling = reading.holds_ceiling;
    if (view_.hard_restricted or view_.ceiling) {
      const auto kind = view_.hard_restricted ? restriction_kind::hard : restriction_kind::ceiling;
      const auto held = detail::held_limit_of(slot_, kind, reading);
      view_.refused_sum_ms = held.sum_ms;
      view_.refused_cap_ms = held.cap_ms;
    }
    if (view_.hard_restricted and slot_.rules.retry == hard_retry::deadline)
      view_.retry_at = view_.until;
    else if (view_.hard_restricted)
      view_.retry_at = detail::drains_at(who_, policies_, reading.hard.limits, at_);
    else if (view_.ceiling)
      view_.retry_at = detail::drains_at(who_, policies_, reading.ceiling.limits, at_);
  }

  void add_budget() {
    const auto& rule = slot_.rules.budget;
    auto& budget = view_.budget;
    budget.limit_ms = rule.per_utc_day_ms;
    budget.used_ms = detail::used_budget(known_, at_);
    budget.tracked = judges_ and detail::tracks_budget(rule, view_.at, [this] { return exceeds_cap_; });
    budget.exhausted = budget.used_ms >= rule.per_utc_day_ms;
    budget.resets_at = detail::utc_day_end(detail::utc_day(at_));
  }

  const user& who_;
  const policy_set& policies_;
  const slot_spec& slot_;
  const time_ms at_;
  const standing* known_;
  const bool judges_;
  bool exceeds_cap_ = false;
  standing_view view_;
};

} // namespace

standing_view query_standing(const user& who, const controls& in_force, std::size_t slot, time_ms at) {
  return standing_query(who, in_force, slot, at).answer();
}

std::string_view why_no_appeal(const mark& strike) {
  if (strike.cleared != reason::none) return "The strike is cleared, so there is nothing to appeal against.";
  if (strike.has_open_appeal()) return "An appeal is open already.";
  if (strike.appeals != nullptr and strike.appeals->size() >= appeals_max)
    return "There were three appeals against this strike, which is the most.";
  return {};
}

time_ms next_due_of(const user& who) { return detail::next_due(who); }

} // namespace fairuse
