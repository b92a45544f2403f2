// SPDX-License-Identifier: Apache-2.0
//
// Errors of storage: a kind for the program and a message for a person. Messages name folders, never a uid.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "base/pure/result.hpp"

namespace fairuse {

enum class store_fault : std::uint8_t {
  io,        ///< an error of the disk or the system
  absent,    ///< there is no store
  damaged,   ///< bytes are not what was written
  lost_tail, ///< commits that were published are gone
  disk_full, ///< stopped before the disk was full
  locked,    ///< another process has the store open
  newer,     ///< written by a newer version
  wrong_key, ///< another case key than the one that erased users
  misuse,    ///< a violated REQUIRES; nothing was written
};

struct store_error {
  store_fault fault = store_fault::io;
  std::string message;
};

/// Bytes are not what was written.
inline store_error damaged(std::string what) { return {store_fault::damaged, std::move(what)}; }

/// An error of the system as an error of storage.
inline store_error store_error_of(const error& from) {
  return {from.cause == std::errc::no_space_on_device ? store_fault::disk_full : store_fault::io, from.message};
}

} // namespace fairuse
