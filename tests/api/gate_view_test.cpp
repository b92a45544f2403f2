// SPDX-License-Identifier: Apache-2.0

#include "api/gate/gate_view.hpp"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "api/enforcement_log.hpp"
#include "streams/kafka/outputs/output_values.hpp"
#include "tests/api/gate_rows.hpp"

namespace fairuse {

namespace {

/// A row of which every number says the epoch: a mixture of two shows.
enforcement_row marked(std::uint64_t epoch) {
  const auto number = static_cast<std::int64_t>(epoch);
  return {.epoch = epoch,
          .at = stage::restrict,
          .since = number,
          .until = number,
          .retry_at = number,
          .used_ms = number,
          .limit_ms = number,
          .budget_ms = number,
          .budget_used_ms = number,
          .budget_resets_at = number,
          .exempt_until = number};
}

std::string uid_of(std::size_t number) { return "u-" + std::to_string(number); }

} // namespace

BOOST_AUTO_TEST_SUITE(gate_views)

RC_BOOST_PROP(the_view_holds_what_was_put_last, ()) {
  gate_view view;
  std::map<std::string, enforcement_row> model;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4'000));
  for (const int step : steps) {
    const auto uid = uid_of(static_cast<std::size_t>(step) / 4);
    if (step % 4 == 0) {
      view.forget(uid);
      model.erase(uid);
      continue;
    }
    auto row = step % 4 == 1 ? enforcement_row{.epoch = 7} : *test::any_row();
    view.put(uid, row);
    model[uid] = row;
  }
  for (std::size_t i = 0; i < 1'000; ++i) {
    const auto seen = view.find(uid_of(i));
    const auto known = model.find(uid_of(i));
    // A row that says nothing may be missing.
    if (seen) RC_ASSERT(known != model.end() and *seen == known->second);
    if (not seen and known != model.end()) RC_ASSERT(known->second == enforcement_row{.epoch = 7});
  }
}

BOOST_AUTO_TEST_CASE(a_view_grows_and_forgets) {
  gate_view view;
  constexpr std::size_t users = 100'000;
  for (std::size_t i = 0; i < users; ++i)
    view.put(uid_of(i), marked(i + 1));
  for (std::size_t i = 0; i < users; i += 997)
    BOOST_TEST((view.find(uid_of(i)) == marked(i + 1)));
  BOOST_TEST(view.rows() == users);
  const auto bytes = view.memory_bytes();
  // As many again, of whom each is forgotten at once: the memory stays.
  for (std::size_t i = 0; i < users; ++i)
    view.forget(uid_of(i));
  for (std::size_t i = 0; i < 10 * users; ++i) {
    view.put(uid_of(users + i), marked(1));
    view.forget(uid_of(users + i));
  }
  BOOST_TEST(not view.find(uid_of(5)));
  BOOST_TEST(view.memory_bytes() <= bytes);
}

BOOST_AUTO_TEST_CASE(who_was_never_restricted_takes_no_memory) {
  gate_view view;
  for (std::size_t i = 0; i < 10'000; ++i)
    view.put(uid_of(i), {.epoch = i});
  BOOST_TEST(view.rows() == 0U);
}

BOOST_AUTO_TEST_CASE(readers_see_whole_rows_that_never_go_back) {
  gate_view view;
  constexpr std::size_t users = 3'000;
  constexpr std::uint64_t rounds = 20;
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> torn = 0;
  std::atomic<std::uint64_t> backward = 0;
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      std::vector<std::uint64_t> last(users, 0);
      while (not over)
        for (std::size_t i = 0; i < users; ++i) {
          const auto seen = view.find(uid_of(i));
          if (not seen) continue;
          torn += *seen != marked(seen->epoch);
          backward += seen->epoch < last[i];
          last[i] = seen->epoch;
        }
    });
  for (std::uint64_t round = 1; round <= rounds; ++round)
    for (std::size_t i = 0; i < users; ++i)
      view.put(uid_of(i), marked(round));
  over = true;
  for (auto& each : readers)
    each.join();
  BOOST_TEST(torn == 0U);
  BOOST_TEST(backward == 0U);
}

BOOST_AUTO_TEST_CASE(the_newest_controls_of_any_partition_hold) {
  gate_view view;
  BOOST_TEST(not view.controls());
  view.put_controls({.epoch = 9, .now = 100, .partition = 0, .enabled = true});
  view.put_controls({.epoch = 2, .now = 300, .partition = 1, .enabled = true, .killed = true});
  view.put_controls({.epoch = 10, .now = 200, .partition = 0, .enabled = true});
  BOOST_REQUIRE(view.controls());
  BOOST_TEST(view.controls()->killed);
  view.put_controls({.epoch = 11, .now = 400, .partition = 0, .enabled = true});
  BOOST_TEST(not view.controls()->killed);
}

RC_BOOST_PROP(a_record_says_what_was_written, ()) {
  const auto row = *test::any_row();
  std::string value;
  kafka::append_enforcement(value, row, {.policy = "fair", .digest = "d"});
  kafka::record record{.partition = row.partition, .key = "u-1", .value = value};
  const auto seen = enforcement_record_from(record, {});
  RC_ASSERT(seen and seen->uid == "u-1");
  RC_ASSERT(std::get<enforcement_row>(seen->says) == row);
}

BOOST_AUTO_TEST_CASE(records_of_everybody_and_of_erased_users_are_told_apart) {
  const std::vector<kafka::header> headers{{"ce_id", "3-17-e0"}, {"ce_time", "2026-03-02T00:00:00.000Z"}};
  kafka::record record{.partition = 3, .key = "u-1"};
  const auto erased = enforcement_record_from(record, headers);
  BOOST_REQUIRE(erased);
  BOOST_TEST(std::get<forgotten_row>(erased->says).epoch == 17U);
  record.key = "*";
  record.value = R"({"enabled":true,"kill_switch":true,"epoch":17})";
  const auto controls = enforcement_record_from(record, headers);
  BOOST_REQUIRE(controls);
  BOOST_TEST((std::get<controls_row>(controls->says)
              == controls_row{.epoch = 17, .now = 1'772'409'600'000, .partition = 3, .enabled = true, .killed = true}));
  record.value = "[1]";
  BOOST_TEST(not enforcement_record_from(record, headers));
  record.key = std::nullopt;
  BOOST_TEST(not enforcement_record_from(record, headers));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
