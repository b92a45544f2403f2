// SPDX-License-Identifier: Apache-2.0
//
// Lines as producers write them.
#pragma once

#include <string>
#include <string_view>

#include "events/time_text.hpp"

namespace fairuse {

inline constexpr time_ms test_start = 1'700'000'000'000;

/// A line with its newline.
inline std::string wire_line(std::string_view type, std::string_view subject, int id, time_ms instant,
                             std::string_view data) {
  return R"({"specversion":"1.0","id":")" + std::to_string(id) + R"(","source":"test","type":"fairuse.)"
         + std::string{type} + R"(.v1","subject":")" + std::string{subject} + R"(","time":")"
         + to_time_text(test_start + instant) + R"(","data":)" + std::string{data} + "}\n";
}

inline std::string speech_line(std::string_view subject, int id, time_ms instant) {
  return wire_line("speech", subject, id, instant, R"({"lane":"realtime","ms":1000})");
}

inline std::string account_line(std::string_view subject, int id, time_ms instant) {
  return wire_line("account", subject, id, instant, R"({"plan":"unlimited"})");
}

} // namespace fairuse
