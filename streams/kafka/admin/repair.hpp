// SPDX-License-Identifier: Apache-2.0
//
// What an operator may do about a partition that is refused: trust the changelog (adopt) or start over (reseed). Both
// end in one transaction that sets the group's offsets, and in a reseed also empties the changelog, so a repair that is
// interrupted has no effect. It is made as the only member of the group: a member that joins meanwhile changes the
// group's generation, and the transaction is refused.
//
// INVARIANT: epochs of a partition only grow, whatever is repaired, so no id of a decision comes twice.
// INVARIANT: a reseed keeps the erased users and the commands to all users.
// Threads: one; every call waits for brokers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "storage/partition_meta.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse::kafka {

struct repair_target {
  std::string app;
  std::vector<std::string> inputs;
  topic_names outputs;
  start_rule start;
  std::int32_t partition = 0;
  std::int32_t partitions = 0;
  std::string cluster;
  /// How long the group may take to assign everything to its only member, and a reader to reach its end.
  milliseconds patience{60'000};
};

/// The present state of one partition.
struct repair_facts {
  /// The changelog's last meta record; nullopt: it has none.
  std::optional<partition_meta> meta;
  /// Keys of the changelog that hold a row, but those of erased users.
  std::vector<std::string> rows;
  std::vector<committed_offset> group;
  /// By input.
  std::vector<log_range> logs;
  std::optional<std::uint64_t> journal_epoch;
  /// Raw, after that epoch.
  std::string journal_chain;
};

/// The repair: the offsets to commit, and the changelog's new records in their order.
struct repair_plan {
  std::uint64_t epoch = 0;
  std::vector<committed_offset> offsets;
  /// Nullopt: a tombstone.
  std::vector<std::pair<std::string, std::optional<std::string>>> records;
};

/// Asks for the group's offsets.
using ask_committed = std::function<call_result<std::vector<committed_offset>>(std::span<const topic_partition>)>;

/// Reads the whole changelog of the partition.
call_result<repair_facts> read_facts(cluster& brokers, const repair_target& at, const ask_committed& committed);

/// An error: it cannot be done; the text says what can.
result<repair_plan> plan_adopt(const repair_target& at, const repair_facts& found);
/// `fresh`: controls and settings of a partition that has none.
repair_plan plan_reseed(const repair_target& at, const repair_facts& found, const partition_meta& fresh);

/// Join the group, read the facts again, and carry the plan out if `plan` still makes the same one.
call_result<> carry_out(cluster& brokers, const repair_target& at, const repair_plan& wanted,
                        const std::function<result<repair_plan>(const repair_facts&)>& plan);

} // namespace fairuse::kafka
