// SPDX-License-Identifier: Apache-2.0
//
// The settings of a worker: names, bounds, policies, and the parts of its environment that are not pure (clocks,
// background thread, log), which a simulation replaces.
// Threads: plain values; the functions are called from the worker's thread but where said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/log_level.hpp"
#include "core/policy_set.hpp"
#include "core/rules.hpp"
#include "events/topics.hpp"
#include "storage/local_store.hpp"
#include "storage/partition_meta.hpp"
#include "streams/committed_user.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/outputs/outputs.hpp"

namespace fairuse::kafka {

struct engine_bounds {
  /// From seal to seal; a record that comes later than that after the last seal begins and ends an epoch at once.
  milliseconds epoch{50};
  /// Far behind the ends of the inputs an epoch may collect for so long: nothing waits for the newest record, and one
  /// user's rows are written once. No epoch takes more records than it can decide in that time.
  milliseconds backlog_epoch{3'000};
  std::size_t epoch_events = 400'000;
  std::size_t epoch_bytes = std::size_t{128} << 20;
  /// Users whose timers one epoch fires at most.
  std::size_t epoch_timers = 50'000;
  /// Pending is handed to the writer this often, and at once beyond these; at twice these the worker waits for it.
  milliseconds write_every{3'000};
  std::size_t pending_rows = 250'000;
  std::size_t pending_bytes = std::size_t{64} << 20;
  /// A shard without epochs commits one this often.
  milliseconds heartbeat{60'000};
  /// A commit that takes longer ends its producer.
  milliseconds slow_commit{1'000};
  std::size_t active_users = 1'000'000;
  /// Rows checked per epoch for hours beyond the retention.
  std::size_t expiry_rows = 2'000;
  /// Of the changelog: how long tombstones are kept (delete.retention.ms).
  std::int64_t tombstones_ms = 7 * day_ms;
  /// The group's heartbeat interval.
  milliseconds group_heartbeat{3'000};
  /// How long a takeover waits for a changelog that is behind the group's offsets before it refuses.
  milliseconds takeover_patience{60'000};
  /// user_question::as_owner: a commit is young for so long. Below the group's session time-out, after which another
  /// member may own the partition.
  milliseconds owner_commit{20'000};
};

/// What the deployment says about controls, and how to read policies; the rules of configuration stay outside.
struct configured_rules {
  policy live;
  std::vector<policy> shadows;
  bool enabled = false;
  bool killed = false;
  /// Canonical text of a policy, and back (nullopt: it does not parse).
  std::function<std::string(const policy&)> text_of;
  std::function<std::optional<policy>(const std::string&)> parse;
  /// Event lines that bring a partition's settings up to the configuration, each with its subject, and the settings
  /// after them.
  struct config_commands {
    std::vector<std::pair<std::string, std::string>> lines;
    std::map<std::string, std::string> settings;
  };
  /// `promotes`: a shadow that is the configuration's live policy now; empty: none.
  std::function<config_commands(const std::map<std::string, std::string>& remembered, const std::string& promotes)>
      commands_for;
  /// Only in a replay: what the journal says of metering profiles. Then the policies above are those in force, and
  /// nothing is chosen.
  std::optional<std::string> profiles_of_journal;
};

struct worker_environment {
  /// Wall clock, and one that never jumps; ms.
  std::function<time_ms()> wall;
  std::function<time_ms()> steady;
  /// Runs storage's writing (partition_store_options::background).
  std::function<void(std::function<void()>)> background = [](const std::function<void()>& task) { task(); };
  /// Called before storage waits for what was given to `background` (partition_store_options::hurry).
  std::function<void()> hurry;
  /// partition_store_options::write_buffer_bytes.
  std::uint64_t store_buffer_bytes = 0;
  /// From any thread.
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
  /// Of each dead letter, when it is committed: where the input came from, and the trace id of its header
  /// `traceparent` (empty: it has none). From any thread.
  std::function<void(const std::string& topic, std::int32_t partition, const refused_input& what,
                     const std::string& trace_id)>
      dead_letter = [](const std::string&, std::int32_t, const refused_input&, const std::string&) {};
  /// Under which leases the STT of an epoch was used, once it is committed and before a later question is answered.
  /// Empty: nobody gives any.
  std::function<void(std::span<const lease_use>)> leases_used;
};

/// Partition of a key; nullptr: not checked.
using partition_function = std::int32_t (*)(std::string_view key, std::int32_t count);

struct engine_rules {
  std::string app = "fairuse";
  /// transactional.id and group.instance.id: app.instance.worker.
  std::string worker_name = "fairuse.one.0";
  std::vector<std::string> inputs = {"fairuse.events.v1"};
  topic_names outputs;
  partition_function partition_of = nullptr;
  /// For people and the journal.
  std::string partitioner = "none";
  start_rule start;
  dead_letter_share dead_letters;
  /// A larger dead letter is cut.
  std::size_t dead_letter_bytes_max = dead_letter_bytes_default;
  engine_bounds bounds;
  configured_rules configured;
  /// Folder of this worker's stores: one below it per partition.
  std::filesystem::path state;
  /// `source` of decisions.
  std::string source = "fairuse";
  std::string case_key;
  std::int64_t usage_retention_ms = 8 * day_ms;
  /// Of users' own logs.
  std::int64_t decision_retention_ms = 400 * day_ms;
  std::int64_t horizon_ms = horizon_wall_ms;
  /// Inputs that may be new or missing, although partitions were committed without or with them.
  std::set<std::string> adopt_topics;
  std::string program;
  worker_environment environment;
};

} // namespace fairuse::kafka
