// SPDX-License-Identifier: Apache-2.0
//
// tests/data/events/decisions.ndjson holds the bytes of one decision and more of each kind. They are API: a change here
// is a change for every consumer. FAIRUSE_WRITE_GOLDEN=1 writes the file anew.
#include "events/decision_json.hpp"

#include <cstdlib>
#include <fstream>
#include <set>

#include <boost/test/unit_test.hpp>

#include "tests/events/corpus.hpp"

using namespace fairuse;

namespace {

constexpr time_ms noon = 1'795'339'652'123;

const slot_label live{"live", true, "fair", std::string(64, 'a'), {"daily", "3day", "weekly"}};
const slot_label shadow{"omi-newest", false, "omi-newest", std::string(64, 'b'), {"daily", "3day", "weekly"}};

decision of(decision_kind kind, reason why, const slot_label& slot = live) {
  decision d;
  d.kind = kind;
  d.why = why;
  d.slot = &slot;
  d.time = noon;
  d.sum_count = 3;
  d.sums = {7'200'001, 9'000'000, 20'000'000};
  return d;
}

decision caused(decision d, std::string cause) {
  d.cause = std::move(cause);
  return d;
}

decision scored(decision d, std::int32_t nano, usage_type type, std::uint32_t request) {
  d.scored = true;
  d.score_nano = nano;
  d.type = type;
  d.request = request;
  return d;
}

shared_details said(review_details all) { return std::make_shared<const review_details>(std::move(all)); }

void add_usage(std::vector<decision>& all) {
  auto crossed = caused(of(decision_kind::cap_crossed, reason::cap_exceeded), "e-1");
  crossed.sum_ms = 7'200'001;
  crossed.cap_ms = 7'200'000;
  all.push_back(crossed);
  crossed.slot = &shadow;
  crossed.window = 2;
  all.push_back(crossed);

  auto exhausted = caused(of(decision_kind::budget_exhausted, reason::budget_spent), "stt \"9\"\n");
  exhausted.sum_ms = 1'800'001;
  exhausted.cap_ms = 1'800'000;
  exhausted.until = 1'795'392'000'000;
  exhausted.to = stage::restrict;
  all.push_back(exhausted);
  auto low = caused(of(decision_kind::budget_low, reason::budget_spent), "stt-8");
  low.sum_ms = 1'440'000;
  low.cap_ms = 1'800'000;
  low.until = 1'795'392'000'000;
  low.to = stage::restrict;
  all.push_back(low);
  low.slot = &shadow;
  all.push_back(low);
  auto renewed = of(decision_kind::budget_reset, reason::budget_day_over);
  renewed.sum_ms = 1'800'001;
  renewed.cap_ms = 1'800'000;
  all.push_back(renewed);

  auto engaged = caused(of(decision_kind::restriction_engaged, reason::stage_reached), "r-3");
  engaged.sum_ms = 7'200'001;
  engaged.cap_ms = 7'200'000;
  engaged.until = noon + hour_ms;
  all.push_back(engaged);
  engaged.restriction = restriction_kind::ceiling;
  engaged.why = reason::ceiling_reached;
  engaged.until = never;
  all.push_back(engaged);
  all.push_back(of(decision_kind::restriction_lifted, reason::drained));
  all.push_back(caused(of(decision_kind::content_locked, reason::credits_exhausted), "a-1"));
  all.push_back(caused(of(decision_kind::content_unlocked, reason::credits_restored), "a-2"));
}

void add_reviews(std::vector<decision>& all) {
  auto requested = caused(of(decision_kind::review_requested, reason::cap_exceeded), "e-1");
  requested.request = 3;
  requested.exceeded = 0b101;
  requested.recipes = recipe_audiobook | recipe_podcast;
  requested.until = noon + 30 * minute_ms;
  all.push_back(requested);
  requested.recipes = 0;
  requested.exceeded = 0b010;
  requested.slot = &shadow;
  all.push_back(requested);

  auto cleared = scored(of(decision_kind::review_cleared, reason::verdict), 200'000'000, usage_type::none, 3);
  cleared.prior_30d = 1;
  all.push_back(caused(cleared, "r-3"));
  cleared.said = said({250'000'000, {"c-1"}, "m-1", "p-2/0a1b2c3d", 1'250});
  all.push_back(caused(cleared, "r-3"));
  auto failed = caused(of(decision_kind::review_failed, reason::review_failed), "r-4");
  failed.request = 4;
  failed.who = "the endpoint answered 503";
  failed.until = noon + 15 * minute_ms;
  all.push_back(failed);
  failed.said = said({{}, {}, "m-1", "p-2/0a1b2c3d", 0});
  all.push_back(failed);
  auto timed_out = of(decision_kind::review_timed_out, reason::review_timed_out);
  timed_out.request = 5;
  all.push_back(timed_out);
  auto unanswered = caused(of(decision_kind::review_unanswered, reason::no_live_verdict, shadow), "e-1");
  unanswered.exceeded = 0b1;
  all.push_back(unanswered);
  auto ignored = caused(of(decision_kind::review_ignored, reason::exempt), "r-6");
  all.push_back(scored(ignored, 1'000'000'000, usage_type::tv_movie, 6));
  ignored.why = reason::unknown_request;
  all.push_back(ignored);
}

void add_standing(std::vector<decision>& all) {
  auto strike =
      scored(caused(of(decision_kind::strike_added, reason::verdict), "r-3"), 850'000'000, usage_type::audiobook, 3);
  strike.qualifying = true;
  strike.strike = 4;
  strike.from = stage::warning;
  strike.to = stage::throttle;
  strike.prior_7d = 2;
  strike.prior_30d = 3;
  strike.until = noon + 7 * day_ms;
  all.push_back(strike);
  strike.slot = &shadow;
  all.push_back(strike);
  strike.slot = &live;
  strike.said = said({1'000'000'000, {"c-1", "one \"voice\""}, "m-1", {}, {}});
  all.push_back(strike);
  auto synthetic = scored(caused(of(decision_kind::strike_added, reason::credits_exhausted), "e-1"), 1'000'000'000,
                          usage_type::free_exhausted, 0);
  synthetic.qualifying = true;
  synthetic.strike = 1;
  synthetic.to = stage::warning;
  all.push_back(synthetic);

  auto removed = caused(of(decision_kind::strike_cleared, reason::admin), "c-1");
  removed.strike = 4;
  removed.who = "support:anna";
  removed.note = "a lecture";
  all.push_back(removed);
  auto changed = of(decision_kind::stage_changed, reason::stage_ended);
  changed.from = stage::throttle;
  changed.to = stage::warning;
  changed.until = noon + 30 * day_ms;
  all.push_back(changed);
  auto ordered = caused(of(decision_kind::stage_changed, reason::admin), "c-2");
  ordered.from = stage::restrict;
  ordered.who = "support:anna";
  ordered.note = "asked by phone";
  all.push_back(ordered);
  ordered.why = reason::exempt;
  ordered.to = stage::restrict;
  ordered.until = noon + 30 * day_ms;
  all.push_back(ordered);
  auto switched = caused(of(decision_kind::stage_changed, reason::kill_switch_off), "c-4");
  switched.sum_count = 0;
  switched.who = "ops:cem";
  all.push_back(switched);
}

void add_others(std::vector<decision>& all) {
  auto told = caused(of(decision_kind::notification, reason::verdict), "r-3");
  told.strike = 4;
  for (const auto words : {wording::misuse, wording::credits})
    for (const auto to : {stage::none, stage::warning, stage::throttle, stage::restrict}) {
      told.words = words;
      told.to = to;
      told.until = to == stage::restrict ? never : noon + 7 * day_ms;
      all.push_back(told);
    }
  told.to = stage::warning;
  told.type = usage_type::podcast;
  all.push_back(told);
  auto judged = of(decision_kind::exemption_ended, reason::exemption_ended);
  all.push_back(judged);
  judged.from = judged.to = stage::throttle;
  judged.until = noon + 7 * day_ms;
  all.push_back(judged);
  auto promoted = caused(of(decision_kind::policy_promoted, reason::admin), "c-3");
  promoted.sum_count = 0;
  promoted.who = "policy:ben";
  promoted.promoted = "omi-newest";
  promoted.note = "agreed in March";
  all.push_back(promoted);
  auto erased = caused(of(decision_kind::user_erased, reason::erasure), "x-1");
  erased.slot = nullptr;
  erased.sum_count = 0;
  erased.who = "privacy";
  all.push_back(erased);
}

void add_cases(std::vector<decision>& all) {
  for (const auto kind : {decision_kind::strike_restored, decision_kind::appeal_opened, decision_kind::appeal_closed}) {
    auto about = caused(of(kind, reason::admin), "c-4");
    about.strike = 4;
    about.who = "support:anna";
    if (kind != decision_kind::appeal_opened) about.note = "a lecture";
    all.push_back(about);
  }
}

std::vector<decision> samples() {
  std::vector<decision> all;
  add_usage(all);
  add_reviews(all);
  add_standing(all);
  add_others(all);
  add_cases(all);
  return all;
}

decision_envelope envelope(const std::string& id) {
  return {.id = id, .source = "fairuse/test", .uid = "u-17 \"ü\"", .case_reference = "FU-0123456789AB", .epoch = {}};
}

std::string without(std::string text, std::string_view part) {
  const auto at = text.find(part);
  BOOST_TEST_REQUIRE(at != std::string::npos, text << " has no " << part);
  return text.erase(at, part.size());
}

} // namespace

BOOST_AUTO_TEST_SUITE(decision_json)

BOOST_AUTO_TEST_CASE(decisions_keep_their_bytes) {
  std::vector<std::string> written;
  for (const auto& d : samples())
    append_decision(written.emplace_back(), d, envelope("0-17-" + std::to_string(written.size())));
  if (std::getenv("FAIRUSE_WRITE_GOLDEN") != nullptr) {
    std::ofstream file(corpus::path("decisions.ndjson"), std::ios::binary);
    for (const auto& line : written)
      file << line << '\n';
  }
  const auto golden = corpus::lines("decisions.ndjson");
  BOOST_TEST(written == golden, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_kind_has_a_sample) {
  std::set<decision_kind> kinds;
  for (const auto& d : samples())
    kinds.insert(d.kind);
  BOOST_TEST(kinds.size() == decision_kind_count);
}

BOOST_AUTO_TEST_CASE(a_chain_is_the_decision_without_id_source_epoch_and_case) {
  for (const auto& d : samples()) {
    std::string line;
    append_decision(line, d,
                    {.id = "3-4-5", .source = "s", .uid = "u", .case_reference = "FU-0123456789AB", .epoch = 4});
    std::string chain;
    append_decision_chain(chain, d, "u");
    auto expected = without(without(line, R"(,"id":"3-4-5","source":"s")"), R"(,"epoch":4)");
    if (expected.find("\"case\"") != std::string::npos) expected = without(expected, R"(,"case":"FU-0123456789AB")");
    BOOST_TEST(chain == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_shadow_never_names_a_case) {
  for (auto d : samples()) {
    d.slot = &shadow;
    std::string line;
    append_decision(line, d, envelope("0-1-s1"));
    BOOST_TEST(line.find("FU-") == std::string::npos, line);
  }
}

BOOST_AUTO_TEST_CASE(a_message_promises_an_end_only_if_there_is_one) {
  decision d;
  d.to = stage::throttle;
  BOOST_TEST(notification_message(d).find("ends") == std::string::npos);
  d.until = noon;
  BOOST_TEST(notification_message(d).find("ends at 2026-11-22T09:27:32.123Z") != std::string::npos);
  d.to = stage::none;
  BOOST_TEST(notification_message(d).find("ends") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(requests_are_named_by_slot_and_number) {
  BOOST_TEST(request_name("live", 3) == "live-3");
  BOOST_TEST(request_name("omi-newest", 4'294'967'295) == "omi-newest-4294967295");
}

BOOST_AUTO_TEST_SUITE_END()
