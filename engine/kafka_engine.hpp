// SPDX-License-Identifier: Apache-2.0
//
// Kafka mode: each worker of the deployment runs on a thread of its own until stop() is called, the inputs have ended
// (run_settings::until_end) or one of them cannot go on. For engine.cpp only; all others include engine/engine.hpp.
//
// Operation: once a second the thread of run() writes the instance_view.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "engine/engine.hpp"
#include "engine/state_folder.hpp"
#include "events/refusal.hpp"
#include "storage/partition_meta.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse {

class kafka_engine final : public engine {
public:
  kafka_engine(run_settings settings, loaded_deployment all, std::string case_key, engine_callbacks told);
  ~kafka_engine() override;

  /// Make the clients; asks no broker yet. REQUIRES: called once, before run().
  run_result<void> open();

  run_result<void> run() override;
  void stop() override { stop_ = true; }
  std::optional<run_report> report() const override { return report_; }
  void ask(user_question question) override;
  std::vector<owned_partition> owned() const override;

private:
  struct worker_thread;

  run_result<void> find_ends();
  void start_workers();
  kafka::engine_rules rules_for(std::uint32_t worker);
  void drive(worker_thread& own);
  void watch();
  bool hangs(const worker_thread& of, std::int64_t now) const;
  void end_workers();
  kafka::worker_status total() const;
  void tell_figures(const kafka::worker_status& all) const;
  void write_status(bool running);
  void tell_dead_letter(const std::string& topic, std::int32_t partition, const refused_input& what,
                        const std::string& trace_id);
  run_report make_report(double seconds) const;

  const run_settings settings_;
  const loaded_deployment all_;
  const std::string case_key_;
  const engine_callbacks told_;
  std::string instance_;
  state_folder folder_;
  std::unique_ptr<kafka::cluster> brokers_;
  std::int32_t partitions_ = 0;
  /// With until_end: where the inputs ended at the start.
  std::vector<kafka::position> ends_;
  /// Partitions that a worker of this process has read to their ends.
  std::mutex finished_mutex_;
  std::set<std::int32_t> finished_;
  /// Those who ask; the thread of run() when it changes which there are.
  mutable std::mutex workers_mutex_;
  std::vector<std::unique_ptr<worker_thread>> workers_;
  std::atomic<bool> stop_ = false;
  bool status_failed_ = false;
  /// The log has had a dead letter of that reason.
  std::array<std::atomic<bool>, refusal_count> told_reasons_{};
  std::optional<run_report> report_;
};

} // namespace fairuse
