// SPDX-License-Identifier: Apache-2.0
//
// The start of the operator's commands: deployment, and in Kafka mode brokers, group, number of partitions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "config/deployment.hpp"
#include "streams/kafka/admin/group_view.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::cli {

class operator_session {
public:
  /// Read the file. Its errors go to stderr, line by line.
  command_result<> load(const std::string& config_file);
  /// Ask the brokers. An error, too: the deployment is of local mode. REQUIRES: it is loaded.
  command_result<> connect();
  /// Both.
  command_result<> open(const std::string& config_file) {
    auto loaded = load(config_file);
    return loaded ? connect() : loaded;
  }

  const loaded_deployment& deployment() const { return *loaded_; }
  const kafka_settings& settings() const { return loaded_->settings.kafka; }
  kafka::cluster& brokers() { return *brokers_; }
  kafka::group_view& group() { return *group_; }
  const std::string& cluster_id() const { return cluster_id_; }
  std::int32_t partitions() const { return partitions_; }

private:
  command_result<> ask_brokers();

  std::string config_file_;
  std::unique_ptr<loaded_deployment> loaded_;
  std::unique_ptr<kafka::cluster> brokers_;
  std::unique_ptr<kafka::group_view> group_;
  std::string cluster_id_;
  std::int32_t partitions_ = 0;
};

/// A call to the brokers that failed, as the end of a command.
command_error error_of(const kafka::call_error& why);

/// Ask on a terminal, unless `yes`. An error: it may not be done.
command_result<> confirm(const std::string& question, bool yes);

} // namespace fairuse::cli
