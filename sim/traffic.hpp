// SPDX-License-Identifier: Apache-2.0
//
// The events of simulated users: months of them, one user at a time, in the order of arrival.
//
// A user's traffic is a function of (population, seed, user, days) alone. The speech of each minute is that of a real
// recording; the speech of a local day adds up to what the population drew, to the millisecond. All speech lies in
// local days 0 .. days - 1, but uploads arrive up to `upload_delay` later.
//
// Threads: a traffic_writer belongs to one thread; any number of them may share a composition.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "events/event.hpp"
#include "sim/population.hpp"

namespace fairuse::sim {

/// An event and when it arrives at the engine. In synthetic traffic every arrival is a step of its own.
struct arrival {
  time_ms at = 0;
  event what;
  /// A copy of an earlier event.
  bool again = false;
};

/// One user's events, ascending by (at, the order of `before`). `arena` owns the details.
struct user_traffic {
  std::uint32_t user = 0;
  user_traits traits;
  std::vector<arrival> arrivals;
  event_arena arena;
};

class traffic_writer {
public:
  /// REQUIRES: `of` outlives this; days < 2^20.
  traffic_writer(const composition& of, std::uint32_t days);

  /// Fill `out` with everything that `user` does. Buffers of `out` are reused.
  void write(std::uint32_t user, user_traffic& out);

private:
  struct session {
    std::int64_t speech_ms = 0;
    excerpt recorded;
  };

  struct account {
    bool free = false;
    bool exhausted = false;
    std::chrono::year_month month{};
    std::int64_t month_ms = 0;
    time_ms upgrade_at = never;
  };

  void write_day(std::uint32_t day);
  void plan_sessions(std::int64_t speech_ms, random_stream& random);
  void write_session(const session& planned, std::uint32_t number, time_ms begin, random_stream& random);
  template <bool Delayed>
  void write_speech(const session& planned, time_ms begin, time_ms arrives, lane from);
  void write_conversation(std::uint32_t number, time_ms end, time_ms at, lane from, std::int64_t duration_ms,
                          random_stream& random);
  void begin_account(time_ms at);
  void begin_month(time_ms at);
  void charge(std::int64_t speech_ms, time_ms at);
  void upgrade(time_ms at);
  void push_account(account_fact fact, time_ms at);
  void push(const arrival& what) { out_->arrivals.push_back(what); }
  void push_duplicate(const arrival& what);
  void merge();
  std::uint64_t key();

  const composition* people_;
  std::uint32_t days_;
  /// Mean gap between duplicates, as an exclusive bound of a uniform draw; 0: there are none.
  std::uint32_t duplicate_gap_ = 0;

  // Of the user who is being written.
  user_traffic* out_ = nullptr;
  const cohort* cohort_ = nullptr;
  account account_;
  std::uint32_t day_ = 0;
  std::vector<session> sessions_;
  /// Arrivals that are not made in order: uploads, duplicates, account facts.
  std::vector<arrival> unordered_;
  std::uint32_t until_duplicate_ = 0;
  random_stream faults_;
  std::uint64_t key_index_ = 0;
  std::uint32_t keys_left_ = 0;
  std::array<std::uint64_t, 16> keys_{};
};

} // namespace fairuse::sim
