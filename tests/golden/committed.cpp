// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/committed.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/test/unit_test.hpp>

namespace fairuse::golden {

namespace {

struct parts {
  std::string comments;
  std::set<std::string> lines;
};

std::filesystem::path path_of(const std::string& file) {
  const char* root = std::getenv("FAIRUSE_SOURCE_DIR");
  const auto source =
      root != nullptr ? std::filesystem::path(root) : std::filesystem::path(__FILE__).parent_path() / "../..";
  return source / "tests/golden" / file;
}

parts read(const std::string& file) {
  parts found;
  std::ifstream in(path_of(file));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#'))
      found.comments += line + "\n";
    else if (not line.empty())
      found.lines.insert(line);
  }
  return found;
}

void write(const std::string& file, const parts& all) {
  std::ofstream out(path_of(file), std::ios::trunc);
  out << all.comments;
  for (const auto& line : all.lines)
    out << line << '\n';
  BOOST_REQUIRE_MESSAGE(out.flush(), "cannot write " << path_of(file));
}

bool updates() {
  const char* wish = std::getenv("FAIRUSE_GOLDEN_UPDATE");
  return wish != nullptr and std::string(wish) == "1";
}

} // namespace

void compare(const std::string& file, const std::string& group, const std::set<std::string>& seen) {
  auto all = read(file);
  std::set<std::string> wanted;
  for (const auto& line : all.lines)
    if (line.starts_with(group + " ")) wanted.insert(line);
  for (const auto& line : seen) {
    BOOST_REQUIRE_MESSAGE(line.starts_with(group + " "), line);
    if (not updates() and not wanted.contains(line)) BOOST_ERROR("seen, not in " << file << ":      " << line);
  }
  for (const auto& line : wanted)
    if (not updates() and not seen.contains(line)) BOOST_ERROR("in " << file << ", not seen:      " << line);
  if (not updates() or wanted == seen) return;
  for (const auto& line : wanted)
    all.lines.erase(line);
  all.lines.insert(seen.begin(), seen.end());
  write(file, all);
}

} // namespace fairuse::golden
