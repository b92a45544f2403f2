// SPDX-License-Identifier: Apache-2.0
#include "sim/conform.hpp"

#include <algorithm>
#include <cmath>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/worker.hpp"
#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "core/query.hpp"
#include "sim/fresh_users.hpp"

namespace fairuse {

namespace {

using nlohmann::json;

/// How the reviewer answers about one user from now on.
struct reviewer_setting {
  json score = 0.0;
  usage_type type = usage_type::none;
  bool fails = false;
};

// What a line lacks is thrown as a sentence; run_conform() adds the line's number.

json object_from(const std::string& text) {
  try {
    auto line = json::parse(text);
    if (line.is_object()) return line;
  } catch (const json::parse_error& broken) {
    throw std::invalid_argument(fmt::format("not JSON at byte {}", broken.byte));
  }
  throw std::invalid_argument("a line is one JSON object");
}

template <class T>
T value_of(const json& value, const char* name) {
  try {
    return value.get<T>();
  } catch (const json::exception&) {
    throw std::invalid_argument(fmt::format("'{}' cannot be {}", name, value.dump(-1, ' ', true)));
  }
}

template <class T>
T need(const json& line, const char* name) {
  const auto found = line.find(name);
  if (found == line.end()) throw std::invalid_argument(fmt::format("'{}' is missing", name));
  return value_of<T>(*found, name);
}

template <class T>
T value_or(const json& line, const char* name, T fallback) {
  const auto found = line.find(name);
  return found == line.end() ? std::move(fallback) : value_of<T>(*found, name);
}

template <class T>
T known(const std::optional<T>& value, const char* name) {
  if (value) return *value;
  throw std::invalid_argument(fmt::format("'{}' has an unknown value", name));
}

std::int32_t nano(double value) { return static_cast<std::int32_t>(std::lround(value * 1e9)); }

/// Apply the scenario's configuration to a preset.
result<void> configure(const json& settings, policy& rules) {
  const auto profile = need<std::string>(settings, "profile");
  const auto text = preset_text(profile);
  if (not text) return error{"unknown profile '" + profile + "'"};
  yaml::diagnostics problems{profile};
  const auto preset = parse_policy(*text, problems);
  if (not preset) return error{problems.text()};
  rules = *preset;
  rules.metering.bucket_s = value_or(settings, "bucket_s", rules.metering.bucket_s);
  rules.review.cooldown_ms = value_or(settings, "cooldown_s", rules.review.cooldown_ms / second_ms) * second_ms;
  rules.review.score_gate_nano = nano(value_or(settings, "score_gate", 0.7));
  rules.budget.per_utc_day_ms = value_or(settings, "budget_ms", rules.budget.per_utc_day_ms);
  if (rules.ceiling.cap_ms > 0) rules.ceiling.cap_ms = value_or(settings, "ceiling_ms", rules.ceiling.cap_ms);
  const auto caps = value_or(settings, "caps_ms", std::vector<std::int64_t>());
  const auto raised = value_or(settings, "caps_unlimited_ms", std::vector<std::int64_t>());
  for (std::size_t window = 0; window < rules.windows.size() and window < caps.size(); ++window)
    rules.windows[window].cap_ms = caps[window];
  for (auto& plan : rules.plans)
    if (not raised.empty()) plan.caps_ms = raised;
  stamp_digest(rules);
  return {};
}

shard_options options_for(std::shared_ptr<const policy_set> policies) {
  shard_options options;
  options.start = {true, false, policies.get()};
  options.policies = std::move(policies);
  return options;
}

class conformance {
public:
  explicit conformance(const policy& rules)
    : policies_(policy_set::make(rules, {})), shard_(worker_.open_shard(users_, options_for(policies_))) {}

  json row(std::size_t index, const json& line);

private:
  event make(const json& line, event_kind kind, event_detail detail);
  void run(time_ms now, const std::vector<addressed_event>& events, const std::vector<event>& commands = {});
  void run_one(const event& what) { run(now_, {{uid_, what}}); }
  void command(const json& line, admin_command what);
  standing_view standing_now();

  void speech(const json& line, json& row);
  void upload(const json& line, json& row);
  void evaluated(const json& line, json& row, std::int32_t ms, lane from);
  void review(const json& line, json& row);
  void stt(const json& line, json& row);
  void gate(json& row);
  void status(json& row);
  void account(const json& line, json& row);
  void admin(const json& line, json& row);
  void broadcast(const json& line);
  void put_restriction(const standing_view& view, json& row) const;

  std::shared_ptr<const policy_set> policies_;
  sim::fresh_users users_;
  worker worker_;
  std::unique_ptr<shard> shard_;
  /// Of the last epoch.
  std::vector<decision> decisions_;
  counters counts_;
  std::uint64_t epochs_ = 0;
  event_arena arena_;
  user unknown_user_;
  std::size_t serial_ = 0;
  std::string uid_;
  time_ms now_ = 0;
  std::map<std::string, reviewer_setting> reviewers_;
};

event conformance::make(const json& line, event_kind kind, event_detail detail) {
  event made;
  made.kind = kind;
  made.time = made.instant = now_;
  made.text = arena_.keep("conform", fmt::format("{:010}", serial_++));
  made.key = event_key(made.text->source, made.text->id);
  made.ms = value_or(line, "ms", 0);
  made.detail = arena_.keep(std::move(detail));
  return made;
}

void conformance::run(time_ms now, const std::vector<addressed_event>& events, const std::vector<event>& commands) {
  const auto decided = shard_->run({.number = ++epochs_, .now = now, .events = events, .commands = commands});
  decisions_.clear();
  counts_ = {};
  for (const auto& each : decided.outcomes) {
    counts_ += each.wrote.counts;
    decisions_.insert(decisions_.end(), each.wrote.decisions.begin(), each.wrote.decisions.end());
  }
}

standing_view conformance::standing_now() {
  const auto* who = shard_->find(uid_);
  if (who == nullptr) {
    unknown_user_ = user();
    bind(unknown_user_, *policies_, now_);
    who = &unknown_user_;
  }
  return query_standing(*who, shard_->in_force(), 0, now_);
}

void conformance::put_restriction(const standing_view& view, json& row) const {
  if (view.hard_restricted and view.retry_at != never and (view.retry_at - now_) / second_ms > 0)
    row["retry_after_s"] = (view.retry_at - now_) / second_ms;
}

void conformance::review(const json& line, json& row) {
  const auto& setting = reviewers_[uid_];
  if (counts_.review_terminal > 0) {
    row["review"] = {{"outcome", "terminal"}};
    return;
  }
  if (counts_.review_cooldown > 0) {
    row["review"] = {{"outcome", "cooldown"}};
    return;
  }
  const auto is_request = [](const decision& each) { return each.kind == decision_kind::review_requested; };
  const auto is_verdict = [](const decision& each) {
    return each.kind == decision_kind::strike_added or each.kind == decision_kind::review_cleared;
  };
  const auto request = std::find_if(decisions_.begin(), decisions_.end(), is_request);
  const bool asked = request != decisions_.end();
  if (asked) {
    review_answer answer;
    answer.request = "live-" + std::to_string(request->request);
    answer.failed = setting.fails ? "reviewer" : "";
    answer.score_nano = nano(value_of<double>(setting.score, "score"));
    answer.type = setting.type;
    run_one(make(line, event_kind::review, answer));
  }
  if (asked and setting.fails) {
    row["review"] = {{"outcome", "failed"}};
    return;
  }
  const auto verdict = std::find_if(decisions_.begin(), decisions_.end(), is_verdict);
  if (verdict == decisions_.end()) return;
  row["review"] = {{"outcome", asked ? "scored" : "synthetic"},
                   {"score", asked ? setting.score : json(1.0)},
                   {"usage_type", to_text(verdict->type)},
                   {"action", verdict->from == verdict->to ? "none" : to_text(verdict->to)},
                   {"from", to_text(verdict->from)},
                   {"to", to_text(verdict->to)},
                   {"prior_7d", verdict->prior_7d},
                   {"prior_30d", verdict->prior_30d}};
}

void conformance::evaluated(const json& line, json& row, std::int32_t ms, lane from) {
  auto spoken = make(line, event_kind::speech, {});
  spoken.ms = ms;
  spoken.from = from;
  run_one(spoken);
  if (not shard_->in_force().enabled) return;
  const auto view = standing_now();
  row["totals"] = json::array();
  row["caps"] = json::array();
  for (std::size_t window = 0; window < view.windows.size(); ++window) {
    row["totals"].push_back(view.windows[window].sum_ms);
    if (view.windows[window].exceeded)
      row["caps"].push_back(
          {view.slot->label.windows[window], view.windows[window].sum_ms, view.windows[window].cap_ms});
  }
  review(line, row);
}

void conformance::upload(const json& line, json& row) {
  const auto view = standing_now();
  const bool exhausted = view.budget.tracked and view.budget.exhausted;
  if (view.hard_restricted or view.ceiling or exhausted) {
    row["result"] = view.hard_restricted ? "hard_restricted" : view.ceiling ? "ceiling" : "budget_exhausted";
    put_restriction(view, row);
    return;
  }
  row["result"] = "accepted";
  if (const auto ms = need<std::int32_t>(line, "ms"); ms > 0) evaluated(line, row, ms, lane::sync);
}

void conformance::speech(const json& line, json& row) {
  const auto source = need<std::string>(line, "source");
  const auto ms = std::max(0, need<std::int32_t>(line, "ms"));
  if (source == "realtime") {
    row["result"] = "accepted";
    evaluated(line, row, ms, lane::realtime);
  } else if (source == "sync" or source == "sync_fresh") {
    upload(line, row);
  } else {
    row["result"] = "metered";
    auto spoken = make(line, event_kind::speech, {});
    spoken.from = source == "sync_backfill" ? lane::backfill : lane::custom;
    if (ms > 0) run_one(spoken);
  }
  row["stage"] = to_text(standing_now().at);
}

void conformance::stt(const json& line, json& row) {
  const auto before = standing_now().budget;
  run_one(make(line, event_kind::stt, {}));
  const auto after = standing_now().budget;
  const bool enabled = shard_->in_force().enabled;
  row["tracked"] = before.tracked;
  row["blocked"] = before.tracked and before.exhausted;
  row["used_ms"] = enabled ? after.used_ms : 0;
  row["exhausted"] = enabled and after.exhausted;
}

void conformance::gate(json& row) {
  const auto view = standing_now();
  row["hard_restricted"] = view.hard_restricted;
  put_restriction(view, row);
  row["ceiling"] = view.ceiling;
  row["budget_exhausted"] = view.budget.tracked and view.budget.exhausted;
  row["stage"] = to_text(view.at);
}

void conformance::status(json& row) {
  const auto view = standing_now();
  const bool enabled = shard_->in_force().enabled;
  row["totals"] = json::array();
  for (const auto& window : view.windows)
    row["totals"].push_back(enabled ? window.sum_ms : 0);
  row["stage"] = to_text(view.at);
  if (view.at == stage::restrict and view.until != never) row["until_ms"] = view.until;
  row["violations"] = {view.strikes_7d, view.strikes_30d};
  row["used_ms"] = enabled ? view.budget.used_ms : 0;
}

void conformance::account(const json& line, json& row) {
  account_fact fact;
  if (need<std::string>(line, "type") == "plan")
    fact.plan = need<std::string>(line, "plan");
  else
    fact.credits_exhausted = need<bool>(line, "exhausted");
  run_one(make(line, event_kind::account, fact));
  if (fact.plan) row["stage"] = to_text(standing_now().at);
}

void conformance::command(const json& line, admin_command what) {
  what.actor = "conform";
  run_one(make(line, event_kind::admin, std::move(what)));
}

void conformance::admin(const json& line, json& row) {
  const auto type = need<std::string>(line, "type");
  admin_command what;
  if (type == "admin_set_stage") {
    what.verb = admin_verb::set_stage;
    what.to = known(stage_from(need<std::string>(line, "stage")), "stage");
  } else {
    what.verb = type == "admin_reset" ? admin_verb::reset : admin_verb::resolve;
  }
  command(line, std::move(what));
  row["stage"] = to_text(standing_now().at);
}

void conformance::broadcast(const json& line) {
  admin_command what;
  what.verb = need<std::string>(line, "type") == "enabled" ? admin_verb::enable : admin_verb::kill_switch;
  what.on = need<bool>(line, "on");
  run(now_, {}, {make(line, event_kind::admin, std::move(what))});
}

json conformance::row(std::size_t index, const json& line) {
  now_ = need<time_ms>(line, "t");
  const auto type = need<std::string>(line, "type");
  json row{{"i", index}, {"t", now_}, {"type", type}};
  uid_ = value_or(line, "uid", std::string{});
  if (not uid_.empty()) row["uid"] = uid_;
  run(now_, {}); // Timers fire before the line's event.
  if (type == "speech")
    speech(line, row);
  else if (type == "check") {
    evaluated(line, row, 0, lane::realtime);
    row["stage"] = to_text(standing_now().at);
  } else if (type == "stt")
    stt(line, row);
  else if (type == "gate")
    gate(row);
  else if (type == "status")
    status(row);
  else if (type == "classifier") {
    reviewers_[uid_].score = need<json>(line, "score");
    reviewers_[uid_].type = known(usage_type_from(need<std::string>(line, "usage_type")), "usage_type");
  } else if (type == "fault")
    reviewers_[uid_].fails = need<bool>(line, "on");
  else if (type == "credits" or type == "plan")
    account(line, row);
  else if (type == "exempt") {
    admin_command what;
    what.verb = admin_verb::exempt;
    what.on = need<bool>(line, "on");
    command(line, std::move(what));
  } else if (type.starts_with("admin_"))
    admin(line, row);
  else if (type == "kill_switch" or type == "enabled")
    broadcast(line);
  else
    throw std::invalid_argument("unknown type '" + type + "'");
  return row;
}

} // namespace

result<void> run_conform(std::istream& scenario, std::ostream& out) {
  std::string text;
  std::size_t number = 0;
  // The scenario is test data in a fixed form: one place that turns every exception into a line number is enough.
  try {
    if (not std::getline(scenario, text)) return error{"line 1: the scenario is empty; it starts with a configuration"};
    number = 1;
    policy rules;
    if (const auto done = configure(object_from(text), rules); not done)
      return error{"line 1: " + done.error().message};
    conformance run(rules);
    for (std::size_t index = 0; std::getline(scenario, text); ++index) {
      ++number;
      out << run.row(index, object_from(text)).dump() << '\n';
    }
  } catch (const std::exception& failure) {
    return error{fmt::format("line {}: {}", number, failure.what())};
  }
  return {};
}

} // namespace fairuse
