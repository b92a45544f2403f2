// SPDX-License-Identifier: Apache-2.0
//
// What outlives the processes of a run: the simulated log, the clocks, the deployment's rules, and a trace of what
// happened. Threads: one.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/system/scratch_folder.hpp"
#include "storage/partition_meta.hpp"
#include "streams/kafka/worker/engine_rules.hpp"
#include "tests/protocol/random_draws.hpp"
#include "tests/simlog/process.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::protocol {

/// An invariant does not hold. The text says which and where.
struct broken_invariant : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw broken_invariant(fmt::format(text, std::forward<Args>(args)...));
}

/// Of every instance, model and replay.
inline constexpr const char* case_key = "a key of tests";
/// The log of a larger buffer is reserved on the disk, here in memory, at each of many openings.
inline constexpr std::uint64_t store_buffer_bytes = std::uint64_t{1} << 20;

/// What a seed draws before anything happens. Every field may be set by a test that wants something else.
struct run_settings {
  explicit run_settings(std::uint64_t number);

  std::uint64_t seed;
  std::int32_t partitions = 1;
  int inputs = 1;
  int instances = 1;
  int users = 4;
  int rounds = 600;
  /// About one fault in so many calls of clients; 0: only those that the test asks for.
  std::uint32_t calls_per_fault = 300;
  int crashes = 3;
  /// The cleaner runs now and then on the compacted topics.
  bool compacts = false;
  /// A shadow policy is loaded, and commands promote it.
  bool promotes = false;
  bool starts_off = false;
  bool lazy_writer = false;
  /// The configuration exempts a user, by an event of its own.
  bool config_commands = false;
  /// The wall clock of the machine is set, back an hour or forward a day, while processes run on.
  bool clocks_jump = false;
  /// As in simlog::client_options.
  std::optional<simlog::outcome> after_loss;
  std::optional<simlog::delay> lateness;
  /// Something happens in so many of a thousand rounds.
  std::uint32_t incidents = 60;
  std::uint32_t traffic = 400;
};

class fixture {
public:
  explicit fixture(const run_settings& settings);
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  /// The time of engines and producers.
  time_ms now() const { return log.now() + leap_; }
  /// Hours in which nothing happens.
  void leap(time_ms span) { leap_ += span; }
  /// How far the machine's wall clock was set off.
  time_ms wall_jump = 0;
  /// `skew`: of the process's wall clock, besides.
  kafka::engine_rules rules_for(const std::string& instance, const std::filesystem::path& state, time_ms skew);
  /// What processes that start later find in their configuration.
  void configure(policy live, std::vector<policy> shadows);
  const policy& live() const { return live_; }
  const std::vector<policy>& shadows() const { return shadows_; }
  /// A folder that was not used before.
  std::filesystem::path fresh_folder();
  const std::string& input(int which) const { return inputs_[static_cast<std::size_t>(which)]; }
  const std::vector<std::string>& inputs() const { return inputs_; }

  /// Behind the last record of every input that readers see.
  std::vector<kafka::position> input_ends() const;
  /// Throws broken_invariant if an engine refused something: no fault here is a reason to refuse.
  void check_errors();

  void note(const std::string& what);
  /// The last things that happened, a line each.
  std::string trace() const;

  const run_settings settings;
  simlog::simulated_log log;
  random_draws draws;
  const topic_names topics;
  /// Refusals and other errors that engines logged.
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  /// Of processes that start later.
  std::string case_key = "a key of tests";
  /// What engines told of dead letters: topic, partition, what.
  std::vector<std::tuple<std::string, std::int32_t, refused_input>> dead_letters;
  /// Part of a refusal that the test provokes.
  std::string expected_error;

private:
  std::vector<std::string> inputs_;
  scratch_folder root_;
  int folders_ = 0;
  time_ms leap_ = 0;
  std::deque<std::string> trace_;
  policy live_;
  std::vector<policy> shadows_;
  std::map<std::string, policy> known_policies_;
};

} // namespace fairuse::protocol
