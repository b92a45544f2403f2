// SPDX-License-Identifier: Apache-2.0
//
// What the operator's commands of Kafka mode begin with: a deployment, its brokers, its group and how many
// partitions there are. Says on stderr what is wrong; `exit_code` is the answer then.
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
  /// Read the file and ask the brokers. False: exit_code() says how it ended.
  bool open(const std::string& config_file);
  int exit_code() const { return exit_code_; }

  const loaded_deployment& deployment() const { return *loaded_; }
  const kafka_settings& settings() const { return loaded_->settings.kafka; }
  kafka::cluster& brokers() { return *brokers_; }
  kafka::group_view& group() { return *group_; }
  const std::string& cluster_id() const { return cluster_id_; }
  std::int32_t partitions() const { return partitions_; }

  /// Log the sentence; false.
  bool fail(int code, const std::string& sentence);
  bool fail(const kafka::call_result& why);
  /// Ask on a terminal, unless `yes`. False: do not do it.
  bool confirmed(const std::string& question, bool yes);

private:
  bool ask_brokers();

  std::unique_ptr<loaded_deployment> loaded_;
  std::unique_ptr<kafka::cluster> brokers_;
  std::unique_ptr<kafka::group_view> group_;
  std::string cluster_id_;
  std::int32_t partitions_ = 0;
  int exit_code_ = exit_done;
};

} // namespace fairuse::cli
