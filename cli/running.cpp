// SPDX-License-Identifier: Apache-2.0

#include "cli/running.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "config/yaml.hpp"
#include "engine/client_library.hpp"
#include "streams/failpoint.hpp"

namespace fairuse::cli {

namespace {

void tell_problems(const yaml::diagnostics& problems) {
  for (const auto& each : problems.list()) {
    if (each.level == yaml::severity::note) continue;
    if (tells_to_stderr())
      tell("{}\n", to_text(each));
    else
      log_line(each.level == yaml::severity::error ? log_level::error : log_level::warning, to_text(each));
  }
}

} // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

result<void> arm_failpoint() {
  const auto place = variable("FAIRUSE_FAIL");
  if (place.empty()) return {};
  return failpoint::arm(place);
}

std::optional<loaded_deployment> load_told(const std::string& file) {
  yaml::diagnostics problems{file};
  auto loaded = load_deployment(file, kafka_client_library(), problems);
  tell_problems(problems);
  if (not loaded) log_line(log_level::error, fmt::format("{} is refused", file));
  return loaded;
}

std::optional<loaded_deployment> load_for_running(const std::string& file) {
  yaml::diagnostics problems{file};
  auto loaded = load_deployment(file, kafka_client_library(), problems);
  if (loaded) set_up_engine_log(loaded->settings.log);
  tell_problems(problems);
  if (not loaded) log_line(log_level::error, fmt::format("{} is refused", file));
  return loaded;
}

int fail(const run_error& why) {
  log_line(log_level::error, why.message);
  return why.kind == run_fault::refused ? exit_usage : exit_failed;
}

void tell_stopped(const stop_signal& signal, std::string_view more) {
  if (signal.came())
    log_line(log_level::info,
             fmt::format("stopped by {}{}", signal.was_interrupt() ? "Ctrl-C (SIGINT)" : "SIGTERM", more));
}

int ended(const stop_signal& signal) { return signal.came() and signal.was_interrupt() ? exit_interrupted : exit_done; }

} // namespace fairuse::cli
