// SPDX-License-Identifier: Apache-2.0
//
// One process: a worker, its connection to the simulated log, and its writer's tasks, which the test runs.
// Threads: one.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "streams/kafka/worker/kafka_worker.hpp"
#include "tests/protocol/fixture.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::protocol {

class instance {
public:
  instance(fixture& in, const std::string& name, const std::filesystem::path& state, std::uint64_t fault_seed);
  ~instance();
  instance(const instance&) = delete;
  instance& operator=(const instance&) = delete;

  enum class progress { running, crashed, over };
  /// One round.
  progress work();
  /// Runs the writer's tasks.
  void write();
  /// As kill -9.
  void kill();
  /// As SIGTERM.
  void close();

  const std::string& name() const { return name_; }
  const std::filesystem::path& state() const { return state_; }
  /// Empty: it did not fail.
  std::string failure() const { return worker_->outcome() ? std::string() : worker_->outcome().error().message; }
  kafka::worker_status status() const { return worker_->status(); }
  std::vector<std::int32_t> finished(const std::vector<kafka::position>& ends) const { return worker_->finished(ends); }
  simlog::fault_plan& faults() { return faults_; }

private:
  fixture& fixture_;
  std::string name_;
  std::filesystem::path state_;
  simlog::fault_plan faults_;
  std::unique_ptr<simlog::simulated_cluster> cluster_;
  std::deque<std::function<void()>> tasks_;
  std::unique_ptr<kafka::kafka_worker> worker_;
};

/// Whether one of them has each partition, and everything in it is decided.
bool caught_up(const fixture& in, std::span<const instance* const> all);

} // namespace fairuse::protocol
