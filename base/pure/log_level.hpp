// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace fairuse {

enum class log_level : std::uint8_t { trace, debug, info, warning, error };

/// As settings name it.
constexpr std::string_view to_text(log_level level) {
  switch (level) {
    case log_level::trace:
      return "trace";
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warning:
      return "warn";
    case log_level::error:
      break;
  }
  return "error";
}

} // namespace fairuse
