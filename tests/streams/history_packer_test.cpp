// SPDX-License-Identifier: Apache-2.0
//
// What the packer makes of events, whatever their order, and whatever memory it has.
#include <algorithm>
#include <numeric>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "base/system/files.hpp"
#include "core/rules.hpp"
#include "streams/history/packer.hpp"
#include "tests/streams/history_text.hpp"
#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using namespace fairuse::history;

namespace {

struct drawn_event {
  std::string uid;
  std::string id;
  event_kind kind = event_kind::speech;
  lane from = lane::realtime;
  std::int32_t ms = 0;
  time_ms time = 0;
  std::uint32_t input = 0;
  bool has_id = true;
  std::uint64_t epoch = 0;
  time_ms now = 0;
};

/// Its texts are in the arena.
incoming_event made(const drawn_event& from, event_arena& arena) {
  incoming_event out;
  out.uid = from.uid;
  out.has_id = from.has_id;
  out.input = from.input;
  out.epoch = from.epoch;
  auto& what = out.what;
  what.kind = from.kind;
  what.from = from.from;
  what.time = what.instant = test_start + from.time;
  what.ms = from.ms;
  what.text = arena.keep("test", from.id);
  what.key = event_key("test", from.id);
  out.now = from.epoch > 0 ? test_start + from.now : what.instant;
  if (from.kind == event_kind::account) {
    account_fact fact;
    fact.plan = "plan-" + std::to_string(from.ms);
    what.detail = arena.keep(event_detail(fact));
  }
  if (from.kind == event_kind::erasure) what.detail = arena.keep(event_detail(erasure_request{"ann", ""}));
  return out;
}

/// Many collisions of users, ids and times.
std::vector<drawn_event> any_events() {
  std::vector<drawn_event> all;
  for (auto left = *rc::gen::inRange(1, 60); left > 0; --left) {
    auto& each = all.emplace_back();
    each.uid = *rc::gen::elementOf(std::vector<std::string>{"a", "ab", "b", "c", std::string("c\0d", 3)});
    each.id = std::to_string(*rc::gen::inRange(0, 20));
    each.kind = *rc::gen::elementOf(std::vector<event_kind>{event_kind::speech, event_kind::speech, event_kind::speech,
                                                            event_kind::stt, event_kind::account, event_kind::erasure});
    each.from = static_cast<lane>(*rc::gen::inRange(0, 4));
    each.ms = *rc::gen::elementOf(std::vector<std::int32_t>{0, 1, 60'000, 86'400'000});
    each.time = *rc::gen::elementOf(std::vector<time_ms>{0, 1, minute_ms, hour_ms, 30 * hour_ms, 40 * day_ms});
    each.has_id = each.kind != event_kind::speech or *rc::gen::inRange(0, 3) > 0;
  }
  return all;
}

struct packed {
  history_contents contents;
  std::string bytes;
  std::string text;
};

class bench_of_packs {
public:
  pack_options options;
  bool arrivals_known = false;

  packed pack(const std::vector<drawn_event>& all) {
    options.scratch = folder_.path();
    packer to(options);
    for (const auto& each : all) {
      event_arena arena;
      BOOST_REQUIRE(to.add(made(each, arena)));
    }
    return finish(to);
  }

  packed finish(packer& to) {
    const auto file = folder_.file("x.history");
    auto writer = history_writer::create(file, true);
    BOOST_REQUIRE(writer);
    history_contents all;
    all.arrivals_known = arrivals_known;
    all.horizon_ms = arrivals_known ? horizon_wall_ms : 0;
    const auto done = to.finish(**writer, all);
    BOOST_REQUIRE(done);
    BOOST_REQUIRE((*writer)->finish(*done));
    return {*done, *read_file(file), text_of(file)};
  }

private:
  test_folder folder_;
};

template <class Counts>
std::uint64_t sum_of_all(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

} // namespace

BOOST_AUTO_TEST_CASE(the_order_of_rows_does_not_change_the_file) {
  rc::check([] {
    auto all = any_events();
    bench_of_packs bench;
    const auto before = bench.pack(all);
    for (std::size_t i = all.size(); i > 1; --i)
      std::swap(all[i - 1], all[*rc::gen::inRange<std::size_t>(0, i)]);
    RC_ASSERT(bench.pack(all).bytes == before.bytes);
  });
}

BOOST_AUTO_TEST_CASE(memory_does_not_change_the_file) {
  rc::check([] {
    const auto all = any_events();
    bench_of_packs bench;
    const auto before = bench.pack(all);
    bench.options.memory_bytes = *rc::gen::elementOf(std::vector<std::size_t>{1, 300, 2'000});
    RC_ASSERT(bench.pack(all).bytes == before.bytes);
  });
}

BOOST_AUTO_TEST_CASE(the_size_of_blocks_changes_no_user) {
  rc::check([] {
    const auto all = any_events();
    bench_of_packs bench;
    const auto before = bench.pack(all);
    bench.options.block_events = *rc::gen::elementOf(std::vector<std::uint64_t>{1, 7});
    const auto after = bench.pack(all);
    RC_ASSERT(after.text == before.text);
    RC_ASSERT(after.contents.counts.events == before.contents.counts.events);
  });
}

BOOST_AUTO_TEST_CASE(files_that_overlap_count_once) {
  rc::check([] {
    const auto all = any_events();
    bench_of_packs bench;
    const auto before = bench.pack(all);
    auto twice = all;
    for (auto each : all) {
      each.input = 1;
      if (*rc::gen::arbitrary<bool>()) twice.push_back(each);
    }
    const auto after = bench.pack(twice);
    RC_ASSERT(after.text == before.text);
  });
}

BOOST_AUTO_TEST_CASE(every_row_is_an_event_or_counted_as_none) {
  rc::check([] {
    const auto all = any_events();
    bench_of_packs bench;
    const auto counts = bench.pack(all).contents.counts;
    const auto left_out = counts.duplicates + counts.stale + sum_of(counts.refused);
    RC_ASSERT(counts.all_events() + left_out == all.size());
    RC_ASSERT(sum_of_all(counts.lanes) == counts.events[0]);
  });
}

BOOST_AUTO_TEST_CASE(equal_rows_without_ids_are_numbered_in_each_file) {
  const struct {
    std::vector<std::uint32_t> inputs;
    std::uint64_t events;
    std::uint64_t duplicates;
  } rows[] = {{{0}, 1, 0},          {{0, 0}, 2, 0},    {{0, 1}, 1, 1},
              {{0, 0, 1, 1}, 2, 2}, {{0, 1, 1}, 2, 1}, {{1, 0, 1, 0, 0}, 3, 2}};
  for (const auto& row : rows) {
    std::vector<drawn_event> all;
    for (const auto input : row.inputs) {
      all.push_back({.uid = "u", .ms = 1'000, .input = input, .has_id = false});
      // Others between them.
      all.push_back({.uid = "u", .id = std::to_string(all.size()), .ms = 2'000});
    }
    bench_of_packs bench;
    const auto counts = bench.pack(all).contents.counts;
    BOOST_TEST(counts.events[0] == row.events + row.inputs.size());
    BOOST_TEST(counts.duplicates == row.duplicates);
  }
}

BOOST_AUTO_TEST_CASE(with_arrivals_late_early_and_erased_events_are_left_out) {
  const auto arrived = [](std::string id, time_ms now, time_ms time, event_kind kind = event_kind::speech) {
    return drawn_event{.uid = "u",
                       .id = std::move(id),
                       .kind = kind,
                       .ms = 1'000,
                       .time = time,
                       .epoch = static_cast<std::uint64_t>(test_start + now),
                       .now = now};
  };
  bench_of_packs bench;
  bench.options.judges_lateness = true;
  bench.arrivals_known = true;
  const auto got = bench.pack(
      {arrived("late", 9 * day_ms, 0), arrived("early", 9 * day_ms, 10 * day_ms),
       arrived("good", 9 * day_ms, 8 * day_ms), arrived("forget", 11 * day_ms, 11 * day_ms, event_kind::erasure),
       arrived("before", 12 * day_ms, 10 * day_ms), arrived("after", 12 * day_ms, 12 * day_ms)});
  const auto refused = [&](refusal why) { return got.contents.counts.refused[static_cast<std::size_t>(why)]; };
  BOOST_TEST(refused(refusal::too_old) == 1U);
  BOOST_TEST(refused(refusal::future) == 1U);
  BOOST_TEST(refused(refusal::erased) == 1U);
  BOOST_TEST(got.contents.counts.all_events() == 3U);
  bench.arrivals_known = false;
  BOOST_TEST(sum_of(bench.pack({arrived("late", 9 * day_ms, 0)}).contents.counts.refused) == 0U);
}

BOOST_AUTO_TEST_CASE(a_review_that_stands_in_two_dumps_is_one_review) {
  bench_of_packs bench;
  packer to(bench.options);
  event_arena arena;
  BOOST_REQUIRE(to.add(made({.uid = "u", .id = "e", .ms = 1'000}, arena)));
  for (int i = 0; i < 2; ++i) {
    BOOST_REQUIRE(to.add_request({"u", "live", 1, test_start + hour_ms}));
    BOOST_REQUIRE(to.add_request({"u", "other-one", 1, test_start + hour_ms}));
    BOOST_REQUIRE(to.add_timeout({"u", "live", 1, 0}, test_start + 2 * hour_ms));
    BOOST_REQUIRE(to.add_timeout({"u", "live", 2, 0}, test_start + 9 * hour_ms));
  }
  const auto text = bench.finish(to).text;
  BOOST_TEST(text.substr(text.find('\n') + 1)
             == "u live-1 timed_out 3600 7200\n"
                "u other-one-1 open 3600 ?\n"
                "u live-2 timed_out ? 32400\n");
}

BOOST_AUTO_TEST_CASE(a_label_belongs_to_a_user_with_events) {
  bench_of_packs bench;
  packer to(bench.options);
  event_arena arena;
  BOOST_REQUIRE(to.add(made({.uid = "u", .id = "e", .ms = 1'000}, arena)));
  BOOST_REQUIRE(to.add_label("u", 2));
  BOOST_REQUIRE(to.add_label("nowhere", 1));
  BOOST_TEST(bench.finish(to).contents.counts.users == 1U);
  BOOST_TEST(to.labelled_users() == 1U);
}
