// SPDX-License-Identifier: Apache-2.0

#include "cli/history/captured_run.hpp"

#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "cli/log.hpp"
#include "sim/simulated_users.hpp"
#include "streams/history/labels.hpp"

namespace fairuse::cli {

namespace {

bool lacks_outcomes(const sim::run_result& result) {
  for (const auto& policy : result.tally.policies)
    for (const auto& group : policy.groups)
      if (group.answers.missing > 0) return true;
  return false;
}

/// Under the rules, and again with the other end of what is not known.
template <class Run>
sim::run_result run_bracketed(const sim::experiment& what, const Run& run_under) {
  sim::run_rules rules(what);
  auto result = run_under(rules);
  if (result.partial or not lacks_outcomes(result)) return result;
  rules.assumes_misuse = true;
  result.if_misuse = run_under(rules).tally;
  return result;
}

} // namespace

result<void> check_exists(const std::filesystem::path& history) {
  std::error_code ignored;
  if (std::filesystem::exists(history, ignored)) return {};
  return error{fmt::format("there is no history {}; `fairuse history pack` makes one", history.string())};
}

command_result<opened_history> open_history(const captured_files& files) {
  if (const auto there = check_exists(files.history); not there)
    return command_error{exit_usage, there.error().message};
  auto reader = history::history_reader::open(files.history);
  if (not reader) return command_error{exit_failed, reader.error().message};
  opened_history made{std::move(*reader), nullptr};
  made.plan = std::make_unique<sim::history_plan>(*made.reader);
  if (files.keeps_switches) made.plan->keep_switches();
  if (files.labels.empty()) return made;
  auto labels = history::read_labels(files.labels, [] { return false; });
  if (not labels) return command_error{exit_usage, labels.error().message};
  made.plan->label(history::known_labels(), std::move(*labels));
  return made;
}

int run_captured(const report_settings& settings, sim::experiment what, opened_history& from,
                 const std::optional<sim::synthetic_users>& beside) {
  auto& plan = *from.plan;
  if (settings.certificates and not plan.keeps_switches) plan.proof.emplace(what.policies);
  auto ends = plan.ends;
  if (beside) sim::add_synthetic(what, *beside, ends);
  if (what.users == 0) return fail(exit_too_little_data, what.captured->file + " has no user");
  if (const auto ready = prepare_folder(settings.out); not ready) return fail(exit_failed, ready.error().message);
  std::optional<sim::composition> people;
  if (beside) people.emplace(beside->people, beside->seed);
  return run_and_report(settings, what, [&](const sim::laboratory_options& how) {
    return run_bracketed(what, [&](const sim::run_rules& rules) {
      const auto feed = [&]() -> std::unique_ptr<sim::traffic_feed> {
        if (not beside) return std::make_unique<sim::history_feed>(plan, rules.in_force, rules.end);
        return std::make_unique<sim::mixed_feed>(plan, *beside, *people, rules.in_force, rules.end);
      };
      return sim::run_experiment(rules, how, feed, ends);
    });
  });
}

int run_named_history(const report_settings& settings, sim::experiment what) {
  const auto named = *what.from;
  auto from = open_history({named.file, named.labels, named.keeps_switches});
  if (not from) return fail(from.error());
  std::optional<sim::synthetic_users> beside;
  if (named.has_population)
    beside = sim::synthetic_users{std::move(what.people), what.users, 0, what.seed, sim::free_prefix(*from->reader)};
  sim::set_captured(what, *from->plan, std::filesystem::path(named.file).filename().string());
  if (beside) {
    beside->days = named.days.value_or(what.days);
    // Their days are whole ones, as the history's first day is.
    beside->people.start = what.people.start - what.people.start % day_ms;
  }
  return run_captured(settings, std::move(what), *from, beside);
}

} // namespace fairuse::cli
