// SPDX-License-Identifier: Apache-2.0

#include "config/overrides.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/pure/text.hpp"
#include "config/lint.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

using yaml::format_duration;

constexpr std::string_view prefix = "FAIR_USE_";
constexpr std::string_view ceiling_variable = "MAX_DAILY_AUDIO_HOURS";

// What one variable sees: the copy it changes, its text, and where to report.
struct context {
  loaded_deployment& target;
  std::string_view variable;
  std::string_view text;
  override_report& report;

  void problem(const std::string& what) const { report.problems.push_back(std::string{variable} + " " + what); }

  void warn(const std::string& what) const { report.warnings.push_back(std::string{variable} + " " + what); }

  void changed(const std::string& what, const std::string& before, const std::string& after) const {
    report.notes.push_back({std::string{variable}, what, before, after});
  }

  std::string live_key(std::string_view key) const { return target.live.name + ": " + std::string{key}; }

  void set_duration(const std::string& what, std::int64_t& ms, std::int64_t unit_ms, std::string_view unit) const {
    const auto value = yaml::parse_decimal(text, 0);
    if (not value or *value < 0 or *value > yaml::duration_ms_max / unit_ms)
      return problem("is '" + std::string{text} + "'; write a whole number of " + std::string{unit}
                     + ", without unit, or unset it");
    changed(what, format_duration(ms), format_duration(*value * unit_ms));
    ms = *value * unit_ms;
  }
};

void set_flag(const context& of, const std::string& what, bool& into) {
  const auto text = lower(std::string{of.text});
  const bool on = text == "true" or text == "1";
  if (not on and text != "false" and text != "0")
    return of.problem("is '" + std::string{of.text} + "'; write true or false, or unset it");
  of.changed(what, into ? "true" : "false", on ? "true" : "false");
  into = on;
}

std::string window_list(const policy& rules) {
  std::string names;
  for (const auto& each : rules.windows)
    names += (names.empty() ? "" : ", ") + each.name;
  return names;
}

void set_cap(const context& of, std::string_view window, std::string_view plan) {
  auto& live = of.target.live;
  const auto found = std::find_if(live.windows.begin(), live.windows.end(),
                                  [&](const window_rule& each) { return each.name == window; });
  if (found == live.windows.end())
    return of.problem("sets the cap of the window '" + std::string{window} + "', which the live policy '" + live.name
                      + "' does not have (it has " + window_list(live) + "); unset it");
  if (plan.empty())
    return of.set_duration(of.live_key("windows." + found->name + ".cap"), found->cap_ms, 1, "milliseconds");
  const auto raised =
      std::find_if(live.plans.begin(), live.plans.end(), [&](const plan_rule& each) { return each.plan == plan; });
  if (raised == live.plans.end())
    return of.problem("sets a cap of the plan '" + std::string{plan} + "', for which the live policy '" + live.name
                      + "' has no caps; unset it, or name the plan under `plans`");
  auto& cap = raised->caps_ms[static_cast<std::size_t>(found - live.windows.begin())];
  of.set_duration(of.live_key("plans." + raised->plan + "." + found->name), cap, 1, "milliseconds");
}

void set_score(const context& of) {
  const auto score = yaml::parse_decimal(of.text, 9);
  if (not score or *score < 0 or *score > one_nano)
    return of.problem("is '" + std::string{of.text} + "'; write a score from 0 to 1, such as 0.7, or unset it");
  auto& gate = of.target.live.review.score_gate_nano;
  of.changed(of.live_key("review.score"), yaml::format_decimal(gate, 9), yaml::format_decimal(*score, 9));
  gate = static_cast<std::int32_t>(*score);
}

void set_model(const context& of) {
  auto& model = of.target.settings.reviewer.model;
  if (of.text.empty()) return of.problem("is empty; name a model or unset it");
  if (const auto why = model_problem(of.text); not why.empty()) return of.problem(why);
  of.changed("reviewer.model", model, std::string{of.text});
  model = of.text;
}

void set_bucket(const context& of) {
  auto& bucket_s = of.target.live.metering.bucket_s;
  std::int64_t bucket_ms = bucket_s * second_ms;
  of.set_duration(of.live_key("metering.bucket"), bucket_ms, second_ms, "seconds");
  // Out of range is found with the other contradictions; this only keeps the number inside its type.
  bucket_s = static_cast<std::int32_t>(std::min<std::int64_t>(bucket_ms / second_ms, 86'400));
}

void set_exempt(const context& of) {
  auto& exempt = of.target.settings.exempt;
  auto merged = exempt;
  auto rest = of.text;
  bool odd = false;
  while (not rest.empty()) {
    const auto comma = rest.find(',');
    auto uid = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (uid.starts_with(' '))
      uid.remove_prefix(1);
    while (uid.ends_with(' '))
      uid.remove_suffix(1);
    if (uid == "*") return of.problem("holds '*'; to let everybody pass, set FAIR_USE_KILL_SWITCH=true");
    odd = odd or uid.find_first_of("; \t") != std::string_view::npos;
    if (not uid.empty()) merged.emplace_back(uid);
  }
  if (odd) of.warn("has a user id with a semicolon or a space in it; only a comma stands between two users");
  std::sort(merged.begin(), merged.end());
  merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
  // Numbers only: the note goes to the log, and user ids do not.
  of.changed("exempt", std::to_string(exempt.size()) + " users", std::to_string(merged.size()) + " users");
  exempt = std::move(merged);
}

struct rule {
  std::string_view variable;
  void (*apply)(const context&);
};

policy& live(const context& of) { return of.target.live; }

constexpr std::array<rule, 18> table{{
    {"FAIR_USE_ENABLED", [](const context& of) { set_flag(of, "enabled", of.target.settings.enabled); }},
    {"FAIR_USE_KILL_SWITCH", [](const context& of) { set_flag(of, "kill_switch", of.target.settings.kill_switch); }},
    {"FAIR_USE_DAILY_SPEECH_MS", [](const context& of) { set_cap(of, "daily", ""); }},
    {"FAIR_USE_3DAY_SPEECH_MS", [](const context& of) { set_cap(of, "3day", ""); }},
    {"FAIR_USE_WEEKLY_SPEECH_MS", [](const context& of) { set_cap(of, "weekly", ""); }},
    {"FAIR_USE_DAILY_SPEECH_MS_UNLIMITED", [](const context& of) { set_cap(of, "daily", "unlimited"); }},
    {"FAIR_USE_3DAY_SPEECH_MS_UNLIMITED", [](const context& of) { set_cap(of, "3day", "unlimited"); }},
    {"FAIR_USE_WEEKLY_SPEECH_MS_UNLIMITED", [](const context& of) { set_cap(of, "weekly", "unlimited"); }},
    {"FAIR_USE_RESTRICT_DAILY_DG_MS",
     [](const context& of) {
       of.set_duration(of.live_key("budget.per_utc_day"), live(of).budget.per_utc_day_ms, 1, "milliseconds");
     }},
    {"FAIR_USE_CLASSIFIER_MODEL", set_model},
    {"FAIR_USE_CLASSIFIER_ABUSE_SCORE_THRESHOLD", set_score},
    {"FAIR_USE_CLASSIFIER_COOLDOWN_SECONDS",
     [](const context& of) {
       of.set_duration(of.live_key("review.cooldown"), live(of).review.cooldown_ms, second_ms, "seconds");
     }},
    {"FAIR_USE_CLASSIFIER_LOOKBACK_DAYS",
     [](const context& of) {
       of.set_duration(of.live_key("review.lookback"), live(of).review.lookback_ms, day_ms, "days");
     }},
    {"FAIR_USE_CHECK_INTERVAL_SECONDS",
     [](const context& of) {
       of.set_duration(of.live_key("review.check_interval"), live(of).review.check_interval_ms, second_ms, "seconds");
     }},
    {"FAIR_USE_BUCKET_SECONDS", set_bucket},
    {"FAIR_USE_REDIS_RETENTION_SECONDS",
     [](const context& of) {
       of.set_duration("retention.usage", of.target.settings.retention.usage_ms, second_ms, "seconds");
     }},
    {"FAIR_USE_EXEMPT_UIDS", set_exempt},
    {ceiling_variable,
     [](const context& of) { of.set_duration(of.live_key("ceiling.cap"), live(of).ceiling.cap_ms, hour_ms, "hours"); }},
}};

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const auto& each : table)
    names.push_back(each.variable);
  return names;
}

// The variables that were applied.
std::string names_of(const override_report& report) {
  std::string names;
  for (const auto& each : report.notes)
    names += (names.empty() ? "" : ", ") + each.variable;
  return names;
}

// Values that are fine one by one may exclude each other, or what the files say.
void check_together(const loaded_deployment& changed, override_report& report) {
  auto found = contradictions(changed.live);
  for (auto& each : contradictions(changed))
    found.push_back(std::move(each));
  for (const auto& each : found)
    report.problems.push_back(names_of(report) + ": with them the configuration contradicts itself: "
                              + yaml::join(each.at) + ": " + each.message);
}

bool is_same(const finding& left, const finding& right) {
  return left.at == right.at and left.message == right.message;
}

// What makes no sense with the variables and did without them.
void lint_together(const policy& before, const policy& after, override_report& report) {
  const auto known = lint(before);
  for (const auto& each : lint(after)) {
    const auto is_known = [&each](const finding& one) { return is_same(one, each); };
    if (each.level == yaml::severity::warning and std::none_of(known.begin(), known.end(), is_known))
      report.warnings.push_back(names_of(report) + ": with this the live policy makes no sense: " + yaml::join(each.at)
                                + ": " + each.message);
  }
}

} // namespace

bool is_override(std::string_view variable) { return variable.starts_with(prefix) or variable == ceiling_variable; }

override_report apply_overrides(loaded_deployment& target, const environment& variables) {
  override_report report;
  auto changed = target;
  for (const auto& entry : variables) {
    const std::string_view variable = entry.first;
    if (not is_override(variable)) continue;
    const auto known =
        std::find_if(table.begin(), table.end(), [&](const rule& each) { return each.variable == variable; });
    const context of{changed, variable, entry.second, report};
    if (find_utf8_fault(entry.second))
      of.problem("is no UTF-8");
    else if (known == table.end())
      of.problem("is not a setting of fairuse" + yaml::did_you_mean_one_of(variable, known_names()));
    else
      known->apply(of);
  }
  if (report.problems.empty() and not report.notes.empty()) check_together(changed, report);
  if (not report.problems.empty()) {
    report.notes.clear();
    return report;
  }
  lint_together(target.live, changed.live, report);
  stamp_digest(changed.live);
  target = std::move(changed);
  return report;
}

} // namespace fairuse
