// SPDX-License-Identifier: Apache-2.0
//
// One user's state as text and as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/query.hpp"
#include "storage/case_reference.hpp"

namespace fairuse::cli {

struct status_question {
  const user& who;
  controls in_force;
  std::string_view uid;
  time_ms at = 0;
  /// The last epoch that is in `who`.
  std::uint64_t epoch = 0;
  /// nullptr: the case key is not the store's, so cases go by their number.
  case_namer* names = nullptr;
};

/// Lines of at most `width`.
std::string status_text(const status_question& question, std::size_t width);
std::string status_json(const status_question& question);

} // namespace fairuse::cli
