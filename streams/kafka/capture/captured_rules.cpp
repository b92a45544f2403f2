// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/captured_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/rules.hpp"
#include "storage/partition_meta.hpp"

namespace fairuse::kafka {

namespace {

/// Epochs from `first` on that one build decided.
struct ruled_epochs {
  std::uint64_t first = 0;
  std::uint32_t rules = 1;
  std::string program;
};

std::vector<ruled_epochs> ruled_epochs_of(const capture_reader& capture, const captured_partition& partition) {
  std::vector<ruled_epochs> all;
  const auto note = [&all](std::uint64_t epoch, const partition_setup& setup) {
    if (not all.empty() and all.back().first == epoch) all.pop_back();
    if (not all.empty() and all.back().rules == setup.rules and all.back().program == setup.program) return;
    all.push_back({epoch, setup.rules, setup.program});
  };
  if (const auto state = decode_epoch_record(partition.state_setup); state and state->setup)
    note(partition.first_epoch, *state->setup);
  const auto* journal = capture.contents().find(partition.partition, section_kind::journal);
  if (journal == nullptr or partition.epochs == 0) return {};
  auto rows = capture.records(*journal);
  captured_record row;
  while (rows.next(row)) {
    const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
    if (told and told->setup) note(told->epoch, *told->setup);
  }
  return all;
}

} // namespace

std::string other_rules(const capture_reader& capture, const captured_partition& partition) {
  const auto all = ruled_epochs_of(capture, partition);
  const auto same = [](const ruled_epochs& each) { return each.rules == decision_rules; };
  if (std::all_of(all.begin(), all.end(), same)) return {};
  std::string text;
  for (const auto& each : all)
    text += fmt::format("{} epoch {} on rules {} (fairuse {})", text.empty() ? "from" : ", from", each.first,
                        each.rules, each.program);
  return fmt::format(
      "partition {} was decided with other rules than the {} of this build: {}. A build verifies only "
      "what its own rules decided: take one of those builds, or a capture that begins at a checkpoint "
      "taken after the upgrade",
      partition.partition, decision_rules, text);
}

} // namespace fairuse::kafka
