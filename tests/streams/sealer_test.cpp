// SPDX-License-Identifier: Apache-2.0

#include "streams/local/sealer.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "streams/local/local_sink.hpp"

namespace fairuse {
namespace {

constexpr time_ms t0 = 1'700'000'000'000;

event at(time_ms instant, event_kind kind = event_kind::speech) {
  return {.instant = instant, .time = instant, .ms = 1'000, .kind = kind};
}

/// One line and how it must be sealed.
struct row {
  const char* what;
  /// Relative to t0; ignored for lines that are no events.
  time_ms instant;
  event_kind kind;
  bool is_event;
  bool begins;
  applied how;
  /// `now` afterwards, relative to t0, and the number of the open epoch.
  time_ms now;
  std::uint64_t epoch;
};

constexpr row other_line(const char* what, bool begins, time_ms now, std::uint64_t epoch) {
  return {what, 0, event_kind::speech, false, begins, applied::accepted, now, epoch};
}

constexpr row line(const char* what, time_ms instant, bool begins, applied how, time_ms now, std::uint64_t epoch,
                   event_kind kind = event_kind::speech) {
  return {what, instant, kind, true, begins, how, now, epoch};
}

void check(sealer& sealing, const std::vector<row>& rows) {
  for (const auto& each : rows) {
    BOOST_TEST_CONTEXT(each.what) {
      const auto got = each.is_event ? sealing.offer(at(t0 + each.instant, each.kind), "u") : sealing.offer_other();
      BOOST_TEST(got.begins == each.begins);
      BOOST_TEST((got.how == each.how));
      BOOST_TEST(sealing.now() - t0 == each.now);
      BOOST_TEST(sealing.number() == each.epoch);
    }
  }
}

constexpr auto accepted = applied::accepted;

sealer events_sealer(std::uint32_t lines_max = 4) {
  return {{.clock = clock_kind::events, .horizon_ms = horizon_events_ms, .lines_max = lines_max}, {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(sealing_by_the_clock_of_events)

BOOST_AUTO_TEST_CASE(now_is_the_running_maximum_and_a_new_epoch_begins_when_it_moves) {
  auto sealing = events_sealer();
  sealing.start(t0, t0, true);
  check(sealing, {
                     line("the first", 0, true, accepted, 0, 1),
                     line("equal instants share an epoch", 0, false, accepted, 0, 1),
                     line("an older one runs at now", -5'000, false, accepted, 0, 1),
                     line("a later one moves now", 10, true, accepted, 10, 2),
                     line("an account fact moves it too", 20, true, accepted, 20, 3, event_kind::account),
                     line("too old moves nothing", -9 * day_ms, false, applied::too_old, 20, 3),
                     line("too far ahead moves nothing", 41 * day_ms, false, applied::future, 20, 3),
                     line("just not too far", 20 + 40 * day_ms, true, accepted, 20 + 40 * day_ms, 4),
                 });
}

BOOST_AUTO_TEST_CASE(an_epoch_has_at_most_so_many_lines_whatever_they_are) {
  auto sealing = events_sealer(3);
  sealing.start(t0, t0, true);
  check(sealing, {
                     line("the first", 0, true, accepted, 0, 1),
                     other_line("a bad line counts", false, 0, 1),
                     line("and one that is refused", 50 * day_ms, false, applied::future, 0, 1),
                     other_line("the fourth begins the next", true, 0, 2),
                     line("which goes on with the same now", 0, false, accepted, 0, 2),
                 });
}

BOOST_AUTO_TEST_CASE(before_the_first_speech_now_is_the_running_maximum_up_to_its_instant) {
  auto sealing = events_sealer();
  constexpr time_ms first = 60 * day_ms;
  sealing.start(t0, t0 + first, true);
  check(
      sealing,
      {
          other_line("a bad line runs at the first instant", true, 0, 1),
          line("which is this one's", 0, false, accepted, 0, 1, event_kind::admin),
          line("a fact of the past", -90 * day_ms, false, accepted, 0, 1, event_kind::account),
          line("a later command", 500, true, accepted, 500, 2, event_kind::admin),
          line("lateness counts from the speech", 50 * day_ms, true, accepted, 50 * day_ms, 3, event_kind::account),
          line("a fact from after the speech", 70 * day_ms, true, accepted, first, 4, event_kind::account),
          line("one that is too far ahead of it", 101 * day_ms, false, applied::future, first, 4, event_kind::account),
          line("the speech itself", first, false, accepted, first, 4),
          line("from here on nothing bounds it", 71 * day_ms, true, accepted, 71 * day_ms, 5, event_kind::account),
      });
}

BOOST_AUTO_TEST_CASE(the_step_to_the_first_speech_may_be_of_any_size) {
  auto sealing = events_sealer();
  sealing.start(t0, t0 + 900 * day_ms, true);
  check(sealing, {
                     line("a command", 0, true, accepted, 0, 1, event_kind::admin),
                     line("the speech", 900 * day_ms, true, accepted, 900 * day_ms, 2),
                     line("what is that far ahead now", 941 * day_ms, false, applied::future, 900 * day_ms, 2),
                 });
}

// What an input without speech leaves: `now` has a value, and the first speech is looked for in the next input.
BOOST_AUTO_TEST_CASE(an_input_without_speech_leaves_the_opening_to_the_next_one) {
  auto sealing = events_sealer();
  sealing.start(t0, t0 + 9, false);
  check(sealing, {
                     line("a command", 0, true, accepted, 0, 1, event_kind::admin),
                     line("the last one", 9, true, accepted, 9, 2, event_kind::admin),
                 });
  sealing.seal();
  BOOST_TEST((sealing.sealed() == sealer_state{.epoch = 2, .now = t0 + 9, .opening = true}));
  sealer next{{.clock = clock_kind::events, .horizon_ms = horizon_events_ms}, sealing.sealed()};
  BOOST_TEST(next.needs_start());
  next.start(t0, t0 + 90 * day_ms, true);
  check(next, {
                  line("one of the next input", 5, true, accepted, 9, 3, event_kind::admin),
                  line("its first speech", 90 * day_ms, true, accepted, 90 * day_ms, 4),
              });
}

BOOST_AUTO_TEST_CASE(an_erased_user_from_before_the_first_speech_does_not_move_now) {
  auto sealing = events_sealer(10);
  sealing.start(t0, t0, true);
  check(sealing, {
                     line("erased, later than now", 500, true, accepted, 0, 1, event_kind::erasure),
                     line("the speech", 0, false, accepted, 0, 1),
                     line("of the erased user: core will refuse it", 400, false, accepted, 0, 1),
                     line("after the erasure", 501, true, accepted, 501, 2),
                 });
  BOOST_TEST(sealing.sealed().erasures.size() == 1U);
  BOOST_TEST(not sealing.sealed().opening);
  sealing.seal();
  BOOST_TEST(sealing.sealed().erasures.empty());
}

BOOST_AUTO_TEST_CASE(own_lines_stay_with_the_lines_that_follow) {
  auto sealing = events_sealer(2);
  sealing.start(t0, t0, true);
  BOOST_TEST(sealing.offer_config_command().begins);
  BOOST_TEST(not sealing.offer_config_command().begins);
  BOOST_TEST(not sealing.offer_config_command().begins);
  check(sealing, {
                     line("first of the file", 0, false, accepted, 0, 1),
                     line("second", 0, false, accepted, 0, 1),
                     line("third", 0, true, accepted, 0, 2),
                 });
}

BOOST_AUTO_TEST_CASE(futures_in_a_row_are_counted_over_bad_lines_and_end_with_an_accepted_one) {
  auto sealing = events_sealer(100);
  sealing.start(t0, t0, true);
  BOOST_TEST(sealing.offer(at(t0), "u").begins);
  for (int i = 0; i < 3; ++i) {
    (void)sealing.offer(at(t0 + 50 * day_ms), "u");
    (void)sealing.offer_other();
  }
  BOOST_TEST(sealing.future_run() == 3U);
  (void)sealing.offer(at(t0), "u");
  BOOST_TEST(sealing.future_run() == 0U);
}

// Every prefix that ends with a sealed epoch: a sealer made from it seals the rest in the same way.
BOOST_AUTO_TEST_CASE(a_restart_after_any_epoch_changes_nothing) {
  struct step {
    time_ms instant;
    event_kind kind;
  };
  std::vector<step> input = {{5, event_kind::account}, {300, event_kind::account}, {900, event_kind::erasure}};
  for (int i = 0; i < 200; ++i)
    input.push_back({(i * 37) % 91 * 10 + i / 5, i % 11 == 0 ? event_kind::account : event_kind::speech});
  const auto run = [&](std::size_t restart_every) {
    std::string trace;
    auto sealing = events_sealer(3);
    sealing.start(t0 + 5, t0 + 370, true);
    std::size_t sealed_lines = 0;
    std::size_t open_lines = 0;
    std::uint64_t restarted_at = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const auto got = sealing.offer(at(t0 + input[i].instant, input[i].kind), "u");
      if (got.begins and open_lines > 0) {
        sealed_lines += open_lines;
        open_lines = 0;
        if (restart_every > 0 and sealing.sealed().epoch >= restarted_at + restart_every) {
          restarted_at = sealing.sealed().epoch;
          const auto text = encode_sealer_state(sealing.sealed());
          sealing = sealer{{.clock = clock_kind::events, .horizon_ms = horizon_events_ms, .lines_max = 3},
                           *decode_sealer_state(text)};
          i = sealed_lines - 1;
          continue;
        }
      }
      ++open_lines;
      trace.resize(std::min(trace.size(), i * 64));
      auto entry = std::to_string(sealing.number()) + " " + std::to_string(sealing.now()) + " "
                   + std::to_string(static_cast<int>(got.how));
      entry.resize(64, ' ');
      trace += entry;
    }
    return trace;
  };
  const auto undisturbed = run(0);
  for (const std::size_t every : {1U, 2U, 3U, 7U, 20U})
    BOOST_TEST((run(every) == undisturbed));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(sealing_by_the_wall_clock)

BOOST_AUTO_TEST_CASE(an_epoch_has_the_time_of_its_beginning_and_time_never_goes_back) {
  sealer sealing{{.lines_max = 2}, {.epoch = 7, .now = t0 + 100}};
  sealing.tick(t0);
  BOOST_TEST(sealing.offer(at(t0), "u").begins);
  BOOST_TEST(sealing.now() == t0 + 100);
  BOOST_TEST(sealing.number() == 8U);
  sealing.tick(t0 + 200);
  BOOST_TEST(not sealing.offer(at(t0), "u").begins);
  BOOST_TEST(sealing.now() == t0 + 100);
  BOOST_TEST(sealing.offer(at(t0 + 150), "u").begins);
  BOOST_TEST(sealing.now() == t0 + 200);
  sealing.seal();
  BOOST_TEST(sealing.sealed().epoch == 9U);
  sealing.tick(t0 + 150);
  sealing.seal_empty();
  BOOST_TEST(sealing.sealed().epoch == 10U);
  BOOST_TEST(sealing.sealed().now == t0 + 200);
}

BOOST_AUTO_TEST_CASE(five_minutes_ahead_is_the_limit) {
  sealer sealing{{}, {}};
  sealing.tick(t0);
  BOOST_TEST((sealing.offer(at(t0 + 5 * minute_ms), "u").how == accepted));
  BOOST_TEST((sealing.offer(at(t0 + 5 * minute_ms + 1), "u").how == applied::future));
  BOOST_TEST(sealing.now() == t0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_sealer_state_survives_its_text) {
  const sealer_state state{.epoch = 12,
                           .now = t0,
                           .opening = true,
                           .first = t0 + 9,
                           .future_run = 4,
                           .erasures = {{"a \"quoted\" uid", t0 + 1}}};
  BOOST_TEST((decode_sealer_state(encode_sealer_state(state)) == state));
  BOOST_TEST((decode_sealer_state(encode_sealer_state({})) == sealer_state{}));
  for (const auto* bad : {"", "{}", "[]", "{\"epoch\":\"x\"}", "null"})
    BOOST_TEST(not decode_sealer_state(bad).has_value());
  struct {
    const char* text;
    sealer_state state;
  } const earlier_builds[] = {
      {R"({"epoch":3,"opening":0,"future_run":0,"now":7})", {.epoch = 3, .now = 7, .opening = false}},
      {R"({"epoch":3,"opening":2,"future_run":1,"now":7})", {.epoch = 3, .now = 7, .opening = true, .future_run = 1}},
      {R"({"epoch":1,"opening":0,"future_run":0})", {.epoch = 1, .opening = true}},
  };
  for (const auto& each : earlier_builds)
    BOOST_TEST((decode_sealer_state(each.text) == each.state));
}

} // namespace fairuse
