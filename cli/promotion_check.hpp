// SPDX-License-Identifier: Apache-2.0
//
// Can a policy be promoted? Compares the deployment with what an instance on this machine has loaded. The engine's own
// answer to an impossible promotion is a dead letter, one for each partition.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/told_by_instance.hpp"
#include "config/deployment.hpp"

namespace fairuse::cli {

struct promotion_question {
  const std::string& policy;
  const loaded_deployment& deployment;
  /// For messages.
  const std::string& config_file;
  /// nullptr, or one that does not run any more: what engines have loaded is not known.
  const told_by_instance* told = nullptr;
  std::size_t partitions = 0;
};

/// What the operator should know before it is sent, a sentence each; an error: it would do nothing, so it is not sent.
command_result<std::vector<std::string>> check_promotion(const promotion_question& question);

} // namespace fairuse::cli
