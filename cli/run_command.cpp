// SPDX-License-Identifier: Apache-2.0

#include "cli/run_command.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "api/metrics/run_status.hpp"
#include "api/service/start_service.hpp"
#include "base/system/stoppable_pause.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/running.hpp"
#include "cli/side_thread.hpp"
#include "cli/stop_signal.hpp"
#include "config/deployment.hpp"
#include "config/overrides.hpp"
#include "config/web_address.hpp"
#include "config/yaml.hpp"
#include "storage/case_key.hpp"
#include "streams/failpoint.hpp"

namespace fairuse::cli {

namespace {

// The engine's output on stderr: log lines, and below them a line of progress. Threads: any.
class console {
public:
  void log(log_level level, const std::string& text) {
    const std::lock_guard guard{mutex_};
    if (progress_) progress_->clear();
    log_line(level, text);
  }
  void show(const run_progress& now) {
    const std::lock_guard guard{mutex_};
    if (not progress_) progress_.emplace(now.total, "events");
    progress_->show(now.done, now.events);
  }
  void clear() {
    const std::lock_guard guard{mutex_};
    progress_.reset();
  }

private:
  std::mutex mutex_;
  std::optional<progress> progress_;
};

environment overrides_from_environment() {
  environment found;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text = *each;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos and is_override(text.substr(0, equals)))
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

// The file with the overrides of the environment. Nullopt: each line that is wrong was said.
std::optional<loaded_deployment> load_with_overrides(const std::string& file) {
  auto loaded = load_for_running(file);
  if (not loaded) return std::nullopt;
  const auto report = apply_overrides(*loaded, overrides_from_environment());
  for (const auto& each : report.problems)
    log_line(log_level::error, each);
  for (const auto& each : report.warnings)
    log_line(log_level::warning, each);
  for (const auto& each : report.notes)
    log_line(log_level::info,
             fmt::format("{} overrides {}: {} -> {}", each.variable, each.changed, each.before, each.after));
  if (not report.problems.empty()) return std::nullopt;
  return loaded;
}

// Standard input, if no file is named and something is connected to it.
result<void> find_input(run_settings& settings) {
  if (not settings.input.empty()) return {};
  if (::isatty(STDIN_FILENO) == 1) return error{"nothing to read: name a file with --input, or - for standard input"};
  settings.input = "-";
  return {};
}

/// An option that changes nothing is a mistake.
result<void> check_mode(const run_options& options, stream_kind mode) {
  const bool local = mode == stream_kind::local;
  const auto& others = local ? options.kafka_only : options.local_only;
  if (others.empty()) return {};
  return error{fmt::format("{} is for {}, and {} says `streams.kind: {}`", others.front(),
                           local ? "Kafka mode" : "local mode", options.config_file, local ? "local" : "kafka")};
}

void print(const run_report& report, bool as_json) {
  tell("{}", report_text(report));
  if (as_json) print_out("{}\n", report_json(report));
}

/// What stands beside an engine while it runs.
struct beside {
  deployment settings;
  std::string state;
  std::string case_key;
};

/// Nullptr: the deployment wants none.
run_result<std::unique_ptr<running_service>> open_api(const beside& with, console& shown) {
  const auto& settings = with.settings;
  if (settings.api.listen.empty()) return std::unique_ptr<running_service>{};
  if (not settings.api.says_who())
    return run_error{
        run_fault::refused,
        fmt::format("nobody could ask the API: {} names no `api.tokens`, `api.jwt` or `api.proxies`. Make a "
                    "token with `fairuse token gateway-1 --roles gateway`",
                    settings.file.string())};
  if (not settings.api.advertise.empty() and settings.api.forward_key.empty())
    return run_error{
        run_fault::refused,
        fmt::format("--advertise needs `api.forward_key` in {}, a file with a key that all instances share",
                    settings.file.string())};
  return running_service::open(settings,
                               {.state = with.state,
                                .instance = variable(instance_variable),
                                .case_key = with.case_key,
                                .log = [&shown](log_level level, const std::string& text) { shown.log(level, text); }});
}

/// Nullptr: the deployment wants none.
run_result<std::unique_ptr<run_status>> open_status(const deployment& settings, const running_service* api,
                                                    console& shown) {
  if (settings.api.status_listen.empty()) return std::unique_ptr<run_status>{};
  run_status::setup with{
      .program = FAIRUSE_VERSION, .show = {}, .missing = {}, .log = [&shown](log_level level, const std::string& text) {
        shown.log(level, text);
      }};
  if (api != nullptr) {
    with.show = [api](shown_metrics& to) { api->show(to); };
    with.missing = [api] { return api->missing(); };
  }
  return run_status::open(settings, std::move(with));
}

// A Kafka client may not come back from a call while no broker answers. What is committed is safe by now, so nobody
// has to wait for it.
class bounded_end {
public:
  void begin(int code) {
    thread_ = std::jthread{[code](const std::stop_token& stop) {
      pause_for(end_max, stop);
      if (stop.stop_requested()) return;
      log_line(log_level::warning, "a client of Kafka does not end: no broker answers; ending without it");
      flush_out();
      std::_Exit(code);
    }};
  }

private:
  static constexpr std::chrono::seconds end_max{10};
  // Stops and joins.
  std::jthread thread_;
};

// A reviewer or a notifier that cannot be run ends the engine, too: it was asked for.
run_result<void> run_with_side_threads(engine& running, const beside& with) {
  std::mutex guard;
  run_result<void> refused;
  auto threads = start_side_threads(with.settings, with.state, with.case_key, [&](const run_error& why) {
    {
      const std::lock_guard lock{guard};
      refused = why;
    }
    running.stop();
  });
  auto done = running.run();
  threads.clear();
  return done ? refused : done;
}

int run_to_end(engine& running, const beside& with, console& shown, bool as_json) {
  const stop_signal signal{[&running] { running.stop(); }};
  const auto mode = with.settings.streams;
  const auto done = run_with_side_threads(running, with);
  shown.clear();
  if (done and not failpoint::was_passed())
    log_line(log_level::warning, "FAIRUSE_FAIL names a place that was never passed");
  if (done) tell_stopped(signal, mode == stream_kind::local ? ": everything sealed is committed" : "");
  if (const auto report = running.report()) print(*report, as_json);
  if (not done) return fail(done.error());
  return ended(signal);
}

std::string check_duration(const std::string& text) {
  return yaml::parse_duration(text) ? std::string{} : "'" + text + "' is no duration such as 40d or 1h30m";
}

std::string check_address(const std::string& text) {
  return is_address_and_port(text)
             ? std::string{}
             : "'" + text + "' is no address:port with a port up to 65535, such as 127.0.0.1:8080";
}

std::string check_advertised(const std::string& text) {
  return is_own_address(text) ? std::string{} : "'" + text + "' is no address such as http://10.0.0.7:8080";
}

std::function<int()> declare_run(CLI::App& app) {
  auto options = std::make_shared<run_options>();
  auto& settings = options->engine;
  auto clock = std::make_shared<std::string>();
  auto max_gap = std::make_shared<std::string>();
  const auto given = [&app](std::initializer_list<const char*> names) {
    std::vector<std::string> found;
    for (const auto* name : names)
      if (app.count(name) > 0) found.emplace_back(name);
    return found;
  };
  app.add_option("--config", options->config_file, "Deployment file: policies, retention, log")->required();
  app.add_option("--state", settings.state_folder, "Folder of the store; made if it is not there")
      ->capture_default_str();
  app.add_option("--input", settings.input, "Events, one JSON object a line; - is standard input");
  app.add_flag("--until-end", settings.until_end, "Stop at the end of the input instead of waiting for more");
  app.add_option("--clock", *clock, "wall: now is now. events: now follows the events, for files of the past")
      ->check(CLI::IsMember({"wall", "events"}));
  app.add_option("--max-active-users", settings.max_active_users, "Users kept in memory; the rest is read when needed")
      ->check(number_between(std::uint64_t{4}, std::uint64_t{100'000'000}));
  app.add_option("--max-gap", *max_gap, "With --clock events: how far an event may be ahead of those before it")
      ->check(check_duration);
  app.add_option("--adopt-topic", settings.adopt_topics,
                 "Kafka: an input that may be new, or gone, since the last run");
  app.add_option("--listen", options->listen, "address:port of the API; the deployment's `api` says who may ask")
      ->check(check_address);
  app.add_option("--advertise", options->advertise, "Kafka: http://host:port by which other instances reach the API")
      ->check(check_advertised);
  app.add_flag("--json", options->json, "Print the summary as JSON on stdout");
  auto* tuning = app.add_option_group("Tuning", "Changes no byte of a decision");
  tuning->add_option("--commit-bytes", settings.commit_bytes, "Bytes after which a commit is made")
      ->check(number_between(1, 1 << 30))
      ->capture_default_str();
  tuning
      ->add_option("--commit-ms", settings.commit_ms,
                   "Time after which a commit is made unless a backlog is being read")
      ->check(number_between(0, 10'000))
      ->capture_default_str();
  tuning->add_option("--chunk-bytes", settings.chunk_bytes, "Bytes that are read at once")
      ->check(number_between(64, 64 << 20))
      ->capture_default_str();
  return [options, clock, max_gap, given] {
    auto& wanted = options->engine;
    options->local_only = given({"--input", "--clock", "--max-gap", "--commit-bytes", "--commit-ms", "--chunk-bytes"});
    options->kafka_only = given({"--adopt-topic", "--advertise"});
    if (not clock->empty()) wanted.clock = *clock == "wall" ? clock_kind::wall : clock_kind::events;
    if (not max_gap->empty()) wanted.max_gap_ms = yaml::parse_duration(*max_gap);
    return run_engine(*options);
  };
}

} // namespace

int run_engine(run_options options) {
  stop_signal::block();
  if (const auto armed = arm_failpoint(); not armed) return fail({run_fault::refused, armed.error().message});
  auto all = load_with_overrides(options.config_file);
  if (not all) return exit_usage;
  const auto& key_file = all->settings.case_key_file;
  auto key = find_case_key(key_file.empty() ? std::nullopt : std::optional{key_file});
  if (not key) return fail({run_fault::refused, key.error().message});
  auto& settings = options.engine;
  const auto mode = all->settings.streams;
  if (const auto fits = check_mode(options, mode); not fits) return fail({run_fault::refused, fits.error().message});
  if (mode == stream_kind::local)
    if (const auto found = find_input(settings); not found) return fail({run_fault::refused, found.error().message});
  settings.instance = variable(instance_variable);
  settings.program = FAIRUSE_VERSION;
  if (not options.listen.empty()) all->settings.api.listen = options.listen;
  if (not options.advertise.empty()) all->settings.api.advertise = options.advertise;
  const beside with{all->settings, settings.state_folder, key->bytes};
  console shown;
  bounded_end end;
  const auto api = open_api(with, shown);
  if (not api) return fail(api.error());
  const auto status = open_status(with.settings, api->get(), shown);
  if (not status) return fail(status.error());
  const auto running =
      start_engine(std::move(settings), std::move(*all), std::move(*key),
                   {.log = [&shown](log_level level, const std::string& text) { shown.log(level, text); },
                    .progress = [&shown](const run_progress& now) { shown.show(now); },
                    .folder_taken = [&api] { return *api == nullptr ? run_result<void>{} : (*api)->listen(); },
                    .enforcement = *api == nullptr ? nullptr : (*api)->enforcement(),
                    .leases_used = *api == nullptr ? nullptr : (*api)->leases_used(),
                    .figures = *status == nullptr ? nullptr : (*status)->figures()});
  if (not running) return fail(running.error());
  if (*api != nullptr) (*api)->attach(**running);
  const auto code = run_to_end(**running, with, shown, options.json);
  if (*api != nullptr) (*api)->detach();
  if (mode == stream_kind::kafka) end.begin(code);
  return code;
}

const command run_command = {
    "run",
    "Read events, decide, and remember: production, on one machine or on Kafka.",
    "fairuse run --config config/local.yaml --input events.ndjson --until-end --clock events\n"
    "fairuse run --config config/local.yaml --input events.ndjson            follow a growing file\n"
    "producer | fairuse run --config config/local.yaml --input -             read from a pipe\n"
    "fairuse run --config config/local.yaml --state other --input - --json   summary as JSON on stdout\n"
    "fairuse run --config api.yaml --input - --listen 127.0.0.1:8080         a gateway asks it\n"
    "fairuse run --config config/kafka.yaml --state /var/lib/fairuse         a member of a Kafka consumer group\n"
    "fairuse run --config config/kafka.yaml --until-end                      stop where the topics end now",
    declare_run,
};

} // namespace fairuse::cli
