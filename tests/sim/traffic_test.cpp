// SPDX-License-Identifier: Apache-2.0

#include "sim/traffic.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim {

using testing::shipped_population;

namespace {

constexpr std::uint32_t month = 30;

/// Traffic of the shipped population, one user after the other.
struct shipped_traffic {
  explicit shipped_traffic(std::uint64_t seed, std::uint32_t days = month)
    : of(shipped_population(), seed), writer(of, days) {}

  const user_traffic& write(std::uint32_t user) {
    writer.write(user, one);
    return one;
  }

  composition of;
  traffic_writer writer;
  user_traffic one;
};

bool same_event(const event& left, const event& right) {
  return left.instant == right.instant && left.time == right.time && left.key == right.key && left.ms == right.ms
         && left.kind == right.kind && left.from == right.from && (left.detail == nullptr) == (right.detail == nullptr);
}

bool same_traffic(const user_traffic& left, const user_traffic& right) {
  return std::equal(
      left.arrivals.begin(), left.arrivals.end(), right.arrivals.begin(), right.arrivals.end(),
      [](const arrival& one, const arrival& other) { return one.at == other.at && same_event(one.what, other.what); });
}

/// Speech of each local day as a meter would see it: duplicates counted once.
std::vector<std::int64_t> daily_speech(const composition& of, const user_traffic& traffic, std::uint32_t days) {
  std::vector<std::int64_t> speech(days);
  std::set<std::uint64_t> seen;
  const time_ms begin = of.day_begin(traffic.traits, 0);
  for (const arrival& each : traffic.arrivals) {
    if (each.what.kind == event_kind::speech && seen.insert(each.what.key).second)
      speech[static_cast<std::size_t>((each.what.time - begin) / day_ms)] += each.what.ms;
  }
  return speech;
}

/// The first user of a cohort.
std::uint32_t user_of(const composition& of, const std::string& cohort) {
  std::uint32_t user = 0;
  while (of.people().cohorts[of.traits(user).cohort].name != cohort)
    ++user;
  return user;
}

struct account_history {
  std::vector<std::string> plans;
  int exhausted = 0;
  int restored = 0;
};

account_history history_of(const user_traffic& traffic) {
  account_history history;
  for (const arrival& each : traffic.arrivals) {
    if (each.what.kind != event_kind::account) continue;
    const auto& fact = detail_of<account_fact>(each.what);
    if (fact.plan) history.plans.push_back(*fact.plan);
    if (fact.credits_exhausted) ++(*fact.credits_exhausted ? history.exhausted : history.restored);
  }
  return history;
}

} // namespace

BOOST_AUTO_TEST_SUITE(traffic)

BOOST_AUTO_TEST_CASE(daily_speech_of_the_population_has_the_observed_quantiles) {
  // Without duplicates the speech of a day is a plain sum, which matters for 19 million events.
  population people = shipped_population();
  people.faults.duplicates = 0;
  const composition of(people, 1);
  traffic_writer writer(of, month);
  user_traffic one;
  std::vector<std::int64_t> days;
  for (std::uint32_t user = 0; user < 20'000; ++user) {
    writer.write(user, one);
    std::array<std::int64_t, month> speech{};
    const time_ms begin = of.day_begin(one.traits, 0);
    for (const arrival& each : one.arrivals) {
      if (each.what.kind == event_kind::speech)
        speech[static_cast<std::size_t>((each.what.time - begin) / day_ms)] += each.what.ms;
    }
    std::copy_if(speech.begin(), speech.end(), std::back_inserter(days), [](std::int64_t ms) { return ms > 0; });
  }
  std::sort(days.begin(), days.end());
  const auto quantile = [&](std::size_t percent) {
    return static_cast<double>(days[(days.size() * percent + 99) / 100 - 1]);
  };
  const auto within_five_percent = boost::test_tools::tolerance(0.05);
  BOOST_TEST(quantile(50) == 12.7 * minute_ms, within_five_percent);
  BOOST_TEST(quantile(95) == 2.1 * hour_ms, within_five_percent);
  BOOST_TEST(quantile(99) == 3.4 * hour_ms, within_five_percent);
  BOOST_TEST(quantile(100) == 11.7 * hour_ms, within_five_percent);
  BOOST_TEST(days.back() <= 42'120'000);
}

RC_BOOST_PROP(traffic_does_not_depend_on_the_user_written_before, (std::uint64_t seed)) {
  const auto user = *rc::gen::inRange<std::uint32_t>(0, 1'000'000);
  const auto other = *rc::gen::inRange<std::uint32_t>(0, 1'000'000);
  shipped_traffic fresh(seed, 7);
  shipped_traffic used(seed, 7);
  used.write(other);
  RC_ASSERT(same_traffic(fresh.write(user), used.write(user)));
}

RC_BOOST_PROP(speech_of_a_day_is_what_the_population_drew, (std::uint64_t seed)) {
  const auto user = *rc::gen::inRange<std::uint32_t>(0, 1'000'000);
  shipped_traffic traffic(seed, 10);
  const user_traffic& one = traffic.write(user);
  const auto got = daily_speech(traffic.of, one, 10);
  for (std::uint32_t day = 0; day < 10; ++day) {
    random_stream random(seed, user, purpose::day, day);
    RC_ASSERT(got[day] == traffic.of.daily_speech_ms(one.traits, day, random));
  }
}

RC_BOOST_PROP(events_come_in_order_and_never_before_they_happened, (std::uint64_t seed)) {
  const auto user = *rc::gen::inRange<std::uint32_t>(0, 1'000'000);
  shipped_traffic traffic(seed, 10);
  const time_ms start = shipped_population().start;
  time_ms before = start;
  for (const arrival& each : traffic.write(user).arrivals) {
    RC_ASSERT(each.at >= before);
    RC_ASSERT(each.what.instant <= each.at);
    RC_ASSERT(each.what.instant >= start);
    RC_ASSERT(each.what.instant == each.what.time);
    RC_ASSERT(each.what.text == nullptr);
    if (each.what.kind == event_kind::speech) RC_ASSERT(each.what.ms > 0 && each.what.ms <= minute_ms);
    before = each.at;
  }
}

BOOST_AUTO_TEST_CASE(a_seed_changes_the_traffic) {
  shipped_traffic first(1);
  shipped_traffic second(2);
  BOOST_TEST(!same_traffic(first.write(5), second.write(5)));
}

BOOST_AUTO_TEST_CASE(minutes_of_a_user_never_overlap) {
  shipped_traffic traffic(3);
  for (std::uint32_t user = 0; user < 300; ++user) {
    std::set<time_ms> begins;
    for (const arrival& each : traffic.write(user).arrivals) {
      if (each.what.kind == event_kind::speech) begins.insert(each.what.time);
    }
    time_ms before = 0;
    for (const time_ms begin : begins) {
      BOOST_REQUIRE(begin - before >= minute_ms);
      before = begin;
    }
  }
}

BOOST_AUTO_TEST_CASE(stt_covers_exactly_the_speech) {
  shipped_traffic traffic(3);
  for (std::uint32_t user = 0; user < 300; ++user) {
    std::set<std::uint64_t> seen;
    std::int64_t speech = 0;
    std::int64_t stt = 0;
    for (const arrival& each : traffic.write(user).arrivals) {
      if (each.what.ms > 0 && seen.insert(each.what.key).second)
        (each.what.kind == event_kind::speech ? speech : stt) += each.what.ms;
    }
    BOOST_REQUIRE(speech == stt);
  }
}

BOOST_AUTO_TEST_CASE(faults_come_as_often_as_the_population_says) {
  shipped_traffic traffic(1);
  double metered = 0;
  double duplicates = 0;
  double uploaded = 0;
  double backfilled = 0;
  for (std::uint32_t user = 0; user < 2'000; ++user) {
    std::set<std::uint64_t> seen;
    for (const arrival& each : traffic.write(user).arrivals) {
      if (each.what.kind != event_kind::speech && each.what.kind != event_kind::stt) continue;
      ++metered;
      if (!seen.insert(each.what.key).second) ++duplicates;
      uploaded += each.what.from == lane::sync ? 1 : 0;
      backfilled += each.what.from == lane::backfill ? 1 : 0;
      BOOST_REQUIRE(each.at - each.what.time < 10 * day_ms);
    }
  }
  BOOST_TEST(duplicates / metered == 0.002, boost::test_tools::tolerance(0.1));
  BOOST_TEST(uploaded / metered > 0.02);
  BOOST_TEST(uploaded / metered < 0.08);
  BOOST_TEST(backfilled > 0);
}

BOOST_AUTO_TEST_CASE(users_keep_their_level) {
  shipped_traffic traffic(1);
  // Of two users of a cohort, the one who speaks more in the first half of the month mostly does so in the second too.
  double agree = 0;
  double pairs = 0;
  std::vector<std::pair<double, double>> halves;
  for (std::uint32_t user = 0; halves.size() < 200; ++user) {
    if (shipped_population().cohorts[traffic.of.traits(user).cohort].name != "ordinary") continue;
    const auto days = daily_speech(traffic.of, traffic.write(user), month);
    std::pair<double, double> half;
    for (std::size_t day = 0; day < month; ++day)
      (day < month / 2 ? half.first : half.second) += static_cast<double>(days[day]);
    halves.push_back(half);
  }
  for (std::size_t i = 0; i < halves.size(); ++i) {
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      agree += (halves[i].first < halves[earlier].first) == (halves[i].second < halves[earlier].second) ? 1 : 0;
      pairs += 1;
    }
  }
  BOOST_TEST(agree / pairs > 0.75);
}

BOOST_AUTO_TEST_CASE(sessions_and_conversations_are_those_of_the_cohort) {
  shipped_traffic traffic(1);
  std::map<std::string, std::int64_t> durations;
  for (const arrival& each : traffic.write(user_of(traffic.of, "content_farm")).arrivals) {
    if (each.what.kind == event_kind::conversation) {
      const auto& fact = detail_of<conversation_fact>(each.what);
      BOOST_TEST(durations.emplace(fact.conversation, fact.duration_ms).second);
      BOOST_TEST((fact.category == "entertainment" || fact.category == "education"));
    }
  }
  // Nearly equal lengths, but for the rest of each day: the middle half lies close together.
  std::vector<std::int64_t> lengths;
  lengths.reserve(durations.size());
  for (const auto& [name, duration] : durations)
    lengths.push_back(duration);
  std::sort(lengths.begin(), lengths.end());
  BOOST_REQUIRE(lengths.size() > 60U);
  const std::int64_t low = lengths[lengths.size() / 4];
  const std::int64_t high = lengths[lengths.size() * 3 / 4];
  BOOST_TEST(high * 10 < low * 13);
}

BOOST_AUTO_TEST_CASE(free_users_pay_or_are_exhausted_once_their_minutes_are_used_up) {
  // Two months, so that the second one gives the credits back.
  shipped_traffic traffic(1, 60);
  int exhausted = 0;
  int restored = 0;
  int late_upgrades = 0;
  for (std::uint32_t user = 0; user < 4'000; ++user) {
    const cohort& own_cohort = shipped_population().cohorts[traffic.of.traits(user).cohort];
    if (own_cohort.label != truth::exhausted) continue;
    const account_history history = history_of(traffic.write(user));
    BOOST_TEST(history.plans.front() == "basic");
    BOOST_TEST((history.restored == history.exhausted || history.restored + 1 == history.exhausted));
    exhausted += history.exhausted > 0 ? 1 : 0;
    restored += history.restored > 0 ? 1 : 0;
    late_upgrades += history.plans.size() > 1 ? 1 : 0;
  }
  BOOST_TEST(exhausted >= 15);
  BOOST_TEST(restored >= 10);
  BOOST_TEST(late_upgrades >= 1);

  for (std::uint32_t user = 0; user < 500; ++user) {
    if (shipped_population().cohorts[traffic.of.traits(user).cohort].label == truth::exhausted) continue;
    BOOST_TEST(history_of(traffic.write(user)).exhausted == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
