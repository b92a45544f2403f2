// SPDX-License-Identifier: Apache-2.0

#include "streams/local/jump_vote.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace fairuse {
namespace {

constexpr time_ms base_now = 1'700'000'000'000;
constexpr std::int64_t horizon = 40 * day_ms;
constexpr std::uint64_t jump_key = 1;

/// A line behind the jump.
struct voter {
  /// From `now`.
  std::int64_t ms = 0;
  std::uint64_t key = 0;
  event_kind kind = event_kind::speech;
  bool decodes = true;
  std::string_view uid = "u";
};

voter says(std::int64_t ms, std::uint64_t key = 0, event_kind kind = event_kind::speech) { return {ms, key, kind}; }

constexpr voter junk{.decodes = false};

/// Of another user than all others.
voter says_other(std::int64_t ms, std::uint64_t key, std::string_view uid) {
  return {.ms = ms, .key = key, .uid = uid};
}

event event_of(const voter& from, std::uint64_t own_key) {
  return {.instant = base_now + from.ms,
          .time = base_now + from.ms,
          .key = from.key != 0 ? from.key : own_key,
          .kind = from.kind};
}

/// Lines, each with an id of its own unless it names one.
struct lines_fixture {
  lines_fixture(const std::vector<voter>& from, bool complete) {
    events.reserve(from.size());
    behind.complete = complete;
    for (const auto& each : from) {
      events.push_back(event_of(each, 100 + events.size()));
      behind.lines.push_back(each.decodes ? heard_line{&events.back(), each.uid} : heard_line{});
    }
  }
  std::vector<event> events;
  lines_behind behind;
};

std::string to_text(const jump_outcome& made) {
  const char* names[] = {"none", "open", "followed", "refused"};
  return std::string{names[static_cast<std::size_t>(made.ruling)]} + " " + std::to_string(made.votes_for) + ":"
         + std::to_string(made.votes_against);
}

std::vector<voter> repeated(std::size_t count, voter each) { return std::vector<voter>(count, each); }

std::vector<voter> operator+(std::vector<voter> left, const std::vector<voter>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

constexpr auto day = day_ms;

} // namespace

BOOST_AUTO_TEST_SUITE(votes_on_a_jump)

BOOST_AUTO_TEST_CASE(lines_behind_a_jump_of_a_week_vote) {
  struct vote_row {
    const char* what;
    std::vector<voter> lines;
    bool complete;
    const char* outcome;
  };
  const std::vector<vote_row> rows = {
      {"nothing came yet", {}, false, "open 0:0"},
      {"the input ends with it", {}, true, "followed 0:0"},
      {"two go on, a third is awaited", {says(7 * day), says(7 * day + 1)}, false, "open 2:0"},
      {"three go on", {says(7 * day), says(7 * day), says(8 * day)}, false, "followed 3:0"},
      {"three stay", {says(0), says(1), says(2)}, false, "refused 0:3"},
      {"24 h before the jump is with it", repeated(3, says(6 * day)), false, "followed 3:0"},
      {"a millisecond less is no vote", repeated(3, says(6 * day - 1)), true, "followed 0:0"},
      {"24 h from now, either way, is against it", {says(day), says(-day), says(day)}, false, "refused 0:3"},
      {"a millisecond more is no vote", {says(day + 1), says(-day - 1), says(3 * day)}, true, "followed 0:0"},
      {"the first three decide",
       {says(0), says(7 * day), says(0), says(7 * day), says(0), says(7 * day)},
       false,
       "refused 2:3"},
      {"the majority at the end", {says(0), says(7 * day), says(1)}, true, "refused 1:2"},
      {"a tie follows", {says(0), says(7 * day)}, true, "followed 1:1"},
      {"one against, at the end", {says(0)}, true, "refused 0:1"},
      {"its own id sent again has no vote", {says(0, jump_key), says(7 * day, jump_key)}, true, "followed 0:0"},
      {"the same id of other users is another",
       {says_other(0, jump_key, "a"), says_other(0, jump_key, "b"), says_other(0, jump_key, "a"), says(0)},
       true,
       "refused 0:3"},
      {"an id votes once", {says(0, 5), says(0, 5), says(0, 5), says(7 * day, 5)}, true, "refused 0:1"},
      {"an id without a vote may vote later", {says(3 * day, 5), says(0, 5)}, true, "refused 0:1"},
      {"what does not decode has no vote", {junk, says(0), junk, says(0), junk, says(0)}, false, "refused 0:3"},
      {"40 days from now is a vote", repeated(3, says(40 * day)), false, "followed 3:0"},
      {"what is future has no vote", repeated(3, says(40 * day + 1)) + std::vector{says(0)}, true, "refused 0:1"},
      {"every kind of line votes",
       {says(0, 0, event_kind::account), says(0, 0, event_kind::admin), says(0, 0, event_kind::erasure)},
       false,
       "refused 0:3"},
  };
  for (const auto& each : rows) {
    BOOST_TEST_CONTEXT(each.what) {
      const lines_fixture made{each.lines, each.complete};
      const auto jump = event_of(says(7 * day, jump_key), 0);
      BOOST_TEST(to_text(judge_jump({&jump, "u"}, base_now, horizon, made.behind)) == each.outcome);
    }
  }
}

// An outcome other than `open` never changes when more lines come: it does not depend on how much was there.
BOOST_AUTO_TEST_CASE(an_outcome_holds_whatever_comes_later) {
  const auto jump = event_of(says(7 * day, jump_key), 0);
  const std::vector<voter> choice = {says(0),    says(7 * day),    says(3 * day), junk,
                                     says(0, 7), says(7 * day, 7), says(50 * day)};
  std::uint64_t draw = 1;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<voter> lines;
    std::string decided;
    for (std::size_t i = 0; i <= jump_lines_max; ++i) {
      const lines_fixture made{lines, i == jump_lines_max};
      const auto told = to_text(judge_jump({&jump, "u"}, base_now, horizon, made.behind));
      if (not decided.empty()) BOOST_REQUIRE_EQUAL(told, decided);
      if (told.find("open") != 0) decided = told;
      draw = draw * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
      lines.push_back(choice[(draw >> 33U) % (round % 2 == 0 ? choice.size() : 4)]);
    }
    BOOST_TEST(not decided.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_first_line_is_judged_by_the_next) {
  struct vote_row {
    const char* what;
    std::int64_t first;
    std::vector<voter> lines;
    bool complete;
    const char* outcome;
  };
  constexpr auto far = 300 * day;
  const std::vector<vote_row> rows = {
      {"nothing came yet", far, {}, false, "open 0:0"},
      {"the only line", far, {}, true, "none 0:0"},
      {"no speech behind it", far, repeated(64, says(0, 0, event_kind::account)), true, "none 0:0"},
      {"no speech yet", far, {says(0, 0, event_kind::account)}, false, "open 0:0"},
      {"the next is 24 h before", day, {says(0)}, false, "none 0:0"},
      {"the next is later", 0, {says(9 * day)}, false, "none 0:0"},
      {"STT counts like speech", 300 * day, {says(0, 0, event_kind::stt), says(0), says(0)}, false, "refused 0:3"},
      {"the next is far before, and others follow it", far, {says(0), says(1), says(2)}, false, "refused 0:3"},
      {"the next alone is far before", far, {says(0), says(far), says(far), says(far)}, false, "followed 3:1"},
      {"the next of another id counts", far, {says(far, jump_key), says(0), says(0), says(0)}, false, "refused 0:3"},
      {"the next of another user with the same id counts",
       far,
       {says_other(0, jump_key, "a"), says_other(0, jump_key, "b"), says_other(0, jump_key, "c")},
       false,
       "refused 0:3"},
      {"two lines, and the end", far, {says(0)}, true, "refused 0:1"},
      {"a tie follows the first", far, {says(0), says(far)}, true, "followed 1:1"},
      {"what would be future after it has no vote", far, {says(0), says(far + horizon + 1)}, true, "refused 0:1"},
  };
  for (const auto& each : rows) {
    BOOST_TEST_CONTEXT(each.what) {
      const lines_fixture made{each.lines, each.complete};
      const auto first = event_of(says(each.first, jump_key), 0);
      BOOST_TEST(to_text(judge_first({&first, "u"}, horizon, made.behind)) == each.outcome);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
