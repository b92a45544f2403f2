// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fairuse::fuzz {

/// A property that holds for everything a decoder accepts.
inline void expect(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", property);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Up to `mark`, which is taken as well; all of it if there is none.
inline std::string_view take_until(std::string_view& from, std::string_view mark) {
  const auto at = from.find(mark);
  const auto head = from.substr(0, at);
  from.remove_prefix(at == std::string_view::npos ? from.size() : at + mark.size());
  return head;
}

} // namespace fairuse::fuzz
