// SPDX-License-Identifier: Apache-2.0

#include "streams/local/local_source.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/streams/lines.hpp"

namespace fairuse {
namespace {

constexpr time_ms wall_now = test_start + day_ms;

/// A source with batches made by hand.
struct source_fixture {
  explicit source_fixture(clock_kind clock, bool until_end = true, sealer_state state = {},
                          std::uint64_t future_run_max = 1'000)
    : source{{.sealing = {.clock = clock,
                          .horizon_ms = clock == clock_kind::wall ? horizon_wall_ms : horizon_events_ms,
                          .lines_max = 4},
              .state = std::move(state),
              .until_end = until_end,
              .future_run_max = future_run_max,
              .first_not_before = std::nullopt,
              .clock = [this] { return now; },
              .told_jump =
                  [this](const judged_jump& jump) {
                    const bool refused = jump.outcome.ruling == jump_ruling::refused;
                    told += std::to_string(jump.line) + (refused ? " refused, " : " followed, ");
                  },
              .told_too_old = [this](std::uint64_t line) { told += std::to_string(line) + " too old, "; },
              .told_clock_without_speech = [this](std::uint64_t line,
                                                  time_ms) { told += std::to_string(line) + " sets the clock, "; }},
             queue} {}

  std::unique_ptr<input_batch> batch(const std::string& text, bool own = false) {
    auto made = batch_from(text, decoder);
    made->own = own;
    made->first_line = next_line;
    next_line += own ? 0 : made->lines.size();
    return made;
  }

  void feed(const std::string& text) { BOOST_REQUIRE(queue.push(batch(text))); }

  void end_content() {
    auto last = batch({});
    last->ends_content = true;
    next_line = 1;
    BOOST_REQUIRE(queue.push(std::move(last)));
  }

  /// The next epoch as `number@now:ids` and what was refused, or `-`.
  std::string next() {
    const auto made = source.seal();
    if (not made) return "-";
    const auto& sealed = made->sealed;
    auto text = std::to_string(sealed.number) + "@" + std::to_string(sealed.now - test_start) + ":";
    for (const auto& each : sealed.events)
      text.append(" ").append(each.what.text->id);
    for (const auto& each : sealed.commands)
      text.append(" *").append(each.text->id);
    for (const auto& each : made->lines->refused)
      text.append(" ").append(to_text(each.why));
    lines_sealed += made->lines->lines;
    return text;
  }

  time_ms now = wall_now;
  std::uint64_t next_line = 1;
  std::uint64_t lines_sealed = 0;
  std::string told;
  wire_decoder decoder;
  batch_queue queue{100};
  local_source source;
};

} // namespace

BOOST_AUTO_TEST_SUITE(epochs_of_the_local_source)

BOOST_AUTO_TEST_CASE(epochs_do_not_depend_on_where_batches_end) {
  std::vector<std::string> lines = {account_line("a", 1, 70), "junk\n", account_line("b", 2, 5),
                                    speech_line("a", 3, 10)};
  for (int i = 4; i < 60; ++i)
    lines.push_back(i % 9 == 0 ? "{\n" : speech_line(i % 2 == 0 ? "a" : "b", i, i / 3 * 10));
  lines.push_back(speech_line("a", 60, 50 * day_ms));
  std::vector<std::string> expected;
  for (const std::size_t size : {1000U, 1U, 2U, 3U, 7U}) {
    source_fixture all{clock_kind::events};
    for (std::size_t i = 0; i < lines.size(); i += size) {
      std::string text;
      for (std::size_t k = i; k < std::min(i + size, lines.size()); ++k)
        text += lines[k];
      all.feed(text);
    }
    all.queue.finish();
    std::vector<std::string> epochs;
    for (auto each = all.next(); each != "-"; each = all.next())
      epochs.push_back(each);
    BOOST_TEST(all.source.at_end());
    if (expected.empty()) expected = epochs;
    BOOST_TEST(epochs == expected, boost::test_tools::per_element());
  }
  BOOST_TEST(expected.at(0) == "1@10: 1 2 3 not_json");
  BOOST_TEST(expected.at(1) == "2@10: 4 5");
  BOOST_TEST(expected.back().find("future") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_tail_stays_open_unless_the_input_ends_for_good) {
  for (const bool until_end : {false, true}) {
    source_fixture all{clock_kind::events, until_end};
    all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1));
    all.queue.finish();
    BOOST_TEST(all.next() == "1@0: 1");
    BOOST_TEST(all.next() == (until_end ? "2@1: 2" : "-"));
    BOOST_TEST(all.next() == "-");
    BOOST_TEST(all.source.state().epoch == (until_end ? 2U : 1U));
    BOOST_TEST(all.source.at_end());
  }
}

BOOST_AUTO_TEST_CASE(reading_that_was_stopped_is_no_end_of_the_input) {
  source_fixture all{clock_kind::events};
  all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1));
  all.queue.finish(false);
  BOOST_TEST(all.next() == "1@0: 1");
  BOOST_TEST(all.next() == "-");
  BOOST_TEST(all.source.at_end());
  source_fixture facts{clock_kind::events};
  facts.feed(account_line("a", 1, 0));
  facts.queue.finish(false);
  BOOST_TEST(facts.next() == "-");
  BOOST_TEST(facts.source.at_end());
}

BOOST_AUTO_TEST_CASE(own_lines_run_first_and_set_no_time) {
  source_fixture all{clock_kind::events};
  const std::string enable = R"({"command":"enable","on":true,"actor":"config","reason":"r"})";
  all.source.put_first(all.batch(wire_line("admin", "*", 900, -day_ms, enable), true));
  BOOST_TEST(all.next() == "-");
  all.feed("junk\n" + account_line("a", 1, 0));
  BOOST_TEST(all.next() == "-");
  all.feed(speech_line("a", 2, 5) + speech_line("a", 3, 6));
  BOOST_TEST(all.next() == "1@0: 1 *900 not_json");
  BOOST_TEST(all.next() == "2@5: 2");
  all.queue.finish();
  BOOST_TEST(all.next() == "3@6: 3");
}

// A command of 2 March, speech of 8 March: the command runs on 2 March, whoever spoke first.
BOOST_AUTO_TEST_CASE(what_stands_before_the_first_speech_runs_at_its_own_instant) {
  const std::string stage = R"({"command":"set_stage","stage":"throttle","actor":"a","reason":"r"})";
  const auto command = wire_line("admin", "a", 1, 0, stage);
  const auto speech = speech_line("a", 2, 6 * day_ms) + speech_line("a", 3, 8 * day_ms);
  for (const auto& heartbeat : {std::string{}, speech_line("b", 9, 0)}) {
    source_fixture all{clock_kind::events};
    all.feed(heartbeat + command + speech);
    all.queue.finish();
    BOOST_TEST(all.next() == (heartbeat.empty() ? "1@0: 1" : "1@0: 9 1"));
    BOOST_TEST(all.next() == "2@518400000: 2");
  }
}

BOOST_AUTO_TEST_CASE(what_lies_too_far_ahead_of_the_first_speech_does_not_begin_the_clock) {
  source_fixture all{clock_kind::events};
  all.feed(account_line("a", 1, 80 * day_ms) + account_line("a", 2, 50 * day_ms) + speech_line("a", 3, 20 * day_ms));
  all.queue.finish();
  BOOST_TEST(all.next() == "1@1728000000: 2 3 future");
}

BOOST_AUTO_TEST_CASE(an_input_without_speech_waits_for_its_end) {
  source_fixture all{clock_kind::events};
  all.feed(account_line("a", 1, 70) + account_line("a", 2, 60) + account_line("a", 3, 90 * day_ms));
  BOOST_TEST(all.next() == "-");
  all.queue.finish();
  BOOST_TEST(all.next() == "1@70: 1 2");
  BOOST_TEST(all.next() == "2@7776000000: 3");
  BOOST_TEST(all.source.state().opening);
}

BOOST_AUTO_TEST_CASE(one_line_that_sets_the_clock_of_an_input_without_speech_is_told) {
  const struct {
    std::vector<time_ms> instants;
    std::string told;
  } table[] = {
      {{0, 1, 371 * day_ms, 2}, "3 sets the clock, "},
      {{day_ms + 1, 0}, "1 sets the clock, "},
      {{0, day_ms}, ""},
      {{0, 7 * day_ms, 7 * day_ms}, ""},
      {{7 * day_ms}, ""},
  };
  for (const auto& row : table) {
    source_fixture all{clock_kind::events};
    for (int id = 1; const auto instant : row.instants)
      all.feed(account_line("a", id++, instant));
    all.queue.finish();
    while (all.next() != "-") {
    }
    BOOST_TEST(all.told == row.told);
  }
}

BOOST_AUTO_TEST_CASE(an_input_of_nothing_but_junk_is_kept_and_sets_no_time) {
  source_fixture all{clock_kind::events};
  const std::string enable = R"({"command":"enable","on":true,"actor":"config","reason":"r"})";
  all.source.put_first(all.batch(wire_line("admin", "*", 900, -day_ms, enable), true));
  all.feed("junk\n\n");
  all.queue.finish();
  const auto made = all.source.seal();
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->sealed.now == 0);
  BOOST_TEST(made->sealed.commands.empty());
  BOOST_TEST(made->lines->lines == 2U);
  BOOST_TEST(all.source.state().now == not_started);
  BOOST_TEST(all.next() == "-");
  BOOST_TEST(all.source.at_end());
}

BOOST_AUTO_TEST_CASE(too_many_lines_from_the_future_stop_it_with_everything_before_them_sealed) {
  source_fixture all{clock_kind::events, true, {}, 6};
  all.feed(speech_line("a", 1, 0));
  for (int i = 2; i < 20; ++i)
    all.feed(speech_line("a", i, 50 * day_ms));
  BOOST_TEST(all.next() == "1@0: 1 future future future");
  BOOST_TEST(all.next() == "-");
  BOOST_TEST((all.source.stopped() == source_stop::too_far_ahead));
  BOOST_TEST(all.source.stopped_at() == 7U);
  BOOST_TEST(all.source.state().epoch == 1U);
  BOOST_TEST(all.next() == "-");
}

BOOST_AUTO_TEST_CASE(one_wrong_stamp_is_future_and_the_lines_behind_it_are_accepted) {
  for (const auto days : {7, 20, 39}) {
    source_fixture all{clock_kind::events};
    all.feed(speech_line("a", 1, 0) + speech_line("a", 2, days * day_ms));
    for (int i = 3; i < 9; ++i)
      all.feed(speech_line("a", i, 1));
    all.queue.finish();
    BOOST_TEST(all.next() == "1@0: 1 future");
    BOOST_TEST(all.next() == "2@1: 3 4 5 6");
    BOOST_TEST(all.next() == "3@1: 7 8");
    BOOST_TEST(all.told == "2 refused, ");
  }
}

BOOST_AUTO_TEST_CASE(a_first_line_with_a_wrong_stamp_does_not_begin_the_clock) {
  source_fixture all{clock_kind::events};
  all.feed(account_line("a", 1, 0) + speech_line("a", 2, 300 * day_ms));
  BOOST_TEST(all.next() == "-");
  for (int i = 3; i < 6; ++i)
    all.feed(speech_line("a", i, 5));
  all.queue.finish();
  BOOST_TEST(all.next() == "1@0: 1 future");
  BOOST_TEST(all.next() == "2@5: 3 4 5");
  BOOST_TEST(all.told == "2 refused, ");
}

BOOST_AUTO_TEST_CASE(a_gap_that_the_lines_behind_it_confirm_is_followed) {
  source_fixture all{clock_kind::events};
  all.feed(speech_line("a", 1, 0));
  for (int i = 2; i < 5; ++i)
    all.feed(speech_line("a", i, 20 * day_ms));
  all.queue.finish();
  BOOST_TEST(all.next() == "1@0: 1");
  BOOST_TEST(all.next() == "2@1728000000: 2 3 4");
  BOOST_TEST(all.told == "2 followed, ");
}

BOOST_AUTO_TEST_CASE(a_line_waits_for_votes_as_long_as_the_input_may_grow) {
  for (const bool until_end : {false, true}) {
    source_fixture all{clock_kind::events, until_end};
    all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1) + speech_line("a", 3, 7 * day_ms));
    BOOST_TEST(all.next() == "1@0: 1");
    all.feed(speech_line("a", 4, 1) + "junk\n" + speech_line("a", 5, 1));
    BOOST_TEST(all.next() == "-");
    BOOST_TEST(all.source.state().epoch == 1U);
    BOOST_TEST(all.told.empty());
    all.queue.finish();
    BOOST_TEST(all.next() == (until_end ? "2@1: 2 4 future not_json" : "-"));
    BOOST_TEST(all.told == (until_end ? "3 refused, " : ""));
    BOOST_TEST(all.next() == (until_end ? "3@1: 5" : "-"));
    BOOST_TEST(all.source.at_end());
  }
}

BOOST_AUTO_TEST_CASE(reading_that_was_stopped_leaves_a_waiting_line_to_the_next_run) {
  source_fixture all{clock_kind::events};
  all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1) + speech_line("a", 3, 7 * day_ms) + speech_line("a", 4, 1));
  all.queue.finish(false);
  BOOST_TEST(all.next() == "1@0: 1");
  BOOST_TEST(all.next() == "-");
  BOOST_TEST(all.source.at_end());
  BOOST_TEST(all.lines_sealed == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_file_held_before_it_was_replaced_is_sealed_before_what_it_holds_now) {
  source_fixture all{clock_kind::events};
  all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1) + speech_line("a", 3, 7 * day_ms) + speech_line("a", 4, 1));
  BOOST_TEST(all.next() == "1@0: 1");
  BOOST_TEST(all.next() == "-");
  all.end_content();
  all.feed(speech_line("a", 5, 1) + speech_line("a", 6, 2));
  // The waiting line has one vote against it, and none for it.
  BOOST_TEST(all.next() == "2@1: 2 4 future");
  BOOST_TEST(all.told == "3 refused, ");
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(all.next() == "-");
    BOOST_TEST(all.source.at_content_end());
  }
  all.source.begin_next_content();
  BOOST_TEST(all.next() == "3@1: 5");
  BOOST_TEST(not all.source.at_content_end());
  all.queue.finish();
  BOOST_TEST(all.next() == "4@2: 6");
}

BOOST_AUTO_TEST_CASE(own_lines_wait_for_content_with_events) {
  const std::string enable = R"({"command":"enable","on":true,"actor":"config","reason":"r"})";
  for (const auto* before : {"", "junk\n"}) {
    source_fixture all{clock_kind::events};
    all.source.put_first(all.batch(wire_line("admin", "*", 900, -day_ms, enable), true));
    all.feed(before);
    all.end_content();
    if (*before != '\0') BOOST_TEST(all.next() == "1@-1700000000000: not_json");
    BOOST_TEST(all.next() == "-");
    BOOST_REQUIRE(all.source.at_content_end());
    all.source.begin_next_content();
    all.feed(speech_line("a", 1, 0));
    all.queue.finish();
    BOOST_TEST(all.next() == (*before == '\0' ? "1@0: 1 *900" : "2@0: 1 *900"));
  }
}

BOOST_AUTO_TEST_CASE(a_stop_seals_what_the_next_run_would_not_find_and_nothing_else) {
  for (const bool lost : {false, true}) {
    source_fixture all{clock_kind::events, true};
    all.feed(speech_line("a", 1, 0) + speech_line("a", 2, 1) + speech_line("a", 3, 7 * day_ms));
    BOOST_TEST(all.next() == "1@0: 1");
    if (lost) all.end_content();
    all.feed(speech_line("a", 4, 8 * day_ms) + speech_line("a", 5, 9 * day_ms));
    all.queue.finish();
    BOOST_TEST(all.source.keep_unrepeatable_lines() == lost);
    if (not lost) continue;
    BOOST_TEST(all.next() == "2@1: 2");
    BOOST_TEST(all.next() == "3@604800000: 3");
    BOOST_REQUIRE(all.source.at_content_end());
    all.source.begin_next_content();
    BOOST_TEST(not all.source.keep_unrepeatable_lines());
  }
}

BOOST_AUTO_TEST_CASE(many_lines_in_a_row_that_are_too_old_are_told_once) {
  source_fixture all{clock_kind::events};
  std::string text = speech_line("a", 1, 20 * day_ms) + speech_line("a", 2, 20 * day_ms);
  for (int i = 3; i < 2'500; ++i)
    text += i == 500 or i == 1'600 ? speech_line("a", i, 20 * day_ms) : speech_line("a", i, 0);
  all.feed(text);
  all.queue.finish();
  while (all.next() != "-") {
  }
  BOOST_TEST(all.told == "1500 too old, ");
  BOOST_TEST((all.source.stopped() == source_stop::none));
}

namespace {

/// Traffic with wrong stamps, gaps that are real, repeated ids and junk.
std::vector<std::string> lines_with_jumps(std::uint64_t seed) {
  const auto draw = [&seed](std::uint64_t below) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % below;
  };
  std::vector<std::string> lines;
  time_ms instant = 0;
  for (int id = 1; id <= 90; ++id) {
    if (draw(12) == 0) instant += static_cast<time_ms>(draw(4) * day_ms);
    instant += static_cast<time_ms>(draw(3));
    const time_ms wrong = draw(7) == 0 ? static_cast<time_ms>((2 + draw(60)) * day_ms) : 0;
    const auto number = draw(10) == 0 ? std::max(1, id - 3) : id;
    const auto kind = draw(8);
    if (kind == 0)
      lines.push_back("junk\n");
    else if (kind == 1)
      lines.push_back(account_line("a", number, instant + wrong));
    else
      lines.push_back(speech_line(kind % 2 == 0 ? "a" : "b", number, instant + wrong));
  }
  return lines;
}

/// Epochs of `lines` from a source that begins at `state` and sees `size` lines more after each look; after
/// `epochs_max` epochs it ends. Returns the number of lines sealed.
std::size_t seal_in_steps(std::span<const std::string> lines, std::size_t size, std::size_t epochs_max,
                          sealer_state& state, std::vector<std::string>& epochs) {
  source_fixture all{clock_kind::events, true, state};
  for (std::size_t fed = 0, made = 0; made < epochs_max;) {
    if (fed < lines.size())
      for (std::size_t end = std::min(lines.size(), fed + size); fed < end; ++fed)
        all.feed(lines[fed]);
    else
      all.queue.finish();
    const bool last = all.queue.at_end();
    auto each = all.next();
    for (; each != "-"; each = all.next()) {
      epochs.push_back(each);
      state = all.source.state();
      if (++made == epochs_max) break;
    }
    if (last and each == "-") break;
    if (fed >= lines.size() and all.source.at_end()) break;
  }
  return all.lines_sealed;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_followed_depends_on_the_lines_alone) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto lines = lines_with_jumps(seed);
    sealer_state whole_state;
    std::vector<std::string> whole;
    BOOST_REQUIRE_EQUAL(seal_in_steps(lines, lines.size(), 1'000, whole_state, whole), lines.size());
    for (const std::size_t size : {1U, 2U, 5U, 70U}) {
      BOOST_TEST_CONTEXT("seed " << seed << ", " << size << " lines a look") {
        sealer_state state;
        std::vector<std::string> epochs;
        seal_in_steps(lines, size, 1'000, state, epochs);
        BOOST_TEST(epochs == whole, boost::test_tools::per_element());
        BOOST_TEST((state == whole_state));
        // A restart after every `size` epochs.
        state = {};
        epochs.clear();
        for (std::size_t done = 0; done < lines.size();)
          done += seal_in_steps(std::span{lines}.subspan(done), 3, size, state, epochs);
        BOOST_TEST(epochs == whole, boost::test_tools::per_element());
        BOOST_TEST((state == whole_state));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(content_that_follows_other_content_is_sealed_like_the_input_of_a_next_run) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto lines = lines_with_jumps(seed);
    const auto half = std::span{lines}.first(seed * 3 / 2 % lines.size());
    const auto rest = std::span{lines}.subspan(half.size());
    sealer_state state;
    std::vector<std::string> wanted;
    for (const auto& part : {half, rest})
      seal_in_steps(part, 3, 1'000, state, wanted);
    source_fixture all{clock_kind::events};
    std::vector<std::string> epochs;
    const auto seal_all = [&] {
      for (auto each = all.next(); each != "-"; each = all.next())
        epochs.push_back(each);
    };
    for (const auto& line : half)
      all.feed(line);
    all.end_content();
    for (const auto& line : rest)
      all.feed(line);
    seal_all();
    BOOST_REQUIRE(all.source.at_content_end());
    all.source.begin_next_content();
    seal_all();
    all.queue.finish();
    seal_all();
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(epochs == wanted, boost::test_tools::per_element());
      BOOST_TEST((all.source.state() == state));
    }
  }
}

BOOST_AUTO_TEST_CASE(under_the_wall_clock_what_is_replaced_is_sealed_apart) {
  source_fixture all{clock_kind::wall, false};
  all.feed(speech_line("a", 1, day_ms));
  all.end_content();
  all.feed(speech_line("a", 2, day_ms));
  BOOST_TEST(all.next() == "1@86400000: 1");
  BOOST_TEST(all.next() == "-");
  BOOST_REQUIRE(all.source.at_content_end());
  all.source.begin_next_content();
  ++all.now;
  BOOST_TEST(all.next() == "2@86400001: 2");
}

BOOST_AUTO_TEST_CASE(under_the_wall_clock_what_is_there_is_an_epoch) {
  source_fixture all{clock_kind::wall, false};
  std::string text;
  for (int i = 1; i <= 6; ++i)
    text += speech_line("a", i, day_ms - i);
  all.feed(text);
  BOOST_TEST(all.next() == "1@86400000: 1 2 3 4");
  all.now += 5;
  BOOST_TEST(all.next() == "2@86400000: 5 6");
  BOOST_TEST(all.next() == "-");
  all.source.expect_timer(all.now + 1);
  BOOST_TEST(all.next() == "-");
  ++all.now;
  BOOST_TEST(all.next() == "3@86400006:");
}

BOOST_AUTO_TEST_CASE(under_the_wall_clock_own_lines_wait_for_others_or_for_a_timer) {
  const std::string enable = R"({"command":"enable","on":true,"actor":"config","reason":"r"})";
  source_fixture waits{clock_kind::wall, false};
  waits.source.put_first(waits.batch(wire_line("admin", "*", 900, -day_ms, enable), true));
  BOOST_TEST(waits.next() == "-");
  waits.feed(speech_line("a", 1, day_ms));
  BOOST_TEST(waits.next() == "1@86400000: 1 *900");
  source_fixture fires{clock_kind::wall, false};
  fires.source.put_first(fires.batch(wire_line("admin", "*", 900, -day_ms, enable), true));
  BOOST_TEST(fires.next() == "-");
  fires.source.expect_timer(wall_now);
  BOOST_TEST(fires.next() == "1@86400000: *900");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
