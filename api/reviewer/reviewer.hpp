// SPDX-License-Identifier: Apache-2.0
//
// A running reviewer: takes requests from a source, has the model asked, gives the verdicts back. One thread serves the
// source, whose commits may wait for a disk or a broker, another one the calls, so neither holds up the other.
//
// It owns no signal, writes to neither stdout nor stderr and reads no environment variable.
// Threads: run() on one, stop() from any.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/reviewer/review_caller.hpp"
#include "api/reviewer/review_source.hpp"
#include "api/status_listener.hpp"
#include "base/pure/log_level.hpp"
#include "engine/run_error.hpp"

namespace fairuse {

struct reviewer_options {
  review_caller_options calling;
  /// address:port of /livez and /metrics; empty: they are not served.
  std::string listen;
  /// Stop when no request is left.
  bool until_end = false;
  std::function<time_ms()> clock;
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
};

/// What a reviewer did.
struct reviewer_report {
  std::uint64_t verdicts = 0;
  std::uint64_t failed = 0;
  /// By reason.
  std::array<std::uint64_t, review_failure_count> failures{};
  std::array<std::uint64_t, not_asked_count> passed{};
  review_figures calls;
};

class reviewer {
public:
  /// Refused: the options cannot work, or a folder or file that they name.
  static run_result<std::unique_ptr<reviewer>> make(reviewer_options options, std::unique_ptr<review_source> source);
  ~reviewer();
  reviewer(const reviewer&) = delete;
  reviewer& operator=(const reviewer&) = delete;

  /// Until stop(), the end (until_end) or an error. What is finished by then is committed; calls under way get a few
  /// seconds to end, and none is added. REQUIRES: called once.
  result<void> run();
  void stop() { stop_ = true; }
  /// After run().
  reviewer_report report() const;

private:
  struct figures;

  reviewer(reviewer_options options, std::unique_ptr<review_source> source);
  void make_calls();
  result<void> serve();
  result<void> leave();
  bool calls_go_on();
  result<void> turn(bool takes_more);
  result<void> commit_if_due();
  void hand_over(std::vector<offered_request> requests);
  void take_back();
  void wait();

  reviewer_options options_;
  std::unique_ptr<review_source> source_;
  std::unique_ptr<review_caller> caller_;
  process_metrics metrics_;
  heartbeat beat_;
  std::unique_ptr<figures> figures_;
  std::unique_ptr<status_listener> listener_;
  std::atomic<bool> stop_ = false;
  reviewer_report report_;
  time_ms committed_at_ = 0;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<offered_request> asked_;
  std::vector<finished_review> finished_;
  /// How many more may be asked; requests that were asked and are not taken back.
  std::size_t room_ = 0;
  std::size_t open_ = 0;
  bool calls_end_ = false;
  /// Calls that have not ended, and that none will be added: stop() was seen where they are made.
  std::size_t under_way_ = 0;
  bool sees_stop_ = false;
};

} // namespace fairuse
