// SPDX-License-Identifier: Apache-2.0
//
// Scenarios as small numbers: they say which policies run and what happens, and compare() turns them into policies,
// epochs and events, deterministically. So RapidCheck can shrink a scenario that fails, and it can be written down as a
// regression test (tests/core/regressions_test.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tests/model/naive_user.hpp"

namespace fairuse::model {

/// What can happen. The numbers stand in scenarios that are written down: never renumber.
enum class verb : std::uint8_t {
  speak = 0,
  speak_late = 1,
  speak_segments = 2,
  send_stt = 3,
  change_account = 4,
  answer = 5,
  answer_oddly = 6,
  admin = 7,
  repeat = 8,
  command = 9,
  promote = 10,
  erase = 11,
  converse = 12,
  repeat_restamped = 13,
};
inline constexpr int verb_count = 14;

/// `gap` says how long after the action before (see gap_count), `choice` and `variant` choose among the verb's forms.
struct action {
  verb what = verb::speak;
  std::uint8_t gap = 0;
  std::uint8_t choice = 0;
  std::uint8_t variant = 0;
};

inline constexpr int gap_count = 28;
inline constexpr std::size_t choices_count = 20;
/// One number per trait of a policy (see make_policy).
using choices = std::array<std::uint8_t, choices_count>;

struct scenario {
  bool alone = false; ///< review_mode::alone
  bool starts_off = false;
  choices live{};
  std::vector<choices> shadows;
  std::vector<action> actions;
};
/// As a C++ initialiser.
std::ostream& operator<<(std::ostream& out, const scenario& what);

/// The number `choice` of a list that is repeated without end.
template <class T>
T pick(std::uint8_t choice, std::initializer_list<T> from) {
  return *(from.begin() + choice % from.size());
}

policy make_policy(const choices& chosen, const std::string& name);

/// The run of a scenario: epochs as a source would seal them.
struct sealed_epoch {
  time_ms now = 0;
  std::vector<event> events;
  std::vector<event> commands;
};
struct recording {
  std::shared_ptr<event_arena> arena;
  std::shared_ptr<const policy_set> policies;
  bool starts_off = false;
  std::vector<sealed_epoch> epochs;
  /// What core decided on its own, in order (labels belong to `sets`).
  std::vector<decision> decisions;
  std::vector<std::shared_ptr<const policy_set>> sets;
};

/// Run core and the model on one scenario; returns the first difference, empty if there is none.
std::string compare(const scenario& what, recording* record = nullptr);

/// Every field of a decision as text, one line.
std::string describe(const decision& what);

} // namespace fairuse::model
