// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong at which call of a client: drawn from a seed, or scripted ("the second commit, crash after it took
// effect"). The default plan lets nothing go wrong and draws nothing.
// Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairuse::simlog {

/// Where a fault can happen.
enum class point : std::uint8_t {
  init,         ///< init_transactions
  produce,      ///< a record is queued
  flush,        ///< records go to the log
  add_offsets,  ///< the group joins the transaction
  send_offsets, ///< offsets go to the group
  commit,
  abort,
  poll,  ///< of a member
  fetch, ///< a member says what it wants
  committed,
  range,
  read, ///< of a reader
  metadata,
};
inline constexpr std::size_t points = static_cast<std::size_t>(point::metadata) + 1;

/// How.
enum class fault : std::uint8_t {
  none,
  crash_before, ///< the process dies, the request had no effect
  crash_after,  ///< the process dies, the request had its effect
  lost,         ///< no effect; the client notices and tries again
  reply_lost,   ///< effect; the client notices and tries again
  delayed,      ///< a copy of the request takes effect later; the client tries again at once
  duplicated,   ///< effect now, and a copy takes effect later
  late_markers, ///< markers reach each partition and the group at times of their own
  loading,      ///< the coordinator is not ready
  undelivered,  ///< some of the records were not taken
  early,        ///< what is queued goes out now
  skipped,      ///< the next poll leaves out some records of a partition
  deaf,         ///< the member gets nothing from the group in this poll
  short_batch,  ///< fewer records than there are
};
inline constexpr std::size_t faults = static_cast<std::size_t>(fault::short_batch) + 1;

std::string name_of(point where);
std::string name_of(fault what);

/// The process died here. The broker's side stays as it is; the client objects answer `broken` until they are
/// destroyed.
struct simulated_crash : std::runtime_error {
  simulated_crash(point where, bool before);
};

/// Chances in parts per million and call. A fault is drawn only at points where it makes sense.
using fault_rates = std::map<fault, std::uint32_t>;

/// Everything at once, crashes included: about one fault in `calls` calls.
fault_rates stormy(std::uint32_t calls);

class fault_plan {
public:
  fault_plan() = default;
  fault_plan(std::uint64_t seed, fault_rates rates) : rates_(std::move(rates)), state_(seed) {}

  /// The fault happens at the `nth` pass (from 1) of a point from now on, besides the rates.
  void script(point where, fault what, std::uint32_t nth = 1);
  /// Nothing goes wrong any more.
  void stop();

  fault next(point where);
  /// Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// How often each fault happened.
  std::uint64_t struck(fault what) const { return struck_[static_cast<std::size_t>(what)]; }
  std::uint64_t passed(point where) const { return passed_[static_cast<std::size_t>(where)]; }

  /// Called with every fault that happens.
  std::function<void(point, fault)> observer;

private:
  struct scripted {
    point where;
    fault what;
    std::uint64_t at;
  };
  fault draw(point where);

  fault_rates rates_;
  std::vector<scripted> script_;
  std::array<std::uint64_t, points> passed_{};
  std::array<std::uint64_t, faults> struck_{};
  std::uint64_t state_ = 0;
};

} // namespace fairuse::simlog
