// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/notifier/message_text.hpp"
#include "api/notifier/notifier.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/running.hpp"
#include "cli/stop_signal.hpp"
#include "config/deployment.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "storage/case_key.hpp"

namespace fairuse::cli {

namespace {

struct notifier_command_options {
  std::string config_file;
  std::string state = "fairuse-state";
  bool json = false;
  // Of `preview`.
  std::string locale;
};

void show(const notifier_counts& counts, bool as_json) {
  tell("{} sent, {} given up, {} dropped; {} requests\n", counts.sent, counts.gave_up, counts.dropped, counts.attempts);
  if (not as_json) return;
  std::string line = "{";
  json_members to{line};
  to.integer("sent", static_cast<std::int64_t>(counts.sent));
  to.integer("gave_up", static_cast<std::int64_t>(counts.gave_up));
  to.integer("dropped", static_cast<std::int64_t>(counts.dropped));
  to.integer("attempts", static_cast<std::int64_t>(counts.attempts));
  print_out("{}}}\n", line);
}

int run_to_end(notifier& running, bool as_json) {
  const stop_signal signal{[&running] { running.stop(); }};
  const auto done = running.run();
  tell_stopped(signal);
  show(running.counts(), as_json);
  if (not done) return fail(done.error());
  return ended(signal);
}

int notify(const notifier_command_options& wanted) {
  if (wanted.config_file.empty()) return fail(exit_usage, "name the deployment with --config");
  stop_signal::block();
  const auto all = load_for_running(wanted.config_file);
  if (not all) return exit_usage;
  const auto& settings = all->settings;
  const auto& key_file = settings.case_key_file;
  const auto key = find_case_key(key_file.empty() ? std::nullopt : std::optional{key_file});
  if (not key) return fail({run_fault::refused, key.error().message});
  const auto started = start_notifier(settings, {.state = wanted.state,
                                                 .case_key = key->bytes,
                                                 .secret = variable(webhook_secret_variable),
                                                 .instance = variable(instance_variable),
                                                 .log = log_line});
  if (not started) return fail(started.error());
  return run_to_end(*started->running, wanted.json);
}

// One notice of each message.
std::vector<notice> sample_notices(const std::string& locale) {
  notice sample{.id = "ntf_00000000000000000000000000000000",
                .decision = "0-1-0",
                .uid = "user",
                .sums_ms = {{"daily", 8 * hour_ms + 20 * minute_ms}, {"3day", 21 * hour_ms}, {"weekly", 40 * hour_ms}},
                .case_reference = "FU-0123456789AB",
                .decided_at = *time_from("2026-03-15T08:00:00Z"),
                .until = *time_from("2026-04-14T08:00:00Z"),
                .used_ms = 27 * minute_ms,
                .budget_ms = 30 * minute_ms,
                .locale = locale,
                .time_zone = "Europe/Berlin"};
  std::vector<notice> all;
  for (sample.words = wording::misuse;; sample.words = wording::credits) {
    for (const auto at : {stage::warning, stage::throttle, stage::restrict}) {
      sample.at = at;
      all.push_back(sample);
    }
    if (sample.words == wording::credits) break;
  }
  for (const auto about : {notice_about::budget_low, notice_about::budget_exhausted, notice_about::exemption_ended}) {
    sample.about = about;
    all.push_back(sample);
  }
  return all;
}

void show(const notice& what, const notice_text& words, bool as_json) {
  const bool is_stage = what.about == notice_about::stage;
  if (not as_json) {
    const auto called =
        is_stage ? fmt::format("{}, {}", to_text(what.at), to_text(what.words)) : std::string{to_text(what.about)};
    print_out("--- {}: {}\nSubject: {}\n\n{}\n\n", words.locale, called, words.subject, words.text);
    return;
  }
  std::string line = "{";
  json_members to{line};
  to.text("locale", words.locale);
  to.text("about", to_text(what.about));
  if (is_stage) {
    to.text("stage", to_text(what.at));
    to.text("wording", to_text(what.words));
  }
  to.text("subject", words.subject);
  to.text("text", words.text);
  print_out("{}}}\n", line);
}

int preview(const notifier_command_options& wanted) {
  notifier_settings settings;
  settings.product = "Example";
  settings.appeal = "https://example.com/appeal";
  if (not wanted.config_file.empty()) {
    const auto all = load_told(wanted.config_file);
    if (not all) return exit_usage;
    if (all->settings.notifier.url.empty())
      return fail(exit_usage, fmt::format("{} has no section `notifier`", wanted.config_file));
    settings = all->settings.notifier;
  }
  std::vector<std::string> locales;
  if (not wanted.locale.empty())
    locales.push_back(wanted.locale);
  else
    for (const auto& [key, each] : settings.messages)
      locales.push_back(each.locale);
  for (const auto& locale : locales)
    for (const auto& each : sample_notices(locale))
      show(each, text_of(each, settings), wanted.json);
  return exit_done;
}

std::function<int()> declare_notifier(CLI::App& app) {
  auto wanted = std::make_shared<notifier_command_options>();
  app.require_subcommand(0, 1);
  app.add_option("--config", wanted->config_file, "Deployment file with a section `notifier`");
  app.add_option("--state", wanted->state,
                 "Folder of the store; the notifier keeps its own files in `notifier` below it")
      ->capture_default_str();
  app.add_flag("--json", wanted->json, "Print the summary as JSON on stdout");
  auto* shown = app.add_subcommand("preview", "Show every message filled in; sends nothing");
  shown->add_option("--config", wanted->config_file, "Deployment file; without one, the messages that ship");
  shown->add_option("--locale", wanted->locale, "Only the language that a user with this locale gets");
  shown->add_flag("--json", wanted->json, "One JSON object a line");
  return [wanted, shown] { return shown->parsed() ? preview(*wanted) : notify(*wanted); };
}

} // namespace

const command notifier_command = {
    "notifier",
    "Tell people what was decided, at a webhook, until Ctrl-C.",
    "fairuse notifier --config config/local.yaml --state fairuse-state     beside a running engine\n"
    "fairuse notifier preview                                              every message, filled in\n"
    "fairuse notifier preview --config config/local.yaml --locale de       as this deployment says it in German",
    declare_notifier,
};

} // namespace fairuse::cli
