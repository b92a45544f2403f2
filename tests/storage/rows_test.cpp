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

mark any_mark() {
  mark m;
  m.at = now - *rc::gen::inRange(0, 1'000'000);
  m.kind = any_enum<mark_kind>(3);
  m.strike = any_bool();
  m.qualifying = any_bool();
  m.cleared = any_enum<reason>(25);
  m.resolved = any_bool();
  m.type = any_enum<usage_type>(7);
  m.score_nano = *rc::gen::arbitrary<std::int32_t>();
  m.from = any_enum<stage>(3);
  m.to = any_enum<stage>(3);
  m.end = any_time();
  m.number = *rc::gen::arbitrary<std::uint32_t>();
  m.request = *rc::gen::arbitrary<std::uint32_t>();
  m.cause = any_text();
  m.policy_digest = *rc::gen::element(std::string(), std::string("no digest"), std::string(64, 'F'),
                                      std::string("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
  m.notes = any_text();
  return m;
}

standing any_standing() {
  standing s;
  s.marks.resize(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& m : s.marks)
    m = any_mark();
  s.at = any_enum<stage>(3);
  s.since = now;
  s.until = any_time();
  s.last_strike = *rc::gen::arbitrary<std::uint32_t>();
  s.last_request = *rc::gen::arbitrary<std::uint32_t>();
  s.pending = *rc::gen::arbitrary<std::uint32_t>();
  s.asked_at = any_time();
  s.pending_until = any_time();
  s.cooldown_until = any_time();
  s.retry_until = any_time();
  s.failures = *rc::gen::arbitrary<std::uint32_t>();
  s.timed_out = *rc::gen::arbitrary<std::vector<std::uint32_t>>();
  s.last_change_free = any_bool();
  s.utc_day = *rc::gen::arbitrary<std::int32_t>();
  s.used_ms = *rc::gen::arbitrary<std::int64_t>();
  s.exhausted = any_bool();
  s.hard = any_bool();
  s.ceiling = any_bool();
  s.locked = any_bool();
  s.drain_due = any_time();
  return s;
}

/// As many fields as `mark` and `standing` have: a new one fails this test until rows.proto has it.
bool same(const mark& a, const mark& b) {
  return a.at == b.at and a.kind == b.kind and a.strike == b.strike and a.qualifying == b.qualifying
         and a.cleared == b.cleared and a.resolved == b.resolved and a.type == b.type and a.score_nano == b.score_nano
         and a.from == b.from and a.to == b.to and a.end == b.end and a.number == b.number and a.request == b.request
         and a.cause == b.cause and a.policy_digest == b.policy_digest and a.notes == b.notes;
}

bool same(const standing& a, const standing& b) {
  return std::equal(a.marks.begin(), a.marks.end(), b.marks.begin(), b.marks.end(),
                    [](const mark& x, const mark& y) { return same(x, y); })
         and a.at == b.at and a.since == b.since and a.until == b.until and a.last_strike == b.last_strike
         and a.last_request == b.last_request and a.pending == b.pending and a.asked_at == b.asked_at
         and a.pending_until == b.pending_until and a.cooldown_until == b.cooldown_until
         and a.retry_until == b.retry_until and a.failures == b.failures
         and std::ranges::equal(a.timed_out, b.timed_out) and a.last_change_free == b.last_change_free
         and a.utc_day == b.utc_day and a.used_ms == b.used_ms and a.exhausted == b.exhausted and a.hard == b.hard
         and a.ceiling == b.ceiling and a.locked == b.locked and a.drain_due == b.drain_due;
}

/// Through bytes and back.
template <class T, class W, class R>
T again(const T& value, W&& write, R&& read) {
  std::string bytes = "what was there before";
  write(value, bytes);
  T made;
  RC_ASSERT(read(bytes, made));
  return made;
}

/// Per bucket, lane and flag. In how many entries a large amount is kept does not matter to anybody.
std::map<std::tuple<bucket_index, lane, bool>, std::int64_t> spoken_in(const bucket_log& log) {
  std::map<std::tuple<bucket_index, lane, bool>, std::int64_t> all;
  for (std::uint32_t i = 0; i < log.size(); ++i) {
    const auto e = log.at(i);
    all[{e.bucket, e.from, e.while_off}] += e.ms;
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_standing_survives_its_row) {
  // A new field changes the size; it then needs a field in rows.proto and a line in any_standing() and same().
  BOOST_TEST(sizeof(mark) <= 168U);
  BOOST_TEST(rc::check([] {
    row_codec codec;
    const auto s = any_standing();
    const auto made = again(
        s, [&](const auto& from, auto& to) { codec.write_standing(from, to); },
        [&](const auto& from, auto& to) { return codec.read_standing(from, to); });
    RC_ASSERT(same(s, made));
  }));
}

BOOST_AUTO_TEST_CASE(a_core_row_keeps_account_flags_and_admin_ids) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    user u;
    if (any_bool()) {
      u.account = std::make_unique<account_state>();
      *u.account = {*rc::gen::element(std::string("basic"), std::string(), std::string("pro")),
                    any_bool(),
                    any_text(),
                    any_stamp(),
                    any_stamp(),
                    any_stamp()};
    }
    u.exempt = any_bool();
    u.erased_at = any_time();
    auto ids = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
    std::sort(ids.begin(), ids.end());
    for (const auto id : ids)
      u.admin_ids.push_back(id);
    std::string row;
    codec.write_core(u, row);
    user made;
    RC_ASSERT(codec.read_core(row, made));
    RC_ASSERT(made.exempt == u.exempt);
    RC_ASSERT(made.erased_at == u.erased_at);
    RC_ASSERT(std::ranges::equal(made.admin_ids, u.admin_ids));
    RC_ASSERT((made.account == nullptr) == (u.account == nullptr));
    if (u.account) {
      RC_ASSERT(made.account->plan == u.account->plan);
      RC_ASSERT(made.account->credits_exhausted == u.account->credits_exhausted);
      RC_ASSERT(made.account->time_zone == u.account->time_zone);
      RC_ASSERT(made.account->plan_stamp == u.account->plan_stamp);
      RC_ASSERT(made.account->credits_stamp == u.account->credits_stamp);
      RC_ASSERT(made.account->time_zone_stamp == u.account->time_zone_stamp);
    }
  }));
}

BOOST_AUTO_TEST_CASE(buckets_of_all_profiles_survive_their_hours) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    const auto set = policies();
    user u;
    u.metered.resize(set->profiles().size());
    const auto count = *rc::gen::inRange(0, 60);
    for (int i = 0; i < count; ++i) {
      const auto p = *rc::gen::inRange<std::size_t>(0, u.metered.size());
      const auto bucket_s = set->profiles()[p].bucket_s;
      const auto bucket = bucket_of(now - *rc::gen::inRange<time_ms>(0, 5 * hour_ms), bucket_s);
      const auto ms = *rc::gen::elementOf(std::vector<std::int64_t>{1, 60'000, 300'000, 777, 1'000'000'000, 40'000});
      u.metered[p].add(bucket, any_enum<lane>(3), any_bool(), ms);
    }
    user made;
    made.metered.resize(set->profiles().size());
    std::string row;
    for (const auto hour : bucket_hours(u, *set)) {
      RC_ASSERT(codec.write_bucket_hour(u, *set, hour, row));
      RC_ASSERT(codec.read_bucket_hour(row, *set, hour, made));
    }
    for (std::size_t p = 0; p < u.metered.size(); ++p)
      RC_ASSERT(spoken_in(made.metered[p]) == spoken_in(u.metered[p]));
  }));
}

BOOST_AUTO_TEST_CASE(conversations_ids_and_tombstones_survive_their_rows) {
  BOOST_TEST(rc::check([] {
    row_codec codec;
    std::vector<conversation> all(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& c : all)
      c = {any_text(), now, any_stamp(), any_text(), any_text(), any_text(), 17, any_enum<lane>(3)};
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

    user u;
    for (const auto key : *rc::gen::arbitrary<std::vector<std::uint64_t>>())
      u.ids.add(7, key);
    std::vector<std::uint64_t> keys;
    if (codec.write_id_hour(u, 7, row)) RC_ASSERT(codec.read_id_hour(row, keys));
    // The row's order follows from what it holds, not from how that came.
    std::vector<std::uint64_t> in_force(u.ids.keys(7).begin(), u.ids.keys(7).end());
    std::sort(in_force.begin(), in_force.end());
    RC_ASSERT(keys == in_force);

    tombstone left{now, {{"live", 3, 9}, {any_text(), 0, 1}}, {1, 5, UINT64_MAX}};
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
      codec.write_standing(any_standing(), row);
      if (not row.empty())
        row[*rc::gen::inRange<std::size_t>(0, row.size())] ^= static_cast<char>(1 << *rc::gen::inRange(0, 8));
    }
    user u;
    u.metered.resize(set->profiles().size());
    std::vector<std::uint64_t> keys;
    standing s;
    std::vector<conversation> conversations;
    tombstone left;
    codec.read_core(row, u);
    codec.read_bucket_hour(row, *set, hour_of(now), u);
    codec.read_id_hour(row, keys);
    codec.read_standing(row, s);
    codec.read_conversations(row, conversations);
    codec.read_tombstone(row, left);
  }));
}

BOOST_AUTO_TEST_CASE(a_row_of_a_newer_version_is_refused) {
  row_codec codec;
  standing s;
  // Field 1, varint 1.
  BOOST_TEST(not codec.read_standing("\x08\x01", s));
}

BOOST_AUTO_TEST_CASE(keys_of_one_user_never_hold_those_of_another) {
  BOOST_TEST(rc::check([] {
    const auto a = any_text().substr(0, keys::uid_bytes_max);
    const auto b = *rc::gen::element(a + '\0', a + any_text(), a.substr(0, a.size() / 2), any_text()).as("another uid");
    RC_PRE(a != b and b.size() <= keys::uid_bytes_max);
    RC_ASSERT(not keys::user_prefix(b).starts_with(keys::user_prefix(a)));
    const auto hour = *rc::gen::arbitrary<hour_number>();
    const auto key = keys::hour(keys::user_prefix(a), keys::user_row::hour, hour);
    const auto parsed = keys::parse_user_row(key);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->uid == a and parsed->hour == hour and parsed->kind == keys::user_row::hour);
    RC_ASSERT(keys::parse_due(keys::due(b)) == std::string_view(b));
    if (hour < INT32_MAX) RC_ASSERT(key < keys::hour(keys::user_prefix(a), keys::user_row::hour, hour + 1));
  }));
}
