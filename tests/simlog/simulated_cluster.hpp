// SPDX-License-Identifier: Apache-2.0
//
// A simulated process's connection to the simulated log: the port's cluster. Its client objects behave as
// librdkafka 2.0.2 was measured to, on one thread, and nothing in them waits: a poll returns at once.
//
// A crash is a `simulated_crash` thrown out of any call. The test that catches it destroys all objects of this process,
// then the cluster. Until then every call answers `broken` and has no effect, so destructors may still call. Threads:
// one.
#pragma once

#include <memory>
#include <string>

#include "tests/simlog/fault_plan.hpp"
#include "tests/simlog/process.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::simlog {

class simulated_cluster : public kafka::cluster {
public:
  /// No faults.
  explicit simulated_cluster(simulated_log& on, client_options how = {}) : process_(on, how, no_faults_) {}
  /// `on` and `plan` must outlive it.
  simulated_cluster(simulated_log& on, client_options how, fault_plan& plan) : process_(on, how, plan) {}

  kafka::call_result<std::string> id() override;
  kafka::call_result<std::vector<std::int32_t>> partition_counts(std::span<const std::string> topics) override;
  kafka::call_result<kafka::log_range> range(const topic_partition& of, kafka::isolation how) override;
  kafka::call_result<std::int64_t> offset_at(const topic_partition& of, time_ms at) override;

  std::unique_ptr<kafka::group_consumer> join(const kafka::member& who, kafka::membership& told) override;
  std::unique_ptr<kafka::transactional_producer> make_producer(const std::string& transactional_id) override;
  std::unique_ptr<kafka::reader> make_reader(kafka::isolation how) override;

  bool dead() const { return process_.dead(); }

private:
  fault_plan no_faults_;
  process process_;
};

/// As the member would identify itself now. REQUIRES: made by a simulated_cluster.
identity identity_of(const kafka::group_consumer& member);

} // namespace fairuse::simlog
