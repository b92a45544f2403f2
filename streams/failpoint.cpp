// SPDX-License-Identifier: Apache-2.0

#include "streams/failpoint.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <optional>

#include <unistd.h>

#include "base/pure/numbers.hpp"

namespace fairuse::failpoint {

namespace detail {

std::atomic<bool> armed{false};

namespace {
// Written once, before any other thread runs.
std::string armed_name;
std::uint64_t armed_nth = 1;
/// 0: the thread hangs.
int armed_signal = SIGKILL;
std::atomic<std::uint64_t> passes{0};
} // namespace

void passed(std::string_view name) {
  if (name != armed_name or passes.fetch_add(1) + 1 != armed_nth) return;
  if (armed_signal != 0) ::kill(::getpid(), armed_signal);
  while (armed_signal == 0)
    ::pause();
}

} // namespace detail

namespace {

/// The signal of an action; 0: the thread hangs.
std::optional<int> signal_of(std::string_view action) {
  if (action == "kill") return SIGKILL;
  if (action == "stop") return SIGSTOP;
  if (action == "hang") return 0;
  return std::nullopt;
}

constexpr std::array all_names = std::to_array<std::string_view>({
    // Both modes.
    "epoch_sealed", // the epoch is sealed, no user has its events yet
    "slices_done",  // every user has answered
    // Local mode.
    "batch_built",       // decisions, rows and journal of the commit are in memory
    "before_write",      // the writer has the commit
    "after_write",       // it is durable, and not published
    "after_publish",     // readers may see it
    "before_checkpoint", // the week's checkpoint is written, and has no name
    "after_checkpoint",  // it has
    "stopping",          // the last commit of an orderly stop is done
    // Kafka: a takeover (S2 to S8) ...
    "group_joined", "store_opened", "offsets_read", "end_known",
    "restoring", // a part of the changelog is in the store
    "agreed",
    // ... and an epoch (E5 to E10).
    "produced",      // all records are handed to the producer
    "flushed",       // they are in the log, uncommitted
    "offsets_sent",  // so are the offsets
    "committed",     // so is the transaction; E9 has not begun
    "pending",       // the rows are on their way to the store
    "published",     // queries may see the epoch
    "store_write",   // the writer is about to write them
    "store_written", // and has
    // Kafka: the end of a worker.
    "leaving", // its stores are closed, its clients not yet
});

} // namespace

std::span<const std::string_view> names() { return all_names; }

result<void> arm(std::string_view text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  auto action = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  std::uint64_t nth = 1;
  if (const auto second = action.find(':'); second != std::string_view::npos) {
    nth = parse_number<std::uint64_t>(action.substr(second + 1)).value_or(0);
    action = action.substr(0, second);
  }
  const auto signal = signal_of(action);
  if (std::find(all_names.begin(), all_names.end(), name) == all_names.end() or not signal or nth == 0) {
    std::string problem = "FAIRUSE_FAIL must be <place>:kill[:<nth>], or stop or hang for kill, with a place of";
    for (const auto each : all_names)
      problem.append(" ").append(each);
    return error{std::move(problem)};
  }
  detail::armed_name = name;
  detail::armed_nth = nth;
  detail::armed_signal = *signal;
  detail::armed = true;
  return {};
}

bool was_passed() { return not detail::armed or detail::passes > 0; }

} // namespace fairuse::failpoint
