// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenario.hpp"

namespace fairuse::model {

namespace {

void make_ladder(policy& made, std::uint8_t choice) {
  step_rule warning;
  warning.at = stage::warning;
  warning.ends_after_ms = 2 * day_ms;
  step_rule throttle;
  throttle.at = stage::throttle;
  throttle.strikes = 1;
  throttle.within_ms = 3 * day_ms;
  throttle.ends_after_ms = day_ms;
  throttle.falls_to = stage::warning;
  throttle.economy_stt = true;
  step_rule restrict;
  restrict.at = stage::restrict;
  restrict.strikes = 2;
  restrict.within_ms = 3 * day_ms;
  restrict.ends_after_ms = 2 * day_ms;
  restrict.falls_to = stage::throttle;
  restrict.hard_caps = true;
  switch (choice % 5) {
    case 0:
      break;
    case 1: // Only the last one ends.
      warning.ends_after_ms = throttle.ends_after_ms = 0;
      restrict.notify = false;
      break;
    case 2: // At the first strike, and straight to none.
      restrict.strikes = 0;
      restrict.falls_to = stage::none;
      made.steps = {restrict};
      return;
    case 3:
      warning.hard_caps = true;
      restrict.strikes = 1;
      restrict.within_ms = 12 * hour_ms;
      restrict.falls_to = stage::warning;
      made.steps = {warning, restrict};
      return;
    case 4: // Hard already in throttle.
      throttle.hard_caps = true;
      break;
  }
  made.steps = {warning, throttle, restrict};
}

void make_reviews(policy& made, const choices& chosen) {
  auto& review = made.review;
  review.cooldown_ms = pick<std::int64_t>(chosen[6], {12 * hour_ms, hour_ms, 10 * minute_ms, 0});
  if (chosen[7] % 2 == 1) {
    review.cleared_below_nano = 350'000'000;
    review.cleared_cooldown_ms = 3 * review.cooldown_ms;
  }
  review.check_interval_ms = pick<std::int64_t>(chosen[8], {0, 5 * minute_ms});
  review.timeout_ms = pick<std::int64_t>(chosen[9], {30 * minute_ms, 2 * minute_ms, day_ms});
  review.retry_after_ms = pick<std::int64_t>(chosen[10], {0, 15 * minute_ms, 5 * hour_ms, 13 * hour_ms});
  review.lookback_ms = pick<std::int64_t>(chosen[10], {7 * day_ms, day_ms});
  review.last_stage = pick(chosen[11], {at_last_stage::skip, at_last_stage::review});
  review.shadow_asks = chosen[11] % 4 >= 2;
}

void make_windows(policy& made, const choices& chosen) {
  const window_rule daily{"daily", 24 * hour_ms, 20 * minute_ms};
  const window_rule weekly{"weekly", 168 * hour_ms, 45 * minute_ms};
  const window_rule hourly{"hourly", hour_ms, 10 * minute_ms};
  switch (chosen[3] % 3) {
    case 0:
      made.windows = {daily, {"3day", 72 * hour_ms, 30 * minute_ms}, weekly};
      break;
    case 1:
      made.windows = {hourly};
      break;
    case 2: // The wider one may be exceeded alone.
      made.windows = {daily, {"half", 12 * hour_ms, 20 * minute_ms}};
      break;
  }
  plan_rule raised{"unlimited", {}};
  for (const auto& each : made.windows)
    raised.caps_ms.push_back(2 * each.cap_ms);
  if (chosen[4] % 2 == 0) made.plans = {raised};
  if (chosen[4] % 4 < 3) made.free_plans = {"basic"};
  made.ceiling.cap_ms = pick<std::int64_t>(chosen[5], {0, 40 * minute_ms, 15 * minute_ms});
  made.ceiling.span_ms = pick<std::int64_t>(chosen[5], {day_ms, day_ms, 2 * hour_ms, day_ms});
  made.ceiling.refuses_uploads = chosen[5] % 5 != 4;
}

} // namespace

policy make_policy(const choices& chosen, const std::string& name) {
  policy made;
  made.name = name;
  made.digest = "digest-of-" + name;
  made.metering.bucket_s = pick(chosen[0], {60, 60, 300});
  made.metering.basis = pick(chosen[1], {time_basis::event, time_basis::arrival});
  made.metering.fresh_within_ms = pick<std::int64_t>(chosen[2], {day_ms, 0, 2 * hour_ms});
  make_windows(made, chosen);
  make_reviews(made, chosen);
  made.counts = pick(chosen[12], {strike_basis::qualifying, strike_basis::finished_reviews});
  make_ladder(made, chosen[13]);
  made.budget.per_utc_day_ms = pick<std::int64_t>(chosen[14], {5 * minute_ms, 0});
  made.budget.low_nano = pick(chosen[14] / 2, {500'000'000, 0, 800'000'000, 1, 0, 1'000'000'000});
  made.budget.at = pick(chosen[15], {stage::restrict, stage::throttle, stage::warning});
  made.budget.track_from_trigger = chosen[15] % 2 == 0;
  made.budget.charge_uploads = chosen[14] % 3 != 1;
  made.budget.charge_stt = chosen[14] % 5 != 2;
  made.hard = pick(chosen[16], {hard_caps::plan, hard_caps::base});
  made.retry = chosen[16] % 3 == 2 ? hard_retry::deadline : hard_retry::drain;
  made.on_upgrade =
      pick(chosen[17], {upgrade_rule::clear_free_strikes, upgrade_rule::clear_if_last_free, upgrade_rule::nothing});
  made.on_reset = pick(chosen[18], {reset_rule::clear_strikes, reset_rule::keep});
  made.off = pick(chosen[19], {off_rule::shadow, off_rule::nothing});
  if (chosen[19] % 4 == 2) made.enforced_lanes = {true, false, true, false};
  if (chosen[19] % 8 == 5) made.enforced_lanes = {true, true, true, true};
  return made;
}

} // namespace fairuse::model
