// SPDX-License-Identifier: Apache-2.0
#include "streams/history/admission.hpp"

#include <utility>

namespace fairuse::history {

namespace {

/// Longer than any history, and within what a bucket's number holds.
constexpr std::int64_t unlimited_ms = 2'000 * day_ms;

policy without_effect() {
  policy made;
  made.name = "admission";
  made.metering.bucket_s = 3'600;
  made.windows = {{"day", day_ms, INT64_MAX}};
  made.off = off_rule::nothing;
  return made;
}

} // namespace

admission::admission(bool judges_lateness, std::int64_t retention_ms, std::int64_t horizon_ms)
  // A simulation's users keep the ids of all hours: here, too, no store has those that production reads again.
  : policies_(
      policy_set::make(without_effect(), {}, judges_lateness ? retention_ms : unlimited_ms, review_mode::alone)),
    in_force_{false, false, policies_.get()},
    horizon_ms_(judges_lateness ? horizon_ms : unlimited_ms) {}

bool admission::know(std::string_view state, std::vector<standing_row>& standings) {
  standings.clear();
  who_ = {};
  user_row_reader reader(codec_, *policies_, 0, who_);
  reader.keep_all_ids();
  reader.keep_unloaded(standings);
  if (not reader.take_state(state)) return false;
  for (std::size_t slot = 0; slot < who_.standings.size(); ++slot)
    if (who_.standings[slot])
      standings.push_back({policies_->slots()[slot].label.slot, std::move(*who_.standings[slot]), INT64_MIN});
  // Their timers are another policy's.
  who_.standings.clear();
  return true;
}

applied admission::judge(time_ms now, const event& what) {
  advance(who_, in_force_, now, out_);
  const auto how = apply(who_, in_force_, now, what, horizon_ms_, out_);
  out_.clear();
  // Strikes follow from policies: whether there is one of that number is not known here.
  return how == applied::unknown_strike or how == applied::no_appeal ? applied::accepted : how;
}

} // namespace fairuse::history
