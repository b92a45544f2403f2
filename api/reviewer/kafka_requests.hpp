// SPDX-License-Identifier: Apache-2.0
//
// Review requests from their topic; verdicts go to the partition of the deployment's first input that the user's events
// are on, in the transaction that commits the request's offset. Texts are those of the request's record.
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/enforcement_view.hpp"
#include "api/kafka_intake.hpp"
#include "api/reviewer/review_source.hpp"
#include "base/pure/log_level.hpp"

namespace fairuse {

struct kafka_requests_options {
  /// Consumer group of the reviewers of a deployment.
  std::string group;
  /// Of this one; stable over restarts.
  std::string instance;
  std::string requests;
  std::string enforcement;
  /// Where verdicts go.
  std::string input;
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
};

class kafka_requests final : public review_source {
public:
  /// REQUIRES: `brokers` outlives it.
  static result<std::unique_ptr<kafka_requests>> open(const kafka_requests_options& options, kafka::cluster& brokers);

  result<news> poll(std::size_t most, time_ms now) override;
  void finished(std::uint64_t handle, review_answer answer, time_ms now) override;
  result<void> commit(time_ms now) override;
  std::size_t waiting() const override { return finished_; }
  bool at_end() override;

private:
  struct waiting_request {
    std::uint64_t handle = 0;
    std::int32_t partition = 0;
    std::uint64_t epoch = 0;
    review_request what;
  };

  kafka_requests(const kafka_requests_options& options, kafka::cluster& brokers);
  bool take(std::uint64_t handle, const kafka::record& what);
  result<bool> catch_up(time_ms now);
  std::optional<not_asked> why_not(const waiting_request& what, time_ms now) const;
  void pass_over(std::uint64_t handle, not_asked why);

  kafka_requests_options options_;
  enforcement_view view_;
  /// Something came since the view was caught up.
  bool has_news_ = false;
  std::unique_ptr<kafka_intake> intake_;
  /// Taken and not handed over.
  std::deque<waiting_request> fresh_;
  /// Handed over and not finished: user and request.
  std::map<std::uint64_t, std::string> asked_;
  std::vector<not_asked> passed_;
  std::size_t finished_ = 0;
  time_ms not_before_ = INT64_MIN;
};

} // namespace fairuse
