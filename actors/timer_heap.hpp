// SPDX-License-Identifier: Apache-2.0
//
// Who has a timer, and when: (due, uid), for active and passivated users alike.
// Cost: set and pop O(log n); a replaced entry stays in the heap until its turn comes and is then skipped.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tsl/robin_map.h>

#include "actors/uid_hash.hpp"
#include "events/event.hpp"

namespace fairuse {

class timer_heap {
public:
  /// The user's earliest due timer; `never` removes it.
  void set(std::string_view uid, time_ms due);

  /// Take out the users with a timer due at or before `now`, in uid order. Their outcome sets them again. The texts are
  /// valid until the next call of set.
  std::vector<std::string_view> due(time_ms now);

  /// The earliest due timer; `never` if there is none.
  time_ms next();

private:
  struct entry {
    time_ms due;
    const std::string* uid;
  };
  static bool later(const entry& a, const entry& b);
  bool is_current(const entry& e) const;
  void drop_stale();

  struct timer {
    std::unique_ptr<std::string> uid;
    time_ms due = never;
  };
  /// The key points into timer::uid. An entry outlives its timer until drop_stale: the heap may still point at it.
  tsl::robin_map<std::string_view, timer, uid_hash> timers_;
  std::vector<entry> heap_;
};

} // namespace fairuse
