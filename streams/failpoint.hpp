// SPDX-License-Identifier: Apache-2.0
//
// Named places at which a test can kill the process. Always compiled in: one relaxed load each.
//
// FAIRUSE_FAIL=<name>:kill[:<nth>] kills the process (SIGKILL) at the nth time (default 1) that the place is passed;
// `stop` instead of `kill` stops it (SIGSTOP) until SIGCONT; `hang` keeps the thread there for ever.
// Threads: any.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse::failpoint {

namespace detail {
extern std::atomic<bool> armed;
void passed(std::string_view name);
} // namespace detail

/// Pass a place. REQUIRES: the name is in names().
inline void pass(std::string_view name) {
  if (detail::armed.load(std::memory_order_relaxed)) detail::passed(name);
}

/// All places, in the order in which an epoch passes them.
std::span<const std::string_view> names();

/// Arm one from FAIRUSE_FAIL's text. Error: it names none.
result<void> arm(std::string_view text);

/// Whether the armed place was passed at all; true if none is armed.
bool was_passed();

} // namespace fairuse::failpoint
