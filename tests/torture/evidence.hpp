// SPDX-License-Identifier: Apache-2.0
//
// What an engine leaves: its topics, its group's offsets, its folders. And the checks over them, each independent of
// the others.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "storage/partition_meta.hpp"
#include "tests/torture/findings.hpp"
#include "tests/torture/topics.hpp"

namespace fairuse::torture {

using partition_logs = std::vector<stored_log>;

struct evidence {
  loaded_deployment deployment;
  std::string case_key;
  std::string cluster;
  /// Of the instances: worker-N/pNNNNN below each.
  std::vector<std::filesystem::path> states;
  std::size_t partitions = 0;
  /// Per input topic, in the order of the deployment.
  std::vector<partition_logs> inputs;
  partition_logs decisions;
  partition_logs notifications;
  partition_logs enforcement;
  partition_logs review_requests;
  partition_logs dead_letters;
  partition_logs journal;
  partition_logs changelog;
  /// [input][partition]
  std::vector<std::vector<kafka::committed_offset>> offsets;
};

/// The journal of a partition, decoded; what does not decode is a finding.
std::vector<epoch_record> read_journal(const evidence& from, std::size_t partition, findings& out);

/// Epochs gapless and chained, ranges contiguous up to the group's offset, every input record in exactly one of them,
/// and nothing left open in any log.
void check_journal(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs, findings& out);
/// Ids unique and gapless, and the digest of what stands on the topics is what the journal says.
void check_outputs(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs, findings& out);
/// The changelog epoch by epoch, and every store of the partition against the fold of it up to where the store is.
void check_changelog(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs,
                     findings& out);
/// The naive model decides the journal's epochs again, user by user.
void check_model(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs, findings& out);

} // namespace fairuse::torture
