// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/outputs/outputs.hpp"

#include <functional>
#include <tuple>

#include <boost/test/unit_test.hpp>

#include "events/decision_json.hpp"
#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::kafka;

namespace {

using fairuse::test::monday;

/// A record that outlives its callback.
struct kept {
  output_topic to;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  std::string header(std::string_view name) const {
    for (const auto& [found, text] : headers)
      if (found == name) return text.value_or("null");
    return "none";
  }
};

std::optional<std::string> keep(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

/// A user of core, whose epochs go through a writer.
class user_with_writer {
public:
  explicit user_with_writer(test::user_fixture who = test::user_fixture{}) : user{std::move(who)} {
    user.who.changed.track = true;
  }

  /// Seal what happened since the last time as one epoch.
  const std::vector<kept>& seal(const broadcast_outcome& broadcast = {}, bool controls_changed = false,
                                std::span<const dead_record> dead = {}) {
    all.clear();
    outcome one;
    one.uid = "u-17";
    one.who = &user.who;
    one.wrote = std::move(user.out);
    user.out.clear();
    writer.write(++epoch, user.now, {&one, 1}, broadcast, controls_changed, dead, [&](const output& what) {
      auto& record = all.emplace_back();
      record.to = what.to;
      record.key = keep(what.key);
      record.value = keep(what.value);
      for (const auto& each : what.headers)
        record.headers.emplace_back(each.name, keep(each.value));
    });
    user.who.changed.clear();
    return all;
  }

  std::vector<kept> of(output_topic to) const {
    std::vector<kept> some;
    for (const auto& each : all)
      if (each.to == to) some.push_back(each);
    return some;
  }

  /// `decisions notifications enforcement`: where the records went, in order.
  std::string topics() const {
    std::string text;
    for (const auto& each : all)
      text.append(text.empty() ? "" : " ").append(kafka::to_text(each.to));
    return text;
  }

  test::user_fixture user;
  std::uint64_t epoch = 6;
  output_writer writer{"fairuse/eu", 3, case_namer{"a key of the tests"}};
  std::vector<kept> all;
};

std::string label(const std::string& name = "plain") { return R"("policy":{"name":")" + name + R"(","digest":"0"})"; }

dead_record poison(std::string_view value) {
  return {.topic = "fairuse.events.v1",
          .partition = 3,
          .offset = 41,
          .why = refusal::missing_field,
          .place = "data.lane",
          .key = "u-17",
          .value = value,
          .headers = {{"trace", "t-1"}, {"empty", std::nullopt}}};
}

kept written(const dead_record& what, std::size_t bytes_max = dead_letter_bytes_default) {
  std::vector<kept> all;
  output_writer writer{"fairuse/eu", 3, case_namer{"a key of the tests"}, bytes_max};
  writer.write(7, monday, {}, {}, false, {&what, 1}, [&](const output& record) {
    auto& one = all.emplace_back();
    one.key = keep(record.key);
    one.value = keep(record.value);
    for (const auto& each : record.headers)
      one.headers.emplace_back(each.name, keep(each.value));
  });
  BOOST_REQUIRE_EQUAL(all.size(), 1U);
  return all.front();
}

} // namespace

BOOST_AUTO_TEST_SUITE(kafka_outputs)

BOOST_AUTO_TEST_CASE(a_decision_goes_out_in_binary_mode) {
  user_with_writer fixture;
  fixture.user.speak(2 * hour_ms + 1);
  const auto crossed = fixture.user.out.decisions.front();
  fixture.seal();
  const auto first = fixture.all.front();
  BOOST_TEST((first.to == output_topic::decisions));
  BOOST_TEST(*first.key == "u-17");
  const std::vector<std::pair<std::string, std::string>> expected{
      {"ce_specversion", "1.0"},           {"ce_id", "3-7-0"},     {"ce_source", "fairuse/eu"},
      {"ce_type", "fairuse.decision.v1"},  {"ce_subject", "u-17"}, {"ce_time", "2026-03-02T00:00:00.000Z"},
      {"content-type", "application/json"}};
  BOOST_REQUIRE_EQUAL(first.headers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(first.headers[i].first == expected[i].first);
    BOOST_TEST(*first.headers[i].second == expected[i].second);
  }
  std::string line;
  append_decision(line, crossed,
                  {.id = "3-7-0", .source = "fairuse/eu", .uid = "u-17", .case_reference = {}, .epoch = 7});
  BOOST_TEST(line.ends_with(R"(,"data":)" + *first.value + "}"));
  BOOST_TEST(first.value->ends_with(R"("epoch":7})"));
}

BOOST_AUTO_TEST_CASE(shadows_are_numbered_apart_and_reach_only_the_decisions) {
  auto shadow = test::shadow("strict");
  shadow.windows.front().cap_ms = hour_ms;
  user_with_writer fixture{test::user_fixture{test::plain(), {shadow}}};
  fixture.user.speak(hour_ms + 1);
  fixture.seal();
  BOOST_TEST(fixture.topics() == "decisions decisions");
  BOOST_TEST(fixture.all[0].header("ce_id") == "3-7-s0");
  BOOST_TEST(fixture.all[1].header("ce_id") == "3-7-s1");
  fixture.user.misuse();
  fixture.seal();
  BOOST_TEST(fixture.of(output_topic::decisions).front().header("ce_id") == "3-8-0");
  for (const auto& each : fixture.all)
    if (each.to != output_topic::decisions) BOOST_TEST(each.value->find(R"("strict")") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_warning_tells_the_mailer_and_the_gateway) {
  user_with_writer fixture;
  fixture.user.misuse();
  fixture.seal();
  BOOST_TEST(fixture.topics()
             == "decisions decisions review-requests decisions decisions decisions notifications enforcement");
  const auto told = fixture.of(output_topic::notifications).front();
  const auto reference = case_namer{"a key of the tests"}.reference("u-17", 1);
  BOOST_TEST(told.header("ce_id") == "3-7-4-n");
  BOOST_TEST(told.header("ce_type") == "fairuse.notification.v1");
  BOOST_TEST(*told.value
             == R"({"decision":"3-7-4","about":"stage","stage":"warning","until":"2026-04-01T00:00:00.000Z","case":")"
                    + reference + R"(","wording":"misuse","usage_type":"audiobook","sums":{"daily":7200001},)"
                    + R"("message":"Your recent use is well above what fair use of your plan )"
                    + R"(covers. This is a warning. It ends at 2026-04-01T00:00:00.000Z.","epoch":7})");
  const auto named = R"("strike":1,"case":")" + reference + '"';
  const auto decided = fixture.of(output_topic::decisions);
  BOOST_TEST(decided[3].value->find(R"({"decision":"stage_changed")") == 0U);
  BOOST_TEST(decided[4].value->find(R"({"decision":"notification")") == 0U);
  for (const auto i : {2U, 3U, 4U})
    BOOST_TEST(decided[i].value->find(named) != std::string::npos, *decided[i].value);
  const auto view = fixture.of(output_topic::enforcement).front();
  BOOST_TEST(view.header("ce_id") == "3-7-e0");
  BOOST_TEST(*view.value
             == R"({"stage":"warning","since":"2026-03-02T00:00:00.000Z","until":"2026-04-01T00:00:00.000Z",)"
                R"("actions":{},"hard_restricted":false,"ceiling":false,"budget_exhausted":false,)"
                R"("content_locked":false,"exempt":false,)"
                    + label() + R"(,"epoch":7})");
}

BOOST_AUTO_TEST_CASE(the_view_holds_what_the_stage_does) {
  auto rules = test::plain();
  rules.steps[1].vad_threshold_nano = 100'000'000;
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  const std::vector<std::tuple<std::string, std::function<void(test::user_fixture&)>, std::string>> rows{
      {"throttle", [](test::user_fixture& user) { user.set_stage(stage::throttle); },
       R"("actions":{"stt_model":"economy","vad_threshold":0.1},"hard_restricted":false,"ceiling":false,)"},
      {"restrict below the cap", [](test::user_fixture& user) { user.set_stage(stage::restrict); },
       R"("actions":{"caps":"hard"},"hard_restricted":false,"ceiling":false,"budget_exhausted":false)"},
      {"restrict above the cap",
       [](test::user_fixture& user) {
         user.speak(2 * hour_ms + 1);
         user.set_stage(stage::restrict);
       },
       R"("actions":{"caps":"hard"},"hard_restricted":true,"ceiling":false,"used_ms":7200001,"limit_ms":7200000,)"
       R"("retry_at":"2026-03-03T00:00:01.000Z",)"},
      {"a spent budget",
       [](test::user_fixture& user) {
         user.set_stage(stage::restrict);
         user.stt(30 * minute_ms);
       },
       R"("budget_exhausted":true,"budget_used_ms":1800000,"budget_ms":1800000,)"
       R"("budget_resets_at":"2026-03-03T00:00:00.000Z","content_locked":false,)"},
      {"locked content", [](test::user_fixture& user) { user.credits(true); },
       R"("content_locked":true,"exempt":false,)"},
      {"exempt",
       [](test::user_fixture& user) {
         user.speak(2 * hour_ms + 1);
         user.set_stage(stage::restrict);
         user.exempt(true);
       },
       R"("hard_restricted":false,"ceiling":false,"budget_exhausted":false,"budget_ms":1800000,"content_locked":false,)"
       R"("exempt":true,)"},
      {"killed meanwhile",
       [](test::user_fixture& user) {
         user.speak(2 * hour_ms + 1);
         user.kill(true);
         user.set_stage(stage::restrict);
       },
       R"("hard_restricted":true)"},
  };
  for (const auto& [name, act, expected] : rows) {
    user_with_writer fixture{test::user_fixture{rules}};
    act(fixture.user);
    fixture.seal();
    const auto views = fixture.of(output_topic::enforcement);
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE_EQUAL(views.size(), 1U);
      BOOST_TEST(*views.front().key == "u-17");
      BOOST_TEST(views.front().value->find(expected) != std::string::npos, *views.front().value);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_changes_no_view_writes_none) {
  user_with_writer fixture;
  fixture.user.speak(hour_ms);
  fixture.user.converse("c-1", hour_ms);
  fixture.seal();
  BOOST_TEST(fixture.topics() == "");
  fixture.user.speak(hour_ms + 1);
  fixture.seal();
  BOOST_TEST(fixture.topics() == "decisions decisions review-requests");
}

BOOST_AUTO_TEST_CASE(a_drain_that_lifts_nothing_tells_the_later_instant) {
  user_with_writer fixture;
  fixture.user.speak(2 * hour_ms + 1);
  fixture.user.set_stage(stage::restrict);
  fixture.seal();
  BOOST_TEST(fixture.of(output_topic::enforcement).front().value->find(R"("retry_at":"2026-03-03T00:00:01.000Z")")
             != std::string::npos);
  fixture.user.wait(hour_ms);
  fixture.user.speak(2 * hour_ms + 2);
  fixture.seal();
  BOOST_TEST(fixture.of(output_topic::enforcement).empty());
  fixture.user.wait(23 * hour_ms + second_ms);
  fixture.user.fire_timers();
  fixture.seal();
  BOOST_TEST(fixture.topics() == "enforcement");
  const auto view = fixture.of(output_topic::enforcement).front();
  BOOST_TEST(view.value->find(R"("used_ms":7200002,"limit_ms":7200000,"retry_at":"2026-03-03T01:00:01.000Z")")
                 != std::string::npos,
             *view.value);
}

BOOST_AUTO_TEST_CASE(a_user_is_told_of_the_budget_and_of_the_end_of_an_exemption) {
  auto rules = test::plain();
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  rules.budget.low_nano = 500'000'000;
  auto shadow = test::shadow("strict");
  shadow.budget = rules.budget;
  shadow.budget.at = stage::warning;
  user_with_writer fixture{test::user_fixture{rules, {shadow}}};
  account_fact fact;
  fact.locale = "pt-BR";
  fact.time_zone = "America/Sao_Paulo";
  fixture.user.give(fixture.user.make(event_kind::account, 0, fact));
  fixture.user.set_stage(stage::restrict);
  fixture.seal();
  BOOST_TEST(fixture.of(output_topic::notifications).size() == 1U);
  fixture.user.stt(20 * minute_ms);
  fixture.user.stt(20 * minute_ms);
  fixture.seal();
  const auto told = fixture.of(output_topic::notifications);
  BOOST_REQUIRE_EQUAL(told.size(), 2U);
  const std::string of_user = R"("locale":"pt-BR","time_zone":"America/Sao_Paulo","epoch":8})";
  BOOST_TEST(*told[0].value
             == R"({"decision":"3-8-0","about":"budget_low","stage":"restrict","until":"2026-03-03T00:00:00.000Z",)"
                R"("sums":{"daily":0},"used_ms":1200000,"budget_ms":1800000,)"
                    + of_user);
  BOOST_TEST(*told[1].value
             == R"({"decision":"3-8-1","about":"budget_exhausted","stage":"restrict",)"
                R"("until":"2026-03-03T00:00:00.000Z","sums":{"daily":0},"used_ms":2400000,"budget_ms":1800000,)"
                    + of_user);
  fixture.user.exempt(true, monday + hour_ms);
  fixture.seal();
  const auto view = fixture.of(output_topic::enforcement).front();
  BOOST_TEST(view.value->find(R"("exempt":true,"exempt_until":"2026-03-02T01:00:00.000Z",)") != std::string::npos);
  fixture.user.wait(2 * hour_ms);
  fixture.user.fire_timers();
  fixture.seal();
  BOOST_TEST(fixture.topics() == "decisions notifications enforcement");
  BOOST_TEST(
      *fixture.of(output_topic::notifications).front().value
      == R"({"decision":"3-10-0","about":"exemption_ended","stage":"restrict","until":"2026-04-01T00:00:00.000Z",)"
         R"("sums":{"daily":0},"locale":"pt-BR","time_zone":"America/Sao_Paulo","epoch":10})");
  BOOST_TEST(fixture.all.back().value->find(R"("exempt":false,"policy")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_erased_user_leaves_a_tombstone_and_no_questions) {
  user_with_writer fixture;
  fixture.user.misuse();
  fixture.user.erase();
  fixture.seal();
  BOOST_TEST(fixture.of(output_topic::notifications).empty());
  BOOST_TEST(fixture.of(output_topic::review_requests).empty());
  const auto views = fixture.of(output_topic::enforcement);
  BOOST_REQUIRE_EQUAL(views.size(), 1U);
  BOOST_TEST(not views.front().value.has_value());
  BOOST_TEST(*views.front().key == "u-17");
  BOOST_TEST(views.front().header("content-type") == "none");
  BOOST_TEST(views.front().header("ce_id") == "3-7-e0");
}

BOOST_AUTO_TEST_CASE(who_comes_back_in_the_same_epoch_has_a_view_again) {
  user_with_writer fixture;
  fixture.user.misuse();
  fixture.user.erase();
  fixture.user.wait(1);
  fixture.user.set_stage(stage::warning);
  fixture.seal();
  const auto views = fixture.of(output_topic::enforcement);
  BOOST_REQUIRE_EQUAL(views.size(), 1U);
  BOOST_TEST(views.front().value->starts_with(R"({"stage":"warning")"));
  BOOST_TEST(fixture.of(output_topic::notifications).size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_controls_have_a_row_of_their_own) {
  user_with_writer fixture;
  const auto before = policy_set::make(test::plain(), {test::shadow("strict")});
  const auto after = before->promoted("strict");
  const auto command = fixture.user.make(
      event_kind::admin, 0, admin_command{.verb = admin_verb::promote_policy, .actor = "ada", .policy = "strict"});
  broadcast_outcome broadcast{.in_force = {true, true, after.get()}};
  broadcast.decisions.push_back(promotion(*after, command, monday));
  fixture.seal(broadcast, true);
  BOOST_TEST(fixture.topics() == "decisions enforcement");
  BOOST_TEST(*fixture.all[0].key == "*");
  BOOST_TEST(fixture.all[0].header("ce_subject") == "*");
  BOOST_TEST(*fixture.all[1].key == "*");
  BOOST_TEST(*fixture.all[1].value
             == R"({"enabled":true,"kill_switch":true,"policy":{"name":"strict","digest":"strict"},"stages":)"
                R"({"warning":{},"throttle":{"stt_model":"economy"},"restrict":{"caps":"hard"}},"epoch":7})");
}

BOOST_AUTO_TEST_CASE(a_promotion_writes_the_views_of_whom_it_reaches) {
  auto mild = test::shadow("mild");
  mild.steps[1].economy_stt = false;
  user_with_writer fixture{test::user_fixture{test::plain(), {mild}}};
  fixture.user.set_stage(stage::throttle);
  fixture.seal();
  fixture.user.promote("mild");
  broadcast_outcome broadcast{.in_force = fixture.user.in_force};
  broadcast.decisions.push_back(promotion(
      *fixture.user.policies, fixture.user.make(event_kind::admin, 0, admin_command{.policy = "mild"}), monday));
  fixture.seal(broadcast, true);
  BOOST_TEST(fixture.topics() == "decisions enforcement enforcement");
  BOOST_TEST(fixture.all[2].value->find(R"("actions":{},)") != std::string::npos);
  BOOST_TEST(fixture.all[2].value->find(R"("policy":{"name":"mild","digest":"mild"})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_review_request_holds_what_a_reviewer_needs) {
  user_with_writer fixture;
  fixture.user.converse("c-old", hour_ms, "work", 7 * day_ms + 1);
  fixture.user.converse("c-1", 2 * hour_ms, "books", hour_ms);
  fixture.user.speak(2 * hour_ms + 1);
  fixture.seal();
  const auto asked = fixture.of(output_topic::review_requests).front();
  BOOST_TEST(asked.header("ce_id") == "3-7-1-r");
  BOOST_TEST(asked.header("ce_type") == "fairuse.review-request.v1");
  BOOST_TEST(*asked.value
             == R"({"request":"live-1","slot":"live",)" + label()
                    + R"(,"answer_by":"2026-03-02T00:30:00.000Z",)"
                      R"("windows":[{"window":"daily","sum_ms":7200001,"cap_ms":7200000}],"recipes":[],)"
                      R"("conversations":[{"conversation":"c-1","at":"2026-03-01T23:00:00.000Z","title":"",)"
                      R"("overview":"","category":"books","duration_ms":7200000,"lane":"realtime"}],"epoch":7})");
}

BOOST_AUTO_TEST_CASE(a_shadow_that_asks_asks_by_its_own_name) {
  auto curious = test::shadow("curious-2");
  curious.windows.front().cap_ms = hour_ms;
  curious.review.shadow_asks = true;
  user_with_writer fixture{test::user_fixture{test::plain(), {curious}}};
  fixture.user.speak(hour_ms + 1);
  fixture.seal();
  const auto asked = fixture.of(output_topic::review_requests);
  BOOST_REQUIRE_EQUAL(asked.size(), 1U);
  BOOST_TEST(asked.front().header("ce_id") == "3-7-s1-r");
  BOOST_TEST(asked.front().value->starts_with(R"({"request":"curious-2-1","slot":"curious-2",)"));
  BOOST_TEST(asked.front().value->find(R"("sum_ms":3600001,"cap_ms":3600000)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_same_epoch_gives_the_same_bytes) {
  std::vector<std::string> runs;
  for (int run = 0; run < 2; ++run) {
    user_with_writer fixture{test::user_fixture{test::fair()}};
    std::string bytes;
    for (int day = 0; day < 5; ++day) {
      fixture.user.misuse();
      for (const auto& each : fixture.seal()) {
        bytes += each.key.value_or("-") + each.value.value_or("-");
        for (const auto& [name, value] : each.headers)
          bytes += name + value.value_or("-");
      }
      fixture.user.wait(day_ms);
    }
    runs.push_back(bytes);
  }
  BOOST_TEST(runs[0] == runs[1]);
  BOOST_TEST(runs[0].find("restrict") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_the_record_and_what_was_wrong_with_it) {
  const auto dead_letter = written(poison("{\"broken\":"));
  BOOST_TEST(*dead_letter.key == "u-17");
  BOOST_TEST(*dead_letter.value == "{\"broken\":");
  std::string text;
  for (const auto& [name, value] : dead_letter.headers)
    text += name + "=" + value.value_or("null") + "\n";
  BOOST_TEST(text
             == "trace=t-1\nempty=null\nfairuse.error.reason=missing_field\nfairuse.error.place=data.lane\n"
                "fairuse.error.remedy=Add the member.\nfairuse.error.topic=fairuse.events.v1\n"
                "fairuse.error.partition=3\nfairuse.error.offset=41\nfairuse.error.epoch=7\n");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_says_behind_the_remedy_what_is_known_about_it) {
  auto record = poison("");
  record.why = refusal::bad_value;
  record.place = "data.strike";
  record.note = "The user has no strike now.";
  const auto said = written(record).header("fairuse.error.remedy");
  BOOST_TEST(said == std::string(remedy(refusal::bad_value, "data.strike")) + " The user has no strike now.");
  BOOST_TEST(said != remedy(refusal::bad_value, "data.stage", record.note));
}

BOOST_AUTO_TEST_CASE(a_dead_letter_without_key_value_and_place_has_none) {
  auto record = poison("");
  record.key.reset();
  record.value.reset();
  record.place.clear();
  const auto dead_letter = written(record);
  BOOST_TEST(not dead_letter.key.has_value());
  BOOST_TEST(not dead_letter.value.has_value());
  BOOST_TEST(dead_letter.header("fairuse.error.place") == "none");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_at_the_limit_of_inputs_is_whole) {
  const std::string value(std::size_t{1} << 20, 'x');
  BOOST_TEST(written(poison(value)).value->size() == value.size());
}

BOOST_AUTO_TEST_CASE(a_dead_letter_beyond_the_limit_is_cut_and_says_so) {
  const std::string value(4096, 'x');
  auto record = poison(value);
  const auto dead_letter = written(record, 2048);
  BOOST_TEST(dead_letter.value->size() > 0U);
  BOOST_TEST(dead_letter.value->size() < 2048U);
  BOOST_TEST(dead_letter.header("trace") == "t-1");
  BOOST_TEST(dead_letter.header("fairuse.error.value_bytes") == "4096");
  BOOST_TEST(dead_letter.header("fairuse.error.value_sha256")
             == "a2e659dacb4691e887ac0139f8893d04764ee197d70fb73d3190d56113d18e3e");
  const std::string noise(4096, 'y');
  record.headers.push_back({"noise", noise});
  record.key = value;
  const auto rest = written(record, 2048);
  BOOST_TEST(rest.value->empty());
  BOOST_TEST(rest.header("trace") == "none");
  BOOST_TEST(rest.header("fairuse.error.headers_bytes") == "4120");
  BOOST_TEST(rest.header("fairuse.error.key_bytes") == "4096");
  BOOST_TEST(rest.key->size() < 2048U);
}

BOOST_AUTO_TEST_SUITE_END()
