// SPDX-License-Identifier: Apache-2.0

#include "cli/told_by_instance.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "engine/clocks.hpp"
#include "engine/state_folder.hpp"
#include "storage/local_store.hpp"

namespace fairuse::cli {

namespace {

/// An instance writes its view every second; an older one of a process that has its folder says that it hangs.
constexpr std::int64_t age_max_ms = 10'000;

std::string reader_of(const instance_view& view, wanted_from_store wanted) {
  switch (wanted) {
    case wanted_from_store::decisions:
      return "its decisions, by user: " + reader_command(view.bootstrap, view.decisions_topic, keys_and_values_format);
    case wanted_from_store::dead_letters:
      return "its dead letters: " + reader_command(view.bootstrap, view.dead_letters_topic, headers_format);
    case wanted_from_store::user:
      break;
  }
  return fmt::format(
      "what holds for a user is the last line with its id of: {}; how it came to that is in its "
      "decisions: {}",
      reader_command(view.bootstrap, view.enforcement_topic, keys_and_values_format),
      reader_command(view.bootstrap, view.decisions_topic, keys_and_values_format));
}

} // namespace

command_error no_local_store(const std::string& state_folder, const store_error& why, wanted_from_store wanted) {
  if (holds_local_store(state_folder)) return {exit_failed, why.message};
  if (not holds_kafka_state(state_folder)) return {exit_usage, why.message};
  const auto told = told_by_instance::read(state_folder);
  return {exit_usage,
          fmt::format("{} holds the state of an instance on Kafka, and this command reads the store of local "
                      "mode. {}",
                      state_folder,
                      told ? "On Kafka " + reader_of(told->view(), wanted)
                           : "On Kafka, topics have what it reads (docs/topics.md)")};
}

command_result<told_by_instance> told_by_instance::read(const std::string& state_folder) {
  const auto file = instance_view_file(state_folder);
  // Before it is read: an instance that ends in order says so first.
  const bool has_process = is_in_use(state_folder);
  std::ifstream from{file};
  if (not from)
    return command_error{
        exit_usage, fmt::format("there is no {}: no instance has run with --state {}", file.string(), state_folder)};
  const std::string text{std::istreambuf_iterator<char>{from}, {}};
  auto view = instance_view_from(text);
  if (not view)
    return command_error{
        exit_failed,
        fmt::format("{} is damaged, or of another version; a running instance writes it anew", file.string())};
  const auto age = std::max<std::int64_t>(0, wall_clock_ms() - view->at);
  const auto how = state_of(*view, has_process, age);
  return told_by_instance{std::move(*view), how, age};
}

told_by_instance::state told_by_instance::state_of(const instance_view& view, bool has_process, std::int64_t age_ms) {
  if (not view.running) return state::ended;
  if (not has_process) return state::gone;
  return age_ms <= age_max_ms ? state::runs : state::hangs;
}

std::string told_by_instance::headline() const {
  const auto& name = view_.instance;
  const auto seconds = age_ms_ / 1'000;
  switch (how_) {
    case state::runs:
      break;
    case state::ended:
      return fmt::format("instance {} ended in order {} s ago", name, seconds);
    case state::gone:
      return fmt::format("instance {} was killed or ended with an error about {} s ago", name, seconds);
    case state::hangs:
      return fmt::format("instance {} has told nothing for {} s: it hangs, or waits for a broker", name, seconds);
  }
  return fmt::format("state as instance {} tells it", name);
}

} // namespace fairuse::cli
