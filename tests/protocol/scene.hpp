// SPDX-License-Identifier: Apache-2.0
//
// The opposite of a seed: a test says what happens, step by step, and nothing else goes wrong. For the cases that a
// guard of the protocol exists for, and that chance meets once in a million plays.
// Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/protocol/instance.hpp"
#include "tests/protocol/seeds.hpp"
#include "tests/protocol/traffic.hpp"
#include "tests/protocol/world.hpp"

namespace fairuse::protocol {

/// One partition, few users, and nothing goes wrong by itself.
setting bare_stage(std::uint64_t seed);

class scene {
public:
  explicit scene(const setting& how) : all(how), traffic_(all) {}

  /// Of that name, on its own disk, as it left it.
  instance& start(const std::string& name);
  instance& at(const std::string& name) { return *living_.at(name); }
  bool shards(const std::string& name) const { return living_.contains(name); }
  /// As kill -9.
  void kill(const std::string& name);
  /// Not called any more until it wakes up.
  void sleep(const std::string& name) { asleep_ = name; }
  void wake() { asleep_.clear(); }
  /// Some records of all kinds; at least `count`.
  void feed(int count);

  /// Everybody takes a step, and 10 ms go by, until `done`. Who crashes is gone. Throws broken_promise if it never is.
  void until(const std::string& what, const std::function<bool()>& done);
  void until_caught_up();
  /// The next request that meets this fault there meets `then`, too.
  void strike(const std::string& name, simlog::point where, simlog::fault what, std::function<void()> then = {});

  /// Everything late arrives, everybody catches up and goes home, and every invariant holds. Throws broken_promise.
  void finish();

  world all;

private:
  bool caught_up();

  traffic traffic_;
  std::map<std::string, std::unique_ptr<instance>> living_;
  std::map<std::string, std::filesystem::path> disks_;
  std::string asleep_;
  std::uint64_t lives_ = 0;
};

} // namespace fairuse::protocol
