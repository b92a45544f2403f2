// SPDX-License-Identifier: Apache-2.0

#include "cli/reviewer/evaluate.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
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
#include "cli/stop_signal.hpp"
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
  std::string_view rest = *bytes;
  if (constexpr std::string_view mark = "\xef\xbb\xbf"; rest.starts_with(mark)) rest.remove_prefix(mark.size());
  while (not rest.empty()) {
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
  if (std::filesystem::is_directory(wanted.to, failed)) return command_error{exit_usage, wanted.to + " is a folder"};
  return {};
}

/// Opened before the first call is paid; nullopt: none is wanted.
command_result<std::optional<file_replacement>> open_output(const evaluate_options& wanted) {
  std::optional<file_replacement> none;
  if (wanted.to.empty()) return none;
  auto opened = file_replacement::open(wanted.to);
  if (not opened) return command_error{exit_usage, opened.error().message};
  return std::optional<file_replacement>{std::move(*opened)};
}

void take(const finished_review& done, evaluation& into) {
  auto& one = into.reviews[done.handle];
  one.why = done.why;
  one.score_nano = done.answer.score_nano;
  one.confidence_nano = done.answer.confidence_nano.value_or(0);
  one.type = done.answer.type;
  one.cost_micro = done.cost_micro;
  one.calls_ms = done.calls_ms;
  one.has_ended = true;
  into.prompt_version = done.answer.prompt_version;
}

/// Asks for all of them, as many at a time as the deployment says. At a signal what has ended is kept.
void ask_all(review_caller& caller, std::vector<labelled_review> labels, evaluation& into, const stop_signal& signal,
             progress& shown) {
  constexpr std::int64_t wait_ms = 200;
  std::size_t asked = 0;
  for (std::size_t done = 0; done < into.reviews.size() and not signal.came();) {
    for (; asked < labels.size() and caller.room() > 0; ++asked)
      caller.ask(std::move(labels[asked].request), asked, wall_clock_ms());
    for (const auto& each : caller.poll(wall_clock_ms(), wait_ms)) {
      take(each, into);
      ++done;
    }
    shown.show(done, done);
  }
  shown.clear();
  std::erase_if(into.reviews, [](const judged_review& one) { return not one.has_ended; });
}

/// Before the first call is paid: what the labels alone rule out.
command_result<> check_labels(const evaluation& of, const evaluate_options& wanted) {
  const auto problem = wanted.to.empty() ? std::string{} : check_for_model(of);
  if (problem.empty()) return {};
  return command_error{exit_usage, fmt::format("{} cannot be written: {}", wanted.to, problem)};
}

command_result<evaluation> ask_for(const loaded_deployment& all, const evaluate_options& wanted,
                                   std::vector<labelled_review> labels, const stop_signal& signal) {
  auto calling = caller_options_of(
      all.settings, {.record = wanted.record, .play = wanted.play, .variable = variable, .log = log_line});
  if (not calling) return command_error{exit_usage, calling.error().message};
  evaluation out{calling->settings.model, {}, all.live.review.score_gate_nano, {}};
  for (const auto& each : labels)
    out.reviews.push_back({.misuse = each.misuse, .labelled_type = each.type, .cohort = each.cohort});
  if (const auto good = check_labels(out, wanted); not good) return good.error();
  calling->goes_on = not wanted.record.empty();
  progress shown{labels.size(), "reviews"};
  calling->log = [&shown](log_level level, const std::string& text) {
    shown.clear();
    log_line(level, text);
  };
  auto caller = review_caller::make(std::move(*calling), wall_clock_ms());
  if (not caller) return command_error{exit_usage, caller.error().message};
  ask_all(**caller, std::move(labels), out, signal, shown);
  if (const auto problem = (*caller)->problem()) out.problem = problem->message;
  return out;
}

/// What has ended was paid, so it is shown, too.
int tell_stopped(const evaluation& found, const evaluate_options& wanted, std::size_t all) {
  const auto more = wanted.record.empty() ? std::string{"with --record their answers would have been kept"}
                                          : "their answers are in " + wanted.record + ": the same command goes on";
  return fail(exit_interrupted, fmt::format("stopped after {} of {} reviews; {}", found.reviews.size(), all, more));
}

int tell_result(const evaluation& found, const evaluate_options& wanted, std::optional<file_replacement> to,
                std::size_t all) {
  const bool is_whole = found.reviews.size() == all;
  if (found.reviews.empty()) return tell_stopped(found, wanted, all);
  if (wanted.json)
    print_out("{}\n", evaluation_json(found));
  else
    print_out("{}", evaluation_text(found));
  if (not is_whole) return tell_stopped(found, wanted, all);
  if (not has_verdicts(found)) return fail(exit_too_little_data, "no review ended with a verdict");
  if (to) {
    auto written = to->write(reviewer_model_text(found, "measured"));
    if (written) written = to->commit();
    if (not written) return fail(exit_failed, written.error().message);
  }
  return found.problem.empty() ? exit_done : fail(exit_failed, found.problem);
}

int evaluate(const evaluate_options& wanted) {
  stop_signal::block();
  if (const auto good = check_output(wanted); not good) return fail(good.error());
  const auto all = load_told(wanted.config_file);
  if (not all) return exit_usage;
  auto labels = read_labels(wanted);
  if (not labels) return fail(labels.error());
  auto to = open_output(wanted);
  if (not to) return fail(to.error());
  const stop_signal signal{[] {}};
  const auto count = labels->size();
  const auto found = ask_for(*all, wanted, std::move(*labels), signal);
  return found ? tell_result(*found, wanted, std::move(*to), count) : fail(found.error());
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
  auto* record = app.add_option(
      "--record", wanted->record,
      "Keep requests and answers in this folder, and do not ask again what is there. They are personal data");
  app.add_option("--play", wanted->play, "Answer from what was recorded there, without a model")->excludes(record);
  auto* to = app.add_option("-o,--output", wanted->to, "Write a reviewer for `fairuse simulate` and `replay`");
  app.add_flag("--force", wanted->replace, "Replace the output if it is there")->needs(to);
  app.add_flag("--json", wanted->json, "One JSON object instead of the tables");
  return [wanted] { return evaluate(*wanted); };
}

} // namespace fairuse::cli
