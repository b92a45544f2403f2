// SPDX-License-Identifier: Apache-2.0
//
// Asks the owner of a user's partition: the engine of this process or, by one hop, another instance. Every call ends,
// by its deadline at the latest.
//
//   calls.run({.uid = ..., .request = request, .who = who, .answer = to_json, .done = respond});
//
// Threads: made and destroyed on one; run() from any. `answer` and `done` are called from any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/http/http_message.hpp"
#include "api/identity/principal.hpp"
#include "api/owners/attached_engine.hpp"
#include "api/owners/forwarded_identity.hpp"
#include "api/owners/partition_owners.hpp"
#include "base/pure/log_level.hpp"
#include "streams/committed_user.hpp"

namespace fairuse {

struct owner_call {
  std::string uid;
  /// See user_question.
  bool as_owner = false;
  /// For all of it.
  std::int64_t deadline_ms = 2'000;
  /// What another instance is asked, as `who`. It came from one: there is no second hop.
  http_request request;
  principal who;
  bool was_forwarded = false;
  /// The body of 200, at the owner. Must be cheap: no epoch begins meanwhile.
  std::function<std::string(const committed_user&)> answer;
  /// Once. Nullopt: no owner has answered.
  std::function<void(std::optional<std::string> body)> done;
};

class owner_calls {
public:
  struct options {
    attached_engine& here;
    /// Both nullptr: there is no other instance, or none is found.
    const partition_owners* owners = nullptr;
    const forwarded_identity* identity = nullptr;
    /// The wall clock.
    std::function<time_ms()> now;
    /// From the own thread.
    std::function<void(log_level, const std::string&)> log;
  };

  /// REQUIRES: what the options name outlives it.
  explicit owner_calls(options wanted);
  /// Calls under way end without an answer.
  ~owner_calls();
  owner_calls(const owner_calls&) = delete;
  owner_calls& operator=(const owner_calls&) = delete;

  void run(owner_call what);

private:
  struct body;
  std::shared_ptr<body> body_;
};

} // namespace fairuse
