// SPDX-License-Identifier: Apache-2.0

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/run_session.hpp"

namespace fairuse::cli {

namespace {

std::string check_duration(const std::string& text) {
  return yaml::parse_duration(text) ? std::string{} : "'" + text + "' is no duration such as 40d or 1h30m";
}

std::function<int()> declare_run(CLI::App& app) {
  auto settings = std::make_shared<run_settings>();
  auto clock = std::make_shared<std::string>();
  auto max_gap = std::make_shared<std::string>();
  app.add_option("--config", settings->config_file, "Deployment file: policies, retention, log")->required();
  app.add_option("--state", settings->state_folder, "Folder of the store; made if it is not there")
      ->capture_default_str();
  app.add_option("--input", settings->input, "Events, one JSON object a line; - is standard input");
  app.add_flag("--until-end", settings->until_end, "Stop at the end of the input instead of waiting for more");
  app.add_option("--clock", *clock, "wall: now is now. events: now follows the events, for files of the past")
      ->check(CLI::IsMember({"wall", "events"}));
  app.add_option("--max-active-users", settings->max_active_users, "Users kept in memory; the rest is read when needed")
      ->check(CLI::Range(std::uint64_t{4}, std::uint64_t{100'000'000}));
  app.add_option("--max-gap", *max_gap, "With --clock events: how far an event may be ahead of those before it")
      ->check(check_duration);
  app.add_option("--adopt-topic", settings->adopt_topics,
                 "Kafka: an input that may be new, or gone, since the last run");
  app.add_flag("--json", settings->json, "Print the summary as JSON on stdout");
  auto* tuning = app.add_option_group("Tuning", "Changes no byte of a decision");
  tuning->add_option("--commit-bytes", settings->commit_bytes, "Bytes after which a commit is made")
      ->capture_default_str();
  tuning->add_option("--commit-ms", settings->commit_ms, "Time after which a commit is made while nobody lags behind")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  tuning->add_option("--chunk-bytes", settings->chunk_bytes, "Bytes that are read at once")
      ->check(CLI::Range(64, 64 << 20))
      ->capture_default_str();
  return [settings, clock, max_gap] {
    if (not clock->empty()) settings->clock = *clock == "wall" ? clock_kind::wall : clock_kind::events;
    if (not max_gap->empty()) settings->max_gap_ms = yaml::parse_duration(*max_gap);
    return run_session{*settings}.run();
  };
}

} // namespace

const command run_command = {
    "run",
    "Read events, decide, and remember: production, on one machine or on Kafka.",
    "fairuse run --config config/local.yaml --input events.ndjson --until-end --clock events\n"
    "fairuse run --config config/local.yaml --input events.ndjson            follow a growing file\n"
    "producer | fairuse run --config config/local.yaml --input -             read from a pipe\n"
    "fairuse run --config config/local.yaml --state other --input - --json   summary as JSON on stdout\n"
    "fairuse run --config config/kafka.yaml --state /var/lib/fairuse         a member of a Kafka consumer group\n"
    "fairuse run --config config/kafka.yaml --until-end                      stop where the topics end now",
    declare_run,
};

} // namespace fairuse::cli
