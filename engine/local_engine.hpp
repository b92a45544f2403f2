// SPDX-License-Identifier: Apache-2.0
//
// Local mode: go on where the last run stopped, read to the end of the input or until stop(), commit. Opening is in
// local_start.cpp, driving in local_engine.cpp. For engine.cpp only; all others include engine/engine.hpp.
//
// Operation: the reader's thread decodes, the thread of run() seals epochs, runs the rules and gathers commits, the
// store's thread writes. Commits are whole epochs, at most commit_ms after the first of them unless a backlog of a past
// file is being read, and at most about commit_bytes large.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/worker.hpp"
#include "config/deployment.hpp"
#include "engine/enforcement_teller.hpp"
#include "engine/engine.hpp"
#include "engine/state_folder.hpp"
#include "storage/committed_users.hpp"
#include "storage/local_store.hpp"
#include "streams/duration_counts.hpp"
#include "streams/local/input_reader.hpp"
#include "streams/local/local_sink.hpp"
#include "streams/local/local_source.hpp"
#include "streams/local/spool.hpp"
#include "streams/notices.hpp"

namespace fairuse {

class local_engine final : public engine {
public:
  local_engine(run_settings settings, loaded_deployment all, std::string case_key, engine_callbacks told);
  ~local_engine() override;

  /// All checks and choices before the first line is read. REQUIRES: called once, before run().
  run_result<void> open();

  run_result<void> run() override;
  void stop() override;
  std::optional<run_report> report() const override { return report_; }
  void ask(user_question question) override;
  std::vector<owned_partition> owned() const override;

private:
  run_result<void> withdrawn_if_refused(run_result<void> done);

  // local_start.cpp
  run_result<void> choose_folder();
  run_result<void> open_store();
  run_result<void> agree_on_clock();
  run_result<void> agree_on_policies();
  run_result<void> open_input();
  run_result<sealer_state> read_sealer_state() const;
  read_position find_position();
  run_result<void> open_spool();
  void make_source(sealer_state state);
  void make_teller();
  void keep_published(const published_commit& commit);
  void make_sink();
  std::function<void(const dead_letter&)> told_dead_letter() const;
  void add_config_commands();
  void make_shard(time_ms last_now);
  void publish_found();
  std::int64_t horizon_ms() const;

  // local_engine.cpp
  run_result<void> run_to_end();
  run_result<void> drive();
  bool commit_is_due() const;
  bool commit_is_overdue() const;
  void run_epoch(const local_epoch& from);
  run_result<void> commit();
  void tell_figures(bool waits);
  void tell_checkpoint_failure() const;
  bool goes_on();
  void wait_for_input();
  void take_spooled();
  bool spool_has_more() const;
  run_result<void> finish();
  run_error refused_line() const;
  void warn_of_old_lines(const std::string& which) const;
  run_result<void> judge_input() const;
  void tell_progress() const;
  run_report make_report() const;

  const run_settings settings_;
  const loaded_deployment all_;
  const std::string case_key_;
  const engine_callbacks told_;
  const std::uint64_t active_users_max_;
  const std::chrono::steady_clock::time_point begun_;
  notices notices_;
  /// From the hand-over of a commit until it is published; by the store's thread.
  std::mutex commit_times_mutex_;
  duration_counts commit_times_;
  std::string input_name_;
  clock_kind clock_ = clock_kind::wall;
  std::shared_ptr<const policy_set> policies_;
  /// A shadow that is the configuration's live policy now.
  std::string promotes_;
  /// The settings of the store as they were found.
  std::map<std::string, std::string> settings_found_;

  // Destroyed from the last to the first.
  state_folder folder_;
  std::unique_ptr<local_store> store_;
  std::unique_ptr<batch_queue> queue_;
  std::unique_ptr<input_reader> reader_;
  /// nullptr under the events' clock.
  std::unique_ptr<spool> spool_;
  std::unique_ptr<local_source> source_;
  std::unique_ptr<local_sink> sink_;
  std::unique_ptr<worker> worker_;
  std::unique_ptr<shard> shard_;
  /// nullptr: there is no gate.
  std::unique_ptr<enforcement_teller> teller_;

  /// What ask() answers from.
  struct published_state {
    std::shared_ptr<const committed_users> users;
    published_commit commit;
  };
  mutable std::mutex published_mutex_;
  /// A commit waits while an owner is told of the one before it: otherwise the leases that it ends were free, and what
  /// was used under them not counted. Taken before published_mutex_.
  std::mutex owner_mutex_;
  /// nullptr: nothing is committed yet, or nobody asks.
  std::shared_ptr<const published_state> published_;

  std::atomic<bool> stop_ = false;
  /// Where reading begins, and where the input ends if that is known.
  read_position start_;
  std::uint64_t total_bytes_ = 0;
  /// When the first epoch of the open commit was written.
  std::chrono::steady_clock::time_point waiting_since_{};
  /// When the second input was looked at last.
  std::chrono::steady_clock::time_point spool_seen_{};
  /// `now` of the last epoch of this run; 0: there was none.
  time_ms last_now_ = 0;
  /// When the figures were told last.
  std::chrono::steady_clock::time_point figures_told_{};
  duration_counts epoch_times_;
  std::optional<run_report> report_;
};

} // namespace fairuse
