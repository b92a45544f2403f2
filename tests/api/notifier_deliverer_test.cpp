// SPDX-License-Identifier: Apache-2.0
//
// The deliverer against a source and a webhook of the test's own, under a clock that the test turns.

#include <algorithm>
#include <memory>
#include <optional>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "api/notifier/deliverer.hpp"
#include "events/time_text.hpp"

using namespace fairuse;

namespace {

/// Gives notices in order; remembers what was saved, and forgets the rest in a crash.
class test_source final : public notice_source {
public:
  result<std::vector<notice>> poll(std::size_t most, time_ms) override {
    largest_poll = std::max(largest_poll, most);
    std::vector<notice> some;
    for (; next < all.size() and some.size() < most; ++next)
      if (not saved.contains(all[next].id)) {
        some.push_back(all[next]);
        if (const auto tried = saved_tries_.find(all[next].id); tried != saved_tries_.end())
          some.back().tried_since = tried->second;
      }
    return some;
  }
  result<bool> is_held(time_ms) override { return held; }
  result<told_user> user_of(const notice& what, time_ms) override {
    const auto found = users.find(what.uid);
    return found == users.end() ? told_user{.at = what.at} : found->second;
  }
  result<void> failing(const notice& what) override {
    unsaved_tries_[what.id] = what.tried_since;
    return {};
  }
  result<void> finished(const notice& what, const delivery& end) override {
    unsaved_[what.id] = end;
    return {};
  }
  result<void> save(time_ms) override {
    saved.merge(unsaved_);
    saved_tries_.merge(unsaved_tries_);
    unsaved_.clear();
    unsaved_tries_.clear();
    return {};
  }
  void crash() {
    unsaved_.clear();
    unsaved_tries_.clear();
    next = 0;
  }

  std::vector<notice> all;
  std::map<std::string, told_user> users;
  bool held = false;
  std::map<std::string, delivery> saved;
  std::size_t next = 0;
  std::size_t largest_poll = 0;

private:
  std::map<std::string, delivery> unsaved_;
  std::map<std::string, time_ms> saved_tries_;
  std::map<std::string, time_ms> unsaved_tries_;
};

std::string id_in(const outgoing_request& request) {
  for (const auto& each : request.headers)
    if (each.starts_with("webhook-id: ")) return each.substr(12);
  return {};
}

struct posted {
  http_client::ticket ticket = 0;
  std::string id;
  outgoing_request request;
};

/// Everything around one deliverer; restart() is a kill.
struct delivery_world {
  delivery_world() {
    settings.url = "https://mailer.example/hook";
    settings.product = "Listener";
    settings.appeal = "https://listener.example";
    settings.concurrency = 2;
    restart();
  }

  void restart() {
    source.crash();
    under_way.clear();
    tested = std::make_unique<deliverer>(
        settings, secrets, source, figures,
        [this](const outgoing_request& request) {
          under_way.push_back({++last_ticket, id_in(request), request});
          sent_order.push_back(under_way.back().id);
          return last_ticket;
        },
        [this](log_level, const std::string& text) { log += text + "\n"; });
  }

  notice& add(const std::string& uid, const std::string& id) {
    source.all.push_back({.id = id, .decision = id, .uid = uid, .at = stage::warning, .decided_at = now});
    return source.all.back();
  }

  void turn() {
    const auto done = tested->turn(now);
    if (not done) throw std::runtime_error(done.error().message);
  }

  // To the oldest request, or to that of an id.
  void answer(const http_answer& with, std::string_view id = {}) {
    const auto at = std::find_if(under_way.begin(), under_way.end(),
                                 [&](const posted& each) { return id.empty() or each.id == id; });
    if (at == under_way.end()) throw std::runtime_error("nothing is under way");
    const auto ticket = at->ticket;
    under_way.erase(at);
    if (const auto done = tested->answered(ticket, with, now); not done) throw std::runtime_error(done.error().message);
  }
  void answer(int status, std::string_view id = {}) { answer(http_answer{.status = status}, id); }

  std::vector<std::string> ids_under_way() const {
    std::vector<std::string> ids;
    for (const auto& each : under_way)
      ids.push_back(each.id);
    return ids;
  }

  std::string end_of(const std::string& id) const {
    const auto found = source.saved.find(id);
    return found == source.saved.end() ? "" : std::string{to_text(found->second.how)};
  }

  // Until something is under way, or nothing is due for longer than `most_ms`. How long that took.
  std::int64_t wait_for_request(std::int64_t most_ms = 40 * hour_ms) {
    const auto begin = now;
    for (turn(); under_way.empty() and now - begin <= most_ms; turn())
      now = std::clamp(tested->next_due(), now + 1, now + hour_ms);
    return now - begin;
  }

  notifier_settings settings;
  webhook_secrets secrets{"abcdefghijklmnopqrstuvwx"};
  process_metrics metrics;
  notifier_figures figures{metrics};
  test_source source;
  std::unique_ptr<deliverer> tested;
  time_ms now = *time_from("2026-03-01T10:00:00Z");
  http_client::ticket last_ticket = 0;
  std::vector<posted> under_way;
  std::vector<std::string> sent_order;
  std::string log;
};

using ids = std::vector<std::string>;

const http_answer cut_off{.fault = http_fault::broken_off, .error = "mailer.example:443: it ended"};

} // namespace

BOOST_FIXTURE_TEST_SUITE(deliveries, delivery_world)

BOOST_AUTO_TEST_CASE(a_notice_is_posted_signed_and_done) {
  add("u", "a").locale = "de";
  turn();
  BOOST_REQUIRE(under_way.size() == 1U);
  const auto& request = under_way.front().request;
  BOOST_TEST(request.url == settings.url);
  BOOST_TEST(request.timeout_ms == 15'000);
  BOOST_TEST(request.headers == webhook_headers("a", now, request.body, secrets), boost::test_tools::per_element());
  BOOST_TEST(request.body.find(R"("locale":"de")") != std::string::npos);
  answer(204);
  BOOST_TEST(end_of("a") == "");
  turn();
  BOOST_TEST(end_of("a") == "sent");
  BOOST_TEST(tested->waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(a_later_notice_of_a_user_waits_for_the_earlier_one_and_for_nobody_else) {
  add("u", "u1");
  add("u", "u2");
  add("v", "v1");
  turn();
  BOOST_TEST(ids_under_way() == (ids{"u1", "v1"}), boost::test_tools::per_element());
  answer(500, "u1");
  answer(200, "v1");
  turn();
  BOOST_TEST(under_way.empty());
  wait_for_request();
  BOOST_TEST(ids_under_way() == ids{"u1"}, boost::test_tools::per_element());
  answer(200);
  turn();
  BOOST_TEST(ids_under_way() == ids{"u2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_repeat_has_the_same_id_and_body_and_a_new_time) {
  add("u", "a");
  turn();
  const auto first = under_way.front().request;
  answer(cut_off);
  wait_for_request();
  const auto& second = under_way.front().request;
  BOOST_TEST(second.body == first.body);
  BOOST_TEST(id_in(second) == "a");
  BOOST_TEST(second.headers == webhook_headers("a", now, second.body, secrets), boost::test_tools::per_element());
  BOOST_TEST(second.headers != first.headers);
}

BOOST_AUTO_TEST_CASE(waits_double_up_to_the_longest_and_are_half_by_chance) {
  const std::int64_t longest[] = {5'000,   10'000,  20'000,    40'000,    80'000,    160'000,
                                  320'000, 640'000, 1'280'000, 2'560'000, 3'600'000, 3'600'000};
  std::set<std::int64_t> firsts;
  for (std::uint32_t attempts = 1; attempts <= std::size(longest); ++attempts)
    for (int i = 0; i < 100; ++i) {
      const auto wait = retry_wait_ms(settings, attempts, "ntf_" + std::to_string(i));
      BOOST_TEST(wait >= longest[attempts - 1] / 2);
      BOOST_TEST(wait <= longest[attempts - 1]);
      if (attempts == 1) firsts.insert(wait);
    }
  BOOST_TEST(firsts.size() > 90U);
  BOOST_TEST(retry_wait_ms(settings, 4'000'000'000, "a") <= hour_ms);
}

BOOST_AUTO_TEST_CASE(what_is_not_taken_is_tried_again) {
  const http_answer rows[] = {
      {.status = 302},
      {.status = 400},
      {.status = 401},
      {.status = 404},
      {.status = 408},
      {.status = 409},
      {.status = 425},
      {.status = 429},
      {.status = 500},
      {.status = 503},
      cut_off,
      {.fault = http_fault::timed_out},
      {.fault = http_fault::unreachable},
      {.fault = http_fault::tls},
      {.fault = http_fault::broken_off, .status = 200},
      {.fault = http_fault::too_large, .status = 500},
  };
  add("u", "a");
  for (const auto& each : rows) {
    wait_for_request();
    answer(each);
    turn();
    BOOST_TEST(end_of("a") == "", each.status);
  }
  wait_for_request();
  // A webhook that talks too much has taken it all the same.
  answer({.fault = http_fault::too_large, .status = 200});
  turn();
  BOOST_TEST(end_of("a") == "sent");
  BOOST_TEST(source.saved.at("a").attempts == std::size(rows) + 1);
}

BOOST_AUTO_TEST_CASE(a_day_after_its_first_attempt_a_notice_is_given_up_with_its_body) {
  add("u", "a");
  add("u", "b");
  turn();
  const auto begin = now;
  const auto body = under_way.front().request.body;
  while (end_of("a").empty()) {
    BOOST_REQUIRE(ids_under_way() == ids{"a"});
    answer(500);
    turn();
    if (end_of("a").empty()) wait_for_request();
  }
  const auto& end = source.saved.at("a");
  BOOST_TEST(end_of("a") == "gave_up");
  BOOST_TEST(end.at - begin == day_ms);
  BOOST_TEST(end.status == 500);
  BOOST_TEST(end.why == "the webhook answered 500");
  BOOST_TEST(end.body == body);
  // The next one has its own day.
  BOOST_TEST(ids_under_way() == ids{"b"});
  answer(200);
  turn();
  BOOST_TEST(end_of("b") == "sent");
  BOOST_TEST(source.saved.at("b").body == "");
}

BOOST_AUTO_TEST_CASE(the_day_goes_on_over_a_restart) {
  add("u", "a");
  turn();
  answer(500);
  turn();
  now += day_ms;
  restart();
  turn();
  answer(500);
  turn();
  BOOST_TEST(end_of("a") == "gave_up");
}

BOOST_AUTO_TEST_CASE(a_webhook_that_is_gone_is_not_asked_again) {
  add("u", "a");
  turn();
  answer(410);
  turn();
  BOOST_TEST(end_of("a") == "gave_up");
  BOOST_TEST(source.saved.at("a").why == "the webhook is gone (410)");
  BOOST_TEST(source.saved.at("a").body != "");
  BOOST_TEST(log == "gave up notice a after 1 attempts: the webhook is gone (410)\n");
}

BOOST_AUTO_TEST_CASE(retry_after_is_waited_for) {
  add("u", "a");
  turn();
  answer({.status = 500, .retry_after_ms = 60'000});
  BOOST_TEST(wait_for_request() == 60'000);
  // It never makes a wait shorter.
  answer({.status = 500, .retry_after_ms = 0});
  BOOST_TEST(wait_for_request() >= 5'000);
  // And it takes no attempt away.
  answer({.status = 500, .retry_after_ms = 30 * day_ms});
  wait_for_request();
  answer(500);
  turn();
  BOOST_TEST(end_of("a") == "gave_up");
}

BOOST_AUTO_TEST_CASE(a_webhook_that_has_too_much_to_do_gets_a_pause_from_all) {
  for (const int status : {429, 503}) {
    add("u" + std::to_string(status), "a" + std::to_string(status));
    turn();
    answer({.status = status, .retry_after_ms = 60'000});
    add("v" + std::to_string(status), "b" + std::to_string(status));
    BOOST_TEST(wait_for_request() == 60'000);
    while (not under_way.empty()) {
      answer(200);
      turn();
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_while_the_source_is_held) {
  add("u", "a");
  add("u", "b");
  turn();
  source.held = true;
  // What is under way ends.
  answer(200);
  wait_for_request(hour_ms);
  BOOST_TEST(under_way.empty());
  BOOST_TEST(end_of("a") == "sent");
  source.held = false;
  turn();
  BOOST_TEST(ids_under_way() == ids{"b"});
}

BOOST_AUTO_TEST_CASE(a_notice_whose_stage_has_ended_meanwhile_is_dropped) {
  add("u", "a");
  add("u", "b").at = stage::throttle;
  source.held = true;
  turn();
  source.users["u"] = {.at = stage::throttle};
  source.held = false;
  turn();
  answer(500, "a");
  source.users["u"] = {.at = stage::none};
  turn();
  now += 5'000;
  turn();
  BOOST_TEST(under_way.empty());
  BOOST_TEST(end_of("a") == "dropped");
  BOOST_TEST(end_of("b") == "dropped");
  BOOST_TEST(source.saved.at("a").attempts == 1U);
  BOOST_TEST(source.saved.at("b").attempts == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_true_no_more_is_dropped) {
  struct row {
    notice_about about;
    stage at;
    time_ms until;
    told_user who;
    std::string_view why;
  };
  const row rows[] = {
      {notice_about::stage, stage::warning, never, {.at = stage::warning}, ""},
      {notice_about::stage, stage::warning, never, {.at = stage::restrict}, ""},
      {notice_about::stage, stage::throttle, never, {.at = stage::warning}, "the user's stage is lower now"},
      {notice_about::stage, stage::warning, 1'000, {.at = stage::warning}, ""},
      {notice_about::stage, stage::warning, 999, {.at = stage::warning}, "the stage has ended"},
      {notice_about::stage, stage::warning, never, {.erased = true, .at = stage::warning}, "the user was erased"},
      {notice_about::stage, stage::warning, never, {.exempt = true, .at = stage::warning}, "the user is exempt"},
      {notice_about::stage, stage::warning, never, {.at = stage::warning, .since = 500}, ""},
      {notice_about::stage,
       stage::warning,
       never,
       {.at = stage::warning, .since = 501},
       "the user came to the stage anew since"},
      // It was true, and its own notice follows.
      {notice_about::stage, stage::warning, never, {.at = stage::throttle, .since = 501}, ""},
      {notice_about::budget_low, stage::restrict, 1'000, {.at = stage::restrict, .since = 501}, ""},
      {notice_about::budget_low, stage::restrict, 1'000, {.exempt = true, .at = stage::restrict}, "the user is exempt"},
      {notice_about::budget_low, stage::restrict, 999, {.at = stage::restrict}, "the day is over"},
      {notice_about::budget_exhausted,
       stage::restrict,
       1'000,
       {.at = stage::throttle},
       "the user is not at the budget's stage now"},
      {notice_about::budget_exhausted,
       stage::throttle,
       1'000,
       {.at = stage::restrict},
       "the user is not at the budget's stage now"},
      {notice_about::exemption_ended, stage::warning, never, {.at = stage::none}, ""},
      {notice_about::exemption_ended, stage::warning, 999, {.at = stage::none}, ""},
      {notice_about::exemption_ended, stage::none, never, {.exempt = true}, "the user is exempt"},
      {notice_about::exemption_ended, stage::none, never, {.erased = true}, "the user was erased"},
  };
  for (const auto& each : rows) {
    const notice what{.about = each.about, .at = each.at, .decided_at = 500, .until = each.until};
    BOOST_TEST(why_dropped(what, each.who, 1'000) == each.why, &each - rows);
  }
}

BOOST_AUTO_TEST_CASE(an_exemption_that_ended_long_ago_is_no_news) {
  const notice what{.about = notice_about::exemption_ended, .decided_at = 500};
  BOOST_TEST(why_dropped(what, {}, 500 + 7 * day_ms) == "");
  BOOST_TEST(why_dropped(what, {}, 501 + 7 * day_ms) == "the exemption ended long ago");
}

BOOST_AUTO_TEST_CASE(a_budget_is_not_told_after_the_stage_it_belongs_to) {
  auto& low = add("u", "a");
  low.about = notice_about::budget_low;
  low.at = stage::restrict;
  source.users["u"] = {.at = stage::restrict, .locale = "de", .time_zone = "Europe/Berlin"};
  turn();
  const auto& body = under_way.front().request.body;
  for (const std::string_view part : {R"("stage":"restrict")", R"("locale":"de")", R"("time_zone":"Europe/Berlin")"})
    BOOST_TEST(body.find(part) != std::string::npos, body);
  answer(500);
  source.users["u"] = {.at = stage::throttle};
  turn();
  now += 5'000;
  turn();
  BOOST_TEST(end_of("a") == "dropped");
}

BOOST_AUTO_TEST_CASE(memory_and_requests_are_bounded) {
  for (int i = 0; i < 1'000; ++i)
    add("u" + std::to_string(i), "n" + std::to_string(i));
  turn();
  BOOST_TEST(tested->waiting() == 128U);
  BOOST_TEST(source.largest_poll == 128U);
  BOOST_TEST(under_way.size() == 2U);
  // A webhook that takes nothing lets nothing more in.
  for (int i = 0; i < 500; ++i) {
    wait_for_request();
    while (not under_way.empty())
      answer(500);
    BOOST_REQUIRE(tested->waiting() <= 128U);
  }
}

BOOST_AUTO_TEST_CASE(a_failing_webhook_is_said_once) {
  for (int i = 0; i < 10; ++i)
    add("u" + std::to_string(i), "n" + std::to_string(i));
  for (int i = 0; i < 10; ++i) {
    wait_for_request();
    answer(500);
  }
  BOOST_TEST(log == "a notice was not taken: the webhook answered 500; each is tried again for 24h\n");
  // Another kind of failure is news.
  wait_for_request();
  answer(cut_off);
  BOOST_TEST(log.ends_with("\na notice was not taken: mailer.example:443: it ended; each is tried again for 24h\n"));
  const auto before = log;
  while (tested->waiting() > 0) {
    BOOST_TEST(log == before);
    wait_for_request();
    answer(200);
  }
  BOOST_TEST(log == before + "the webhook takes notices again\n");
}

BOOST_AUTO_TEST_CASE(one_notice_that_is_never_taken_does_not_fill_the_log) {
  add("bad", "bad");
  for (int i = 0; i < 50; ++i) {
    add("u" + std::to_string(i), "n" + std::to_string(i));
    wait_for_request();
    while (not under_way.empty())
      answer(under_way.front().id == "bad" ? 400 : 200);
  }
  BOOST_TEST(source.saved.size() >= 40U);
  BOOST_TEST(log == "a notice was not taken: the webhook answered 400; each is tried again for 24h\n");
}

BOOST_AUTO_TEST_CASE(after_stop_only_what_is_under_way_ends) {
  add("u", "a");
  add("u", "b");
  turn();
  tested->stop();
  answer(200);
  turn();
  BOOST_TEST(end_of("a") == "sent");
  BOOST_TEST(under_way.empty());
}

namespace {

// What the webhook has seen must be what at-least-once in order allows.
void check_seen(const delivery_world& world, const std::vector<std::string>& taken) {
  std::map<std::string, ids> of_user;
  for (const auto& each : world.source.all)
    of_user[each.uid].push_back(each.id);
  for (const auto& each : world.source.all) {
    const auto& end = world.source.saved.at(each.id);
    const auto count = std::count(taken.begin(), taken.end(), each.id);
    if (end.how == notice_end::sent) RC_ASSERT(count > 0);
    RC_ASSERT((end.how == notice_end::gave_up) == not end.body.empty());
  }
  // First takes of a user's notices are in their order.
  for (const auto& [uid, all] : of_user) {
    ids firsts;
    for (const auto& each : taken)
      if (std::find(all.begin(), all.end(), each) != all.end()
          and std::find(firsts.begin(), firsts.end(), each) == firsts.end())
        firsts.push_back(each);
    ids wanted = all;
    std::erase_if(wanted,
                  [&](const std::string& id) { return std::find(firsts.begin(), firsts.end(), id) == firsts.end(); });
    RC_ASSERT(firsts == wanted);
  }
}

int random_status() { return *rc::gen::element(200, 204, 302, 404, 410, 429, 500, 503); }

void random_answer(delivery_world& world, std::vector<std::string>& taken) {
  if (world.under_way.empty()) return;
  const auto id = world.under_way[*rc::gen::inRange<std::size_t>(0, world.under_way.size())].id;
  http_answer with{.status = random_status()};
  if (*rc::gen::inRange(0, 4) == 0) with.fault = http_fault::broken_off;
  if (*rc::gen::inRange(0, 4) == 0) with.retry_after_ms = *rc::gen::inRange<std::int64_t>(0, 2 * day_ms);
  // A broken answer does not say whether it was taken.
  if (with.status < 300 and (with.fault == http_fault::none or *rc::gen::arbitrary<bool>())) taken.push_back(id);
  world.answer(with, id);
}

} // namespace

BOOST_AUTO_TEST_CASE(whatever_happens_every_notice_ends_in_order_and_none_is_lost) {
  BOOST_TEST(rc::check([] {
    delivery_world world;
    world.settings.concurrency = *rc::gen::inRange(1U, 5U);
    world.restart();
    std::vector<std::string> taken;
    int made = 0;
    const auto steps = *rc::gen::inRange(1, 120);
    for (int i = 0; i < steps; ++i) {
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
        case 1:
          world.add("u" + std::to_string(*rc::gen::inRange(0, 4)), "n" + std::to_string(made++)).tried_since = never;
          break;
        case 2:
          world.source.held = *rc::gen::arbitrary<bool>();
          break;
        case 3:
          if (*rc::gen::inRange(0, 3) == 0) world.restart();
          break;
        case 4:
          world.now += *rc::gen::inRange<std::int64_t>(0, 3 * hour_ms);
          break;
        default:
          random_answer(world, taken);
      }
      const auto before = world.sent_order.size();
      world.turn();
      if (world.source.held) RC_ASSERT(world.sent_order.size() == before);
      std::set<std::string> users;
      for (const auto& each : world.under_way)
        for (const auto& of : world.source.all)
          if (of.id == each.id) RC_ASSERT(users.insert(of.uid).second);
      RC_ASSERT(world.under_way.size() <= world.settings.concurrency);
    }
    // From here on everything is taken.
    world.source.held = false;
    while (world.source.saved.size() < world.source.all.size()) {
      world.wait_for_request();
      while (not world.under_way.empty()) {
        taken.push_back(world.under_way.front().id);
        world.answer(200);
      }
    }
    check_seen(world, taken);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
