// SPDX-License-Identifier: Apache-2.0

#include "sim/laboratory.hpp"

#include <set>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "sim/report.hpp"
#include "sim/simulated_users.hpp"
#include "tests/sim/small_experiment.hpp"

namespace fairuse::sim {

using namespace testing;

namespace {

run_result run(const experiment& what, unsigned workers = 1) {
  laboratory_options how;
  how.workers = workers;
  return run_experiment(what, how);
}

std::string report_of(const experiment& what, const run_result& result) {
  return report_json(what, result, figures_of(what, result), "test");
}

std::vector<policy> presets() {
  return {shipped_policy("fair"), shipped_policy("omi-2026-03"), shipped_policy("omi-newest")};
}

/// One user who speaks a minute every minute, for `minutes`.
class talking_feed final : public traffic_feed {
public:
  talking_feed(const run_rules& rules, std::uint32_t group, std::uint32_t minutes)
    : rules_(rules), group_(group), minutes_(minutes) {}

  void fill(std::uint32_t user, simulated_user& out) override {
    out.uid = uid_of(user);
    out.group = group_;
    out.columns.clear();
    for (std::uint32_t i = 0; i < minutes_; ++i) {
      event spoken;
      spoken.time = spoken.instant = rules_.of->people.start + i * minute_ms;
      spoken.ms = 60'000;
      spoken.key = i + 1;
      out.columns.add(spoken.time + minute_ms, spoken);
    }
    out.run = out.columns.columns();
    out.take_run_until(rules_.end, rules_.in_force);
  }

private:
  const run_rules& rules_;
  std::uint32_t group_;
  std::uint32_t minutes_;
};

run_result run_talking(const experiment& what, std::uint32_t group, std::uint32_t minutes) {
  const run_rules rules(what);
  return run_experiment(rules, {}, [&] { return std::make_unique<talking_feed>(rules, group, minutes); });
}

constexpr std::uint32_t reader_group = 1;
constexpr std::uint32_t talker_group = 2;

} // namespace

BOOST_AUTO_TEST_SUITE(the_laboratory)

BOOST_AUTO_TEST_CASE(a_small_experiment_has_the_figures_computed_by_hand) {
  const auto what = small_experiment({shipped_policy("fair")});
  const auto result = run(what);
  const auto figures = figures_of(what, result);
  const auto& fair = figures.policies.front();
  const auto readers = fair.groups[1].users;

  BOOST_TEST(result.tally.users == 200U);
  BOOST_TEST(readers >= 8U);
  BOOST_TEST((*fair.cohorts)[reader_group].users == readers);
  BOOST_TEST((*fair.cohorts)[talker_group].users >= 8U);
  for (const auto& stage : fair.stages) {
    BOOST_TEST(stage.hit[1].hits == readers);
    BOOST_TEST(stage.hit[0].hits == 0U);
    BOOST_TEST(stage.hit[0].users == 200U - readers);
    BOOST_TEST(stage.false_discovery.hits == 0U);
    BOOST_TEST(stage.false_discovery.users == readers);
  }
  BOOST_TEST(fair.missed.hits == 0U);
  BOOST_TEST(fair.harm_ms.value() == 0);
  BOOST_TEST(fair.saved_ms.value() > 0);
  BOOST_TEST(fair.answers.strikes >= 4 * readers);
  // A cleared talker is not reviewed again for 72 h.
  BOOST_TEST(fair.answers.cleared >= 2 * (*fair.cohorts)[talker_group].users);
  BOOST_TEST(fair.reviews == fair.answers.strikes + fair.answers.cleared);
}

BOOST_AUTO_TEST_CASE(an_answer_comes_exactly_its_latency_after_the_request) {
  auto what = small_experiment({shipped_policy("fair")});
  what.users = 1;
  const auto result = run_talking(what, reader_group, 40 * 60);
  const auto& stages = result.tally.policies.front().groups[reader_group].stages;

  // The 121st minute passes the cap of 2 h; a request is repeated 12 h and a minute later; the fair ladder steps at
  // the first, third and fourth strike. The first minute is seen when it is over, and every answer takes 90 s.
  const auto after_request = [](std::int64_t number) {
    return (120 + (number - 1) * (12 * 60 + 1)) * minute_ms + 90 * second_ms;
  };
  BOOST_TEST(stages[0].reached_after_ms == std::vector<std::int64_t>{after_request(1)},
             boost::test_tools::per_element());
  BOOST_TEST(stages[1].reached_after_ms == std::vector<std::int64_t>{after_request(3)},
             boost::test_tools::per_element());
  BOOST_TEST(stages[2].reached_after_ms == std::vector<std::int64_t>{after_request(4)},
             boost::test_tools::per_element());
  BOOST_TEST(stages[0].held_ms == after_request(3) - after_request(1));
  BOOST_TEST(stages[1].held_ms == after_request(4) - after_request(3));
  BOOST_TEST(stages[2].held_ms == (what.end() - what.people.start) - minute_ms - after_request(4));
}

BOOST_AUTO_TEST_CASE(an_answer_after_the_end_never_comes) {
  auto what = small_experiment({shipped_policy("fair")});
  what.users = 1;
  what.days = 1;
  yaml::diagnostics problems{"slow"};
  auto slow = std::string(small_reviewer_text);
  slow.replace(slow.find("{0: 90s, 1: 90s}"), 16, "{0: 3d, 1: 3d}");
  what.reviewer = must(read_reviewer(must(yaml::parse(slow, problems), problems), &what.people, problems), problems);
  const auto result = run_talking(what, reader_group, 5 * 60);
  const auto& group = result.tally.policies.front().groups[reader_group];
  BOOST_TEST(group.answers.strikes == 0U);
  BOOST_TEST(group.answers.timed_out >= 1U);
}

BOOST_AUTO_TEST_CASE(the_result_does_not_depend_on_the_number_of_workers) {
  auto what = field_experiment(presets(), 600, 8);
  const auto alone = report_of(what, run(what, 1));
  for (const unsigned workers : {2U, 3U, 7U})
    BOOST_TEST(report_of(what, run(what, workers)) == alone);
  what.seed = 2;
  BOOST_TEST(report_of(what, run(what, 2)) != alone);
}

BOOST_AUTO_TEST_CASE(a_policy_decides_the_same_alone_and_beside_others) {
  const auto all = presets();
  const auto together = run(field_experiment(all, 600, 8));
  const auto reordered = run(field_experiment({all[2], all[0], all[1]}, 600, 8));
  for (std::size_t index = 0; index < all.size(); ++index) {
    const auto alone = run(field_experiment({all[index]}, 600, 8));
    BOOST_TEST(together.policy_digests[index] == alone.policy_digests.front());
    BOOST_TEST(reordered.policy_digests[(index + 1) % all.size()] == alone.policy_digests.front());
  }
  BOOST_TEST(together.policy_digests[0] != together.policy_digests[1]);
  // The run's own digest depends on the policies' names, not on their order.
  BOOST_TEST(together.digest == reordered.digest);
}

BOOST_AUTO_TEST_CASE(each_of_300_policies_with_900_spans_decides_as_it_does_alone) {
  std::vector<policy> all;
  for (int i = 0; i < 300; ++i) {
    auto& each = all.emplace_back(shipped_policy("fair"));
    each.name = "s" + std::to_string(i);
    std::int64_t minutes = 60 + 9 * i;
    for (auto& window : each.windows) {
      window.span_ms = minutes++ * minute_ms;
      window.cap_ms = (10 + i % 50) * minute_ms;
    }
  }
  const auto together = run(field_experiment(all, 40, 4));
  std::set<std::string> digests;
  for (const std::size_t index : {0U, 63U, 64U, 128U, 255U, 256U, 299U}) {
    const auto alone = run(field_experiment({all[index]}, 40, 4));
    BOOST_TEST(together.policy_digests[index] == alone.policy_digests.front(), "policy " << index);
    digests.insert(alone.policy_digests.front());
  }
  BOOST_TEST(digests.size() > 4U);
}

BOOST_AUTO_TEST_CASE(a_stopped_run_is_the_run_of_its_first_users) {
  auto what = small_experiment({shipped_policy("fair")});
  std::atomic<bool> stop{false};
  laboratory_options how;
  how.stop = &stop;
  const composition people(what.people, what.seed);
  struct stopping_feed final : traffic_feed {
    stopping_feed(synthetic_feed people, std::atomic<bool>& stop_now) : from(std::move(people)), stopped(stop_now) {}
    void fill(std::uint32_t user, simulated_user& out) override {
      from.fill(user, out);
      stopped = user >= 50;
    }
    synthetic_feed from;
    std::atomic<bool>& stopped;
  };
  const run_rules rules(what);
  const auto stopped = run_experiment(rules, how, [&] {
    return std::make_unique<stopping_feed>(synthetic_feed(people, what.days, rules.in_force, rules.end), stop);
  });
  BOOST_TEST(stopped.partial);
  BOOST_TEST(stopped.tally.users < 200U);
  BOOST_TEST(nlohmann::json::parse(report_of(what, stopped)).at("partial") == true);
  what.users = static_cast<std::uint32_t>(stopped.tally.users);
  const auto whole_run = run(what);
  BOOST_TEST(not whole_run.partial);
  BOOST_TEST(whole_run.digest == stopped.digest);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(the_report)

BOOST_AUTO_TEST_CASE(differences_add_up_and_are_tested_exactly) {
  const auto mild = [] {
    auto rules = shipped_policy("fair");
    for (auto& window : rules.windows)
      window.cap_ms *= 4;
    return renamed(std::move(rules), "mild");
  };
  const auto what = small_experiment({shipped_policy("fair"), mild()});
  const auto report = nlohmann::json::parse(report_of(what, run(what)));
  const auto& policies = report.at("policies");
  BOOST_TEST(report.at("comparisons").size() == 3U);
  for (const auto& row : report.at("comparisons")) {
    const auto stage = row.at("stage").get<std::string>();
    for (const char* who : {"legitimate", "misuse", "exhausted"}) {
      const auto hits = [&](std::size_t index) {
        return policies[index].at("stages").at(stage).at(who).at("hits").get<std::uint64_t>();
      };
      const auto newly_hit = row.at(who).at("newly_hit").get<std::uint64_t>();
      const auto newly_spared = row.at(who).at("newly_spared").get<std::uint64_t>();
      BOOST_TEST(hits(1) + newly_spared == hits(0) + newly_hit);
      BOOST_TEST(row.at(who).at("p").get<double>() == mcnemar(newly_hit, newly_spared));
    }
    // No user speaks 8 hours a day, so the mild policy hits no reader.
    BOOST_TEST(row.at("misuse").at("newly_spared") == policies[0].at("stages").at(stage).at("misuse").at("hits"));
  }
}

/// No user speaks 8 hours a day, so the mild policy hits no reader.
BOOST_AUTO_TEST_CASE(it_says_how_users_moved_from_the_base_to_the_candidate_and_why) {
  const auto mild = [] {
    auto rules = shipped_policy("fair");
    for (auto& window : rules.windows)
      window.cap_ms *= 4;
    return renamed(std::move(rules), "mild");
  };
  for (const bool is_base : {false, true}) {
    const auto what = small_experiment(is_base ? std::vector{mild(), shipped_policy("fair")}
                                               : std::vector{shipped_policy("fair"), mild()});
    const auto report = nlohmann::json::parse(report_of(what, run(what)));
    const auto& fair = report.at("policies")[is_base ? 1 : 0];
    const auto readers = fair.at("stages").at("restrict").at("misuse").at("hits");
    BOOST_REQUIRE(report.at("against_base").size() == 1U);
    const auto& against = report.at("against_base")[0];
    BOOST_TEST(against.at("base") == what.policies[0].name);
    BOOST_TEST(against.at("candidate") == what.policies[1].name);
    const auto& moved = against.at("transitions");
    BOOST_TEST((is_base ? moved.at("none").at("restrict") : moved.at("restrict").at("none")) == readers);
    BOOST_TEST(moved.at("none").at("none").get<std::uint64_t>() == 200U - readers.get<std::uint64_t>());
    BOOST_TEST(against.at(is_base ? "newly_spared" : "newly_hit").empty());
    const auto& changed = against.at(is_base ? "newly_hit" : "newly_spared");
    BOOST_TEST(changed.size() == readers.get<std::size_t>());
    for (const auto& each : changed) {
      BOOST_TEST(each.at("cohort") == "reader");
      BOOST_TEST(each.at(is_base ? "candidate" : "base") == "restrict");
      const auto& hit = each.at("reason").at("hit");
      BOOST_TEST(hit.at("to") == "warning");
      BOOST_TEST(hit.at("window") == "daily");
      BOOST_TEST(hit.at("cap_ms") == 2 * hour_ms);
      BOOST_TEST(hit.at("sum_ms").get<std::int64_t>() > 2 * hour_ms);
      BOOST_TEST(hit.at("score") == 0.9);
      BOOST_TEST(each.at("reason").at("spared").at("by") == "cap_not_crossed");
      BOOST_TEST(each.at("reason").at("spared").at("at").is_null());
    }
  }
}

/// Readers are caught if the reviews without an outcome qualify, and not if none does.
BOOST_AUTO_TEST_CASE(a_guard_that_depends_on_missing_outcomes_has_not_enough_data) {
  auto mild_rules = shipped_policy("fair");
  for (auto& window : mild_rules.windows)
    window.cap_ms *= 4;
  auto what = small_experiment({mild_rules});
  what.guards = {*parse_guard("caught_warning < 50%"), *parse_guard("fpr_warning < 50%")};
  auto result = run(what);
  BOOST_TEST((figures_of(what, result).guards[0].outcome == guard_outcome::holds));
  result.if_misuse = run(small_experiment({shipped_policy("fair")})).tally;
  const auto figures = figures_of(what, result);
  BOOST_TEST((figures.guards[0].outcome == guard_outcome::not_enough_data));
  BOOST_TEST((figures.guards[1].outcome == guard_outcome::holds));
}

BOOST_AUTO_TEST_CASE(a_rate_is_bracketed_by_the_users_without_a_label) {
  auto what = small_experiment({shipped_policy("fair")});
  const auto known = figures_of(what, run(what));
  what.people.cohorts[reader_group].label = truth::unlabelled;
  const auto result = run(what);
  const auto figures = figures_of(what, result);
  const auto& stage = figures.policies.front().stages.front();
  const auto readers = stage.hit[3].users;
  BOOST_TEST(readers == known.policies.front().groups[1].users);
  BOOST_TEST(figures.labels.labelled == 200U - readers);
  // All readers are hit, and no user with a label is.
  BOOST_TEST(stage.fpr_of_all.lower.value() == 0);
  BOOST_TEST(stage.fpr_of_all.upper.value() == static_cast<double>(readers) / 200);
  BOOST_TEST(stage.fdr_of_all.lower.value() == 0);
  BOOST_TEST(stage.fdr_of_all.upper.value() == 1);
  BOOST_TEST(not stage.caught_of_all.lower.has_value());
  BOOST_TEST(stage.caught_of_all.upper.value() == 1);
  BOOST_TEST(not figures.policies.front().saved_ms.has_value());
}

BOOST_AUTO_TEST_CASE(crossings_and_reviews_of_the_days_add_up) {
  const auto what = field_experiment(presets(), 300, 8);
  const auto report = nlohmann::json::parse(report_of(what, run(what)));
  for (const auto& each : report.at("policies")) {
    std::uint64_t crossings = 0;
    std::uint64_t reviews = 0;
    std::string last;
    for (const auto& day : each.at("days")) {
      BOOST_TEST(day.at("day").get<std::string>() > last);
      last = day.at("day").get<std::string>();
      crossings += day.at("crossings").get<std::uint64_t>();
      reviews += day.at("reviews").get<std::uint64_t>();
    }
    BOOST_TEST(reviews == each.at("reviews").get<std::uint64_t>());
    BOOST_TEST(crossings > 0U);
    for (const auto& [window, count] : each.at("crossings").items())
      crossings -= count.get<std::uint64_t>();
    BOOST_TEST(crossings == 0U);
  }
}

BOOST_AUTO_TEST_CASE(it_has_the_documented_members) {
  const auto what = small_experiment({shipped_policy("fair"), shipped_policy("omi-newest")});
  const auto result = run(what);
  const auto report = nlohmann::json::parse(report_of(what, result));
  const auto& of = report.at("run");
  for (const char* key : {"digest", "seed", "events", "users", "binary", "policies"})
    BOOST_TEST(of.contains(key), key);
  BOOST_TEST(of.at("digest").get<std::string>().size() == 64U);
  BOOST_TEST(of.at("policies").at("fair") == what.policies.front().digest);
  for (const auto& each : report.at("policies")) {
    for (const char* key : {"name", "digest", "stages", "cohorts", "reviews", "stt_ms", "stt_ms_saved", "harm_ms"})
      BOOST_TEST(each.contains(key), key);
    for (const char* stage : {"warning", "throttle", "restrict"}) {
      const auto& at = each.at("stages").at(stage);
      for (const char* who : {"legitimate", "misuse"})
        for (const char* key : {"users", "hits", "rate", "lower", "upper"})
          BOOST_TEST(at.at(who).contains(key), key);
      for (const char* key : {"flagged", "legitimate", "rate", "lower", "upper"})
        BOOST_TEST(at.at("false_discovery").contains(key), key);
    }
  }
  // 190 legitimate users without a hit do not show that fewer than 1 % are hit: that takes 368.
  const auto& answer = report.at("policies")[0].at("stages").at("restrict").at("below_1_percent");
  BOOST_TEST(answer.at("answer") == "not enough data");
  BOOST_TEST(answer.at("users_needed") == 368);
  const auto figures = figures_of(what, result);
  BOOST_TEST(report_table(what, result, figures, 300).find("too little data to say whether restrict")
             != std::string::npos);
  std::istringstream narrow{report_table(what, result, figures, 80)};
  for (std::string line; std::getline(narrow, line);)
    BOOST_TEST(line.size() <= 80U, line);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
