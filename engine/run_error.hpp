// SPDX-License-Identifier: Apache-2.0
//
// How a run fails.
#pragma once

#include <cstdint>
#include <string>

#include "base/pure/result.hpp"

namespace fairuse {

/// What the exit code of `fairuse run` follows from.
enum class run_fault : std::uint8_t {
  failed,  ///< disk, broker, corruption
  refused, ///< settings or input that cannot be run
};

struct run_error {
  run_fault kind = run_fault::failed;
  /// For a person.
  std::string message;
};

template <class T>
using run_result = result<T, run_error>;

} // namespace fairuse
