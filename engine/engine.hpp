// SPDX-License-Identifier: Apache-2.0
//
// A running engine, in local mode or in Kafka mode: start_engine() opens it, run() drives it to its end, stop() ends it
// early, report() returns what it did.
//
// It owns no signal, writes to neither stdout nor stderr and reads no environment variable: run_settings has the input
// from there, engine_callbacks get the output.
// Threads: start_engine(), run() and report() on one thread, stop(), ask() and owned() from any. A program may have
// several engines, each with a state folder of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "engine/engine_figures.hpp"
#include "engine/run_error.hpp"
#include "engine/run_report.hpp"
#include "events/event.hpp"
#include "storage/case_key.hpp"
#include "streams/committed_user.hpp"
#include "streams/enforcement_row.hpp"
#include "streams/local/sealer.hpp"

namespace fairuse {

struct run_settings {
  std::string state_folder = "fairuse-state";
  /// Local mode: the file to read; `-` is standard input.
  std::string input;
  /// Stop where the input ends now.
  bool until_end = false;
  /// The next three: unset, as the deployment or the store says.
  std::optional<clock_kind> clock;
  std::optional<std::uint64_t> max_active_users;
  std::optional<std::int64_t> max_gap_ms;
  /// Kafka mode: inputs that may have been added or removed since the last run.
  std::vector<std::string> adopt_topics;
  /// Kafka mode: name of this instance where the deployment gives none; empty: the host's name.
  std::string instance;
  /// Version of the program, for the journal.
  std::string program;
  // Tuning of local mode. Changes no byte of a decision.
  std::uint64_t commit_bytes = std::uint64_t{64} << 20;
  std::int64_t commit_ms = 50;
  std::uint64_t chunk_bytes = std::uint64_t{256} << 10;
};

/// How far the inputs are read.
struct run_progress {
  /// Bytes in local mode, records in Kafka mode.
  std::uint64_t done = 0;
  /// 0: unknown.
  std::uint64_t total = 0;
  std::uint64_t events = 0;
};

struct engine_callbacks {
  /// From any thread.
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
  /// From the thread of run(), in local mode after every epoch: must be cheap.
  std::function<void(const run_progress&)> progress = [](const run_progress&) {};
  /// From the thread of start_engine(), once: the state folder is this process's alone, and nothing in it is opened
  /// yet. An error ends the start.
  std::function<run_result<void>()> folder_taken = [] { return run_result<void>{}; };
  /// Local mode: what a gate has to know, as it is published; never from two threads at once. Empty: there is no gate.
  std::function<void(const enforcement_changes&)> enforcement;
  /// Under which leases the STT of a committed epoch was used; engine::ask() shows that epoch already. From any thread.
  /// Empty: nobody gives any.
  std::function<void(std::span<const lease_use>)> leases_used;
  /// What the engine has done, at least once a second while it runs, unless an epoch takes longer; from the thread of
  /// run(). Empty: nobody asks.
  std::function<void(engine_figures)> figures;
};

/// A partition that this process decides on, and its last committed epoch.
struct owned_partition {
  std::int32_t partition = 0;
  std::uint64_t epoch = 0;
};

class engine {
public:
  virtual ~engine() = default;
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Work until the inputs end (run_settings::until_end), stop() is called or something fails. What is sealed by then
  /// is committed. REQUIRES: called once.
  virtual run_result<void> run() = 0;
  /// run() returns soon; before run(): at once.
  virtual void stop() = 0;
  /// After run(): what was done; nothing if it failed before there was something to report.
  virtual std::optional<run_report> report() const = 0;

  // From any thread, as long as the engine is there.

  /// Tells of a user as the last committed epoch left them.
  virtual void ask(user_question question) = 0;
  virtual std::vector<owned_partition> owned() const = 0;

protected:
  engine() = default;
};

/// Opens everything that can be opened before the first event, in the mode that the deployment names.
run_result<std::unique_ptr<engine>> start_engine(run_settings settings, loaded_deployment all, case_key key,
                                                 engine_callbacks told);

} // namespace fairuse
