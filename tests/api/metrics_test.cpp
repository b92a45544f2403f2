// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include "api/metrics/engine_metrics.hpp"
#include "api/metrics/run_status.hpp"

using namespace fairuse;

namespace {

using boost::asio::ip::tcp;

engine_figures figures_of(stream_kind mode) {
  return {
      .mode = mode,
      .at = 7,
      .broker = {.rebalances = 1},
      .partitions = {
          {.partition = 3, .epoch_age_ms = 1'500, .lag_records = mode == stream_kind::kafka ? 9 : -1, .lag_ms = 250}}};
}

std::vector<prometheus::MetricFamily> shown(const engine_figures& from) {
  shown_metrics to;
  show(from, to);
  return to.take();
}

// Rows of docs/metrics.md that are not the API's nor the process's.
std::set<std::string> documented() {
  std::ifstream from{std::string{std::getenv("FAIRUSE_SOURCE_DIR")} + "/docs/metrics.md"};
  const std::regex row{R"(\| `(fairuse_\w+)(\{[\w,]+\})?` \| (\w*) ?\|.*)"};
  std::set<std::string> names;
  std::smatch found;
  for (std::string line; std::getline(from, line);)
    if (std::regex_match(line, found, row) and found[3] != "API") names.insert(found[1]);
  names.erase("fairuse_build_info");
  return names;
}

double value_of(const std::vector<prometheus::MetricFamily>& all, const std::string& name, std::size_t at = 0) {
  for (const auto& each : all)
    if (each.name == name) return each.metric.at(at).gauge.value + each.metric.at(at).counter.value;
  BOOST_FAIL("there is no " << name);
  return 0;
}

struct status_fixture {
  status_fixture() {
    settings.api.status_listen = "127.0.0.1:0";
    settings.streams = stream_kind::kafka;
    auto opened = run_status::open(settings, {.program = "1.2.3",
                                              .show = [](shown_metrics& to) { to.gauge("fairuse_test", "A test.", 4); },
                                              .missing = [this] { return missing; },
                                              .log = [this](log_level, const std::string& text) { told = text; }});
    BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
    status = std::move(*opened);
  }

  std::string get(const std::string& path) {
    boost::asio::io_context context;
    tcp::socket socket{context};
    const auto port = static_cast<std::uint16_t>(std::stoi(told.substr(told.rfind(' '))));
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    boost::asio::write(socket, boost::asio::buffer("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    std::string all;
    boost::system::error_code failed;
    boost::asio::read(socket, boost::asio::dynamic_buffer(all), failed);
    return all.substr(9, 4) + all.substr(all.find("\r\n\r\n") + 4);
  }

  deployment settings;
  std::vector<std::string> missing;
  std::string told;
  std::unique_ptr<run_status> status;
};

} // namespace

BOOST_AUTO_TEST_SUITE(metrics_of_an_engine)

BOOST_AUTO_TEST_CASE(those_of_kafka_mode_are_the_rows_of_the_table) {
  std::set<std::string> names;
  for (const auto& each : shown(figures_of(stream_kind::kafka))) {
    names.insert(each.name);
    BOOST_TEST(each.name.ends_with("_total") == (each.type == prometheus::MetricType::Counter), each.name);
    BOOST_TEST(each.help.ends_with("."), each.name);
  }
  const auto wanted = documented();
  BOOST_TEST(names == wanted, boost::test_tools::per_element());
  BOOST_TEST(names.size() > 15U);
}

BOOST_AUTO_TEST_CASE(durations_are_cumulative_counts_in_seconds) {
  auto from = figures_of(stream_kind::local);
  for (const std::int64_t us : {100, 500, 501, 20'000'000})
    from.epoch_times.add(us);
  for (const auto& each : shown(from)) {
    if (each.name != "fairuse_epoch_seconds") continue;
    const auto& told = each.metric.front().histogram;
    BOOST_TEST(told.sample_count == 4U);
    BOOST_TEST(told.sample_sum == 20.001101);
    BOOST_TEST(told.bucket[0].upper_bound == 0.0005);
    BOOST_TEST(told.bucket[0].cumulative_count == 2U);
    BOOST_TEST(told.bucket[1].cumulative_count == 3U);
    BOOST_TEST(told.bucket.back().cumulative_count == 4U);
    return;
  }
  BOOST_FAIL("there is no histogram");
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_not_shown) {
  auto from = figures_of(stream_kind::local);
  BOOST_TEST(value_of(shown(from), "fairuse_lag_seconds") == 0.25);
  BOOST_TEST(value_of(shown(from), "fairuse_epoch_age_seconds") == 1.5);
  from.partitions.front().lag_ms = -1;
  for (const auto& each : shown(from))
    BOOST_TEST(each.name != "fairuse_lag_seconds");
}

BOOST_AUTO_TEST_CASE(dead_letters_that_core_did_not_refuse_are_of_unknown_kind) {
  auto from = figures_of(stream_kind::local);
  from.dead_letters[0] = 3;
  from.events.refused[static_cast<std::size_t>(event_kind::admin)] = 1;
  const auto all = shown(from);
  BOOST_TEST(value_of(all, "fairuse_events_total", event_kind_count * 4) == 2);
}

BOOST_AUTO_TEST_CASE(partitions_that_do_not_decide_are_named) {
  auto from = figures_of(stream_kind::kafka);
  BOOST_TEST(missing_of(from).empty());
  from.partitions.push_back({.partition = 4, .state = "refused", .says = "another key"});
  from.partitions.push_back({.partition = 5, .state = "restoring"});
  const std::vector<std::string> wanted{"partition 4 is refused: another key", "partition 5 is restoring"};
  BOOST_TEST(missing_of(from) == wanted, boost::test_tools::per_element());
  BOOST_TEST(value_of(shown(from), "fairuse_partitions", 1) == 1);
  from.broker.rebalances = 0;
  BOOST_TEST(missing_of(from).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(the_status_of_a_run, status_fixture)

BOOST_AUTO_TEST_CASE(lives_while_the_engine_is_opened_and_is_not_ready) {
  BOOST_TEST(get("/livez") == "200 ok\n");
  BOOST_TEST(get("/readyz") == "503 the main loop has not begun\n");
}

BOOST_AUTO_TEST_CASE(is_ready_when_the_engine_and_what_stands_beside_it_are) {
  status->figures()(figures_of(stream_kind::kafka));
  BOOST_TEST(get("/readyz") == "200 ok\n");
  missing = {"the gate still reads"};
  BOOST_TEST(get("/readyz") == "503 the gate still reads\n");
}

BOOST_AUTO_TEST_CASE(shows_the_figures_of_all) {
  status->figures()(figures_of(stream_kind::kafka));
  const auto text = get("/metrics");
  for (const std::string line : {"fairuse_build_info{mode=\"kafka\",version=\"1.2.3\"} 1\n", "\nfairuse_test 4\n",
                                 "\nfairuse_lag_records{partition=\"3\"} 9\n", "\nprocess_cpu_seconds_total "})
    BOOST_TEST(text.find(line) != std::string::npos, line);
}

BOOST_AUTO_TEST_SUITE_END()
