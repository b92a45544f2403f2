// SPDX-License-Identifier: Apache-2.0
//
// The files under tests/data/events.
#pragma once

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairuse::corpus {

inline std::string path(const std::string& name) {
  const char* root = std::getenv("FAIRUSE_SOURCE_DIR");
  return std::string(root != nullptr ? root : ".") + "/tests/data/events/" + name;
}

inline std::vector<std::string> lines(const std::string& name) {
  std::ifstream file(path(name), std::ios::binary);
  if (not file)
    throw std::runtime_error("cannot read " + path(name) + "; run from the repository or set FAIRUSE_SOURCE_DIR");
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);)
    all.push_back(line);
  return all;
}

} // namespace fairuse::corpus
