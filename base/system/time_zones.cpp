// SPDX-License-Identifier: Apache-2.0
#include "base/system/time_zones.hpp"

#include <sstream>

#include "base/system/files.hpp"

namespace fairuse {

// Of the list's lines two kinds name a zone: "Z NAME ..." and "L TARGET NAME".
std::optional<time_zone_names> read_time_zone_names(const std::filesystem::path& list) {
  const auto text = read_file(list);
  if (not text) return std::nullopt;
  time_zone_names names;
  std::istringstream lines{*text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string kind;
    std::string name;
    words >> kind >> name;
    if (kind == "L") words >> name;
    if ((kind == "Z" or kind == "L") and words) names.insert(name);
  }
  if (names.empty()) return std::nullopt;
  return names;
}

} // namespace fairuse
