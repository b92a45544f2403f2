// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/case_run.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "actors/worker.hpp"
#include "core/query.hpp"
#include "sim/history_feed.hpp"
#include "sim/laboratory.hpp"
#include "sim/simulated_users.hpp"

namespace fairuse::sim {

namespace {

using kind = expected_value::kind;

/// As README.md of the cases says it.
constexpr time_ms answered_after_ms = minute_ms;
constexpr std::int32_t confidence_nano = 900'000'000;

/// Of a user at one time.
struct position {
  stage at = stage::none;
  time_ms until = never;
  std::vector<std::int64_t> sums;
  std::uint32_t strikes = 0;
  std::int64_t budget_ms = 0;
  bool refuses_uploads = false;
};

position position_of(const standing_view& view) {
  position made{view.at, view.until, {}, view.strikes_30d, view.budget.used_ms, view.hard_restricted or view.ceiling};
  for (const auto& each : view.windows)
    made.sums.push_back(each.sum_ms);
  return made;
}

/// What was seen up to one time.
struct moment {
  std::map<std::string, position, std::less<>> users;
  /// By user and decision.
  std::map<std::string, std::map<std::string, std::uint64_t>, std::less<>> decisions;
  std::string lines;
};

quantile_curve constant(std::int64_t value) { return quantile_curve({{0, value}, {whole, value}}); }

review_profile profile_of(std::string cohort, std::int32_t score_nano) {
  review_profile made;
  made.cohort = std::move(cohort);
  made.score = made.astray = constant(score_nano);
  return made;
}

reviewer_model reviewer_of(const case_reviews& from, const policy& rules) {
  reviewer_model made;
  if (from.none or (not from.failed and not from.late and not from.score_nano and from.by_user.empty())) return made;
  made.name = "case";
  constexpr time_ms latency_max = 2'000'000'000;
  made.latency_ms =
      constant(std::min(latency_max, from.late ? rules.review.timeout_ms + answered_after_ms : answered_after_ms));
  made.confidence_nano = constant(confidence_nano);
  made.failures = from.failed ? always : 0;
  made.profiles.push_back(profile_of({}, from.score_nano.value_or(0)));
  for (const auto& [user, score] : from.by_user)
    made.profiles.push_back(profile_of(user, score));
  return made;
}

/// A cohort for each user with a score of its own.
void put_cohorts(const case_reviews& from, history_plan& plan) {
  if (from.by_user.empty()) return;
  std::vector<history::user_label> labels;
  std::map<std::string, std::uint32_t, std::less<>> places;
  for (const auto& [user, score] : from.by_user) {
    places[user] = static_cast<std::uint32_t>(labels.size());
    labels.push_back({user, {}});
  }
  plan.label(labels, std::move(places));
}

run_result run_alone(const experiment& what, const history_plan& plan, const laboratory_options& how) {
  const run_rules rules(what);
  const auto feed = [&] { return std::make_unique<history_feed>(plan, rules.in_force, rules.end); };
  return run_experiment(rules, how, feed, plan.ends);
}

class case_runner {
public:
  case_runner(const policy_case& of, const history::history_reader& traffic) : of_(of), plan_(traffic) {
    plan_.obeys_staff = not of.sentences.empty();
    put_cohorts(of.reviews, plan_);
    set_captured(what_, plan_, of.name);
    what_.policies = {*of.rules};
    what_.retention_ms = std::max(what_.retention_ms, longest_span_ms(*of.rules));
    what_.reviewer = reviewer_of(of.reviews, *of.rules);
    first_ = what_.people.start;
    start_ = of.start.value_or(first_ - (first_ % day_ms + day_ms) % day_ms);
  }

  case_result run() {
    case_result made;
    made.of = &of_;
    made.start = start_;
    std::set<time_ms> times;
    for (const auto& each : of_.expected)
      times.insert(each.when.instant(start_));
    std::map<time_ms, moment> seen;
    for (const auto each : times)
      seen[each] = look_at(each);
    for (const auto& each : of_.expected)
      compare(each, seen[each.when.instant(start_)], made);
    if (not times.empty()) made.decisions = std::move(seen[*times.rbegin()].lines);
    return made;
  }

private:
  moment look_at(time_ms at) {
    what_.captured->end = at;
    what_.people.start = std::min(first_, at);
    moment made;
    laboratory_options how;
    how.keeps_decisions = true;
    how.visit = [&](const shard& users) {
      for (const auto& each : of_.expected)
        if (const auto* who = users.find(user_of(each)); who != nullptr)
          made.users.insert_or_assign(user_of(each), position_of(query_standing(*who, users.in_force(), 0, at)));
    };
    const auto result = run_alone(what_, plan_, how);
    for (const auto& each : result.tally.decisions) {
      count(each.uid, each.lines, made);
      made.lines += each.lines;
    }
    return made;
  }

  static void count(const std::string& uid, std::string_view lines, moment& into) {
    for (; not lines.empty(); lines.remove_prefix(lines.find('\n') + 1)) {
      const auto read = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
      ++into.decisions[uid][read["data"]["decision"].get<std::string>()];
    }
  }

  const std::string& user_of(const expectation& each) const {
    return each.user.empty() and not of_.sentences.empty() ? of_.sentences.front().user : each.user;
  }

  void compare(const expectation& each, moment& seen, case_result& into) const {
    const auto& user = user_of(each);
    const auto found = seen.users.find(user);
    for (const auto& value : each.values) {
      compared_value made{&each, &value, user, "no such user", false, found != seen.users.end()};
      if (made.can_be_expected) {
        made.seen = text_of(value, found->second, seen.decisions[user]);
        made.holds = made.seen == wanted(value);
      }
      into.values.push_back(std::move(made));
    }
  }

  std::string text_of(const expected_value& value, const position& at,
                      const std::map<std::string, std::uint64_t>& decisions) const {
    switch (value.what) {
      case kind::stage:
        return std::string(to_text(at.at));
      case kind::release:
        return at.until == never ? "never" : case_time_text(at.until, start_);
      case kind::sum:
        return yaml::format_duration(sum_of(value.name, at));
      case kind::strikes:
        return std::to_string(at.strikes);
      case kind::budget:
        return yaml::format_duration(at.budget_ms);
      case kind::uploads:
        return at.refuses_uploads ? "refused" : "accepted";
      case kind::decisions: {
        const auto found = decisions.find(value.name);
        return std::to_string(found == decisions.end() ? 0 : found->second);
      }
    }
    return {};
  }

  std::int64_t sum_of(const std::string& window, const position& at) const {
    const auto& all = of_.rules->windows;
    for (std::size_t i = 0; i < all.size() and i < at.sums.size(); ++i)
      if (all[i].name == window) return at.sums[i];
    return 0;
  }

  /// In the form of what is seen.
  std::string wanted(const expected_value& value) const {
    if (value.what != kind::release) return value.expected;
    const auto when = case_time_from(value.expected);
    return when ? case_time_text(when->instant(start_), start_) : value.expected;
  }

  const policy_case& of_;
  history_plan plan_;
  experiment what_;
  time_ms first_ = 0;
  time_ms start_ = 0;
};

} // namespace

bool case_result::passed() const {
  return std::all_of(values.begin(), values.end(), [](const compared_value& each) { return each.holds; });
}

case_result run_case(const policy_case& of, const history::history_reader& traffic) {
  return case_runner(of, traffic).run();
}

std::string decisions_under(const policy& rules, const history::history_reader& traffic, time_ms end) {
  const history_plan plan(traffic);
  experiment what;
  set_captured(what, plan, {});
  what.policies = {rules};
  what.retention_ms = std::max(what.retention_ms, longest_span_ms(rules));
  if (end != never) what.captured->end = end;
  what.people.start = std::min(what.people.start, what.captured->end);
  laboratory_options how;
  how.keeps_decisions = true;
  std::string lines;
  for (const auto& each : run_alone(what, plan, how).tally.decisions)
    lines += each.lines;
  return lines;
}

} // namespace fairuse::sim
