// SPDX-License-Identifier: Apache-2.0
//
// What the intake promises, as a simple model: which records there are, what follows from each, and which of them were
// finished. It reads the broker's side only, and throws broken_promise. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/kafka_intake.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::intake {

struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const std::string& what) {
  if (not holds) throw broken_promise(what);
}

inline constexpr auto group_name = "takers";
inline const std::string input = "requests";
inline const std::string results = "results";
inline const std::string early = "early";

/// One record of the input.
struct fact {
  std::uint64_t number = 0;
  /// By retention, before it was committed: nobody waits for it.
  bool removed = false;
  /// By a process that had it.
  bool finished = false;
};

// What follows from a record follows from its number, so every process says the same.
bool follows_nothing(std::uint64_t number);
std::vector<intake_output> results_of(std::uint64_t number);
/// Whether it is written ahead how it ends.
bool is_told_early(std::uint64_t number);
intake_output told_early(std::uint64_t number, bool ends);
/// Of a handle that means nothing any more.
std::vector<intake_output> nonsense();
/// Committed with an offset.
std::string metadata_of(std::int32_t partition, std::int64_t offset);

class intake_model {
public:
  intake_model(simlog::simulated_log& log, std::int32_t partitions);

  std::int32_t partitions() const { return static_cast<std::int32_t>(facts_.size()); }
  /// Learn what was added to the input.
  void look();
  /// Before the records below are removed.
  void remove_before(std::int32_t partition, std::int64_t offset);
  void finish(std::int32_t partition, std::int64_t offset) { facts_[index(partition)].at(offset).finished = true; }
  /// Throws if there is none.
  const fact& find(std::int32_t partition, std::int64_t offset) const;
  /// -1: none.
  simlog::stored_offset committed(std::int32_t partition) const;

  /// At any moment: offsets go forwards, with what the owner gave with them, over finished records.
  void check_offsets();
  bool is_all_committed() const;
  /// At the end: outputs once, in their order; early ones at least once, once if `calm`.
  void check_outputs(bool calm) const;

private:
  static std::size_t index(std::int32_t partition) { return static_cast<std::size_t>(partition); }
  void check_results(std::int32_t partition) const;
  void check_early(std::int32_t partition, bool calm) const;

  simlog::simulated_log& log_;
  std::vector<std::map<std::int64_t, fact>> facts_;
  std::vector<simlog::stored_offset> seen_;
};

} // namespace fairuse::intake
