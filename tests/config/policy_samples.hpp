// SPDX-License-Identifier: Apache-2.0
//
// Files of the repository, and policies written in a line, for the tests of this module.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include "config/lint.hpp"
#include "config/policy_file.hpp"

namespace fairuse::samples {

inline std::filesystem::path source_folder() {
  const char* folder = std::getenv("FAIRUSE_SOURCE_DIR");
  return folder == nullptr ? std::filesystem::current_path() : std::filesystem::path{folder};
}

inline std::filesystem::path policies() { return source_folder() / "config/policies"; }

inline std::string content(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(stream, "cannot open " << file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The least a policy has to say.
inline const std::string least = "name: x\nwindows: {daily: {span: 24h, cap: 2h}}\n";

/// The policy that `text` is; the test fails if it is refused.
inline policy accepted(const std::string& text) {
  yaml::diagnostics problems{"p"};
  auto rules = parse_policy(text, problems);
  BOOST_REQUIRE_MESSAGE(rules, problems.text());
  BOOST_TEST(problems.list().empty());
  return *rules;
}

/// All messages about a policy that is refused.
inline std::string refused(const std::string& text) {
  yaml::diagnostics problems{"p"};
  BOOST_TEST(not parse_policy(text, problems).has_value());
  BOOST_TEST(not problems.ok());
  return problems.text();
}

/// The linter's messages about a policy that may run; it names the default's plans unless it names others.
inline std::string linted(std::string text) {
  yaml::diagnostics problems{"p"};
  if (text.find("plans:") == std::string::npos) text += "plans: {free: [basic]}\n";
  const auto root = yaml::parse(text, problems);
  BOOST_REQUIRE(root);
  const auto rules = bind_policy(*root, problems);
  BOOST_REQUIRE_MESSAGE(rules, problems.text());
  lint(*rules, *root, problems);
  return problems.text();
}

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace fairuse::samples
