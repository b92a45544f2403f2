// SPDX-License-Identifier: Apache-2.0

#include "cli/operator_session.hpp"

#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/log.hpp"
#include "cli/output.hpp"
#include "engine/client_library.hpp"
#include "engine/kafka_options.hpp"

namespace fairuse::cli {

command_error error_of(const kafka::call_error& why) {
  return {exit_failed, fmt::format("{} ({})", why.text, why.code)};
}

command_result<> operator_session::load(const std::string& config_file) {
  config_file_ = config_file;
  yaml::diagnostics problems{config_file};
  auto loaded = load_deployment(config_file, kafka_client_library(), problems);
  // What the linter says of policies is for `check` and `run`.
  for (const auto& each : problems.list())
    if (not loaded or each.file == config_file) tell("{}\n", to_text(each));
  if (not loaded) return command_error{exit_usage, fmt::format("{} is refused", config_file)};
  loaded_ = std::make_unique<loaded_deployment>(std::move(*loaded));
  set_up_command_log(loaded_->settings.log.level);
  return {};
}

command_result<> operator_session::connect() {
  if (loaded_->settings.streams != stream_kind::kafka)
    return command_error{exit_usage,
                         fmt::format("{} is of local mode (streams.kind: local): this command is about Kafka. "
                                     "config/kafka.yaml is an example",
                                     config_file_)};
  // The result says the same as librdkafka's log lines.
  const auto options =
      cluster_options(settings(), [](log_level, const std::string& line) { log_line(log_level::debug, line); });
  auto brokers = kafka::make_real_cluster(options);
  if (not brokers) return command_error{exit_usage, brokers.error().message};
  brokers_ = std::move(*brokers);
  auto group = kafka::make_group_view(options, settings().app);
  if (not group) return command_error{exit_usage, group.error().message};
  group_ = std::move(*group);
  return ask_brokers();
}

command_result<> operator_session::ask_brokers() {
  const auto silent = [this](const kafka::call_error& why) {
    return command_error{exit_failed, fmt::format("no broker answers at {}: {} ({}). Is Kafka running, and "
                                                  "streams.bootstrap the right address?",
                                                  bootstrap_servers(settings()), why.text, why.code)};
  };
  const auto asked = brokers_->partition_counts(settings().inputs);
  if (not asked) return silent(asked.error());
  auto id = brokers_->id();
  if (not id) return silent(id.error());
  cluster_id_ = std::move(*id);
  const auto& counts = *asked;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto& topic = settings().inputs[i];
    if (counts[i] == 0)
      return command_error{exit_failed,
                           fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", topic)};
    if (counts[i] != counts[0])
      return command_error{exit_failed,
                           fmt::format("{} has {} partitions and {} has {}: `fairuse topics check` says more", topic,
                                       counts[i], settings().inputs[0], counts[0])};
  }
  partitions_ = counts[0];
  return {};
}

command_result<> confirm(const std::string& question, bool yes) {
  if (yes) return {};
  if (::isatty(STDIN_FILENO) == 0) return command_error{exit_usage, "there is no terminal to confirm it on: add --yes"};
  tell("{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" or answer == "Y" or answer == "yes") return {};
  return command_error{exit_usage, "nothing was changed"};
}

} // namespace fairuse::cli
