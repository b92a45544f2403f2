// SPDX-License-Identifier: Apache-2.0

#include "streams/local/local_source.hpp"

#include <memory>
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
              .clock = [this] { return now; }},
             queue} {}

  std::unique_ptr<input_batch> batch(const std::string& text, bool own = false) {
    auto made = batch_from(text, decoder);
    made->own = own;
    made->first_line = next_line;
    next_line += own ? 0 : made->lines.size();
    return made;
  }

  void feed(const std::string& text) { BOOST_REQUIRE(queue.push(batch(text))); }

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
    return text;
  }

  time_ms now = wall_now;
  std::uint64_t next_line = 1;
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
