// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include <boost/test/unit_test.hpp>

#include "tests/streams/history/packed.hpp"
#include "tests/streams/lines.hpp"

namespace fairuse::history {

namespace {

/// Gives a packer events of one user; each is an epoch of its own.
class story {
public:
  explicit story(packer& to) : to_(to) {}

  incoming_event event_of(event_kind kind, const std::string& id, time_ms now, time_ms ago, event_detail detail = {}) {
    event what{.instant = now - ago, .time = now - ago, .kind = kind};
    what.text = arena_.keep("test", id);
    what.key = event_key("test", id);
    if (not std::holds_alternative<std::monostate>(detail)) what.detail = arena_.keep(std::move(detail));
    return {.uid = "ann", .what = what, .epoch = ++epoch_, .now = now};
  }

  void add(const incoming_event& what) { BOOST_REQUIRE(to_.add(what).has_value()); }
  void speak(const std::string& id, time_ms now, time_ms ago = 0) { add(event_of(event_kind::speech, id, now, ago)); }
  void answer(const std::string& id, time_ms now, const std::string& request) {
    add(event_of(event_kind::review, id, now, 0, review_answer{.request = request}));
  }
  void ask(std::uint32_t number, time_ms at, std::uint64_t epoch = 0) {
    BOOST_REQUIRE(to_.add_request({.uid = "ann", .slot = "live", .number = number, .requested_at = at, .epoch = epoch})
                      .has_value());
  }

private:
  packer& to_;
  event_arena arena_;
  std::uint64_t epoch_ = 0;
};

constexpr time_ms start = test_start;

} // namespace

BOOST_AUTO_TEST_SUITE(history_packer)

BOOST_AUTO_TEST_CASE(late_speech_that_comes_again_a_day_later_is_one_event) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    of.speak("late", start, 3 * day_ms);
    of.speak("first", start + hour_ms);
    of.speak("late", start + 25 * hour_ms, 3 * day_ms + 25 * hour_ms);
  });
  BOOST_TEST(ids_of(made, "ann") == "late first");
  BOOST_TEST(made.contents.counts.duplicates == 1U);
}

BOOST_AUTO_TEST_CASE(of_two_events_under_one_id_the_one_that_came_first_counts) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    auto first = of.event_of(event_kind::speech, "one", start, 0);
    first.what.ms = 9'000;
    auto second = first;
    second.what.ms = 7;
    second.place = 1;
    of.add(second);
    of.add(first);
  });
  BOOST_TEST(made.spoken_ms == 9'000);
}

BOOST_AUTO_TEST_CASE(a_request_has_one_answer) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    of.ask(1, start);
    of.ask(2, start + 2 * hour_ms);
    of.ask(3, start + 4 * hour_ms);
    BOOST_REQUIRE(to.add_timeout({.uid = "ann", .slot = "live", .number = 2}, start + 3 * hour_ms).has_value());
    of.speak("speech", start);
    of.answer("a", start + minute_ms, "live-1");
    of.answer("b", start + 2 * minute_ms, "live-1");
    // The same id answers another request.
    of.answer("a", start + 4 * hour_ms, "live-3");
    // The request had timed out: known as late, once.
    of.answer("c", start + 5 * hour_ms, "live-2");
    of.answer("d", start + 5 * hour_ms, "live-2");
    // Nothing was asked under this name.
    of.answer("e", start + 6 * hour_ms, "live-9");
    of.answer("e", start + 6 * hour_ms, "live-9");
  });
  BOOST_TEST(ids_of(made, "ann") == "speech a a c e");
  BOOST_TEST(made.contents.counts.duplicates == 3U);
  const auto& reviews = made.reviews.at("ann");
  BOOST_REQUIRE(reviews.size() == 4U);
  BOOST_TEST((reviews[0].ended == recorded_review::ending::answered));
  BOOST_TEST(reviews[0].ended_at == start + minute_ms);
  BOOST_TEST((reviews[1].ended == recorded_review::ending::timed_out));
  BOOST_TEST(reviews[1].ended_at == start + 3 * hour_ms);
  BOOST_TEST((reviews[2].ended == recorded_review::ending::answered));
  BOOST_TEST(reviews[3].requested_at == never);
}

BOOST_AUTO_TEST_CASE(after_an_erasure_earlier_requests_have_no_answer_left) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    of.ask(1, start);
    of.speak("speech", start);
    of.add(of.event_of(event_kind::erasure, "forget", start + hour_ms, 0, erasure_request{"ada", ""}));
    of.answer("a", start + hour_ms, "live-1");
    of.answer("b", start + 2 * hour_ms, "live-1");
  });
  BOOST_TEST(ids_of(made, "ann") == "speech forget");
  BOOST_TEST(made.contents.counts.refused[static_cast<std::size_t>(refusal::erased)] == 1U);
  BOOST_TEST(made.contents.counts.duplicates == 1U);
}

BOOST_AUTO_TEST_CASE(epochs_of_one_now_have_an_order) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    of.add(of.event_of(event_kind::erasure, "forget", start, 1, erasure_request{"ada", ""}));
    of.ask(1, start, 2);
    for (const std::string id : {"a", "b"})
      of.add(of.event_of(event_kind::review, id, start, -second_ms, review_answer{.request = "live-1"}));
  });
  BOOST_TEST(ids_of(made, "ann") == "forget a");
}

BOOST_AUTO_TEST_CASE(an_erasure_may_come_before_a_request_of_its_epoch) {
  for (const bool before : {true, false}) {
    const auto made = packed([before](packer& to, history_contents&) {
      story of(to);
      of.add(of.event_of(event_kind::erasure, "forget", start, 1, erasure_request{"ada", ""}));
      const incoming_request asked{
          .uid = "ann", .slot = "live", .number = 1, .requested_at = start, .epoch = 1, .after_erasure = before};
      BOOST_REQUIRE(to.add_request(asked).has_value());
      of.add(of.event_of(event_kind::review, "a", start + hour_ms, 0, review_answer{.request = "live-1"}));
    });
    BOOST_TEST(ids_of(made, "ann") == (before ? "forget a" : "forget"));
  }
}

BOOST_AUTO_TEST_CASE(the_id_of_a_refused_command_is_known) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    const auto command = [&](const std::string& id, time_ms at, admin_command what) {
      return of.event_of(event_kind::admin, id, at, 0, std::move(what));
    };
    auto refused = command("clear", start, {.verb = admin_verb::clear_strike, .actor = "ada", .strike = 1});
    refused.refused = refused.notes_id = true;
    of.add(refused);
    of.speak("speech", start);
    of.add(command("clear", start + hour_ms, {.verb = admin_verb::clear_strike, .actor = "ada", .strike = 1}));
    of.add(command("reset", start + hour_ms, {.verb = admin_verb::reset, .actor = "ada"}));
    auto impossible = command("promote", start, {.verb = admin_verb::promote_policy, .actor = "ada", .policy = "x"});
    impossible.uid = "*";
    auto again = impossible;
    again.now = again.what.instant = start + hour_ms;
    again.epoch += 9;
    impossible.refused = true;
    of.add(impossible);
    of.add(again);
  });
  BOOST_TEST(ids_of(made, "ann") == "speech reset");
  BOOST_TEST(made.contents.broadcasts.size() == 0U);
  BOOST_TEST(made.contents.counts.duplicates == 2U);
}

BOOST_AUTO_TEST_CASE(the_first_event_of_every_user_is_whole) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    for (const std::string uid : {"ann", "bob", "cid"})
      for (int i = 0; i < 3; ++i) {
        auto what = of.event_of(event_kind::account, uid + "-" + std::to_string(i), start + i * hour_ms, 0,
                                account_fact{.plan = "plan of " + uid + " number " + std::to_string(i)});
        what.uid = uid;
        of.add(what);
      }
  });
  BOOST_TEST(ids_of(made, "bob") == "bob-0 bob-1 bob-2");
  BOOST_TEST(ids_of(made, "cid") == "cid-0 cid-1 cid-2");
}

BOOST_AUTO_TEST_CASE(the_configuration_s_commands_do_not_begin_the_range) {
  const auto made = packed([](packer& to, history_contents&) {
    story of(to);
    of.speak("speech", start);
    event_arena arena;
    auto exempt = of.event_of(event_kind::admin, "e", start, 20 * 365 * day_ms,
                              admin_command{.verb = admin_verb::exempt, .actor = "configuration", .on = true});
    exempt.what.text = arena.keep(config_source, "e");
    of.add(exempt);
  });
  BOOST_TEST(made.contents.first_instant == start);
  BOOST_TEST(made.contents.counts.all_events() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::history
