// SPDX-License-Identifier: Apache-2.0

#include "cli/side_thread.hpp"

#include <chrono>

#include <fmt/format.h>

#include "api/notifier/notifier.hpp"
#include "api/reviewer/start_reviewer.hpp"
#include "base/system/stoppable_pause.hpp"
#include "cli/log.hpp"
#include "cli/running.hpp"

namespace fairuse::cli {

namespace {

constexpr std::chrono::seconds pause{5};

run_result<void> run_reviewer(const deployment& settings, const std::filesystem::path& state,
                              const std::stop_token& stop) {
  const auto started = start_reviewer(settings, {.state = state, .variable = variable, .log = log_line});
  if (not started) return started.error();
  auto& running = *started->running;
  const std::stop_callback at_stop{stop, [&running] { running.stop(); }};
  if (auto done = running.run(); not done) return run_error{run_fault::failed, done.error().message};
  return {};
}

run_result<void> run_notifier(const deployment& settings, const std::filesystem::path& state,
                              const std::string& case_key, const std::stop_token& stop) {
  const auto started = start_notifier(
      settings, {.state = state, .case_key = case_key, .secret = variable(webhook_secret_variable), .log = log_line});
  if (not started) return started.error();
  auto& running = *started->running;
  const std::stop_callback at_stop{stop, [&running] { running.stop(); }};
  return running.run();
}

} // namespace

// Once in any case, so that what cannot be run is told of a short run, too.
void side_thread::keep_running(const std::stop_token& stop) {
  do {
    const auto done = run_(stop);
    if (done) return;
    if (done.error().kind == run_fault::refused) return refused_(done.error());
    log_line(log_level::error, fmt::format("the {} has failed, and starts again in {} s: {}", name_, pause.count(),
                                           done.error().message));
  } while (pause_for(pause, stop));
}

std::vector<std::unique_ptr<side_thread>> start_side_threads(const deployment& settings,
                                                             const std::filesystem::path& state,
                                                             const std::string& case_key,
                                                             const std::function<void(const run_error&)>& refused) {
  std::vector<std::unique_ptr<side_thread>> made;
  if (settings.reviewer.with_engine)
    made.push_back(std::make_unique<side_thread>(
        "reviewer", [settings, state](const std::stop_token& stop) { return run_reviewer(settings, state, stop); },
        refused));
  if (settings.notifier.with_engine)
    made.push_back(std::make_unique<side_thread>(
        "notifier",
        [settings, state, case_key](const std::stop_token& stop) {
          return run_notifier(settings, state, case_key, stop);
        },
        refused));
  return made;
}

} // namespace fairuse::cli
