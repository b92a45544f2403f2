// SPDX-License-Identifier: Apache-2.0
//
// A local store as a history: what a run applied is in it, and what it did not apply is not.
#include "streams/history/local_history.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "storage/checkpoint.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/engine/local_days.hpp"
#include "tests/streams/history/packed.hpp"
#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {

namespace {

using history::history_start;
using history::recorded_review;
using history::unpacked_history;

/// A line, and what a run does with it.
struct told_line {
  std::string text;
  std::string uid;
  time_ms instant = 0;
  int id = 0;
  bool applied = true;
  /// Moves the clock of events though it is not applied: a duplicate, or a fact that is stale.
  bool admitted = true;
};

/// Two days in which everything happens that decides whether an event counts.
class story {
public:
  story() {
    add("account", "ann", 0, R"({"plan":"pro"})");
    for (int hour = 1; hour <= 40; ++hour) {
      add("speech", "ann", hour * hour_ms, R"({"lane":"realtime","ms":3600000})");
      add("speech", "bob", hour * hour_ms, R"({"lane":"sync","segments":[[0,60000],[70000,90000]]})").instant += 90'000;
      if (hour == 3) add("review", "ann", hour * hour_ms + 2 * minute_ms, answer("live-1"));
      if (hour == 5) without("review", "ann", hour * hour_ms, answer("live-1"));
      if (hour == 6) again(3);
      if (hour == 7) without("account", "ann", -hour_ms, R"({"plan":"basic"})");
      if (hour == 9) refused("speech", "ann", hour * hour_ms - 9 * day_ms, R"({"lane":"realtime","ms":1000})");
      if (hour == 10) add("erasure", "cid", hour * hour_ms, R"({"actor":"ada"})");
      if (hour == 11) refused("speech", "cid", 9 * hour_ms, R"({"lane":"realtime","ms":1000})");
      if (hour == 12) add("speech", "cid", hour * hour_ms, R"({"lane":"realtime","ms":1000})");
      if (hour == 13) other("{\n");
      if (hour == 14) other("  \r\n");
      if (hour == 15) command("kill_switch", R"("on":true)", hour * hour_ms);
      if (hour == 16) command("kill_switch", R"("on":false)", hour * hour_ms);
      if (hour == 17) refused("admin", "ann", hour * hour_ms, clear(7));
      if (hour == 18) again(lines_.size() - 3);
      if (hour == 39) again(5);
    }
  }

  const std::vector<told_line>& lines() const { return lines_; }
  std::string text(std::size_t from, std::size_t to) const {
    std::string all;
    for (auto i = from; i < to; ++i)
      all += lines_[i].text;
    return all;
  }
  std::string text() const { return text(0, lines_.size()); }

  /// What a history must hold, by user in order.
  std::vector<std::string> applied() const {
    std::vector<std::pair<std::string, std::string>> all;
    auto now = lines_.front().instant;
    for (const auto& each : lines_) {
      if (each.admitted) now = std::max(now, each.instant);
      if (each.applied) all.emplace_back(each.uid, std::to_string(now) + " " + std::to_string(each.id));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> flat;
    for (const auto& [uid, text] : all)
      flat.push_back(uid + " " + text);
    return flat;
  }

private:
  static std::string answer(const std::string& request) {
    return R"({"request":")" + request
           + R"(","score":0.9,"usage_type":"audiobook","confidence":0.8,"model":"m","prompt_version":"1"})";
  }
  static std::string clear(int strike) {
    return R"({"command":"clear_strike","strike":)" + std::to_string(strike) + R"(,"actor":"ada","reason":"r"})";
  }

  told_line& add(const char* type, const std::string& uid, time_ms at, const std::string& data) {
    const auto id = ++last_id_;
    return lines_.emplace_back(told_line{wire_line(type, uid, id, at, data), uid, test_start + at, id});
  }
  void without(const char* type, const std::string& uid, time_ms at, const std::string& data) {
    add(type, uid, at, data).applied = false;
  }
  void refused(const char* type, const std::string& uid, time_ms at, const std::string& data) {
    auto& made = add(type, uid, at, data);
    made.applied = made.admitted = false;
  }
  /// To all users: among no user's events.
  void command(const std::string& verb, const std::string& rest, time_ms at) {
    add("admin", "*", at, R"({"command":")" + verb + R"(",)" + rest + R"(,"actor":"ada","reason":"r"})").applied =
        false;
  }
  void again(std::size_t line) {
    auto same = lines_.at(line);
    same.applied = false;
    lines_.push_back(std::move(same));
  }
  void other(const std::string& text) { lines_.push_back({text, "", 0, 0, false, false}); }

  std::vector<told_line> lines_;
  int last_id_ = 0;
};

std::vector<std::string> told(const unpacked_history& of) {
  std::vector<std::string> all;
  for (const auto& each : of.events)
    all.push_back(each.uid + " " + std::to_string(each.now) + " " + each.id);
  return all;
}

void check_counts(const unpacked_history& made, const local_days& days) {
  const auto& counts = made.contents.counts;
  BOOST_TEST(counts.all_events() == days.counts.accepted);
  BOOST_TEST(counts.duplicates == days.counts.duplicates + days.duplicate_commands);
  BOOST_TEST(counts.stale == days.counts.stale);
  BOOST_TEST(counts.refused == days.dead_letters, boost::test_tools::per_element());
  BOOST_TEST(counts.empty_lines == days.empty_lines);
}

} // namespace

BOOST_AUTO_TEST_SUITE(local_history)

BOOST_AUTO_TEST_CASE(what_a_run_applied_is_in_the_history_and_nothing_else) {
  const story told_of;
  local_days days;
  days.run(told_of.text());
  const auto made = days.packed();
  BOOST_TEST(told(made) == told_of.applied(), boost::test_tools::per_element());
  check_counts(made, days);
  BOOST_TEST(days.counts.duplicates == 4U);
  BOOST_TEST(days.counts.stale == 1U);
  const auto& all = made.contents;
  BOOST_TEST((all.start == history_start::first_epoch));
  BOOST_TEST(not all.arrivals_known);
  BOOST_TEST(all.first_instant == test_start);
  BOOST_TEST(all.last_instant == test_start + 40 * hour_ms + 90'000);
  BOOST_REQUIRE(all.parts.size() == 1U);
  BOOST_TEST(all.parts.front().last_now == all.last_instant);
}

BOOST_AUTO_TEST_CASE(of_two_events_under_one_id_the_first_counts) {
  local_days days;
  const auto spoken = [](int id, int ms) {
    return wire_line("speech", "ann", id, hour_ms, R"({"lane":"realtime","ms":)" + std::to_string(ms) + "}");
  };
  days.run(speech_line("ann", 1, 0) + spoken(2, 70'000) + spoken(2, 9) + spoken(3, 9) + spoken(3, 70'000));
  const auto made = days.packed();
  check_counts(made, days);
  BOOST_TEST(made.spoken_ms == days.counts.metered_ms[0]);
  BOOST_TEST(made.spoken_ms == 1'000 + 70'000 + 9);
}

BOOST_AUTO_TEST_CASE(where_runs_and_commits_end_leaves_no_trace_in_the_history) {
  const story told_of;
  local_days whole;
  whole.run(told_of.text());
  const auto expected = whole.packed();
  local_days pieces;
  const auto count = told_of.lines().size();
  // Between speech of two hours, so that no epoch is cut.
  const std::array<std::size_t, 4> cuts{0, 2, 5, count - 2};
  for (std::size_t i = 0; i < cuts.size(); ++i)
    pieces.run(told_of.text(cuts[i], i + 1 < cuts.size() ? cuts[i + 1] : count), i % 2 == 0 ? 1 : 1 << 20);
  BOOST_TEST(pieces.commits > whole.commits + 10);
  const auto made = pieces.packed();
  BOOST_TEST(told(made) == told(expected), boost::test_tools::per_element());
  BOOST_TEST(made.checksums == expected.checksums, boost::test_tools::per_element());
  BOOST_TEST(made.contents.broadcasts.size() == expected.contents.broadcasts.size());
  BOOST_TEST(made.contents.in_force.size() == expected.contents.in_force.size());
  check_counts(made, pieces);
}

// Real speech in segments, uploads and reviews; and all of it once more. A user who had many conversations since takes
// the first ones for new.
BOOST_AUTO_TEST_CASE(the_day_of_the_demo_is_in_its_history) {
  const auto day = samples::content(samples::source_folder() / "config/demo/day.ndjson");
  local_days days;
  days.run(day, 1 << 16);
  days.run(day);
  const auto made = days.packed();
  check_counts(made, days);
  BOOST_TEST(days.counts.duplicates > 0U);
  const auto& all = made.contents;
  const auto lines = static_cast<std::uint64_t>(std::count(day.begin(), day.end(), '\n'));
  // Every line once, and what the configuration says.
  BOOST_TEST(all.counts.all_events() + all.counts.duplicates + all.counts.stale + all.broadcasts.size()
             == 2 * lines + 1);
  BOOST_TEST(made.contents.counts.segments > 0U);
}

BOOST_AUTO_TEST_CASE(requests_are_there_with_their_answers_and_time_outs) {
  const story told_of;
  local_days days;
  days.run(told_of.text());
  const auto made = days.packed();
  const auto& reviews = made.reviews.at("ann");
  const auto asked = std::find_if(reviews.begin(), reviews.end(),
                                  [](const auto& each) { return each.slot == "live" and each.number == 1; });
  BOOST_REQUIRE((asked != reviews.end()));
  BOOST_TEST(asked->requested_at == test_start + 3 * hour_ms);
  BOOST_TEST((asked->ended == recorded_review::ending::answered));
  BOOST_TEST(asked->ended_at == test_start + 3 * hour_ms + 2 * minute_ms);
  BOOST_TEST(asked->said.score_nano == 900'000'000);
  BOOST_TEST(made.contents.counts.reviews[static_cast<std::size_t>(recorded_review::ending::timed_out)] > 0U);
}

BOOST_AUTO_TEST_CASE(policies_are_in_force_from_their_first_epoch_on) {
  local_days days;
  std::string lines;
  for (int hour = 0; hour < 20; ++hour)
    lines += speech_line("ann", hour, hour * hour_ms);
  days.run(lines);
  const auto promote = wire_line("admin", "*", 100, 20 * hour_ms,
                                 R"({"command":"promote_policy","policy":"omi-newest","actor":"ada","reason":"r"})");
  const auto impossible = wire_line("admin", "*", 101, 21 * hour_ms,
                                    R"({"command":"promote_policy","policy":"omi-newest","actor":"ada","reason":"r"})");
  days.run(promote + impossible + speech_line("ann", 102, 22 * hour_ms));
  const auto made = days.packed();
  check_counts(made, days);
  const auto& all = made.contents;
  BOOST_TEST(all.policies.size() == 2U);
  std::vector<std::string> changes;
  for (const auto& each : all.in_force)
    changes.push_back(each.slot + " " + std::to_string((each.from - test_start) / hour_ms) + " "
                      + (each.digest.empty()                        ? "ends"
                         : each.digest == all.policies.at(0).digest ? "first"
                                                                    : "second"));
  const std::vector<std::string> expected{"live 0 first", "omi-newest 0 second", "live 20 second",
                                          "omi-newest 20 ends"};
  BOOST_TEST(changes == expected, boost::test_tools::per_element());
  // The configuration's command, and the promotion.
  BOOST_TEST(all.broadcasts.size() == 2U);
}

BOOST_AUTO_TEST_CASE(under_the_wall_clock_arrivals_are_known) {
  local_days days;
  days.run(account_line("ann", 1, 0) + speech_line("ann", 2, 0), 1 << 20, {}, clock_kind::wall);
  const auto made = days.packed();
  check_counts(made, days);
  BOOST_TEST(made.contents.arrivals_known);
  BOOST_TEST(made.contents.horizon_ms == horizon_wall_ms);
  BOOST_TEST(ids_of(made, "ann") == "1");
  BOOST_TEST(made.events.front().now > test_start + 365 * day_ms);
}

BOOST_AUTO_TEST_CASE(a_store_whose_inputs_expired_gives_a_history_from_a_checkpoint_on) {
  local_days days;
  const std::string retention = "retention: {usage: 8d, input: 9d, decisions: 400d}\n";
  for (int day = 0; day < 27; ++day)
    days.run(speech_line("ann", day, day * day_ms), 1, retention);
  // A line comes again, and is a duplicate of one from before the checkpoint.
  days.run(speech_line("ann", 19, 19 * day_ms) + speech_line("bob", 1, 26 * day_ms), 1, retention);
  const auto made = days.packed();
  BOOST_TEST((made.contents.start == history_start::checkpoint));
  BOOST_REQUIRE(made.contents.checkpoints.size() == 1U);
  BOOST_TEST(made.contents.checkpoints[0].now == test_start + 19 * day_ms);
  BOOST_TEST(ids_of(made, "ann") == "20 21 22 23 24 25 26");
  BOOST_TEST(made.contents.counts.duplicates == 1U);
  std::filesystem::remove_all(std::filesystem::path(days.state()) / "checkpoints");
  const auto cold = days.packed();
  BOOST_TEST((cold.contents.start == history_start::cold));
  BOOST_TEST(ids_of(cold, "ann") == "17 18 19 20 21 22 23 24 25 26");
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_is_named_and_nothing_is_packed) {
  local_days days;
  for (int day = 0; day < 30; ++day)
    days.run(speech_line("ann", day, day * day_ms), 1, "retention: {usage: 8d, input: 9d, decisions: 400d}\n");
  const auto there = checkpoints_of(days.state());
  BOOST_REQUIRE(not there.empty());
  std::filesystem::resize_file(there.front().file, std::filesystem::file_size(there.front().file) - 1);
  const test_folder scratch;
  history::packer to({.scratch = scratch.path()});
  history::history_contents into;
  const auto done = history::pack_local_store(days.state(), {}, to, into);
  BOOST_REQUIRE(not done.has_value());
  BOOST_TEST((done.error().fault == store_fault::damaged));
  BOOST_TEST(done.error().message.find(there.front().file.string()) != std::string::npos, done.error().message);
  BOOST_TEST(done.error().message.find("Remove the file") != std::string::npos, done.error().message);
}

BOOST_AUTO_TEST_CASE(a_reading_that_is_stopped_says_so) {
  local_days days;
  days.run(speech_line("ann", 1, 0));
  const test_folder scratch;
  history::packer to({.scratch = scratch.path()});
  history::history_contents into;
  std::uint64_t all_epochs = 0;
  const auto done = history::pack_local_store(
      days.state(),
      {.progress = [&](std::uint64_t, std::uint64_t all) { all_epochs = all; }, .stopped = [] { return true; }}, to,
      into);
  BOOST_REQUIRE(not done.has_value());
  BOOST_TEST(done.error().message == history::pack_stopped);
  BOOST_TEST(all_epochs == 1U);
  BOOST_TEST(not history::pack_local_store(scratch.path(), {}, to, into).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
