// SPDX-License-Identifier: Apache-2.0

#include "sim/reviewer.hpp"

#include <algorithm>

namespace fairuse::sim {

namespace {

constexpr std::int32_t named_from_nano = 500'000'000;

/// A word of a draw as a quantile.
ppb quantile_of(std::uint32_t word) { return static_cast<ppb>(std::uint64_t{word} * whole >> 32); }

bool hits(std::uint32_t word, ppm probability) { return (std::uint64_t{word} * always >> 32) < probability; }

result<void> check_profile(const review_profile& of) {
  const std::string who = of.cohort.empty() ? "reviewer default" : "reviewer of " + of.cohort;
  if (of.score.at(whole) > whole || of.astray.at(whole) > whole) return error{who + ": a score is above 1"};
  if (of.astray_users > always || of.astray_reviews > always) return error{who + ": a share is above 1"};
  return {};
}

} // namespace

result<void> reviewer_model::check() const {
  if (failures > always) return error{"the failure rate is above 1"};
  if (confidence_nano.at(whole) > whole) return error{"a confidence is above 1"};
  // With a latency of 0 an answer could have the instant of its request.
  if (latency_ms.at(0) < 1) return error{"a review takes at least 1 ms"};
  bool has_default = false;
  for (const review_profile& each : profiles) {
    has_default = has_default || each.cohort.empty();
    if (const auto checked = check_profile(each); !checked) return checked;
  }
  if (!has_default) return error{"the reviewer has no default profile"};
  return {};
}

const review_profile& reviewer_model::of(std::string_view cohort) const {
  const auto profile_of = [&](std::string_view whose) {
    return std::find_if(profiles.begin(), profiles.end(),
                        [&](const review_profile& each) { return each.cohort == whose; });
  };
  const auto found = profile_of(cohort);
  return found != profiles.end() ? *found : *profile_of({});
}

simulated_review review(const reviewer_model& model, const review_profile& profile, std::uint64_t seed,
                        std::string_view uid, time_ms requested_at) {
  // Users of a capture have no number, so the draws of the reviewer depend on the uid.
  const std::uint64_t user = event_key("reviewer", uid);
  const draw_words reader = draw(seed, user, purpose::reader, 0);
  // The high bits of a negative instant (before 1970) must not change the bits of the purpose.
  const std::uint64_t instant = static_cast<std::uint64_t>(requested_at) & ((std::uint64_t{1} << 56) - 1);
  const draw_words words = draw(seed, user, purpose::review, instant);
  simulated_review out;
  out.latency_ms = model.latency_ms.at(quantile_of(words[0]));
  const draw_words more = draw(seed, user, purpose::confidence, instant);
  out.failed = hits(words[1], model.failures);
  if (out.failed) return out;
  out.astray = hits(reader[0], profile.astray_users) || hits(words[2], profile.astray_reviews);
  const quantile_curve& scores = out.astray ? profile.astray : profile.score;
  out.score_nano = static_cast<std::int32_t>(scores.at(quantile_of(words[3])));
  out.confidence_nano = static_cast<std::int32_t>(model.confidence_nano.at(quantile_of(more[0])));
  if (out.score_nano >= named_from_nano) out.type = out.astray ? profile.astray_type : profile.clear_type;
  return out;
}

} // namespace fairuse::sim
