// SPDX-License-Identifier: Apache-2.0
#include "storage/rows.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "core/rules.hpp"
#include "storage/keys.hpp"

using namespace fairuse;

namespace {

constexpr time_ms now = 1'700'000'000'000;

std::shared_ptr<const policy_set> policies() {
  policy live;
  live.name = "fair";
  live.windows = {{"daily", day_ms, hour_ms}};
  policy coarse = live;
  coarse.name = "coarse";
  coarse.metering.bucket_s = 300;
  policy arrival = live;
  arrival.name = "arrival";
  arrival.metering = {60, time_basis::arrival, 0};
  static const auto set = policy_set::make(live, {coarse, arrival});
  return set;
}

std::string any_text() { return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()); }

time_ms any_time() { return *rc::gen::elementOf(std::vector<time_ms>{never, INT64_MIN, 0, 1, now, now + 1}); }

template <class E>
E any_enum(int last) {
  return static_cast<E>(*rc::gen::inRange(0, last + 1));
}

fact_stamp any_stamp() {
  return {*rc::gen::elementOf(std::vector<time_ms>{INT64_MIN, 0, now}), any_text(), any_text()};
}

bool any_bool() { return *rc::gen::arbitrary<bool>(); }

/// Something was said, or there would be none.
shared_details any_details() {
  review_details made;
  if (any_bool()) made.confidence_nano = *rc::gen::arbitrary<std::int32_t>();
  made.evidence.resize(*rc::gen::inRange<std::size_t>(0, 3));
  for (auto& each : made.evidence)
    each = any_text();
  made.model = any_text();
  made.prompt_version = any_text();
  made.cost_micro = *rc::gen::arbitrary<std::int64_t>();
  if (any_bool()) return std::make_shared<const review_details>(made);
  made.cost_micro.reset();
  made.model += "m";
  return std::make_shared<const review_details>(made);
}

mark any_mark() {
  mark made;
  made.at = now - *rc::gen::inRange(0, 1'000'000);
  made.kind = any_enum<mark_kind>(3);
  made.strike = any_bool();
  made.qualifying = any_bool();
  made.cleared = any_enum<reason>(25);
  made.resolved = any_bool();
  made.type = any_enum<usage_type>(7);
  made.score_nano = *rc::gen::arbitrary<std::int32_t>();
  made.from = any_enum<stage>(3);
  made.to = any_enum<stage>(3);
  made.end = any_time();
  made.number = *rc::gen::arbitrary<std::uint32_t>();
  made.request = *rc::gen::arbitrary<std::uint32_t>();
  made.cause = any_text();
  made.policy_digest =
      *rc::gen::element(std::string(), std::string("no digest"), std::string(64, 'F'),
                        std::string("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
  made.notes = any_text();
  if (any_bool()) made.said = any_details();
  std::vector<appeal> appeals(*rc::gen::inRange<std::size_t>(0, appeals_max + 1));
  for (auto& each : appeals)
    each = {any_time(), any_text(), any_time()};
  if (not appeals.empty()) made.appeals = std::make_shared<const std::vector<appeal>>(std::move(appeals));
  return made;
}

standing any_standing() {
  standing made;
  made.marks.resize(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& each : made.marks)
    each = any_mark();
  made.at = any_enum<stage>(3);
  made.since = now;
  made.until = any_time();
  made.last_strike = *rc::gen::arbitrary<std::uint32_t>();
  made.last_request = *rc::gen::arbitrary<std::uint32_t>();
  made.pending = *rc::gen::arbitrary<std::uint32_t>();
  made.asked_at = any_time();
  made.pending_until = any_time();
  made.cooldown_until = any_time();
  made.retry_until = any_time();
  made.failures = *rc::gen::arbitrary<std::uint32_t>();
  made.timed_out = *rc::gen::arbitrary<std::vector<std::uint32_t>>();
  made.last_change_free = any_bool();
  made.utc_day = *rc::gen::arbitrary<std::int32_t>();
  made.used_ms = *rc::gen::arbitrary<std::int64_t>();
  made.exhausted = any_bool();
  made.low = any_bool();
  made.hard = any_bool();
  made.ceiling = any_bool();
  made.locked = any_bool();
  made.drain_due = any_time();
  return made;
}

/// As many fields as `mark` and `standing` have: a new one fails this test until rows.proto has it.
bool same(const mark& left, const mark& right) {
  return left.at == right.at and left.kind == right.kind and left.strike == right.strike
         and left.qualifying == right.qualifying and left.cleared == right.cleared and left.resolved == right.resolved
         and left.type == right.type and left.score_nano == right.score_nano and left.from == right.from
         and left.to == right.to and left.end == right.end and left.number == right.number
         and left.request == right.request and left.cause == right.cause and left.policy_digest == right.policy_digest
         and left.notes == right.notes
         and (left.said == right.said or (left.said and right.said and *left.said == *right.said))
         and (left.appeals == right.appeals or (left.appeals and right.appeals and *left.appeals == *right.appeals));
}

bool same(const standing& left, const standing& right) {
  return std::equal(left.marks.begin(), left.marks.end(), right.marks.begin(), right.marks.end(),
                    [](const mark& one, const mark& other) { return same(one, other); })
         and left.at == right.at and left.since == right.since and left.until == right.until
         and left.last_strike == right.last_strike and left.last_request == right.last_request
         and left.pending == right.pending and left.asked_at == right.asked_at
         and left.pending_until == right.pending_until and left.cooldown_until == right.cooldown_until
         and left.retry_until == right.retry_until and left.failures == right.failures
         and std::ranges::equal(left.timed_out, right.timed_out) and left.last_change_free == right.last_change_free
         and left.utc_day == right.utc_day and left.used_ms == right.used_ms and left.exhausted == right.exhausted
         and left.low == right.low and left.hard == right.hard and left.ceiling == right.ceiling
         and left.locked == right.locked and left.drain_due == right.drain_due;
}

/// Through bytes and back.
template <class T, class Write, class Read>
T again(const T& value, Write&& write, Read&& read) {
  std::string bytes = "what was there before";
  write(value, bytes);
  T made;
  RC_ASSERT(read(bytes, made));
  return made;
}

/// Per bucket, lane and flag. The number of entries of a large amount does not matter.
std::map<std::tuple<bucket_index, lane, bool>, std::int64_t> spoken_in(const bucket_log& log) {
  std::map<std::tuple<bucket_index, lane, bool>, std::int64_t> all;
  for (std::uint32_t i = 0; i < log.size(); ++i) {
    const auto entry = log.at(i);
    all[{entry.bucket, entry.from, entry.while_off}] += entry.ms;
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_standing_survives_its_row) {
  // A new field changes the size; it then needs a field in rows.proto and a line in any_standing() and same().
  BOOST_TEST(sizeof(mark) <= 184U);
  BOOST_TEST(rc::check([] {
    row_codec codec;
    const auto given = any_standing();
    const auto loaded = *rc::gen::arbitrary<time_ms>();
    time_ms read = 0;
    const auto made = again(
        given, [&](const auto& from, auto& to) { codec.write_standing(from, loaded, to); },
        [&](const auto& from, auto& to) { return codec.read_standing(from, to, read); });
    RC_ASSERT(same(given, made));
    RC_ASSERT(read == loaded);
  }));
}

BOOST_AUTO_TEST_CASE(a_core_row_keeps_account_flags_and_admin_ids) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    user who;
    if (any_bool()) {
      who.account = std::make_unique<account_state>();
      *who.account = {*rc::gen::element(std::string("basic"), std::string(), std::string("pro")),
                      any_bool(),
                      any_text(),
                      any_stamp(),
                      any_stamp(),
                      any_stamp(),
                      any_text(),
                      any_stamp()};
    }
    who.exempt = any_bool();
    who.exempt_until = any_time();
    who.erased_at = any_time();
    auto ids = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
    std::sort(ids.begin(), ids.end());
    const bool any_known = any_bool();
    for (const auto id : ids)
      who.admin_ids.push_back({id, any_known ? *rc::gen::arbitrary<std::uint32_t>() : 0});
    std::string row;
    codec.write_core(who, row);
    user made;
    RC_ASSERT(codec.read_core(row, made));
    RC_ASSERT(made.exempt == who.exempt);
    RC_ASSERT(made.exempt_until == who.exempt_until);
    RC_ASSERT(made.erased_at == who.erased_at);
    RC_ASSERT(made.admin_ids == who.admin_ids);
    RC_ASSERT((made.account == nullptr) == (who.account == nullptr));
    if (who.account) {
      RC_ASSERT(made.account->plan == who.account->plan);
      RC_ASSERT(made.account->credits_exhausted == who.account->credits_exhausted);
      RC_ASSERT(made.account->time_zone == who.account->time_zone);
      RC_ASSERT(made.account->plan_stamp == who.account->plan_stamp);
      RC_ASSERT(made.account->credits_stamp == who.account->credits_stamp);
      RC_ASSERT(made.account->time_zone_stamp == who.account->time_zone_stamp);
      RC_ASSERT(made.account->locale == who.account->locale);
      RC_ASSERT(made.account->locale_stamp == who.account->locale_stamp);
    }
  }));
}

BOOST_AUTO_TEST_CASE(buckets_of_all_profiles_survive_their_hours) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    const auto set = policies();
    user who;
    who.metered.resize(set->profiles().size());
    const auto count = *rc::gen::inRange(0, 60);
    for (int i = 0; i < count; ++i) {
      const auto profile = *rc::gen::inRange<std::size_t>(0, who.metered.size());
      const auto bucket_s = set->profiles()[profile].bucket_s;
      const auto bucket = bucket_of(now - *rc::gen::inRange<time_ms>(0, 5 * hour_ms), bucket_s);
      const auto ms = *rc::gen::elementOf(std::vector<std::int64_t>{1, 60'000, 300'000, 777, 1'000'000'000, 40'000});
      who.metered[profile].add(bucket, any_enum<lane>(3), any_bool(), ms);
    }
    user made;
    made.metered.resize(set->profiles().size());
    std::string row;
    for (const auto hour : bucket_hours(who, *set)) {
      RC_ASSERT(codec.write_bucket_hour(who, *set, hour, row));
      RC_ASSERT(codec.read_bucket_hour(row, *set, hour, made));
    }
    for (std::size_t profile = 0; profile < who.metered.size(); ++profile)
      RC_ASSERT(spoken_in(made.metered[profile]) == spoken_in(who.metered[profile]));
  }));
}

BOOST_AUTO_TEST_CASE(buckets_of_another_loading_of_their_profile_do_not_count) {
  row_codec codec;
  const auto coarse = policies()->slots().back().rules;
  const auto loaded_at = [&](time_ms loaded) {
    return policy_set::make(policies()->live().rules, {coarse}, 8 * day_ms, review_mode::shared,
                            {{{coarse.metering, loaded, loaded}}, {}});
  };
  const std::shared_ptr<const policy_set> sets[] = {loaded_at(INT64_MIN), loaded_at(now), loaded_at(now + 1)};
  user who;
  for (const auto& profile : sets[0]->profiles())
    who.metered.emplace_back().add(bucket_of(now, profile.bucket_s), lane::realtime, false, 777);
  std::string row;
  for (const auto& writer : sets)
    for (const auto& reader : sets) {
      user made;
      made.metered.resize(who.metered.size());
      BOOST_REQUIRE(codec.write_bucket_hour(who, *writer, hour_of(now), row));
      BOOST_REQUIRE(codec.read_bucket_hour(row, *reader, hour_of(now), made));
      BOOST_TEST((spoken_in(made.metered[0]) == spoken_in(who.metered[0])));
      BOOST_TEST((spoken_in(made.metered[1]) == spoken_in(who.metered[1])) == (writer == reader));
    }
}

BOOST_AUTO_TEST_CASE(conversations_ids_and_tombstones_survive_their_rows) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    std::vector<conversation> all(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& each : all)
      each = {any_text(), now, any_stamp(), any_text(), any_text(), any_text(), 17, any_enum<lane>(3)};
    std::string row;
    codec.write_conversations(all, row);
    std::vector<conversation> made;
    RC_ASSERT(codec.read_conversations(row, made));
    RC_ASSERT(made.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      RC_ASSERT(made[i].id == all[i].id and made[i].at == all[i].at and made[i].stamp == all[i].stamp
                and made[i].title == all[i].title and made[i].overview == all[i].overview
                and made[i].category == all[i].category and made[i].duration_ms == all[i].duration_ms
                and made[i].from == all[i].from);

    user who;
    for (const auto key : *rc::gen::arbitrary<std::vector<std::uint64_t>>())
      who.ids.add(7, key, 7);
    std::vector<std::uint64_t> keys;
    if (codec.write_id_hour(who, 7, row)) RC_ASSERT(codec.read_id_hour(row, keys));
    // A row has its ids sorted, whatever their order in memory.
    std::vector<std::uint64_t> sorted(who.ids.keys(7).begin(), who.ids.keys(7).end());
    std::sort(sorted.begin(), sorted.end());
    RC_ASSERT(keys == sorted);

    tombstone left{now, {{"live", 3, 9}, {any_text(), 0, 1}}, {{1}, {5, 77}, {UINT64_MAX, 1}}};
    codec.write_tombstone(left, row);
    tombstone found;
    RC_ASSERT(codec.read_tombstone(row, found));
    RC_ASSERT(found == left);
  }));
}

BOOST_AUTO_TEST_CASE(no_bytes_make_the_codec_do_more_than_refuse) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    const auto set = policies();
    auto row = any_text();
    if (any_bool()) {
      codec.write_standing(any_standing(), now, row);
      if (not row.empty())
        row[*rc::gen::inRange<std::size_t>(0, row.size())] ^= static_cast<char>(1 << *rc::gen::inRange(0, 8));
    }
    user who;
    who.metered.resize(set->profiles().size());
    std::vector<std::uint64_t> keys;
    standing given;
    time_ms loaded = 0;
    std::vector<conversation> conversations;
    tombstone left;
    codec.read_core(row, who);
    codec.read_bucket_hour(row, *set, hour_of(now), who);
    codec.read_id_hour(row, keys);
    codec.read_standing(row, given, loaded);
    codec.read_conversations(row, conversations);
    codec.read_tombstone(row, left);
  }));
}

BOOST_AUTO_TEST_CASE(a_row_of_a_newer_version_is_refused) {
  row_codec codec;
  standing given;
  time_ms loaded = 0;
  // Field 1, varint 1.
  BOOST_TEST(not codec.read_standing("\x08\x01", given, loaded));
}

BOOST_AUTO_TEST_CASE(keys_of_one_user_never_hold_those_of_another) {
  BOOST_TEST(rc::check([] {
    const auto uid = any_text().substr(0, keys::uid_bytes_max);
    const auto other =
        *rc::gen::element(uid + '\0', uid + any_text(), uid.substr(0, uid.size() / 2), any_text()).as("another uid");
    RC_PRE(uid != other and other.size() <= keys::uid_bytes_max);
    RC_ASSERT(not keys::user_prefix(other).starts_with(keys::user_prefix(uid)));
    const auto hour = *rc::gen::arbitrary<hour_number>();
    const auto key = keys::hour(keys::user_prefix(uid), keys::user_row::hour, hour);
    const auto parsed = keys::parse_user_row(key);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->uid == uid and parsed->hour == hour and parsed->kind == keys::user_row::hour);
    RC_ASSERT(keys::parse_due(keys::due(other)) == std::string_view(other));
    if (hour < INT32_MAX) RC_ASSERT(key < keys::hour(keys::user_prefix(uid), keys::user_row::hour, hour + 1));
  }));
}
