// SPDX-License-Identifier: Apache-2.0

#include "config/policy_file.hpp"

#include <algorithm>
#include <set>

namespace fairuse {

namespace {

using yaml::diagnostics;
using yaml::map_reader;
using yaml::need;
using yaml::node;
using yaml::node_kind;

constexpr std::int64_t retry_after_default_ms = 15 * minute_ms;

// Reads the sections of one file. A section that had errors is remembered, because a contradiction that involves it
// would only repeat them in other words.
class policy_binder {
public:
  policy_binder(const node& root, diagnostics& out) : root_{root}, out_{out}, top_{root, "", out} {}

  std::optional<policy> bind() {
    section("name", [&] { top_.name("name", rules_.name, need::required); });
    section("metering", [&] { bind_metering(); });
    section("lanes", [&] { bind_lanes(); });
    section("windows", [&] { bind_windows(); });
    section("plans", [&] { bind_plans(); });
    section("ceiling", [&] { bind_ceiling(); });
    section("review", [&] { bind_review(); });
    section("reviews", [&] { bind_reviews(); });
    section("ladder", [&] { bind_ladder(); });
    section("budget", [&] { bind_budget(); });
    section("hard", [&] { bind_hard(); });
    section("on_upgrade", [&] {
      top_.choose("on_upgrade", rules_.on_upgrade,
                  {{"nothing", upgrade_rule::nothing},
                   {"clear_if_last_free", upgrade_rule::clear_if_last_free},
                   {"clear_free_strikes", upgrade_rule::clear_free_strikes}});
    });
    section("on_reset", [&] {
      top_.choose("on_reset", rules_.on_reset,
                  {{"keep", reset_rule::keep}, {"clear_strikes", reset_rule::clear_strikes}});
    });
    section("off", [&] {
      top_.choose("off", rules_.off, {{"shadow", off_rule::shadow}, {"nothing", off_rule::nothing}});
    });
    top_.finish();
    report_contradictions();
    out_.sort();
    if (not out_.ok()) return std::nullopt;
    stamp_digest(rules_);
    return std::move(rules_);
  }

private:
  template <class Read>
  void section(const char* key, Read read) {
    const auto errors_before = out_.error_count();
    read();
    if (out_.error_count() != errors_before) broken_.insert(key);
  }

  void bind_metering() {
    auto metering = top_.map("metering");
    if (not metering) return;
    std::int64_t bucket_ms = rules_.metering.bucket_s * second_ms;
    if (metering->duration("bucket", bucket_ms, {15 * second_ms, hour_ms})) {
      if (hour_ms % bucket_ms != 0)
        metering->error("bucket", "an hour must be a whole number of buckets: 15s, 30s, 1m, 5m, 15m, 1h ...");
      else if (bucket_ms % second_ms != 0)
        metering->error("bucket", "must be whole seconds");
      else
        rules_.metering.bucket_s = static_cast<std::int32_t>(bucket_ms / second_ms);
    }
    metering->choose("time_basis", rules_.metering.basis,
                     {{"event", time_basis::event}, {"arrival", time_basis::arrival}});
    metering->duration("fresh_within", rules_.metering.fresh_within_ms);
    metering->finish();
  }

  void bind_lanes() {
    auto lanes = top_.map("lanes");
    if (not lanes) return;
    for (const auto each : {lane::realtime, lane::sync, lane::backfill, lane::custom})
      lanes->choose(to_text(each), rules_.enforced_lanes[static_cast<std::size_t>(each)],
                    {{"enforce", true}, {"meter", false}});
    lanes->finish();
  }

  void bind_windows() {
    const auto* windows = top_.any("windows", need::required);
    if (windows == nullptr) return;
    if (windows->kind != node_kind::map or windows->items.empty()) {
      top_.error("windows", "expected at least one window, such as `daily: {span: 24h, cap: 2h}`");
      return;
    }
    for (const auto& key : windows->keys)
      window_names_.push_back(key.text);
    if (windows->items.size() > windows_max)
      return top_.error("windows",
                        std::to_string(windows->items.size()) + " windows; the most is " + std::to_string(windows_max));
    for (std::size_t i = 0; i < windows->items.size(); ++i) {
      const auto& key = windows->keys[i];
      if (key.text.empty() or key.text.size() > 32
          or key.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
        out_.error(key.at, "'" + key.text + "' is not a window name: 1 to 32 of a-z, 0-9, _");
      window_rule rule{.name = key.text};
      map_reader window{windows->items[i], "windows." + key.text, out_};
      window.duration("span", rule.span_ms, {second_ms, yaml::duration_ms_max}, need::required);
      window.duration("cap", rule.cap_ms, {0, yaml::duration_ms_max}, need::required);
      window.finish();
      rules_.windows.push_back(std::move(rule));
    }
    // YAML maps have no order, decisions have: the shortest window comes first.
    std::stable_sort(rules_.windows.begin(), rules_.windows.end(),
                     [](const window_rule& left, const window_rule& right) { return left.span_ms < right.span_ms; });
  }

  void bind_plans() {
    auto plans = top_.map("plans");
    if (not plans) return;
    if (const auto* free = plans->any("free"); free != nullptr) {
      if (free->kind == node_kind::map)
        plans->error("free", "lists the names of the free plans; a plan called 'free' cannot have caps of its own");
      else
        plans->texts("free", rules_.free_plans);
      std::sort(rules_.free_plans.begin(), rules_.free_plans.end());
    }
    for (std::size_t i = 0; i < plans->of().items.size(); ++i)
      if (const auto& plan = plans->of().keys[i].text; plan != "free") bind_plan(plan, plans->of().items[i]);
    std::sort(rules_.plans.begin(), rules_.plans.end(),
              [](const plan_rule& left, const plan_rule& right) { return left.plan < right.plan; });
  }

  void bind_plan(const std::string& name, const node& caps) {
    map_reader plan{caps, "plans." + name, out_};
    if (caps.kind == node_kind::null)
      out_.error(caps.at, "plans." + name + ": has no caps; remove the plan or name one cap for each window");
    if (caps.kind != node_kind::map) return;
    plan_rule rule{.plan = name, .caps_ms = std::vector<std::int64_t>(rules_.windows.size())};
    for (std::size_t i = 0; i < rules_.windows.size(); ++i)
      plan.duration(rules_.windows[i].name, rule.caps_ms[i], {0, yaml::duration_ms_max}, need::required);
    const std::vector<std::string_view> names{window_names_.begin(), window_names_.end()};
    for (const auto& key : caps.keys)
      if (std::find(names.begin(), names.end(), key.text) == names.end())
        out_.error(key.at,
                   "plans." + name + ": there is no window '" + key.text + "'" + yaml::did_you_mean(key.text, names));
    rules_.plans.push_back(std::move(rule));
  }

  void bind_ceiling() {
    auto ceiling = top_.map("ceiling");
    if (not ceiling) return;
    ceiling->duration("span", rules_.ceiling.span_ms, {second_ms, yaml::duration_ms_max});
    ceiling->duration("cap", rules_.ceiling.cap_ms);
    std::vector<std::string> refused;
    if (ceiling->texts("refuses", refused)) {
      rules_.ceiling.refuses_uploads = not refused.empty();
      if (refused.size() > 1 or (refused.size() == 1 and refused.front() != "upload"))
        ceiling->error("refuses", "the ceiling can refuse [upload], or nothing: []");
    }
    ceiling->finish();
  }

  void bind_review() {
    auto review = top_.map("review");
    if (not review) return;
    auto& rule = rules_.review;
    review->ratio("score", rule.score_gate_nano);
    review->duration("cooldown", rule.cooldown_ms);
    if (auto cleared = review->map("cleared")) {
      cleared->ratio("below", rule.cleared_below_nano);
      cleared->duration("cooldown", rule.cleared_cooldown_ms);
      cleared->finish();
    }
    review->duration("check_interval", rule.check_interval_ms);
    review->duration("timeout", rule.timeout_ms);
    review->duration("retry_after", rule.retry_after_ms);
    review->duration("lookback", rule.lookback_ms);
    review->choose("at_last_stage", rule.last_stage,
                   {{"skip", at_last_stage::skip}, {"review", at_last_stage::review}});
    review->finish();
  }

  void bind_reviews() {
    if (const auto* given = root_.find("reviews"); given != nullptr and given->kind == node_kind::map) {
      top_.any("reviews");
      top_.error("reviews", "expected borrow or ask; the rules of a review stand under 'review'");
      return;
    }
    top_.choose("reviews", rules_.review.shadow_asks, {{"borrow", false}, {"ask", true}});
  }

  void bind_ladder() {
    auto ladder = top_.map("ladder");
    if (not ladder) return;
    ladder->choose("counts", rules_.counts,
                   {{"qualifying", strike_basis::qualifying}, {"finished_reviews", strike_basis::finished_reviews}});
    if (const auto* steps = ladder->list("steps"); steps != nullptr) {
      rules_.steps.clear();
      for (std::size_t i = 0; i < steps->items.size(); ++i)
        bind_step(steps->items[i], "ladder.steps[" + std::to_string(i) + "]");
    }
    ladder->finish();
  }

  void bind_step(const node& of, const std::string& where) {
    map_reader step{of, where, out_};
    step_rule rule;
    step.choose("stage", rule.at,
                {{"warning", stage::warning}, {"throttle", stage::throttle}, {"restrict", stage::restrict}},
                need::required);
    step.flag("notify", rule.notify);
    step.count("strikes", rule.strikes, {0, 1'000});
    step.duration("within", rule.within_ms);
    step.duration("ends_after", rule.ends_after_ms);
    step.choose("falls_to", rule.falls_to,
                {{"none", stage::none},
                 {"warning", stage::warning},
                 {"throttle", stage::throttle},
                 {"restrict", stage::restrict}});
    if (auto actions = step.map("actions")) {
      actions->choose("stt_model", rule.economy_stt, {{"standard", false}, {"economy", true}});
      actions->ratio("vad_threshold", rule.vad_threshold_nano);
      actions->choose("caps", rule.hard_caps, {{"soft", false}, {"hard", true}});
      actions->finish();
    }
    step.finish();
    // One way to say "asks for none" and "does not end", so that equal rules have equal digests.
    if (rule.strikes == 0) rule.within_ms = 0;
    if (rule.ends_after_ms == 0) rule.falls_to = stage::none;
    rules_.steps.push_back(rule);
  }

  void bind_budget() {
    auto budget = top_.map("budget");
    if (not budget) return;
    budget->choose("stage", rules_.budget.at,
                   {{"warning", stage::warning}, {"throttle", stage::throttle}, {"restrict", stage::restrict}});
    budget->duration("per_utc_day", rules_.budget.per_utc_day_ms);
    budget->choose("track_from", rules_.budget.track_from_trigger, {{"trigger", true}, {"stage", false}});
    std::vector<std::string> charge;
    if (budget->texts("charge", charge)) {
      rules_.budget.charge_stt = std::find(charge.begin(), charge.end(), "stt") != charge.end();
      rules_.budget.charge_uploads = std::find(charge.begin(), charge.end(), "upload") != charge.end();
      const std::vector<std::string_view> known{"stt", "upload"};
      for (const auto& each : charge)
        if (each != "stt" and each != "upload")
          budget->error("charge", "'" + each + "' is neither stt nor upload" + yaml::did_you_mean(each, known));
    }
    budget->finish();
  }

  void bind_hard() {
    auto hard = top_.map("hard");
    if (not hard) return;
    hard->choose("caps", rules_.hard, {{"plan", hard_caps::plan}, {"default", hard_caps::base}});
    hard->choose("retry", rules_.retry, {{"drain", hard_retry::drain}, {"deadline", hard_retry::deadline}});
    hard->finish();
  }

  void report_contradictions() {
    for (auto& each : contradictions(rules_)) {
      const auto touches = [&](const yaml::path& at) { return not at.empty() and broken_.count(at.front()) != 0; };
      if (not touches(each.at) and not touches(each.against))
        out_.error(yaml::place_of(root_, each.at), yaml::join(each.at) + ": " + each.message);
    }
  }

  const node& root_;
  diagnostics& out_;
  map_reader top_;
  policy rules_ = default_policy();
  std::vector<std::string> window_names_;
  std::set<std::string> broken_;
};

} // namespace

policy default_policy() {
  policy rules;
  rules.free_plans = {"basic"};
  rules.ceiling.cap_ms = 30 * hour_ms;
  rules.review.cleared_below_nano = 350'000'000;
  rules.review.cleared_cooldown_ms = 72 * hour_ms;
  rules.review.check_interval_ms = 5 * minute_ms;
  rules.review.retry_after_ms = retry_after_default_ms;
  rules.steps = {
      {.at = stage::warning, .ends_after_ms = 30 * day_ms},
      {.at = stage::throttle,
       .strikes = 2,
       .within_ms = 7 * day_ms,
       .ends_after_ms = 7 * day_ms,
       .falls_to = stage::warning,
       .economy_stt = true,
       .vad_threshold_nano = 100'000'000},
      {.at = stage::restrict,
       .strikes = 3,
       .within_ms = 7 * day_ms,
       .ends_after_ms = 30 * day_ms,
       .falls_to = stage::throttle,
       .hard_caps = true},
  };
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  rules.budget.track_from_trigger = true;
  return rules;
}

std::optional<policy> bind_policy(const yaml::node& root, yaml::diagnostics& out) {
  if (root.kind != yaml::node_kind::map) {
    out.error(root.at, "a policy is a map of keys and values; it begins with `name:` and `windows:`");
    return std::nullopt;
  }
  return policy_binder{root, out}.bind();
}

std::optional<policy> parse_policy(std::string_view text, yaml::diagnostics& out) {
  const auto root = yaml::parse(text, out);
  return root ? bind_policy(*root, out) : std::nullopt;
}

std::optional<policy> load_policy(const std::filesystem::path& file, yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  return root ? bind_policy(*root, out) : std::nullopt;
}

} // namespace fairuse
