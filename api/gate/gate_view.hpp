// SPDX-License-Identifier: Apache-2.0
//
// The rows of enforcement of all users in memory: what the gate answers from. A row is of fixed size; of the uid only a
// keyed hash of 128 bits is kept.
//
// Invariants
//   1. A reader waits neither for the writer nor for other readers; it sees the last row or the one before it, whole.
//   2. Who was never refused, throttled, locked or exempt takes no memory.
// Threads: one writer at a time; readers any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "api/gate/shared_row.hpp"
#include "streams/enforcement_row.hpp"

namespace fairuse {

class gate_view {
public:
  gate_view();
  ~gate_view();
  gate_view(const gate_view&) = delete;
  gate_view& operator=(const gate_view&) = delete;

  // The writer. Rows of a user come in the order of their epochs.

  void put(std::string_view uid, const enforcement_row& row);
  /// The user was erased.
  void forget(std::string_view uid);
  /// The newest of any partition holds for all.
  void put_controls(const controls_row& row);
  /// Local mode's, of one partition.
  void put(const enforcement_changes& changes);
  /// All that was committed at `at` (steady clock, ms) is in it.
  void caught_up(std::int64_t at) { caught_up_at_.store(at, std::memory_order_release); }

  // Readers.

  /// Nullopt: there is no row, so nothing is refused.
  std::optional<enforcement_row> find(std::string_view uid) const;
  /// Nullopt: no epoch has said anything yet.
  std::optional<controls_row> controls() const;
  /// When caught_up() was called last; INT64_MIN: not yet, so nothing is known of those without a row.
  std::int64_t caught_up_at() const { return caught_up_at_.load(std::memory_order_acquire); }
  /// Under the events' clock: `now` of the newest epoch in it.
  std::optional<time_ms> events_now() const {
    const auto now = events_now_.load(std::memory_order_acquire);
    return now == never ? std::nullopt : std::optional{now};
  }
  std::size_t rows() const { return rows_.load(std::memory_order_relaxed); }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

private:
  struct hashed {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  struct held_row {
    enforcement_row row;
    bool forgotten = false;
  };
  class table;

  hashed hash_of(std::string_view uid) const;
  void write(std::string_view uid, const held_row& what);
  void make_room();
  void drop_retired();

  const std::uint64_t seed_;
  std::unique_ptr<table> current_;
  /// What readers read: `current_`.
  std::atomic<const table*> shown_;
  /// Tables that a reader may still read.
  std::vector<std::unique_ptr<table>> retired_;
  /// Inside find().
  mutable std::atomic<std::uint32_t> readers_{0};
  shared_row<controls_row> controls_;
  std::atomic<std::int64_t> caught_up_at_{INT64_MIN};
  std::atomic<time_ms> events_now_{never};
  std::atomic<std::size_t> rows_{0};
  std::atomic<std::size_t> memory_bytes_{0};
};

} // namespace fairuse
