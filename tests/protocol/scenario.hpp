// SPDX-License-Identifier: Apache-2.0
//
// A run without random faults: a test gives every step and every fault. For the cases of the guards, which random draws
// meet once in a million runs.
// Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/protocol/fixture.hpp"
#include "tests/protocol/instance.hpp"
#include "tests/protocol/seeds.hpp"
#include "tests/protocol/traffic.hpp"

namespace fairuse::protocol {

/// One partition, few users, and nothing goes wrong by itself.
run_settings quiet_settings(std::uint64_t seed);

class scenario {
public:
  explicit scenario(const run_settings& settings) : in(settings), traffic_(in) {}

  /// A process of that name, on the disk of the earlier ones.
  instance& start(const std::string& name);
  instance& at(const std::string& name) { return *instances_.at(name); }
  bool is_running(const std::string& name) const { return instances_.contains(name); }
  /// As kill -9.
  void kill(const std::string& name);
  /// Not called any more until it is resumed.
  void pause(const std::string& name) { paused_ = name; }
  void resume() { paused_.clear(); }
  /// Some records of all kinds; at least `count`.
  void feed(int count);

  /// Every running process works once, and 10 ms pass, until `done`. A crashed process is removed. Throws
  /// broken_invariant if it takes too long.
  void until(const std::string& what, const std::function<bool()>& done);
  void until_caught_up();
  /// The next request that meets this fault there meets `then`, too.
  void inject(const std::string& name, simlog::point where, simlog::fault what, std::function<void()> then = {});

  /// Everything late arrives, every process catches up and is closed, and every invariant holds. Throws
  /// broken_invariant.
  void finish();

  fixture in;

private:
  bool caught_up();

  traffic traffic_;
  std::map<std::string, std::unique_ptr<instance>> instances_;
  std::map<std::string, std::filesystem::path> disks_;
  std::string paused_;
  std::uint64_t starts_ = 0;
};

} // namespace fairuse::protocol
