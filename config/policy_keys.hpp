// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL. Every key of a policy file, once: its name, type, range and place in a `policy`. The reader, the canonical
// text (so the digest) and the checks of ranges visit this table, so none of them can miss a key. A member of a rule
// that has no key does not compile, and a test compares the table with the JSON Schema and the README.
//
// A visitor has one function for each type of key; `no_keys` has them all and does nothing:
//
//   struct durations : no_keys { void duration(std::string_view key, const std::int64_t& ms, const duration_key&); };
//
// Keys are visited in the order of the canonical text, windows before plans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml.hpp"
#include "core/policy.hpp"

namespace fairuse {

/// Marks are kept for this long after stage none was reached; older strikes cannot be counted.
inline constexpr std::int64_t marks_kept_ms = 90 * day_ms;

struct duration_key {
  yaml::need how = yaml::need::optional;
  std::int64_t min_ms = 0;
  /// Checked in policies in memory, too.
  std::int64_t max_ms = yaml::duration_ms_max;
  /// What follows the most: ", because ...".
  std::string_view because = "";
};

struct choice_key {
  yaml::need how = yaml::need::optional;
  /// The error if a map stands in its place.
  std::string_view not_a_map = "";
};

/// Words of a list and whether they are in it.
template <class Flag>
using words = std::initializer_list<std::pair<std::string_view, Flag*>>;
/// The error about another word.
using unknown_word = std::string (*)(const std::string& word);

struct no_keys {
  void name(std::string_view, const std::string&) {}
  void duration(std::string_view, const std::int64_t&, const duration_key& = {}) {}
  /// Size of a bucket.
  void seconds(std::string_view, const std::int32_t&) {}
  /// 0 .. 1 in 1e-9.
  void ratio(std::string_view, const std::int32_t&) {}
  /// The same, of a key that came later: where it is 0, its default, it has no text, and digests stay what they were.
  void later_ratio(std::string_view, const std::int32_t&) {}
  void count(std::string_view, const std::uint32_t&, yaml::bounds) {}
  void flag(std::string_view, const bool&) {}
  template <class T>
  void choice(std::string_view, const T&, std::initializer_list<yaml::choice<T>>, const choice_key& = {}) {}
  void list(std::string_view, words<const bool>, unknown_word) {}
  /// A map of keys; `keys` visits them with the visitor that it is given.
  template <class Keys>
  void section(std::string_view, Keys) {}
  /// Maps by name, each of visit_window.
  void windows(std::string_view, const std::vector<window_rule>&) {}
  /// The list `free`, and for every plan a map from windows to caps.
  void plans(std::string_view, const policy&) {}
  /// A list, each of visit_step.
  void steps(std::string_view, const std::vector<step_rule>&) {}
};

// Members of an aggregate: as many as it can be made of.
struct any_member {
  template <class T>
  constexpr operator T() const; // NOLINT(google-explicit-constructor)
};

template <class T, class... Members>
consteval std::size_t members_of() {
  if constexpr (requires { T{Members{}..., any_member{}}; })
    return members_of<T, Members..., any_member>();
  else
    return sizeof...(Members);
}

// A new member of a rule does not compile until the function above its static_assert has a key for it.

template <class Visitor, class Window>
void visit_window(Visitor& with, Window& rule) {
  with.duration("span", rule.span_ms, {.how = yaml::need::required, .min_ms = second_ms});
  with.duration("cap", rule.cap_ms, {.how = yaml::need::required});
}
static_assert(members_of<window_rule>() == 3, "name, and a key of visit_window for each other member");
static_assert(members_of<plan_rule>() == 2, "read and written as `plans`: a visitor's own function");

template <class Visitor, class Metering>
void visit_metering(Visitor& with, Metering& rule) {
  with.seconds("bucket", rule.bucket_s);
  with.choice("time_basis", rule.basis, {{"event", time_basis::event}, {"arrival", time_basis::arrival}});
  with.duration("fresh_within", rule.fresh_within_ms);
}
static_assert(members_of<metering_profile>() == 3, "a key of visit_metering for each member");

template <class Visitor, class Ceiling>
void visit_ceiling(Visitor& with, Ceiling& rule) {
  with.duration("span", rule.span_ms, {.min_ms = second_ms});
  with.duration("cap", rule.cap_ms);
  with.list("refuses", {{"upload", &rule.refuses_uploads}},
            [](const std::string&) -> std::string { return "the ceiling can refuse [upload], or nothing: []"; });
}
static_assert(members_of<ceiling_rule>() == 3, "a key of visit_ceiling for each member");

template <class Visitor, class Review>
void visit_review(Visitor& with, Review& rule) {
  with.ratio("score", rule.score_gate_nano);
  with.duration("cooldown", rule.cooldown_ms, {.max_ms = marks_kept_ms});
  with.section("cleared", [&](auto& in) {
    in.ratio("below", rule.cleared_below_nano);
    in.duration("cooldown", rule.cleared_cooldown_ms, {.max_ms = marks_kept_ms});
  });
  with.duration("check_interval", rule.check_interval_ms, {.max_ms = day_ms});
  with.duration("timeout", rule.timeout_ms, {.max_ms = 30 * day_ms});
  with.duration("retry_after", rule.retry_after_ms,
                {.max_ms = retry_after_max_ms, .because = ", to which repeated failures double it"});
  with.duration("lookback", rule.lookback_ms, {.max_ms = 30 * day_ms});
  with.choice("at_last_stage", rule.last_stage, {{"skip", at_last_stage::skip}, {"review", at_last_stage::review}});
}
static_assert(members_of<review_rule>() == 10, "a key of visit_review for each member; shadow_asks is `reviews`");

template <class Visitor, class Step>
void visit_step(Visitor& with, Step& rule) {
  with.choice("stage", rule.at,
              {{"warning", stage::warning}, {"throttle", stage::throttle}, {"restrict", stage::restrict}},
              {.how = yaml::need::required});
  with.flag("notify", rule.notify);
  with.count("strikes", rule.strikes, {0, 1'000});
  with.duration("within", rule.within_ms,
                {.max_ms = marks_kept_ms, .because = ", because strikes are remembered that long"});
  with.duration("ends_after", rule.ends_after_ms, {.max_ms = 3'650 * day_ms});
  with.choice("falls_to", rule.falls_to,
              {{"none", stage::none},
               {"warning", stage::warning},
               {"throttle", stage::throttle},
               {"restrict", stage::restrict}});
  with.section("actions", [&](auto& in) {
    in.choice("stt_model", rule.economy_stt, {{"standard", false}, {"economy", true}});
    in.ratio("vad_threshold", rule.vad_threshold_nano);
    in.choice("caps", rule.hard_caps, {{"soft", false}, {"hard", true}});
  });
}
static_assert(members_of<step_rule>() == 9, "a key of visit_step for each member");

template <class Visitor, class Budget>
void visit_budget(Visitor& with, Budget& rule) {
  with.choice("stage", rule.at,
              {{"warning", stage::warning}, {"throttle", stage::throttle}, {"restrict", stage::restrict}});
  with.duration("per_utc_day", rule.per_utc_day_ms);
  with.later_ratio("low", rule.low_nano);
  with.choice("track_from", rule.track_from_trigger, {{"trigger", true}, {"stage", false}});
  with.list("charge", {{"stt", &rule.charge_stt}, {"upload", &rule.charge_uploads}}, [](const std::string& word) {
    constexpr auto known = std::to_array<std::string_view>({"stt", "upload"});
    return "'" + word + "' is neither stt nor upload" + yaml::did_you_mean(word, known);
  });
}
static_assert(members_of<budget_rule>() == 6, "a key of visit_budget for each member");

template <class Visitor, class Policy>
void visit_policy(Visitor& with, Policy& rules) {
  with.name("name", rules.name);
  with.section("metering", [&](auto& in) { visit_metering(in, rules.metering); });
  with.section("lanes", [&](auto& in) {
    for (const auto each : {lane::realtime, lane::sync, lane::backfill, lane::custom})
      in.choice(to_text(each), rules.enforced_lanes[static_cast<std::size_t>(each)],
                {{"enforce", true}, {"meter", false}});
  });
  with.windows("windows", rules.windows);
  with.plans("plans", rules);
  with.section("ceiling", [&](auto& in) { visit_ceiling(in, rules.ceiling); });
  with.section("review", [&](auto& in) { visit_review(in, rules.review); });
  with.choice("reviews", rules.review.shadow_asks, {{"borrow", false}, {"ask", true}},
              {.not_a_map = "expected borrow or ask; the rules of a review stand under 'review'"});
  with.section("ladder", [&](auto& in) {
    in.choice("counts", rules.counts,
              {{"qualifying", strike_basis::qualifying}, {"finished_reviews", strike_basis::finished_reviews}});
    in.steps("steps", rules.steps);
  });
  with.section("budget", [&](auto& in) { visit_budget(in, rules.budget); });
  with.section("hard", [&](auto& in) {
    in.choice("caps", rules.hard, {{"plan", hard_caps::plan}, {"default", hard_caps::base}});
    in.choice("retry", rules.retry, {{"drain", hard_retry::drain}, {"deadline", hard_retry::deadline}});
  });
  with.choice("on_upgrade", rules.on_upgrade,
              {{"nothing", upgrade_rule::nothing},
               {"clear_if_last_free", upgrade_rule::clear_if_last_free},
               {"clear_free_strikes", upgrade_rule::clear_free_strikes}});
  with.choice("on_reset", rules.on_reset, {{"keep", reset_rule::keep}, {"clear_strikes", reset_rule::clear_strikes}});
  with.choice("off", rules.off, {{"shadow", off_rule::shadow}, {"nothing", off_rule::nothing}});
}
static_assert(members_of<policy>() == 17, "a key of visit_policy for each member but digest");

} // namespace fairuse
