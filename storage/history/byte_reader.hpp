// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage/history: numbers, texts and columns of foreign bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "storage/bytes.hpp"
#include "storage/history/columns.hpp"

namespace fairuse::history {

/// What has been taken is gone; `ok` is false from the first thing that is not there.
struct byte_reader {
  std::string_view from;
  bool ok = true;

  std::uint64_t number() {
    std::uint64_t value = 0;
    if (not take_varint(from, value)) ok = false;
    return value;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > from.size()) {
      ok = false;
      return {};
    }
    const auto taken = from.substr(0, size);
    from.remove_prefix(size);
    return taken;
  }
  std::string_view text() {
    std::string_view taken;
    if (not take_text(from, taken)) ok = false;
    return taken;
  }
  column_reader column() {
    const auto count = number();
    if (count > from.size() / 2) ok = false;
    const auto words = ok ? bytes(count * 2) : std::string_view();
    return {words, text()};
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (auto left = number(); ok and left > 0; --left)
      out.emplace_back(text());
    return out;
  }
  bool done() const { return ok and from.empty(); }
};

inline error impossible(std::string_view what) { return {std::string(what) + " cannot be read"}; }

} // namespace fairuse::history
