// SPDX-License-Identifier: Apache-2.0

#include <deque>
#include <fstream>
#include <set>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>
#include <rapidcheck/boost_test.h>

#include "api/retry_delay.hpp"
#include "api/reviewer/call_limits.hpp"
#include "api/reviewer/chat_answer.hpp"
#include "api/reviewer/chat_request.hpp"
#include "api/reviewer/circuit_breaker.hpp"
#include "api/reviewer/labelled_review.hpp"
#include "api/reviewer/review_failure.hpp"
#include "base/system/files.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

struct counted_call {
  time_ms at;
  std::int64_t money_micro;
};

/// What the calls of the hour before `now` cost, and how many they were.
counted_call sum_of(const std::deque<counted_call>& calls, time_ms from) {
  counted_call all{0, 0};
  for (const auto& each : calls)
    if (each.at > from) {
      ++all.at;
      all.money_micro += each.money_micro;
    }
  return all;
}

/// Random calls against a list of all of them: no 60 minutes hold more than the rule, with restarts in between, and a
/// call is refused only if the last 61 minutes are full.
void limits_hold(const std::vector<std::uint32_t>& waits, bool with_restarts) {
  const test_folder folder;
  const hourly_limit rule{5, 1'000};
  auto limits = call_limits::open(rule, folder.file("limits"), 0).value();
  std::deque<counted_call> made;
  time_ms now = day_ms;
  for (const auto wait : waits) {
    now += wait % (20 * minute_ms);
    const std::int64_t estimate = wait % 400;
    if (with_restarts and wait % 3 == 0) limits = call_limits::open(rule, folder.file("limits"), now).value();
    const auto hour = sum_of(made, now - hour_ms);
    if (limits.check(estimate, now) == limit_state::free) {
      RC_ASSERT(hour.at < 5);
      RC_ASSERT(hour.money_micro == 0 or hour.money_micro + estimate <= 1'000);
      const std::int64_t cost = wait % 7 == 0 ? estimate : wait % 300;
      limits.settle(limits.count(estimate, now).value(), estimate, cost);
      made.push_back({now, cost});
    } else {
      const auto longer = sum_of(made, now - hour_ms - minute_ms);
      RC_ASSERT(longer.at >= 5 or longer.money_micro + estimate > 1'000);
      RC_ASSERT(limits.next_change() > now);
      RC_ASSERT(limits.next_change() <= now + hour_ms + minute_ms);
    }
  }
}

std::string text_of(const result<labelled_review>& read) { return read ? "" : read.error().message; }

} // namespace

BOOST_AUTO_TEST_SUITE(reviewer_parts)

RC_BOOST_PROP(no_hour_holds_more_calls_or_money_than_its_limit,
              (std::vector<std::uint32_t> waits, bool with_restarts)) {
  limits_hold(waits, with_restarts);
}

BOOST_AUTO_TEST_CASE(the_first_call_of_an_hour_is_free_to_cost_more_than_the_limit) {
  auto limits = call_limits::open({0, 100}, {}, 0).value();
  BOOST_TEST((limits.check(500, 0) == limit_state::free));
  limits.settle(limits.count(500, 0).value(), 500, 90);
  BOOST_TEST((limits.check(10, 0) == limit_state::free));
  BOOST_TEST((limits.check(11, 0) == limit_state::money_used_up));
  BOOST_TEST((limits.check(11, hour_ms + minute_ms - 1) == limit_state::money_used_up));
  BOOST_TEST((limits.check(11, hour_ms + minute_ms) == limit_state::free));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_locks_nothing_out_for_longer_than_an_hour) {
  auto limits = call_limits::open({1, 0}, {}, 0).value();
  BOOST_TEST(limits.count(0, 100 * day_ms).has_value());
  BOOST_TEST((limits.check(0, day_ms) == limit_state::requests_used_up));
  BOOST_TEST((limits.check(0, day_ms + hour_ms + minute_ms) == limit_state::free));
}

BOOST_AUTO_TEST_CASE(a_call_that_cannot_be_counted_on_the_disk_is_not_counted_at_all) {
  const test_folder folder;
  auto limits = call_limits::open({1, 0}, folder.file("none") / "limits", 0).value();
  BOOST_TEST(not limits.count(0, 0).has_value());
  BOOST_REQUIRE(limits.problem().has_value());
  BOOST_TEST(limits.problem()->message.find("limits") != std::string::npos);
  BOOST_TEST((limits.check(0, 0) == limit_state::free));
  std::filesystem::create_directory(folder.file("none"));
  BOOST_TEST(limits.count(0, 0).has_value());
  BOOST_TEST(not limits.problem().has_value());
  BOOST_TEST((limits.check(0, 0) == limit_state::requests_used_up));
}

BOOST_AUTO_TEST_CASE(a_state_file_never_lifts_a_limit_and_an_empty_one_holds_no_call) {
  struct row {
    const char* lines;
    limit_state state;
  };
  const row table[] = {
      {"", limit_state::free},
      {"9 1 5\n", limit_state::free},
      {"9 1 5\n9 1 5\n", limit_state::requests_used_up},
      {"9 1 9223372036854775807\n", limit_state::money_used_up},
      {"9 9223372036854775807 0\n10 9223372036854775807 0\n", limit_state::requests_used_up},
      {"9 0 9223372036854775807\n10 0 9223372036854775807\n999 0 9223372036854775807\n", limit_state::money_used_up},
  };
  const test_folder folder;
  for (const auto& each : table) {
    const std::string head = *each.lines == 0 ? "" : "fairuse reviewer limits 1\n";
    BOOST_REQUIRE(replace_file(folder.file("limits"), head + each.lines).has_value());
    auto limits = call_limits::open({2, 100}, folder.file("limits"), 10 * minute_ms).value();
    BOOST_TEST((limits.check(1, 10 * minute_ms) == each.state), each.lines);
  }
}

BOOST_AUTO_TEST_CASE(a_cost_beyond_all_bounds_uses_the_money_up) {
  auto limits = call_limits::open({0, 100}, {}, 0).value();
  limits.settle(limits.count(1, 0).value(), 1, INT64_MAX);
  BOOST_TEST(limits.count(INT64_MAX, 0).has_value());
  BOOST_TEST((limits.check(1, 0) == limit_state::money_used_up));
}

RC_BOOST_PROP(waits_double_and_keep_what_the_endpoint_asked_for, (std::uint8_t failed_before, std::uint64_t chance)) {
  const std::uint32_t failed = failed_before + 1U;
  const auto most = failed > 7 ? retry_most_ms : retry_first_ms << (failed - 1);
  const auto wait = retry_delay_ms(failed, {}, chance);
  RC_ASSERT((wait >= most / 2 and wait <= most));
  const auto asked = retry_delay_ms(failed, 90'000, chance);
  RC_ASSERT((asked >= 90'000 and asked < 90'000 + retry_first_ms));
  RC_ASSERT(retry_delay_ms(failed, 0, chance) >= most / 2);
}

BOOST_AUTO_TEST_CASE(a_breaker_opens_after_failures_in_a_row_and_tries_one_call_at_a_time) {
  circuit_breaker breaker{{3, 1'000}};
  breaker.failed(0);
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(5);
  breaker.failed(5);
  BOOST_TEST(breaker.may_call(9, 5));
  breaker.failed(5);
  BOOST_TEST((breaker.is_open() and breaker.paused_until() == 1'005));
  BOOST_TEST(not breaker.may_call(0, 1'004));
  BOOST_TEST(breaker.may_call(0, 1'005));
  BOOST_TEST(not breaker.may_call(1, 1'005));
  breaker.failed(1'010);
  BOOST_TEST(not breaker.may_call(0, 2'009));
  breaker.succeeded();
  BOOST_TEST((breaker.may_call(9, 1'011) and not breaker.is_open()));
}

BOOST_AUTO_TEST_CASE(costs_are_rounded_up_and_unknown_without_tokens_or_prices) {
  struct row {
    std::optional<token_count> tokens;
    token_price price;
    std::optional<std::int64_t> micro;
  };
  const row table[] = {
      {token_count{1'000, 50}, {1'250'000, 10'000'000}, 1'750},
      {token_count{1, 0}, {1, 0}, 1},
      {token_count{0, 0}, {1, 1}, 0},
      {token_count{1'000'000, 0}, {1, 0}, 1},
      {token_count{1'000'001, 0}, {1, 0}, 2},
      {token_count{1'000'000'000, 1'000'000'000}, {1'000'000'000'000, 1'000'000'000'000}, 2'000'000'000'000'000},
      {token_count{1'000, 50}, {0, 0}, {}},
      {std::nullopt, {1, 1}, {}},
  };
  for (const auto& each : table)
    BOOST_TEST((cost_of(each.tokens, each.price) == each.micro));
}

BOOST_AUTO_TEST_CASE(every_failure_has_a_text_and_a_label_of_its_own) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < review_failure_count; ++i) {
    const auto why = static_cast<review_failure>(i);
    BOOST_TEST(seen.insert(label_of(why)).second);
    BOOST_TEST(to_text(why).empty() == (why == review_failure::none));
  }
}

BOOST_AUTO_TEST_CASE(a_key_is_one_word_of_ascii) {
  for (const char* good : {"sk-abc_123", "x"})
    BOOST_TEST(is_key(good));
  for (const char* bad : {"", "a b", "a\n", "a\r\nX-Other: b", "schl\xc3\xbcssel", "\t"})
    BOOST_TEST(not is_key(bad));
}

BOOST_AUTO_TEST_CASE(a_labelled_review_is_read_or_says_which_member_is_wrong) {
  const std::string one = R"({"conversations":[{"id":"a","title":"t","minutes":61,"source":"sync"}],"misuse":true)";
  const auto good = read_labelled(one + R"(,"recipes":["podcast"],"usage_type":"podcast","cohort":"radio"})");
  BOOST_REQUIRE(good.has_value());
  BOOST_TEST((good->misuse and good->type == usage_type::podcast and good->cohort == "radio"));
  BOOST_TEST(good->request.recipes == recipe_podcast);
  BOOST_TEST((good->request.conversations[0].duration_ms == 61 * minute_ms));
  BOOST_TEST((good->request.conversations[0].from == lane::sync));
  struct row {
    std::string line;
    const char* message;
  };
  const row table[] = {
      {"[]", "is no JSON object"},
      {R"({"misuse":true})", "conversations is missing"},
      {R"({"conversations":[],"misuse":true})", "holds 1 to 30"},
      {R"({"conversations":[{"title":"t"}],"misuse":true})", "id is missing"},
      {R"({"conversations":[{"id":"a"},{"id":"a"}],"misuse":true})", "id is there twice"},
      {R"({"conversations":[{"id":"a","x":1}],"misuse":true})", "a member that is not known"},
      {R"({"conversations":[{"id":"a","source":"tape"}],"misuse":true})", "source is not"},
      {R"({"conversations":[{"id":"a","minutes":1.5}],"misuse":true})", "minutes is out of range"},
      {R"({"conversations":[{"id":"a","ended_at":"now"}],"misuse":true})", "ended_at is no time"},
      {R"({"conversations":[{"id":"a"}]})", "misuse must be true or false"},
      {one + R"(,"misuse":false})", "misuse is there twice"},
      {one + R"(,"recipes":["tv"]})", "recipes names no recipe"},
      {one + R"(,"usage_type":"free_exhausted"})", "usage_type is none"},
      {one + R"(,"windows":[{"window":"daily","sum_ms":-1,"cap_ms":1}]})", "sum_ms is out of range"},
  };
  for (const auto& each : table)
    BOOST_TEST(text_of(read_labelled(each.line)).find(each.message) != std::string::npos, each.line);
}

BOOST_AUTO_TEST_SUITE_END()
