// SPDX-License-Identifier: Apache-2.0

#include "cli/reviewer/evaluate.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/reviewer/labelled_review.hpp"
#include "api/reviewer/start_reviewer.hpp"
#include "base/system/files.hpp"
#include "cli/command.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/reviewer/evaluation.hpp"
#include "cli/running.hpp"
#include "engine/clocks.hpp"

namespace fairuse::cli {

namespace {

struct evaluate_options {
  std::string labelled;
  std::string config_file;
  std::string record;
  std::string play;
  std::string to;
  bool replace = false;
  bool json = false;
};

std::string at_line(const evaluate_options& wanted, std::size_t number, const std::string& what) {
  return fmt::format("{}:{}: {}", wanted.labelled, number, what);
}

/// One a line; empty lines are skipped.
command_result<std::vector<labelled_review>> read_labels(const evaluate_options& wanted) {
  const auto bytes = read_file(wanted.labelled);
  if (not bytes) return command_error{exit_usage, bytes.error().message};
  std::vector<labelled_review> all;
  std::size_t number = 0;
  for (std::string_view rest = *bytes; not rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto one = read_labelled(line);
    if (not one) return command_error{exit_usage, at_line(wanted, number, one.error().message)};
    all.push_back(std::move(*one));
  }
  if (all.empty()) return command_error{exit_usage, wanted.labelled + " holds no labelled review"};
  return all;
}

command_result<> check_output(const evaluate_options& wanted) {
  if (wanted.to.empty()) return {};
  const std::array<std::filesystem::path, 2> read{wanted.labelled, wanted.config_file};
  if (const auto apart = check_apart(wanted.to, read); not apart)
    return command_error{exit_usage, apart.error().message};
  std::error_code failed;
  if (std::filesystem::is_regular_file(wanted.to, failed) and not wanted.replace)
    return command_error{exit_usage, wanted.to + " is there already; --force replaces it"};
  return {};
}

void take(const finished_review& done, evaluation& into) {
  auto& one = into.reviews[done.handle];
  one.why = done.why;
  one.score_nano = done.answer.score_nano;
  one.confidence_nano = done.answer.confidence_nano.value_or(0);
  one.type = done.answer.type;
  one.cost_micro = done.cost_micro;
  one.calls_ms = done.calls_ms;
  into.prompt_version = done.answer.prompt_version;
}

/// Asks for all of them, as many at a time as the deployment says.
void ask_all(review_caller& caller, std::vector<labelled_review> labels, evaluation& into) {
  constexpr std::int64_t wait_ms = 200;
  progress shown{labels.size(), "reviews"};
  std::size_t asked = 0;
  for (std::size_t done = 0; done < into.reviews.size();) {
    for (; asked < labels.size() and caller.room() > 0; ++asked)
      caller.ask(std::move(labels[asked].request), asked, wall_clock_ms());
    for (const auto& each : caller.poll(wall_clock_ms(), wait_ms)) {
      take(each, into);
      ++done;
    }
    shown.show(done, done);
  }
}

/// Before the first call is paid: what the labels alone rule out.
command_result<> check_labels(const evaluation& of, const evaluate_options& wanted) {
  const auto problem = wanted.to.empty() ? std::string{} : check_for_model(of);
  if (problem.empty()) return {};
  return command_error{exit_usage, fmt::format("{} cannot be written: {}", wanted.to, problem)};
}

command_result<evaluation> ask_for(const loaded_deployment& all, const evaluate_options& wanted,
                                   std::vector<labelled_review> labels) {
  auto calling = caller_options_of(
      all.settings, {.record = wanted.record, .play = wanted.play, .variable = variable, .log = log_line});
  if (not calling) return command_error{exit_usage, calling.error().message};
  evaluation out{calling->settings.model, {}, all.live.review.score_gate_nano, {}};
  for (const auto& each : labels)
    out.reviews.push_back({.misuse = each.misuse, .labelled_type = each.type, .cohort = each.cohort});
  if (const auto good = check_labels(out, wanted); not good) return good.error();
  auto caller = review_caller::make(std::move(*calling), wall_clock_ms());
  if (not caller) return command_error{exit_usage, caller.error().message};
  ask_all(**caller, std::move(labels), out);
  if (const auto problem = (*caller)->problem()) return command_error{exit_failed, problem->message};
  return out;
}

int tell_result(const evaluation& found, const evaluate_options& wanted) {
  if (wanted.json)
    print_out("{}\n", evaluation_json(found));
  else
    print_out("{}", evaluation_text(found));
  if (not has_verdicts(found)) return fail(exit_too_little_data, "no review ended with a verdict");
  if (wanted.to.empty()) return exit_done;
  const auto written = replace_file(wanted.to, reviewer_model_text(found, "measured"));
  return written ? exit_done : fail(exit_failed, written.error().message);
}

int evaluate(const evaluate_options& wanted) {
  if (const auto good = check_output(wanted); not good) return fail(good.error());
  const auto all = load_told(wanted.config_file);
  if (not all) return exit_usage;
  auto labels = read_labels(wanted);
  if (not labels) return fail(labels.error());
  const auto found = ask_for(*all, wanted, std::move(*labels));
  return found ? tell_result(*found, wanted) : fail(found.error());
}

} // namespace

std::function<int()> declare_evaluate(CLI::App& app) {
  const auto wanted = std::make_shared<evaluate_options>();
  app.add_option("FILE", wanted->labelled, "Reviews whose right answer is known, a JSON object a line")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--config", wanted->config_file,
                 "Deployment file: its section `reviewer`, and the live policy's score")
      ->required();
  auto* record =
      app.add_option("--record", wanted->record, "Keep requests and answers in this folder. They are personal data");
  app.add_option("--play", wanted->play, "Answer from what was recorded there, without a model")->excludes(record);
  auto* to = app.add_option("-o,--output", wanted->to, "Write a reviewer for `fairuse simulate` and `replay`");
  app.add_flag("--force", wanted->replace, "Replace the output if it is there")->needs(to);
  app.add_flag("--json", wanted->json, "One JSON object instead of the tables");
  return [wanted] { return evaluate(*wanted); };
}

} // namespace fairuse::cli
