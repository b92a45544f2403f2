// SPDX-License-Identifier: Apache-2.0
//
// How storage fails: a kind that a program can act on and a message that a person can act on. Messages name folders,
// never a uid.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include "base/pure/result.hpp"

namespace fairuse {

enum class store_fault : std::uint8_t {
  io,        ///< the disk or the system said no
  damaged,   ///< bytes are not what was written
  lost_tail, ///< commits that were published are gone
  disk_full, ///< stopped before there was no room left
  locked,    ///< another process has the store open
  newer,     ///< written by a newer version
  wrong_key, ///< another case key than the one that erased users
  misuse,    ///< a broken promise of the caller; nothing was written
};

struct store_error {
  store_fault fault = store_fault::io;
  std::string message;
};

/// What the system refused, as storage says it.
inline store_error store_error_of(const error& from) {
  return {from.cause == std::errc::no_space_on_device ? store_fault::disk_full : store_fault::io, from.message};
}

} // namespace fairuse
