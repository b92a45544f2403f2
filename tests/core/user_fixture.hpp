// SPDX-License-Identifier: Apache-2.0
//
// A user of core: functions for events, and core's decisions, one line each. `now` is set by hand (`wait`), and nothing
// fires before the next event or `fire_timers`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/query.hpp"
#include "core/rules.hpp"

namespace fairuse::test {

/// 2026-03-02T00:00:00Z, a Monday.
inline constexpr time_ms monday = 1'772'409'600'000;

using lines = std::vector<std::string>;

/// One window of 24 h and 2 h, the ladder of the shipped policy, and nothing else: tests switch on the rules they need.
policy plain();
/// The same with the three windows and every rule of the shipped policy.
policy fair();
/// plain() under another name, which is its digest too.
policy shadow(const std::string& name);

/// An event with a text and a key of its own; `number` tells them apart.
event numbered_event(event_arena& arena, int number, event_kind kind, time_ms at, event_detail detail);

/// `2h1ms`, `30d`, `0`.
std::string duration_text(std::int64_t ms);

/// A decision in one line: amounts and times as durations, `+30d` after the decision, `@30d` after `start` (a timer's
/// instant).
std::string brief(const decision& what, time_ms start);

class user_fixture {
public:
  explicit user_fixture(const policy& live = plain(), std::vector<policy> shadows = {},
                        review_mode reviews = review_mode::shared);

  time_ms now = monday;
  void wait(std::int64_t ms) { now += ms; }
  /// Only timers.
  void fire_timers();

  applied speak(std::int64_t ms, lane from = lane::realtime, std::int64_t ago_ms = 0);
  applied speak_segments(std::vector<segment> segments, std::int64_t begun_ago_ms, lane from = lane::realtime);
  applied stt(std::int64_t ms, std::int64_t ago_ms = 0);
  applied plan(const std::string& name, std::int64_t ago_ms = 0);
  applied credits(bool exhausted, std::int64_t ago_ms = 0);
  applied converse(const std::string& id, std::int64_t duration_ms, const std::string& category = "work",
                   std::int64_t ago_ms = 0);
  applied answer(const std::string& request, double score, usage_type type = usage_type::audiobook);
  applied fail(const std::string& request);
  applied set_stage(stage to);
  applied reset();
  applied about_strike(admin_verb verb, std::uint32_t number);
  applied clear_strike(std::uint32_t number) { return about_strike(admin_verb::clear_strike, number); }
  applied resolve(std::uint32_t number) { return about_strike(admin_verb::resolve, number); }
  applied exempt(bool on, time_ms until = never);
  applied erase(std::int64_t ago_ms = 0);
  /// The last event once more.
  applied again();
  applied give(event given);
  event make(event_kind kind, std::int64_t ago_ms, event_detail detail = {});

  void enable(bool on) { in_force.enabled = on; }
  void kill(bool on) { in_force.killed = on; }
  /// The shadow's rules from here on, as a promotion does it.
  void promote(const std::string& shadow);

  /// Speak until a review is asked for and answer it: one verdict. REQUIRES: the daily cap is 2 h and not exceeded yet,
  /// or still exceeded.
  void misuse(double score = 0.9);

  /// What was decided since the last time.
  lines decided();
  /// The same, only of one kind.
  lines decided(decision_kind kind);
  standing_view standing(std::size_t slot = 0) { return fairuse::query_standing(who, in_force, slot, now); }
  std::int64_t sum(std::size_t window = 0, std::size_t slot = 0) { return standing(slot).windows[window].sum_ms; }

  controls in_force;
  user who;
  step_output out;
  std::shared_ptr<const policy_set> policies;
  event_arena arena;

private:
  applied command(admin_command what);
  int serial_ = 0;
  event last_;
  std::vector<std::shared_ptr<const policy_set>> old_;
};

} // namespace fairuse::test
