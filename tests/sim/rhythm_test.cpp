// SPDX-License-Identifier: Apache-2.0

#include "sim/rhythm/rhythm.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <rapidcheck/boost_test.h>

#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim {

namespace {

std::uint64_t speech_of(const rhythm& from, const recording& one) {
  const auto minutes = from.minutes().subspan(one.first_minute, one.minutes);
  return std::accumulate(minutes.begin(), minutes.end(), std::uint64_t{0});
}

std::vector<nlohmann::json> raw_recordings(const std::string& file) {
  std::ifstream in(testing::source_folder() / "tests/data/real" / file);
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(in, line);)
    rows.push_back(nlohmann::json::parse(line));
  return rows;
}

/// Speech of each minute, counted millisecond by millisecond: slow, and independent of the tool's method.
std::vector<std::uint32_t> minutes_of(const nlohmann::json& row) {
  std::vector<std::uint32_t> minutes((row["duration_ms"].get<std::uint32_t>() + 59'999) / 60'000);
  for (const auto& segment : row["segments_ms"]) {
    for (auto ms = segment[0].get<std::uint32_t>(); ms < segment[1].get<std::uint32_t>(); ++ms)
      ++minutes[ms / 60'000];
  }
  return minutes;
}

void tables_match(rhythm_kind kind, const std::string& file) {
  const rhythm& known = rhythm_of(kind);
  const auto rows = raw_recordings(file);
  BOOST_TEST(rows.size() == 5U);
  for (const nlohmann::json& row : rows) {
    const auto found = std::find_if(known.recordings().begin(), known.recordings().end(), [&](const recording& each) {
      return each.name == row["recording"].get<std::string>();
    });
    BOOST_REQUIRE(found != known.recordings().end());
    BOOST_TEST(found->speech_ms == row["speech_ms"].get<std::uint32_t>());
    BOOST_TEST(found->segments == row["segments_ms"].size());
    const auto expected = minutes_of(row);
    const auto minutes = known.minutes().subspan(found->first_minute, found->minutes);
    BOOST_TEST(std::vector<std::uint32_t>(minutes.begin(), minutes.end()) == expected,
               boost::test_tools::per_element());
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(rhythms)

BOOST_AUTO_TEST_CASE(the_tables_hold_all_speech_of_the_real_recordings) {
  struct row {
    rhythm_kind kind;
    std::size_t recordings;
    std::uint64_t duration_ms;
    std::uint64_t speech_ms;
    std::uint64_t segments;
  };
  for (const row& expected : {row{rhythm_kind::meetings, 154, 325'223'809, 265'047'749, 31'233},
                              row{rhythm_kind::broadcasts, 216, 72'400'840, 68'074'600, 5'248}}) {
    const rhythm& known = rhythm_of(expected.kind);
    std::uint64_t duration = 0;
    std::uint64_t speech = 0;
    std::uint64_t segments = 0;
    for (const recording& each : known.recordings()) {
      BOOST_TEST(speech_of(known, each) == each.speech_ms);
      BOOST_TEST(each.minutes == (each.duration_ms + 59'999) / 60'000);
      duration += each.duration_ms;
      speech += each.speech_ms;
      segments += each.segments;
    }
    BOOST_TEST(known.recordings().size() == expected.recordings);
    BOOST_TEST(duration == expected.duration_ms);
    BOOST_TEST(speech == expected.speech_ms);
    BOOST_TEST(segments == expected.segments);
  }
}

BOOST_AUTO_TEST_CASE(each_minute_of_a_meeting_is_that_of_its_raw_segments) {
  tables_match(rhythm_kind::meetings, "meetings.ndjson");
}

BOOST_AUTO_TEST_CASE(each_minute_of_a_broadcast_is_that_of_its_raw_segments) {
  tables_match(rhythm_kind::broadcasts, "broadcasts.ndjson");
}

RC_BOOST_PROP(a_cut_holds_exactly_the_speech_that_was_asked_for, ()) {
  const rhythm& known = rhythm_of(*rc::gen::element(rhythm_kind::meetings, rhythm_kind::broadcasts));
  const auto& source = known.recordings()[*rc::gen::inRange<std::size_t>(0, known.recordings().size())];
  const auto asked = *rc::gen::inRange<std::uint32_t>(1, rhythm::cut_max_ms + 1);
  const excerpt cut = known.cut(source.first_minute, asked);
  RC_ASSERT(cut.minutes > 0U);
  const auto minutes = known.minutes().subspan(cut.first_minute, cut.minutes);
  RC_ASSERT(cut.last_ms > 0U);
  RC_ASSERT(cut.last_ms <= minutes.back());
  RC_ASSERT(std::accumulate(minutes.begin(), minutes.end() - 1, std::uint32_t{0}) + cut.last_ms == asked);
}

BOOST_AUTO_TEST_CASE(the_longest_day_fits_into_a_day) {
  for (const rhythm_kind kind : {rhythm_kind::meetings, rhythm_kind::broadcasts}) {
    for (const recording& each : rhythm_of(kind).recordings())
      BOOST_TEST(rhythm_of(kind).cut(each.first_minute, 42'120'000).minutes < 1'200U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
