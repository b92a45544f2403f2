// SPDX-License-Identifier: Apache-2.0
//
// Runs one seed: processes that start, crash, pause and come back, step by step on one thread, while traffic goes on;
// then without faults, until everything is caught up. The checkers read the log afterwards.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/protocol/fixture.hpp"
#include "tests/protocol/instance.hpp"
#include "tests/protocol/traffic.hpp"

namespace fairuse::protocol {

struct run_counts {
  std::uint64_t crashes = 0;
  std::uint64_t pauses = 0;
  std::uint64_t twins = 0;
  std::uint64_t steps = 0;
  std::uint64_t rebalances = 0;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
};

class cluster_simulation {
public:
  explicit cluster_simulation(fixture& in);

  /// REQUIRES: once. Throws broken_invariant.
  void run();
  const run_counts& counts() const { return counts_; }
  /// Folder of the process that owns the partition at the end, closed; nullptr: none does.
  const std::filesystem::path* folder_of(std::int32_t partition) const;

private:
  /// A machine with a name and a disk, on which a process runs.
  struct node {
    std::string name;
    std::filesystem::path disk;
    std::unique_ptr<instance> process;
    /// Runs under the same name, because `process` was taken for dead.
    std::unique_ptr<instance> twin;
    time_ms paused_until = 0;
    time_ms back_at = 0;
    bool had_twin = false;
  };

  void round();
  void work(node& at, std::unique_ptr<instance>& who);
  void ended(node& at, std::unique_ptr<instance>& who, const char* how);
  void start(node& at);
  void incident();
  void plan_crash();
  void pause(node& at);
  void leap();
  void set_clock();
  void compact();
  void finish();
  bool caught_up();
  void add_counts(instance& who);

  fixture& fixture_;
  traffic traffic_;
  std::vector<node> nodes_;
  run_counts counts_;
  std::uint64_t starts_ = 0;
  std::map<std::int32_t, std::filesystem::path> owners_;
};

} // namespace fairuse::protocol
