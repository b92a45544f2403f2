// SPDX-License-Identifier: Apache-2.0

#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/reviewer/chat_request.hpp"
#include "api/reviewer/local_requests.hpp"
#include "api/reviewer/start_reviewer.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/reviewer/evaluate.hpp"
#include "cli/running.hpp"
#include "cli/stop_signal.hpp"
#include "config/deployment.hpp"
#include "engine/clocks.hpp"
#include "events/json_text.hpp"
#include "streams/failpoint.hpp"

namespace fairuse::cli {

namespace {

struct reviewer_command_options {
  std::string config_file;
  std::string state = "fairuse-state";
  std::string record;
  std::string play;
  std::string user;
  bool dry_run = false;
  bool until_end = false;
  bool json = false;
};

reviewer_setup setup_of(const reviewer_command_options& wanted) {
  return {.state = wanted.state,
          .record = wanted.record,
          .play = wanted.play,
          .until_end = wanted.until_end,
          .variable = variable,
          .log = log_line};
}

std::string report_text(const reviewer_report& report) {
  auto text = fmt::format("{} verdicts, {} failed reviews; {} calls, {} of them again, {} tokens in, {} out\n",
                          report.verdicts, report.failed, report.calls.calls, report.calls.retries,
                          report.calls.input_tokens, report.calls.output_tokens);
  for (std::size_t i = 0; i < review_failure_count; ++i)
    if (report.failures[i] > 0)
      text += fmt::format("failed, {:<17}{:>8}\n", label_of(static_cast<review_failure>(i)), report.failures[i]);
  for (std::size_t i = 0; i < not_asked_count; ++i)
    if (report.passed[i] > 0)
      text += fmt::format("passed over, {:<12}{:>8}\n", to_text(static_cast<not_asked>(i)), report.passed[i]);
  return text;
}

std::string report_json(const reviewer_report& report) {
  std::string line = "{";
  json_members to{line};
  const auto add = [&to](std::string_view name, auto value) { to.integer(name, static_cast<std::int64_t>(value)); };
  add("verdicts", report.verdicts);
  add("failed", report.failed);
  add("calls", report.calls.calls);
  add("retries", report.calls.retries);
  add("input_tokens", report.calls.input_tokens);
  add("output_tokens", report.calls.output_tokens);
  add("cost_micro", report.calls.cost_micro);
  to.member("failures").push_back('{');
  json_members failures{line};
  for (std::size_t i = 0; i < review_failure_count; ++i)
    if (report.failures[i] > 0)
      failures.integer(label_of(static_cast<review_failure>(i)), static_cast<std::int64_t>(report.failures[i]));
  line.push_back('}');
  to.member("passed_over").push_back('{');
  json_members reasons{line};
  for (std::size_t i = 0; i < not_asked_count; ++i)
    reasons.integer(to_text(static_cast<not_asked>(i)), static_cast<std::int64_t>(report.passed[i]));
  return line + "}}";
}

int run_to_end(reviewer& running, bool as_json) {
  const stop_signal signal{[&running] { running.stop(); }};
  const auto done = running.run();
  if (done and not failpoint::was_passed())
    log_line(log_level::warning, "FAIRUSE_FAIL names a place that was never passed");
  tell_stopped(signal);
  const auto report = running.report();
  tell("{}", report_text(report));
  if (as_json) print_out("{}\n", report_json(report));
  if (not done) return fail({run_fault::failed, done.error().message});
  return ended(signal);
}

// What would be sent about one user of a local store.
int show_request(deployment settings, const reviewer_command_options& wanted) {
  if (settings.streams == stream_kind::kafka)
    return fail(exit_usage, "--dry-run reads the store of local mode; on Kafka a request's record has all texts");
  // Nobody is called, so neither an address nor a key is needed.
  auto setup = setup_of(wanted);
  if (setup.play.empty()) setup.play = ".";
  setup.variable = [](const char* name) { return name == std::string_view{"OPENAI_API_KEY"} ? "" : variable(name); };
  settings.reviewer.key_file.clear();
  const auto calling = caller_options_of(settings, setup);
  if (not calling) return fail(calling.error());
  const auto request = local_requests::last_request_of(wanted.state, wanted.user, wall_clock_ms());
  if (not request) return fail(exit_usage, request.error().message);
  if (request->why_not)
    log_line(log_level::warning, fmt::format("nobody would be asked now: {}", to_text(*request->why_not)));
  if (request->what.conversations.empty())
    log_line(log_level::warning, "nobody would be asked: there is no conversation");
  const auto messages = make_messages(calling->prompts, request->what);
  print_out("{}\n", wanted.json ? chat_body(calling->settings, messages, calling->settings.format)
                                : fmt::format("--- system, {}\n{}\n--- user\n{}", calling->prompts.version,
                                              messages.system, messages.user));
  return exit_done;
}

int review(const reviewer_command_options& wanted) {
  if (wanted.config_file.empty()) return fail(exit_usage, "--config is required");
  if (wanted.dry_run != not wanted.user.empty())
    return fail(exit_usage, "--dry-run and --user belong together: the request of one user is shown");
  stop_signal::block();
  if (const auto armed = arm_failpoint(); not armed) return fail(exit_usage, armed.error().message);
  const auto all = wanted.dry_run ? load_told(wanted.config_file) : load_for_running(wanted.config_file);
  if (not all) return exit_usage;
  const auto& settings = all->settings;
  if (wanted.dry_run) return show_request(settings, wanted);
  const auto started = start_reviewer(settings, setup_of(wanted));
  if (not started) return fail(started.error());
  return run_to_end(*started->running, wanted.json);
}

std::function<int()> declare_reviewer(CLI::App& app) {
  auto wanted = std::make_shared<reviewer_command_options>();
  app.add_option("--config", wanted->config_file, "Deployment file, with its section `reviewer`");
  app.add_option("--state", wanted->state, "Local mode: the engine's folder. Kafka: one of this reviewer's own")
      ->capture_default_str();
  app.add_flag("--until-end", wanted->until_end, "Stop when no request is left instead of waiting for more");
  auto* record =
      app.add_option("--record", wanted->record, "Keep requests and answers in this folder. They are personal data");
  app.add_option("--play", wanted->play, "Answer from what was recorded there, without a model")->excludes(record);
  app.add_flag("--dry-run", wanted->dry_run, "Show what would be asked about --user, and call nobody");
  app.add_option("--user", wanted->user, "With --dry-run: user id");
  app.add_flag("--json", wanted->json, "Print the summary as JSON on stdout; with --dry-run the body of the call");
  auto* evaluating = app.add_subcommand("evaluate", "Measure the model with reviews whose right answer is known");
  const auto evaluate = declare_evaluate(*evaluating);
  return [wanted, evaluating, evaluate] { return evaluating->parsed() ? evaluate() : review(*wanted); };
}

} // namespace

const command reviewer_command = {
    "reviewer",
    "Answer review requests by asking a language model: a process beside the engine.",
    "fairuse reviewer --config config/local.yaml --state fairuse-state                        beside the engine\n"
    "fairuse reviewer --config config/local.yaml --state fairuse-state --until-end            answer and stop\n"
    "fairuse reviewer --config config/kafka.yaml --state /var/lib/fairuse-reviewer            one of a group\n"
    "fairuse reviewer --config config/local.yaml --state fairuse-state --dry-run --user alice what would be asked\n"
    "fairuse reviewer --config config/local.yaml --state fairuse-state --play recorded        without a model\n"
    "fairuse reviewer evaluate labelled.ndjson --config config/local.yaml -o mine.yaml        what it is worth",
    declare_reviewer,
};

} // namespace fairuse::cli
