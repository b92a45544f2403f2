// SPDX-License-Identifier: Apache-2.0
//
// What a worker needs in tests: epochs made by hand, a store that keeps users as plain values, and a recorder that
// writes down exactly what user::changed names. So a change that core does not note is lost at the next passivation, as
// it would be in production.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/worker.hpp"
#include "core/epoch.hpp"
#include "events/decision.hpp"

namespace fairuse::test {

/// Converts the pieces of a user on their way to map_store. This one keeps them as they are; another may write and read
/// them as storage would.
class codec {
public:
  virtual ~codec() = default;
  /// Account, admin ids, exemption, erasure.
  virtual void core(user&) {}
  virtual void buckets(user&, const policy_set&, hour_number) {}
  virtual void ids(user&, hour_number) {}
  virtual void one_standing(standing&) {}
  virtual void conversations(std::vector<conversation>&) {}
};

/// Passivated users, in pieces, as storage keeps them.
class map_store final : public user_store {
public:
  map_store() : codec_(std::make_unique<codec>()) {}
  void use(std::unique_ptr<codec> other) { codec_ = std::move(other); }

  std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                          time_ms now) override;
  older_ids load_ids(std::string_view uid, hour_number hour) override;
  std::vector<std::pair<time_ms, std::string>> due_users() override;

  /// Write down what `who.changed` names, and clear it.
  void write(std::string_view uid, user& who, time_ms next_due);

  /// Nothing of the user changed; the next timer may have.
  void note_due(std::string_view uid, time_ms next_due);

  std::size_t loads = 0;

private:
  struct spoken_entry {
    metering_profile profile;
    bucket_log::entry what;
  };
  struct kept {
    std::optional<account_state> account;
    std::vector<permanent_id> admin_ids;
    bool exempt = false;
    time_ms exempt_until = never;
    time_ms erased_at = INT64_MIN;
    std::optional<std::vector<conversation>> conversations;
    std::map<std::string, standing> standings;
    std::map<hour_number, std::vector<spoken_entry>> buckets;
    std::map<hour_number, std::vector<std::uint64_t>> ids;
    time_ms next_due = never;
  };
  void write_core(kept& to, const user& who);
  void write_standings(kept& to, const user& who, std::uint64_t which);
  void write_buckets(kept& to, const user& who, hour_number hour);
  void write_ids(kept& to, const user& who, hour_number hour);
  void write_conversations(kept& to, const user& who);
  void write_all(kept& to, const user& who);
  std::unique_ptr<user> read(const kept& from, const policy_set& policies, time_ms now);

  std::unique_ptr<codec> codec_;
  std::map<std::string, kept, std::less<>> users_;
};

/// An epoch by hand.
struct given_epoch {
  time_ms now = 0;
  std::vector<addressed_event> events;
  std::vector<event> commands;
  std::vector<slice> slices;
  std::size_t timers_max = SIZE_MAX;
};

/// The results of epochs, per user and in total.
class recorder {
public:
  /// `map_store`: where changes go; nullptr: nowhere (simulation).
  explicit recorder(map_store* map_store = nullptr) : store_(map_store) {}
  void record(const epoch_result& decided);
  /// Write what is not written yet: the commit. Users stay in memory until shard::passivate.
  void commit();

  std::map<std::string, std::string> bytes;                ///< decision chains by user, one line a decision
  std::map<std::string, std::vector<std::string>> by_slot; ///< the same by slot name, without the uid's key
  std::vector<std::string> order;                          ///< uids of outcomes of the last epoch
  std::vector<decision> decisions;                         ///< of the last epoch, all users
  std::vector<std::pair<std::string, applied>> refused;    ///< id, why; of the last epoch
  std::string refusal_notes;                               ///< of the last epoch
  std::vector<decision> broadcast;                         ///< of the last epoch
  std::size_t duplicate_commands = 0;
  /// What each of them was told.
  std::vector<std::string> impossible_commands;
  std::uint64_t reused_ids = 0;
  std::vector<permanent_id> command_ids; ///< of all epochs
  counters counts;                       ///< of all epochs
  bool commits_every_epoch = true;
  bool records_nothing = false; ///< the next epochs will be rolled back

private:
  struct unwritten {
    user* who;
    time_ms next_due;
  };
  map_store* store_;
  std::map<std::string, unwritten, std::less<>> pending_;
};

/// A worker, its store and its recorder.
struct worker_fixture {
  explicit worker_fixture(std::shared_ptr<const policy_set> policies, shard_options options = {},
                          bool starts_off = false);
  void run(const given_epoch& what);
  /// Drop the worker and start one from what was written.
  void restart();

  map_store store;
  recorder notes;
  std::uint64_t epochs = 0;
  shard_options options;
  time_ms last_now = INT64_MIN;
  worker here;
  std::vector<std::unique_ptr<shard>> shards; ///< old shards keep policy sets alive
  shard& engine() { return *shards.back(); }
};

} // namespace fairuse::test
