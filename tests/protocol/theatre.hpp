// SPDX-License-Identifier: Apache-2.0
//
// Plays one seed: processes that live, crash, sleep and come back, step by step on one thread, over traffic that goes
// on meanwhile; then peace, until everything is caught up. What is left in the log is for the checkers.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/protocol/instance.hpp"
#include "tests/protocol/traffic.hpp"
#include "tests/protocol/world.hpp"

namespace fairuse::protocol {

struct play_counts {
  std::uint64_t crashes = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t twins = 0;
  std::uint64_t steps = 0;
  std::uint64_t rebalances = 0;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
};

class theatre {
public:
  explicit theatre(world& in);

  /// REQUIRES: once. Throws broken_promise.
  void play();
  const play_counts& counts() const { return counts_; }
  /// Folder of whoever owns the partition at the end, closed; nullptr: nobody.
  const std::filesystem::path* folder_of(std::int32_t partition) const;

private:
  /// A place where a process runs: a machine with a name and a disk.
  struct post {
    std::string name;
    std::filesystem::path disk;
    std::unique_ptr<instance> alive;
    /// Runs under the same name, because somebody thought that `alive` was gone.
    std::unique_ptr<instance> twin;
    time_ms sleeps_until = 0;
    time_ms back_at = 0;
    bool wants = true;
    bool had_twin = false;
  };

  void round();
  void step(post& at, std::unique_ptr<instance>& who);
  void died(post& at, std::unique_ptr<instance>& who, const char* how);
  void start(post& at);
  void incident();
  void stage_crash();
  void put_to_sleep(post& at);
  void leap();
  void set_clock();
  void compact();
  void finish();
  bool caught_up();
  void note_end(instance& who);

  world& world_;
  traffic traffic_;
  std::vector<post> posts_;
  play_counts counts_;
  std::uint64_t lives_ = 0;
  std::map<std::int32_t, std::filesystem::path> owners_;
};

} // namespace fairuse::protocol
