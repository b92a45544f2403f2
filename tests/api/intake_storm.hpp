// SPDX-License-Identifier: Apache-2.0
//
// A seed: programs of one group that run, die, pause, have twins and come back, over a log whose old records go. All
// follows from the seed. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/api/intake_program.hpp"

namespace fairuse::intake {

/// What happened in a storm.
struct storm_counts {
  std::uint64_t records = 0;
  std::uint64_t removed = 0;
  std::uint64_t crashes = 0;
  std::uint64_t twins = 0;
  std::uint64_t faults = 0;
};

class intake_storm {
public:
  explicit intake_storm(std::uint64_t seed);
  ~intake_storm();
  intake_storm(const intake_storm&) = delete;
  intake_storm& operator=(const intake_storm&) = delete;

  /// Throws broken_promise.
  void run();
  const storm_counts& counts() const { return counts_; }
  /// What happened, line by line.
  const std::vector<std::string>& trace() const { return trace_; }

private:
  struct seat {
    std::string name;
    std::size_t open_max = 1;
    std::unique_ptr<intake_program> program;
    bool has_twin = false;
    /// Rounds.
    std::uint64_t away = 0;
  };

  void note(const std::string& what) { trace_.push_back(std::to_string(log_.now() % 1'000'000) + " " + what); }
  void feed();
  void remove_some();
  void disturb();
  void round(bool works_off);
  void work(seat& at, bool works_off);
  void work_twins();
  void start(seat& at);
  void end(std::unique_ptr<intake_program>& program);
  void finish();
  bool is_done();

  simlog::simulated_log log_;
  simlog::fault_plan draws_;
  /// Nothing goes wrong, and one program stays.
  bool calm_;
  simlog::fault_plan faults_;
  std::vector<std::string> trace_;
  intake_model model_;
  simlog::simulated_cluster driver_;
  std::unique_ptr<kafka::transactional_producer> upstream_;
  simlog::client_options how_;
  std::vector<seat> seats_;
  /// Processes whose names others have taken.
  std::vector<std::unique_ptr<intake_program>> twins_;
  std::uint64_t fed_ = 0;
  storm_counts counts_;
};

} // namespace fairuse::intake
