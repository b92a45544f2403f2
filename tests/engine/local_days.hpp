// SPDX-License-Identifier: Apache-2.0
//
// Local mode in this process, run after run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "engine/client_library.hpp"
#include "engine/engine.hpp"
#include "streams/history/local_history.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/streams/history/packed.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {

/// Runs over a growing file into one store.
class local_days {
public:
  /// With every shadow that the deployment names.
  void run(const std::string& lines, std::uint64_t commit_bytes = 1 << 20, const std::string& changes = {},
           clock_kind clock = clock_kind::events) {
    run_as(deployment(changes), lines, commit_bytes, clock);
  }

  /// `deployment`: a file.
  void run_as(const std::filesystem::path& deployment, const std::string& lines, std::uint64_t commit_bytes = 1 << 20,
              clock_kind clock = clock_kind::events) {
    folder_.write("in.ndjson", lines, true);
    yaml::diagnostics problems{"local.yaml"};
    auto all = load_deployment(deployment, kafka_client_library(), problems);
    BOOST_REQUIRE_MESSAGE(all, problems.text());
    run_settings settings;
    settings.state_folder = state();
    settings.input = folder_.file("in.ndjson").string();
    settings.until_end = true;
    settings.clock = clock;
    settings.commit_bytes = commit_bytes;
    settings.chunk_bytes = std::max<std::uint64_t>(commit_bytes / 4, 4'096);
    auto made =
        start_engine(std::move(settings), std::move(*all), {.bytes = case_key, .from = case_key_origin::file}, {});
    BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
    const auto done = (*made)->run();
    BOOST_REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
    const auto report = (*made)->report();
    add(std::get<local_figures>(report->of_mode).totals);
  }

  history::unpacked_history packed() const {
    return history::packed([this](history::packer& to, history::history_contents& into) {
      const auto done = history::pack_local_store(state(), {.case_key = case_key}, to, into);
      BOOST_REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
    });
  }

  std::string state() const { return folder_.file("state").string(); }
  std::filesystem::path write(const std::string& name, const std::string& text) { return folder_.write(name, text); }

  static constexpr const char* case_key = "sixteen bytes or more";

  counters counts;
  refusal_counts dead_letters{};
  std::uint64_t duplicate_commands = 0;
  std::uint64_t empty_lines = 0;
  std::uint64_t commits = 0;

private:
  std::filesystem::path deployment(const std::string& changes) const {
    const auto policies = (samples::source_folder() / "config/policies").string();
    return folder_.write("local.yaml",
                         "enabled: true\nsource: test\nstreams: {kind: local}\n"
                         "policies: {live: "
                             + policies + "/fair.yaml, shadow: [" + policies + "/omi-newest.yaml]}\n" + changes);
  }

  void add(const run_totals& of) {
    counts += of.counts;
    duplicate_commands += of.duplicate_commands;
    empty_lines += of.empty_lines;
    commits += of.commits;
    for (std::size_t i = 0; i < refusal_count; ++i)
      dead_letters[i] += of.dead_letters[i];
  }

  test_folder folder_;
};

} // namespace fairuse
