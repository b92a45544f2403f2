// SPDX-License-Identifier: Apache-2.0
//
// What a user does in a case, as people say it:
//
//   alice speaks 40 min at 09:00 daily for 4 days, lane sync
//   alice speaks 3 h at day 1 09:00, lane sync, uploaded at day 7 10:00
//   alice sends 20 min of STT at day 2 10:00
//   alice is on plan unlimited
//
// Words and forms: config/policies/tests/README.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "sim/cases/case_time.hpp"

namespace fairuse::sim {

enum class usage_kind : std::uint8_t { speech, stt, plan, credits, exemption, reset, erasure };

struct usage_sentence {
  usage_kind what = usage_kind::speech;
  std::string user;
  /// Speech or STT, and over how long speech is spread.
  std::int64_t ms = 0;
  std::int64_t over_ms = 0;
  lane from = lane::realtime;
  /// The first time; without one, before all others.
  std::optional<case_time> at;
  std::int64_t days = 1;
  std::int64_t every_days = 1;
  /// Sent later: so long after its end, or at a time.
  std::optional<std::int64_t> uploaded_after_ms;
  std::optional<case_time> uploaded_at;
  /// The same event comes again.
  bool twice = false;
  std::string plan;
  bool on = true;
};

/// What is wrong, from byte `at` on.
struct sentence_fault {
  std::size_t at = 0;
  std::string message;
};

result<usage_sentence, sentence_fault> read_sentence(std::string_view text);

/// An event on its way into a case's history.
struct case_event {
  std::string uid;
  event what;
  /// When it comes in.
  time_ms now = 0;
};

struct case_traffic {
  event_arena arena;
  std::vector<case_event> events;
};

/// The events of a sentence; `number` tells its ids from those of others.
void add_events(const usage_sentence& from, time_ms start, std::size_t number, case_traffic& to);

} // namespace fairuse::sim
