// SPDX-License-Identifier: Apache-2.0
//
// Local mode's sink: gathers whole epochs into a commit of the store, and says when one is due. Where commits fall
// changes no byte of a decision.
//
// Threads: the worker's thread; the store writes on its own.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tsl/robin_set.h>

#include "core/counters.hpp"
#include "core/epoch.hpp"
#include "events/decision.hpp"
#include "events/refusal.hpp"
#include "storage/case_reference.hpp"
#include "storage/local_store.hpp"
#include "streams/committed_user.hpp"
#include "streams/decision_ids.hpp"
#include "streams/enforcement_row.hpp"
#include "streams/event_counts.hpp"
#include "streams/local/local_source.hpp"
#include "streams/local/spool.hpp"

namespace fairuse {

/// Totals since the start, for people.
struct run_totals {
  std::uint64_t epochs = 0;
  std::uint64_t commits = 0;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t empty_lines = 0;
  /// Lines that the wire refused, and the beginning of the first one.
  std::uint64_t unreadable_lines = 0;
  std::string first_unreadable;
  /// What is left of the lines: accepted, duplicate or stale.
  std::uint64_t events = 0;
  std::uint64_t duplicate_commands = 0;
  /// Whose state changed.
  std::uint64_t users = 0;
  counters counts;
  refusal_counts dead_letters{};
  /// Of slots in mode live, and of all others.
  std::array<std::uint64_t, decision_kind_count> decisions{};
  std::array<std::uint64_t, decision_kind_count> shadow_decisions{};
  // For figures: with the deployment's own commands.
  event_counts by_kind;
  decision_counts by_slot;
};

/// What a commit holds for those who ask beside the engine.
struct published_commit {
  /// Its last epoch.
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// Behind that epoch; the policies live as long as the shard.
  controls in_force;
  std::vector<lease_use> leases;
};

struct local_sink_options {
  /// `source` of every decision.
  std::string decision_source;
  /// Name of the input, as positions and dead letters call it.
  std::string input;
  /// A pipe has no position.
  bool has_position = true;
  /// nullptr: there is no second input.
  spool* second_input = nullptr;
  /// The first dead letter of each reason.
  std::function<void(const dead_letter&)> told_dead_letter = [](const dead_letter&) {};
  /// What a gateway has to know, from the store's thread once it is published. Empty: nobody asks.
  std::function<void(const enforcement_changes&)> told_enforcement;
  /// Of a commit, from the store's thread once it is published and before the gate is told. Empty: nobody asks.
  std::function<void(const published_commit&)> told_commit;
};

class local_sink {
public:
  local_sink(local_sink_options options, local_store& store, local_source& source, case_namer names);

  /// Gather the result of an epoch for the next commit.
  void write(const local_epoch& from, const epoch_result& decided);

  /// meta().settings from the epoch on that has the deployment's own lines.
  void remember_with_config_commands(std::map<std::string, std::string> settings) {
    config_settings_ = std::move(settings);
  }

  /// Epochs that wait for a commit.
  std::uint64_t waiting() const { return waiting_; }
  /// Bytes that wait for a commit.
  std::size_t waiting_bytes() const { return store_.open_bytes(); }
  /// Write the changes and hand everything to the store's writer, which calls `published` once readers may see it.
  result<void, store_error> commit(std::function<void()> published = {});
  /// Files of the second input go if all that was handed over is durable.
  void settle_if_written();
  /// Wait until what was handed over is durable.
  result<void, store_error> wait();

  const run_totals& totals() const { return totals_; }

private:
  /// A line of the epoch that becomes a dead letter.
  struct refused_line {
    std::uint32_t range = 0;
    std::uint32_t line = 0;
    refusal why = refusal::not_json;
    std::string_view place;
    std::string_view note;
  };

  std::string name_of(const input_batch& batch) const;
  void remember_spool();
  void take_unreadable(const input_batch& batch, std::size_t line);
  void take_lines(const sealed_lines& lines);
  std::uint64_t take_refused(const sealed_lines& lines, const epoch_result& decided);
  void take_refused_by_core(const sealed_lines& lines, const epoch_result& decided);
  void take_decision(const decision& what, std::string_view uid, const epoch& sealed);
  void take_decisions(const outcome& from, const epoch& sealed);
  void log_decision(const decision& what, std::string_view uid, const epoch& sealed);
  std::string reference_of(const decision& what, std::string_view uid);
  void take_broadcast(const epoch& sealed, const broadcast_outcome& broadcast);
  void take_enforcement(const epoch& sealed, const epoch_result& decided);
  void take_leases(const sealed_lines& lines);
  std::function<void()> told_when_published(std::function<void()> published);

  local_sink_options options_;
  local_store& store_;
  local_source& source_;
  case_namer names_;
  std::map<std::string, std::string> config_settings_;
  std::vector<std::pair<std::string, user*>> changed_;
  tsl::robin_set<const user*> is_changed_;
  /// Hashes of the names of all users that ever changed, to count them.
  tsl::robin_set<std::size_t> seen_;
  run_totals totals_;
  std::uint64_t waiting_ = 0;
  /// Number of the last commit that was handed over.
  std::uint64_t handed_ = 0;
  std::uint32_t commit_lines_ = 0;
  /// One partition: number 0.
  decision_ids ids_{0};
  /// Where the last epoch ended in the input.
  std::shared_ptr<const input_batch> last_batch_;
  std::uint32_t last_line_ = 0;
  std::vector<refused_line> refused_;
  /// Of the open commit.
  enforcement_changes enforcement_;
  published_commit published_;
  /// Of the open commit: rows of users' own logs.
  struct log_row {
    std::string uid;
    time_ms now = 0;
    std::uint64_t epoch = 0;
    /// In the epoch.
    std::uint32_t index = 0;
    std::string row;
  };
  std::vector<log_row> log_rows_;
  std::string line_;
};

/// sealer_state as the store keeps it, and back; nullopt if it is no such text.
std::string encode_sealer_state(const sealer_state& state);
std::optional<sealer_state> decode_sealer_state(std::string_view text);

} // namespace fairuse
