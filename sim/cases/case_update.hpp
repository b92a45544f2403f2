// SPDX-License-Identifier: Apache-2.0
//
// Writes what was seen into a file of cases, in place of what was expected.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"
#include "sim/cases/case_run.hpp"

namespace fairuse::sim {

struct updated_cases {
  /// The file's new text; all else in it stays as it is.
  std::string text;
  /// Its lines that changed, as `diff` has them: line number, `-` before and `+` behind.
  std::string diff;
  std::size_t values = 0;
};

/// `text` is the file as it was read. Error: it has changed since.
result<updated_cases> update_cases(std::string_view text, std::span<const case_result> results);

} // namespace fairuse::sim
