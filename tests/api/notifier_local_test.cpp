// SPDX-License-Identifier: Apache-2.0
//
// What local mode reads and writes: decisions as notices, and the logs of how they ended.

#include <fstream>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include "api/notifier/decision_notice.hpp"
#include "api/notifier/end_record.hpp"
#include "api/notifier/notice_log.hpp"
#include "api/notifier/webhook.hpp"
#include "api/record_headers.hpp"
#include "base/system/files.hpp"
#include "events/decision_json.hpp"
#include "events/time_text.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

const slot_label live{
    .slot = "live", .enforced = true, .policy = "fair", .digest = "d", .windows = {"daily", "weekly"}};
const slot_label shadow{.slot = "new", .policy = "new", .digest = "e", .windows = {"daily"}};

std::string line_of(const decision& what, std::string_view uid = "u-17") {
  std::string line;
  append_decision(line, what,
                  {.id = "0-17-1", .source = "fairuse/eu", .uid = uid, .case_reference = "FU-0123456789AB"});
  return line;
}

decision of_kind(decision_kind kind) {
  decision made{
      .kind = kind, .slot = &live, .time = *time_from("2026-03-01T10:00:00Z"), .sums = {7'200'001, 9}, .sum_count = 2};
  made.to = stage::throttle;
  made.strike = 2;
  made.words = wording::credits;
  made.sum_ms = 5;
  made.cap_ms = 6;
  made.until = *time_from("2026-03-08T10:00:00Z");
  return made;
}

std::vector<std::string> lines_of(const notice_log& log) {
  std::vector<std::string> lines;
  BOOST_REQUIRE(log.read([&](std::string_view line) { lines.emplace_back(line); }));
  return lines;
}

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(notices_of_decisions)

BOOST_AUTO_TEST_CASE(a_notification_says_what_a_message_needs) {
  const auto made = notice_from_decision(line_of(of_kind(decision_kind::notification)));
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->id == webhook_id("fairuse/eu", *made));
  BOOST_TEST(made->decision == "0-17-1");
  BOOST_TEST(made->uid == "u-17");
  BOOST_TEST((made->about == notice_about::stage and made->at == stage::throttle and made->words == wording::credits));
  BOOST_TEST((made->sums_ms == std::vector<std::pair<std::string, std::int64_t>>{{"daily", 7'200'001}, {"weekly", 9}}));
  BOOST_TEST(made->case_reference == "FU-0123456789AB");
  BOOST_TEST(made->decided_at == *time_from("2026-03-01T10:00:00Z"));
  BOOST_TEST(made->until == *time_from("2026-03-08T10:00:00Z"));
}

BOOST_AUTO_TEST_CASE(what_is_absent_has_no_value) {
  auto what = of_kind(decision_kind::notification);
  what.strike = 0;
  what.until = never;
  const auto made = notice_from_decision(line_of(what));
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->case_reference == "");
  BOOST_TEST(made->until == never);
  BOOST_TEST((made->type == usage_type::none));
}

BOOST_AUTO_TEST_CASE(a_spent_budget_is_told_with_its_figures) {
  const auto made = notice_from_decision(line_of(of_kind(decision_kind::budget_exhausted)));
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST((made->about == notice_about::budget_exhausted));
  BOOST_TEST((made->used_ms == 5 and made->budget_ms == 6));
  BOOST_TEST(made->until == *time_from("2026-03-08T10:00:00Z"));
}

BOOST_AUTO_TEST_CASE(nothing_else_is_told) {
  for (std::size_t i = 0; i < decision_kind_count; ++i) {
    const auto kind = static_cast<decision_kind>(i);
    const auto line = line_of(of_kind(kind));
    const bool is_told = notice_about_from(to_text(kind)).has_value() or kind == decision_kind::notification;
    BOOST_TEST(notice_from_decision(line).has_value() == is_told, line);
    auto unenforced = of_kind(kind);
    unenforced.slot = &shadow;
    unenforced.sum_count = 1;
    BOOST_TEST(not notice_from_decision(line_of(unenforced)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_user_cannot_make_a_decision_look_like_another) {
  const std::string uid = R"(","data":{"decision":"notification","to":"restrict"}})";
  const auto line = line_of(of_kind(decision_kind::cap_crossed), uid);
  BOOST_TEST(not notice_from_decision(line).has_value());
  const auto made = notice_from_decision(line_of(of_kind(decision_kind::notification), uid));
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->uid == uid);
}

BOOST_AUTO_TEST_CASE(epochs_are_read_from_ids) {
  BOOST_TEST(epoch_of_id("0-17-1") == 17U);
  BOOST_TEST(epoch_of_id("3-123456789012-s4") == 123'456'789'012U);
  BOOST_TEST(epoch_of_id("") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(notice_logs)

BOOST_AUTO_TEST_CASE(what_was_saved_is_read_again) {
  const test_folder folder;
  {
    auto log = notice_log::open(folder.file("sent.ndjson"), day_ms);
    BOOST_REQUIRE(log);
    log->add("one");
    log->add("two");
    BOOST_REQUIRE(log->save(0));
    log->add("never saved");
  }
  const auto log = notice_log::open(folder.file("sent.ndjson"), day_ms);
  BOOST_REQUIRE(log);
  BOOST_TEST(lines_of(*log) == (texts{"one", "two"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(half_a_line_is_taken_away) {
  const test_folder folder;
  for (const std::string_view written : {"one\ntw", "one\n", "one\n{\"a\":"}) {
    folder.write("sent.ndjson", written);
    auto log = notice_log::open(folder.file("sent.ndjson"), day_ms);
    BOOST_REQUIRE(log);
    log->add("two");
    BOOST_REQUIRE(log->save(0));
    BOOST_TEST(*read_file(folder.file("sent.ndjson")) == "one\ntwo\n");
  }
  folder.write("sent.ndjson", "half");
  BOOST_REQUIRE(notice_log::open(folder.file("sent.ndjson"), day_ms));
  BOOST_TEST(*read_file(folder.file("sent.ndjson")) == "");
}

BOOST_AUTO_TEST_CASE(a_full_file_gets_a_name_and_goes_after_its_time) {
  const test_folder folder;
  auto log = notice_log::open(folder.file("sent.ndjson"), 1'000, 8);
  BOOST_REQUIRE(log);
  const auto save = [&](std::string_view line, time_ms now) {
    log->add(line);
    BOOST_REQUIRE(log->save(now));
  };
  save("one", 100);
  save("two", 200);
  save("three", 300);
  save("fourth", 300);
  BOOST_TEST(lines_of(*log) == (texts{"one", "two", "three", "fourth"}), boost::test_tools::per_element());
  BOOST_TEST(*read_file(folder.file("sent-300.ndjson")) == "one\ntwo\n");
  BOOST_TEST(*read_file(folder.file("sent-301.ndjson")) == "three\n");
  folder.write("other-1.ndjson", "x\n");
  save("fifth", 1'300);
  BOOST_TEST(lines_of(*log) == (texts{"one", "two", "three", "fourth", "fifth"}), boost::test_tools::per_element());
  save("sixth", 1'301);
  BOOST_TEST(lines_of(*log) == (texts{"three", "fourth", "fifth", "sixth"}), boost::test_tools::per_element());
  BOOST_TEST(std::filesystem::exists(folder.file("other-1.ndjson")));
}

BOOST_AUTO_TEST_CASE(a_line_longer_than_a_file_is_written_whole) {
  const test_folder folder;
  auto log = notice_log::open(folder.file("dead.ndjson"), day_ms, 8);
  BOOST_REQUIRE(log);
  const std::string line(100'000, 'x');
  for (int i = 0; i < 3; ++i) {
    log->add(line);
    BOOST_REQUIRE(log->save(i));
  }
  BOOST_TEST(lines_of(*log) == (texts{line, line, line}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_at_once) {
  const test_folder folder;
  const auto pipe = folder.file("pipe.ndjson");
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("/dev/full", folder.file("full.ndjson"));
  for (const auto* name : {"pipe.ndjson", "full.ndjson"}) {
    const auto log = notice_log::open(folder.file(name), day_ms);
    BOOST_REQUIRE(not log);
    BOOST_TEST(log.error().message
               == "cannot open " + folder.file(name).string() + ": what is there is no file. Move it away");
  }
  // Nor is one read that stands where a full file would.
  std::filesystem::rename(pipe, folder.file("sent-100.ndjson"));
  const auto log = notice_log::open(folder.file("sent.ndjson"), day_ms);
  BOOST_REQUIRE(log);
  BOOST_TEST(lines_of(*log).empty());
}

BOOST_AUTO_TEST_CASE(lines_that_are_not_ours_are_passed_over) {
  known_ends known;
  for (const auto* line : {"", "[]", "5", "{}", R"({"decision":5})", R"({"decision":"0-1-1","id":null})",
                           R"({"id":"x","end":7})", R"({"id":7,"end":"sent"})", R"({"end":"sent"})", "\xff{"})
    known.take(line);
  BOOST_TEST(known.empty());
  known.take(R"({"id":"x","end":"failing","time":7})");
  BOOST_TEST(known.tried_since("x") == never);
  known.take(R"({"id":"x","end":"sent"})");
  BOOST_TEST(known.has_ended("x"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_an_error) {
  const test_folder folder;
  const auto log = notice_log::open(folder.path() / "none/sent.ndjson", day_ms);
  BOOST_REQUIRE(not log);
  BOOST_TEST(log.error().message.starts_with("cannot open "));
  BOOST_TEST(log.error().message.ends_with("sent.ndjson: No such file or directory"));
}

BOOST_AUTO_TEST_SUITE_END()
