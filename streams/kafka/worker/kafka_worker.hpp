// SPDX-License-Identifier: Apache-2.0
//
// One worker of Kafka mode: one consumer, one transactional producer, one actor system, and the partitions that the
// group gave to it. Start with run_epoch(): it is E1 to E10 of docs/protocol.md on one screen (kafka_worker.cpp).
// recover() follows an epoch that was not committed (kafka_worker_recovery.cpp).
//
// Operation: work() does a bounded piece of everything (poll, take over, commit an epoch, let storage write) and
// returns; the driver of the process calls it until it returns false. There is no open transaction between two calls,
// so rebalances are served at safe moments only.
// Threads: one; status(), decides_on() and ask() may be called from any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/worker.hpp"
#include "base/pure/result.hpp"
#include "streams/committed_user.hpp"
#include "streams/duration_counts.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/dead_letter_watch.hpp"
#include "streams/kafka/worker/engine_clock.hpp"
#include "streams/kafka/worker/engine_rules.hpp"
#include "streams/kafka/worker/epoch_size.hpp"
#include "streams/kafka/worker/partition_shard.hpp"
#include "streams/kafka/worker/takeover.hpp"
#include "streams/notices.hpp"
#include "streams/rules_view.hpp"

namespace fairuse::kafka {

/// A partition, for people and for readiness.
struct partition_status {
  std::int32_t partition = 0;
  takeover_state state = takeover_state::working;
  /// Why it is refused, or what it waits for.
  std::string reason;
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// Last stable offset minus position, over all inputs; -1: not known yet.
  std::int64_t lag = -1;
  /// When the newest event of its last epoch with events happened; INT64_MIN: there was none yet.
  time_ms newest_event = INT64_MIN;
  /// Polls have brought nothing for a while: what `lag` counts are ends of transactions.
  bool is_quiet = false;
  std::int64_t restored = 0;
  std::int64_t to_restore = 0;
  std::size_t active_users = 0;
  std::size_t pending_rows = 0;
  /// Of a partition that is ready.
  std::optional<rules_view> rules;
};

struct worker_status {
  std::vector<partition_status> partitions;
  /// Wall clock. A worker that waits for a broker does not update its status, so it may be old.
  time_ms at = 0;
  shard_totals totals;
  std::uint64_t transactions = 0;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
  std::uint64_t rebalances = 0;
  /// How long the last commits took, ms.
  std::int64_t last_epoch_ms = 0;
  /// From the seal until all is produced, and from there until it is committed.
  duration_counts epoch_times;
  duration_counts commit_times;
};

class kafka_worker final : public membership {
public:
  kafka_worker(engine_rules rules, cluster& brokers);
  ~kafka_worker() override;

  /// One round; waits up to `wait` for records if there is nothing else to do. False: the worker has ended, see
  /// outcome().
  bool work(milliseconds wait);
  /// An error: it ended for this reason. Else it was asked to, or goes on.
  const result<void>& outcome() const { return outcome_; }
  /// Stop in order: what is committed is written, the member stays in the group (static).
  void close();
  /// From any thread: what is left of close() is the clients' part, and outcome() is final.
  bool is_leaving() const { return leaving_; }
  /// As a crash would: nothing is committed or written, and the member does not leave the group. For tests.
  void abandon();

  /// Owned partitions that are ready and whose committed position is at `ends` (committed records); for --until-end. An
  /// input may end with markers of its producers' transactions, which are no records; then polls that bring nothing
  /// show the end.
  std::vector<std::int32_t> finished(const std::vector<position>& ends) const;
  worker_status status() const;
  /// The partition is here and ready, as of the last status.
  bool decides_on(std::int32_t partition) const;
  /// Answered between two epochs; at once if the worker ends.
  void ask(std::int32_t partition, user_question question);

  // Called from inside poll.
  void assigned(std::span<const topic_partition> partitions) override;
  void revoked(bool lost) override;

private:
  /// Before a question to a broker is asked again.
  static constexpr std::int64_t retry_ms = 200;

  enum class phase : std::uint8_t {
    starting,  ///< S1
    running,   ///< S2 on
    fenced,    ///< a producer was fenced: is this member still one?
    recycling, ///< new producer, then ask what became of the last epoch
    over,
  };
  struct owned_partition {
    std::unique_ptr<takeover> taking;
    std::unique_ptr<partition_shard> shard;
    /// Why it is refused, after it was ready.
    std::string refused;
    time_ms last_commit = 0;
    time_ms last_write = 0;
    /// When the shard was ready (steady).
    time_ms since = 0;
    /// Where the inputs ended soon after `since`.
    std::vector<position> ends;
    /// When they were read so far (steady); `never` before.
    time_ms caught_up = never;
    /// An owner's answer waits for an epoch.
    bool is_asked = false;
  };
  struct asked_user {
    std::int32_t partition = 0;
    user_question question;
  };

  void start();
  std::vector<std::string> all_topics() const;
  std::unique_ptr<takeover> begin_takeover(std::int32_t partition, std::unique_ptr<partition_store> store);
  void poll(milliseconds wait);
  void sort_in(std::shared_ptr<const record_batch> batch);
  void fetch_all();
  /// True: one of them is still working.
  bool work_on_takeovers();
  void begin_shard(owned_partition& of);
  void refuse(owned_partition& of, const error& why);
  void end_with(std::string why);
  std::vector<partition_shard*> ready() const;

  bool epoch_is_due(time_ms now);
  std::int64_t epoch_left() const;
  /// Polls have brought nothing for a while.
  bool is_quiet() const;
  /// Records between this position and the brokers' last known end; -1: not known yet.
  std::int64_t lag_of(const position& at) const;
  bool has_caught_up(owned_partition& owned) const;
  bool has_young_commit(owned_partition& owned) const;
  std::int64_t behind() const;
  void refuse_foreign_keys();
  void watch_dead_letters();

  void run_due_epoch();
  bool run_overdue_timers(time_ms now);
  /// E1 to E10. False: not committed.
  bool run_epoch(const std::vector<partition_shard*>& which, time_ms now, std::size_t timers_max);
  call_result<> flush();
  call_result<> send_offsets(const std::vector<partition_shard*>& which);
  call_result<> commit();
  /// E9, and whether the producer may begin another transaction. `produced_at` (steady): when E5 was done.
  void confirm(const std::vector<partition_shard*>& which, time_ms produced_at);

  void recover(const call_error& from, const std::vector<partition_shard*>& which);
  void roll_back(const std::vector<partition_shard*>& which);
  void watch_fence();
  void recycle();
  bool group_has_our_offsets();
  void restart_takeovers();
  void write_behind();
  void publish();

  void answer_questions();
  /// False: it waits for an epoch.
  bool answer(const asked_user& what);
  void refuse_questions();

  engine_rules rules_;
  cluster& brokers_;
  engine_clock clock_;
  epoch_size epoch_size_;
  worker actors_;
  dead_letter_watch dead_letters_;
  notices notices_;
  std::unique_ptr<group_consumer> group_;
  std::unique_ptr<transactional_producer> producer_;
  std::string cluster_id_;
  std::int32_t partition_count_ = 0;
  std::map<std::int32_t, owned_partition> owned_;

  phase phase_ = phase::starting;
  std::atomic<bool> leaving_ = false;
  result<void> outcome_;
  bool fetch_again_ = false;
  /// Far behind the ends of the inputs.
  bool backlog_ = false;
  /// When the first record of the epoch came, and when the last epoch was sealed (steady).
  time_ms epoch_since_ = INT64_MIN;
  time_ms sealed_at_ = 0;
  /// Since when polls have brought nothing; INT64_MIN: the last one did, or reading has just begun somewhere.
  time_ms silent_since_ = INT64_MIN;
  time_ms not_before_ = INT64_MIN;
  time_ms fenced_at_ = 0;

  std::mutex questions_mutex_;
  std::vector<asked_user> questions_;
  bool questions_closed_ = false;

  mutable std::mutex published_mutex_;
  worker_status published_;
  time_ms published_at_ = INT64_MIN;
  worker_status counts_;
};

} // namespace fairuse::kafka
