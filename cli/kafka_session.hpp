// SPDX-License-Identifier: Apache-2.0
//
// One life of the engine on Kafka: the deployment becomes the rules of workers, each worker runs on a thread of its own
// until a signal comes, the inputs have ended (--until-end) or one of them cannot go on. Leaves a file
// `partitions.json` in the state folder for whoever looks from beside (`fairuse partitions`).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cli/run_session.hpp"
#include "config/deployment.hpp"
#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::cli {

class kafka_session {
public:
  kafka_session(const run_settings& settings, const loaded_deployment& all, std::string case_key);
  ~kafka_session();
  kafka_session(const kafka_session&) = delete;
  kafka_session& operator=(const kafka_session&) = delete;

  /// An exit code. Says on stderr what went wrong.
  int run();

private:
  struct crew;

  bool find_instance();
  bool connect();
  kafka::engine_rules rules_for(std::uint32_t worker) const;
  kafka::configured_rules configured() const;
  bool find_ends();
  void start_workers();
  void work(crew& mine);
  void watch();
  void leave_status(bool running) const;
  kafka::worker_status total() const;
  int finish(double seconds);
  int fail(int code, const std::string& sentence) const;

  run_settings settings_;
  loaded_deployment all_;
  std::string case_key_;
  std::string instance_;
  std::unique_ptr<kafka::cluster> brokers_;
  std::int32_t partitions_ = 0;
  std::vector<kafka::position> ends_;
  /// Partitions that somebody of this process has read to their ends.
  std::mutex finished_mutex_;
  std::set<std::int32_t> finished_;
  std::vector<std::unique_ptr<crew>> crews_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> working_ = 0;
};

} // namespace fairuse::cli
