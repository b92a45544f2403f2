// SPDX-License-Identifier: Apache-2.0
//
// Reviews by a language model: ask() takes a request, poll() makes the calls that may be made, serves those under way
// and hands out reviews that have ended, as a verdict or with the reason why there is none. Every request ends once.
//
// A request waits for a free call, for its limits of the hour, while the endpoint is left alone, or to be made again;
// at `answer_by` it ends wherever it is. No call outlives it. One slow call holds up no other.
// No clock is read: instants are the caller's. Threads: one for all calls but wake().
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http_client.hpp"
#include "api/reviewer/prompts.hpp"
#include "api/reviewer/review_failure.hpp"
#include "api/reviewer/review_request.hpp"
#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "config/reviewer_settings.hpp"

namespace fairuse {

struct review_caller_options {
  /// With an endpoint, unless `play` is set.
  reviewer_settings settings;
  /// Empty: none is sent.
  std::string key;
  prompt_texts prompts;
  /// Keeps the sums of the hour; empty: they begin anew.
  std::filesystem::path limits_file;
  /// Folder for requests and answers; empty: they are not kept.
  std::filesystem::path record;
  /// What `record` has is not asked again.
  bool goes_on = false;
  /// Folder with answers, in place of the endpoint.
  std::filesystem::path play;
  /// Of the waits before calls are made again.
  std::uint64_t seed = 0;
  /// Why no verdicts come, and when they do again; nothing of a conversation or a key.
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
};

struct finished_review {
  std::uint64_t handle = 0;
  std::string uid;
  /// A verdict, or `failed`; model and prompt version always.
  review_answer answer;
  review_failure why = review_failure::none;
  /// Calls that were made.
  std::uint32_t attempts = 0;
  /// Of all its calls; nullopt: it is not known.
  std::optional<std::int64_t> cost_micro;
  /// Of all its calls together.
  std::int64_t calls_ms = 0;
};

/// Since the start.
struct review_figures {
  std::uint64_t calls = 0;
  /// Calls that were made again.
  std::uint64_t retries = 0;
  /// By reason; those without one have a verdict.
  std::array<std::uint64_t, review_failure_count> ended{};
  std::int64_t cost_micro = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::size_t under_way = 0;
  std::size_t waiting = 0;
  bool is_paused = false;
  /// What the endpoint takes, as far as it is known.
  answer_format format = answer_format::json_schema;
};

class review_caller {
public:
  static result<std::unique_ptr<review_caller>> make(review_caller_options options, time_ms now);
  ~review_caller();
  review_caller(const review_caller&) = delete;
  review_caller& operator=(const review_caller&) = delete;

  /// `handle` comes back with the review. REQUIRES: room() > 0.
  void ask(review_request request, std::uint64_t handle, time_ms now);
  /// Returns when something has ended, when wake() was called, or after `wait_ms`. `now` never goes back.
  std::vector<finished_review> poll(time_ms now, std::int64_t wait_ms);
  /// Calls under way go on, and none is added.
  void add_no_call();
  /// How many more may be asked.
  std::size_t room() const;
  /// Asked and not ended.
  std::size_t open() const;
  review_figures figures() const;
  /// What should be seen, while it holds: a state file, without which no call is made, or a recording cannot be
  /// written.
  std::optional<error> problem() const;
  /// poll() returns. From any thread.
  void wake();

private:
  struct body;
  explicit review_caller(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
