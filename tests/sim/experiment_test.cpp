// SPDX-License-Identifier: Apache-2.0

#include <filesystem>

#include <boost/test/unit_test.hpp>

#include "sim/experiment_file.hpp"
#include "sim/figures.hpp"
#include "tests/sim/small_experiment.hpp"
#include "tests/test_folder.hpp"

namespace fairuse::sim {

using namespace testing;

namespace {

/// An experiment file in a folder of its own, beside the small population and reviewer.
class written_experiment {
public:
  explicit written_experiment(std::string_view text) {
    folder_.write("small.yaml", small_population_text);
    folder_.write("clear.yaml", small_reviewer_text);
    folder_.write("experiment.yaml", text);
  }

  void write(std::string_view name, std::string_view text) const { folder_.write(name, text); }
  std::filesystem::path file() const { return folder_.file("experiment.yaml"); }
  std::optional<experiment> load() { return load_experiment(file(), problems); }
  /// What is wrong, without the folder.
  std::string refusal() {
    BOOST_TEST(not load().has_value());
    auto text = problems.text();
    const auto prefix = folder_.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  yaml::diagnostics problems{"experiment.yaml"};

private:
  test_folder folder_;
};

guard_outcome outcome_of(std::string_view text, std::uint64_t hits, std::uint64_t users) {
  const auto parsed = parse_guard(text);
  if (not parsed) BOOST_FAIL(parsed.error().message);
  policy_figures figures;
  figures.stages[index_of(parsed->at)].hit[0] = proportion_of(hits, users);
  figures.stages[index_of(parsed->at)].hit[1] = proportion_of(hits, users);
  figures.reviews = hits;
  figures.harm_ms = static_cast<std::int64_t>(hits) * hour_ms;
  return check_guard(*parsed, figures);
}

std::string refused_guard(std::string_view text) {
  const auto parsed = parse_guard(text);
  BOOST_REQUIRE(not parsed);
  return parsed.error().message;
}

constexpr std::string_view sound = "population: small.yaml\nreviewer: clear.yaml\npolicies: [fair]\n";

} // namespace

BOOST_AUTO_TEST_SUITE(an_experiment_file)

BOOST_AUTO_TEST_CASE(needs_three_lines_and_has_the_documented_defaults) {
  written_experiment file(sound);
  const auto what = file.load();
  BOOST_REQUIRE_MESSAGE(what, file.problems.text());
  BOOST_TEST(what->name == "experiment");
  BOOST_TEST(what->users == 20'000U);
  BOOST_TEST(what->days == 30U);
  BOOST_TEST(what->seed == 1U);
  BOOST_TEST(what->people.name == "small");
  BOOST_TEST(what->policies.front().digest == shipped_policy("fair").digest);
  BOOST_TEST(what->inputs.population.size() == 64U);
}

BOOST_AUTO_TEST_CASE(the_shipped_one_is_sound) {
  const auto file = source_folder() / "config/experiments/first.yaml";
  yaml::diagnostics problems{file.string()};
  const auto what = load_experiment(file, problems);
  BOOST_REQUIRE_MESSAGE(what, problems.text());
  BOOST_TEST(what->policies.size() == 3U);
  BOOST_TEST(what->guards.size() == 3U);
  BOOST_TEST(what->prices->review == 10'000);
}

BOOST_AUTO_TEST_CASE(more_than_512_policies_are_refused) {
  std::string names = "fair";
  for (int i = 0; i < 512; ++i)
    names += ", fair";
  const auto refusal =
      written_experiment("population: small.yaml\nreviewer: clear.yaml\npolicies: [" + names + "]\n").refusal();
  BOOST_TEST(refusal.find("an experiment has 1 to 512 policies") != std::string::npos, refusal);
}

BOOST_AUTO_TEST_CASE(is_refused_with_place_and_remedy) {
  const auto refused = [](std::string_view more) {
    return written_experiment(std::string(sound).append(more)).refusal();
  };
  const auto has = [](const std::string& text, std::string_view part) {
    BOOST_TEST(text.find(part) != std::string::npos, text << " lacks " << part);
  };
  has(refused("usres: 5\n"), "experiment.yaml:4:1: error: unknown key 'usres'; did you mean 'users'?");
  has(refused("users: 0\n"), "experiment.yaml:4:8: error: users");
  has(refused("guards: [fpr_restrct.upper < 1%]\n"),
      "experiment.yaml:4:10: error: guards[0]: 'fpr_restrct' is no figure; "
      "did you mean 'fpr_restrict'?");
  has(refused("guards: [reviews < 5 for fiar]\n"), "no policy 'fiar'; did you mean 'fair'?");
  has(refused("retention: 3d\n"), "looks back 7d, longer than the retention of 72h");
  has(written_experiment("population: small.yaml\nreviewer: clear.yaml\npolicies: [fiar]\n").refusal(),
      "experiment.yaml:3:12: error: policies[0]: 'fiar' is neither a policy file nor a preset; did you mean 'fair'?");
  has(written_experiment("population: none.yaml\nreviewer: clear.yaml\npolicies: [fair]\n").refusal(),
      "experiment.yaml:1:13: error: population: there is no file none.yaml");
  has(written_experiment("population: small.yaml\nreviewer: clear.yaml\npolicies: [fair, fair]\n").refusal(),
      "experiment.yaml:3:18: error: a second policy 'fair'");
  has(written_experiment("reviewer: clear.yaml\npolicies: [fair]\n").refusal(), "population");
  has(refused("guards: [banana < 1%]\n"), "'banana' is no figure; known: reviews, harm, fpr_warning, ");
  has(refused("guards: [reviews < 5 for banana]\n"), "no policy 'banana'; known: fair");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_guard)

BOOST_AUTO_TEST_CASE(holds_fails_or_has_not_enough_data) {
  using enum guard_outcome;
  BOOST_TEST((outcome_of("fpr_restrict.upper < 1%", 0, 368) == holds));
  BOOST_TEST((outcome_of("fpr_restrict.upper < 1%", 0, 367) == not_enough_data));
  BOOST_TEST((outcome_of("fpr_restrict.upper < 1%", 3, 1'000) == holds));
  BOOST_TEST((outcome_of("fpr_restrict.upper < 1%", 8, 1'000) == not_enough_data));
  BOOST_TEST((outcome_of("fpr_restrict.upper < 0.01", 30, 1'000) == fails));
  BOOST_TEST((outcome_of("fpr_warning < 1%", 9, 1'000) == holds));
  BOOST_TEST((outcome_of("fpr_warning.rate < 1%", 10, 1'000) == fails));
  BOOST_TEST((outcome_of("caught_warning.lower > 60%", 90, 100) == holds));
  BOOST_TEST((outcome_of("caught_warning.lower > 60%", 65, 100) == not_enough_data));
  BOOST_TEST((outcome_of("caught_warning.lower >= 60%", 30, 100) == fails));
  BOOST_TEST((outcome_of("fdr_throttle.upper < 5%", 0, 100) == not_enough_data));
  BOOST_TEST((outcome_of("reviews <= 5", 5, 0) == holds));
  BOOST_TEST((outcome_of("harm < 5h", 5, 0) == fails));
}

BOOST_AUTO_TEST_CASE(has_not_enough_data_without_users_of_its_truth_or_where_the_figure_is_not_known) {
  for (const char* text : {"fpr_restrict.upper < 1%", "fpr_restrict < 1%", "fpr_restrict >= 0", "caught_warning > 50%"})
    BOOST_TEST((outcome_of(text, 0, 0) == guard_outcome::not_enough_data), text);
  const policy_figures unknown;
  for (const char* text : {"harm < 5h", "harm >= 0", "fdr_throttle < 5%", "missed_restrict.upper < 5%"})
    BOOST_TEST((check_guard(*parse_guard(text), unknown) == guard_outcome::not_enough_data), text);
}

BOOST_AUTO_TEST_CASE(that_says_nothing_about_any_run_is_doubted) {
  struct row {
    const char* text;
    const char* doubt;
  };
  for (const auto& [text, doubt] : {
           row{"fpr_warning < 1", "fails only if it is 100 %: 1 is 100 %; for 1 % write `1%`"},
           row{"fpr_warning < 100%", "fails only if it is 100 %: no share is above 100 %"},
           row{"fpr_warning.upper <= 1", "always holds: 1 is 100 %; for 1 % write `1%`"},
           row{"caught_warning > 1", "can never hold: 1 is 100 %; for 1 % write `1%`"},
           row{"caught_warning >= 0", "always holds: no figure is below 0"},
           row{"reviews < 0", "can never hold: no figure is below 0"},
           row{"fpr_warning < 1%", ""},
           row{"fpr_warning <= 0", ""},
           row{"caught_warning >= 1", ""},
           row{"reviews <= 1000000000", ""},
           row{"harm <= 0", ""},
       }) {
    const auto parsed = parse_guard(text);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST(doubt_about(*parsed) == doubt, text << ": " << doubt_about(*parsed));
  }
  written_experiment file(std::string(sound).append("guards: [fpr_warning < 1]\n"));
  BOOST_TEST(file.load().has_value());
  const auto told = file.problems.text();
  BOOST_TEST(told.find(":4:10: warning: guards[0]: `fpr_warning < 1` fails only if") != std::string::npos, told);
}

BOOST_AUTO_TEST_CASE(is_refused_with_a_remedy) {
  BOOST_TEST(refused_guard("fpr_restrict").find("write it as in") != std::string::npos);
  BOOST_TEST(refused_guard("fpr < 1%").find("is no figure") != std::string::npos);
  BOOST_TEST(refused_guard("fpr_none < 1%").find("is no figure") != std::string::npos);
  BOOST_TEST(refused_guard("fpr_restrict.uper < 1%").find("none of rate, lower, upper") != std::string::npos);
  BOOST_TEST(refused_guard("fpr_restrict < 1h").find("is no rate") != std::string::npos);
  BOOST_TEST(refused_guard("fpr_restrict < 120%").find("is no rate") != std::string::npos);
  BOOST_TEST(refused_guard("harm < 3").find("is no duration") != std::string::npos);
  BOOST_TEST(refused_guard("reviews.upper < 3").find("has no interval") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
