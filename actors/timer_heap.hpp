// SPDX-License-Identifier: Apache-2.0
//
// Users with a timer, by (due, uid), active and passivated ones alike.
// Cost: set and pop O(log n); a replaced entry stays in the heap until it is due and is then skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tsl/robin_map.h>

#include "actors/uid_hash.hpp"
#include "events/event.hpp"

namespace fairuse {

class timer_heap {
public:
  /// The user's earliest due timer; `never` removes it.
  void set(std::string_view uid, time_ms due);

  /// Take out the users with a timer due at or before `now`, in uid order, and of these no more than the first `most`.
  /// Their outcome sets them again. The texts are valid until the next call of set.
  std::vector<std::string_view> due(time_ms now, std::size_t most = SIZE_MAX);
  /// How many users due() would find; counts no further than `most`.
  std::size_t count_due(time_ms now, std::size_t most) const;

  /// Note changes from here on, for roll_back(). Forgets what was noted before.
  void remember() { before_.clear(); }
  /// Undo the changes since the last remember().
  void roll_back();

  /// The earliest due timer; `never` if there is none.
  time_ms next();

private:
  struct entry {
    time_ms due;
    const std::string* uid;
  };
  static bool later(const entry& left, const entry& right);
  bool is_current(const entry& what) const;
  void drop_stale();
  void push(const entry& what);

  struct timer {
    std::unique_ptr<std::string> uid;
    time_ms due = never;
  };
  /// The key points into timer::uid. An entry stays behind its timer until drop_stale: the heap may still point at it.
  tsl::robin_map<std::string_view, timer, uid_hash> timers_;
  std::vector<entry> heap_;
  /// Timers as they were before each change since remember().
  std::vector<std::pair<std::string, time_ms>> before_;
};

} // namespace fairuse
