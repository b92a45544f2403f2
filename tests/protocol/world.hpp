// SPDX-License-Identifier: Apache-2.0
//
// What outlives every process of a seed: the simulated log, the clocks, the deployment's rules, and a diary of what
// happened. Threads: one.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/system/scratch_folder.hpp"
#include "streams/kafka/worker/engine_rules.hpp"
#include "tests/protocol/dice.hpp"
#include "tests/simlog/process.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::protocol {

/// An invariant does not hold. The text says which and where.
struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw broken_promise(fmt::format(text, std::forward<Args>(args)...));
}

/// What a seed draws before anything happens. Every field may be set by a test that wants something else.
struct setting {
  explicit setting(std::uint64_t number);

  std::uint64_t seed;
  std::int32_t partitions = 1;
  int inputs = 1;
  int instances = 1;
  int users = 4;
  int rounds = 600;
  /// About one fault in so many calls of clients; 0: none but those that the play stages.
  std::uint32_t calls_per_fault = 300;
  int crashes = 3;
  /// The cleaner runs now and then on the compacted topics.
  bool compacts = false;
  /// A shadow policy is loaded, and commands promote it.
  bool promotes = false;
  bool starts_off = false;
  bool lazy_writer = false;
  /// The configuration exempts somebody, by an event of its own.
  bool config_commands = false;
  /// The wall clock of the machine is set, back an hour or forward a day, while processes run on.
  bool clocks_jump = false;
  /// Processes join one after another while the markers of first commits are still on their way.
  bool late_births = false;
  /// As in simlog::client_options.
  std::optional<simlog::outcome> after_loss;
  std::optional<simlog::delay> lateness;
  /// Something happens in so many of a thousand rounds.
  std::uint32_t incidents = 60;
  std::uint32_t traffic = 400;
};

class world {
public:
  explicit world(const setting& how);
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// What time it is for engines and producers.
  time_ms now() const { return log.now() + leap_; }
  /// Hours in which nothing happens.
  void leap(time_ms span) { leap_ += span; }
  /// How far the machine's wall clock was set off.
  time_ms wall_jump = 0;
  /// `skew`: of the process's wall clock, besides.
  kafka::engine_rules rules_for(const std::string& instance, const std::filesystem::path& state, time_ms skew);
  /// A folder that nobody has used.
  std::filesystem::path fresh_folder();
  const std::string& input(int which) const { return inputs_[static_cast<std::size_t>(which)]; }
  const std::vector<std::string>& inputs() const { return inputs_; }

  /// Behind the last record of every input that readers see.
  std::vector<kafka::position> input_ends() const;
  /// Throws broken_promise: nothing that may happen here is a reason to refuse.
  void heed_alarms();

  void note(const std::string& what);
  /// The last things that happened, a line each.
  std::string diary() const;

  const setting how;
  simlog::simulated_log log;
  dice chance;
  const topic_names topics;
  /// Refusals and other errors that engines logged.
  std::vector<std::string> alarms;

private:
  std::vector<std::string> inputs_;
  scratch_folder root_;
  int folders_ = 0;
  time_ms leap_ = 0;
  std::deque<std::string> diary_;
  policy live_;
  std::vector<policy> shadows_;
  std::map<std::string, policy> known_policies_;
};

} // namespace fairuse::protocol
