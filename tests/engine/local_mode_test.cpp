// SPDX-License-Identifier: Apache-2.0

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "engine/client_library.hpp"
#include "engine/engine.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {

namespace {

/// The shipped deployment of local mode in a folder of its own, with the log of its engines.
class local_fixture {
public:
  std::unique_ptr<engine> start(run_settings settings) {
    yaml::diagnostics problems{"local.yaml"};
    auto all = load_deployment(samples::source_folder() / "config/local.yaml", kafka_client_library(), problems);
    BOOST_REQUIRE_MESSAGE(all, problems.text());
    settings.state_folder = folder_.file("state").string();
    settings.input = folder_.file("in.ndjson").string();
    settings.clock = clock_kind::events;
    auto made = start_engine(std::move(settings), std::move(*all),
                             {.bytes = "sixteen bytes or more", .from = case_key_origin::file},
                             {.log = [this](log_level, const std::string& text) { log(text); },
                              .progress = [this](const run_progress& now) { events = now.events; }});
    if (made) return std::move(*made);
    error = made.error();
    return nullptr;
  }

  void write(const std::string& lines, bool append = false) { folder_.write("in.ndjson", lines, append); }

  std::string logged() {
    const std::lock_guard guard{mutex_};
    return log_;
  }

  std::atomic<std::uint64_t> events = 0;
  std::optional<run_error> error;

private:
  void log(const std::string& text) {
    const std::lock_guard guard{mutex_};
    log_ += text + "\n";
  }

  test_folder folder_;
  std::mutex mutex_;
  std::string log_;
};

std::string hours(int first, int count) {
  std::string lines;
  for (int i = first; i < first + count; ++i)
    lines += wire_line("speech", "a", i, i * hour_ms, R"({"lane":"realtime","ms":3600000})");
  return lines;
}

const local_figures& local_part(const run_report& report) { return std::get<local_figures>(report.of_mode); }

} // namespace

BOOST_AUTO_TEST_SUITE(local_mode_test)

BOOST_AUTO_TEST_CASE(a_run_to_the_end_reports_what_it_did_and_the_next_one_goes_on) {
  local_fixture fixture;
  fixture.write(hours(0, 5) + "{\n");
  auto first = fixture.start({.until_end = true});
  BOOST_REQUIRE(first);
  BOOST_TEST(not first->report());
  BOOST_REQUIRE(first->run());
  const auto report = first->report();
  BOOST_REQUIRE(report);
  BOOST_TEST(local_part(*report).totals.lines == 6U);
  BOOST_TEST(local_part(*report).totals.events == 5U);
  BOOST_TEST(local_part(*report).totals.users == 1U);
  BOOST_TEST(report->dead_letters == 1U);
  BOOST_TEST(report->decisions > 0U);
  BOOST_TEST(fixture.events == 5U);
  BOOST_TEST(fixture.logged().find("from line 1,") != std::string::npos);
  first.reset();
  fixture.write(hours(5, 2), true);
  const auto second = fixture.start({.until_end = true});
  BOOST_REQUIRE(second);
  BOOST_REQUIRE(second->run());
  BOOST_TEST(local_part(*second->report()).totals.lines == 2U);
  BOOST_TEST(fixture.logged().find("from line 7,") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_followed_file_is_left_when_another_thread_stops_the_engine) {
  local_fixture fixture;
  fixture.write(hours(0, 10));
  const auto running = fixture.start({});
  BOOST_REQUIRE(running);
  std::thread other{[&] {
    while (fixture.events < 8)
      std::this_thread::yield();
    running->stop();
  }};
  const auto done = running->run();
  other.join();
  BOOST_REQUIRE(done);
  BOOST_REQUIRE(running->report());
  BOOST_TEST(local_part(*running->report()).totals.events >= 8U);
  BOOST_TEST(running->report()->epochs == local_part(*running->report()).last_epoch);
}

BOOST_AUTO_TEST_CASE(an_engine_that_was_stopped_before_it_runs_returns_at_once) {
  local_fixture fixture;
  fixture.write(hours(0, 3));
  const auto running = fixture.start({});
  BOOST_REQUIRE(running);
  running->stop();
  BOOST_TEST(running->run().has_value());
  BOOST_TEST(local_part(*running->report()).totals.lines == 0U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_run_is_refused_with_a_reason) {
  local_fixture fixture;
  BOOST_TEST(not fixture.start({}));
  BOOST_REQUIRE(fixture.error);
  BOOST_TEST((fixture.error->kind == run_fault::refused));
  BOOST_TEST(fixture.error->message.find("in.ndjson") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
