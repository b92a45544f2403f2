// SPDX-License-Identifier: Apache-2.0
//
// One life of the local engine: open, go on where the last life stopped, read to the end or until told to stop, commit,
// tell what was done. It composes what the rooms below offer and decides nothing itself.
//
// Operation: the reader's thread decodes, this thread seals epochs and runs the rules, the store's thread writes.
// Commits are whole epochs, at most commit_ms after the first of them unless a backlog of a past file is being read,
// and at most about commit_bytes large.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/worker.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "config/deployment.hpp"
#include "storage/local_store.hpp"
#include "streams/local/input_reader.hpp"
#include "streams/local/local_sink.hpp"
#include "streams/local/local_source.hpp"

namespace fairuse::cli {

struct run_settings {
  std::string config_file;
  std::string state_folder = "fairuse-state";
  /// `-` is standard input; empty: standard input if something is connected to it.
  std::string input;
  bool until_end = false;
  std::optional<clock_kind> clock;
  std::optional<std::uint64_t> max_active_users;
  std::optional<std::int64_t> max_gap_ms;
  bool json = false;
  std::vector<std::string> adopt_topics;
  std::uint64_t commit_bytes = std::uint64_t{64} << 20;
  std::int64_t commit_ms = 50;
  std::uint64_t chunk_bytes = std::uint64_t{256} << 10;
};

/// The clock on the wall.
time_ms wall_clock_ms();

class run_session {
public:
  explicit run_session(run_settings settings) : settings_{std::move(settings)} {}

  /// The whole life; returns an exit code. Says on stderr what went wrong.
  int run();

private:
  bool load_configuration();
  bool load_case_key();
  bool check_input();
  bool open_store();
  bool agree_on_clock();
  bool agree_on_policies();
  bool read_sealer_state(sealer_state& state);
  read_position find_position();
  bool open_input();
  void make_source(sealer_state state);
  void make_sink();
  void make_worker(time_ms last_now);
  std::int64_t horizon_ms() const;

  void loop();
  bool commit_is_due();
  bool commit();
  void wait_for_input();
  int finish();
  bool tell_stop();
  void tell_summary(double seconds);

  bool fail(int code, const std::string& sentence);
  bool fail(const store_error& error);

  run_settings settings_;
  int exit_code_ = 0;
  loaded_deployment deployment_;
  std::string case_key_;
  clock_kind clock_ = clock_kind::wall;
  std::shared_ptr<const policy_set> policies_;
  std::string input_name_;
  std::uint64_t active_users_max_ = 0;

  // Torn down from the last to the first.
  std::unique_ptr<local_store> store_;
  std::unique_ptr<batch_queue> queue_;
  std::unique_ptr<input_reader> reader_;
  std::unique_ptr<local_source> source_;
  std::unique_ptr<local_sink> sink_;
  std::unique_ptr<worker> worker_;
  std::unique_ptr<shard> shard_;
  std::unique_ptr<progress> progress_;
  std::unique_ptr<stop_signal> signal_;
  bool failed_ = false;
  std::uint64_t start_bytes_ = 0;
  std::uint64_t start_lines_ = 0;
  std::chrono::steady_clock::time_point waiting_since_{};
};

} // namespace fairuse::cli
