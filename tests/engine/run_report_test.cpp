// SPDX-License-Identifier: Apache-2.0

#include "engine/run_report.hpp"

#include <string>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

namespace fairuse {

namespace {

std::string keys_of(const run_report& report) {
  const auto made = nlohmann::ordered_json::parse(report_json(report));
  std::string keys;
  for (const auto& [key, value] : made.items())
    keys += key + " ";
  return keys;
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_report_test)

BOOST_AUTO_TEST_CASE(a_report_of_local_mode_has_its_keys_in_order) {
  BOOST_TEST(keys_of({.of_mode = local_figures{}})
             == "lines empty_lines bytes events accepted duplicates reused_command_ids stale moved_to_backfill "
                "dead_letters decisions shadow_decisions users active_users epochs last_epoch commits seconds "
                "events_per_second cpu_seconds memory_peak_bytes ");
}

BOOST_AUTO_TEST_CASE(a_report_of_kafka_mode_has_its_keys_in_order) {
  BOOST_TEST(keys_of({.of_mode = kafka_figures{}})
             == "records duplicates reused_command_ids dead_letters dead_letter_reasons decisions epochs rows outputs transactions aborts "
                "recycled real_gaps refetches seconds records_per_second cpu_seconds memory_peak_bytes ");
}

BOOST_AUTO_TEST_CASE(a_report_of_kafka_mode_reads_as_a_table) {
  const run_report report{.seconds = 2,
                          .cpu_seconds = 0.5,
                          .memory_peak_bytes = 3U << 20U,
                          .epochs = 4,
                          .duplicates = 1,
                          .decisions = 7,
                          .of_mode = kafka_figures{.totals = {.records = 1'000}, .transactions = 5}};
  BOOST_TEST(report_text(report) == "records                1000\n  duplicates              1\n"
                                    "dead letters              0\ndecisions                 7\n"
                                    "epochs                    4\ntransactions              5\n"
                                    "  aborted                 0\n2.00 s, 500 records/s, 0.50 CPU s, peak 3 MiB\n");
}

BOOST_AUTO_TEST_CASE(a_report_of_kafka_mode_counts_dead_letters_by_reason) {
  kafka_figures own;
  own.totals.dead_letters[static_cast<std::size_t>(refusal::wrong_partition)] = 3;
  BOOST_TEST(report_text({.dead_letters = 3, .of_mode = own}).find("  wrong_partition") != std::string::npos);
  const auto made = nlohmann::json::parse(report_json({.dead_letters = 3, .of_mode = own}));
  BOOST_TEST(made["dead_letter_reasons"].dump() == R"({"wrong_partition":3})");
}

BOOST_AUTO_TEST_CASE(a_report_of_local_mode_groups_digits_and_leaves_out_what_did_not_happen) {
  run_report report{.duplicates = 2, .of_mode = local_figures{.totals = {.lines = 1'234'567, .events = 3}}};
  const auto text = report_text(report);
  BOOST_TEST(text.starts_with("lines                             1,234,567\nevents"));
  BOOST_TEST(text.find("stale") == std::string::npos);
  std::get<local_figures>(report.of_mode).totals.counts.stale = 1;
  BOOST_TEST(report_text(report).find("  stale facts") != std::string::npos);
  BOOST_TEST(text.find("reused") == std::string::npos);
  std::get<local_figures>(report.of_mode).totals.counts.reused_command_ids = 1;
  BOOST_TEST(report_text(report).find("    command ids reused") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
