// SPDX-License-Identifier: Apache-2.0
//
// The judge's findings, and how much it checked.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fairuse::torture {

struct findings {
  static constexpr std::size_t told_max = 40;

  std::vector<std::string> wrong;
  std::uint64_t wrong_count = 0;
  std::map<std::string, std::uint64_t> counts;

  void fail(std::string what) {
    ++wrong_count;
    if (wrong.size() < told_max) wrong.push_back(std::move(what));
  }
  void expect(bool holds, const std::string& what) {
    if (not holds) fail(what);
  }
};

} // namespace fairuse::torture
