// SPDX-License-Identifier: Apache-2.0
#include "api/http/router.hpp"

#include <algorithm>

#include "api/http/problem.hpp"

namespace fairuse {

namespace {

// The segment at the beginning of `path`, which is taken off it.
std::string_view take_segment(std::string_view& path) {
  const auto segment = path.substr(0, path.find('/', 1));
  path.remove_prefix(segment.size());
  return segment;
}

std::string allow_of(const std::vector<http_method>& allowed) {
  const auto has = [&](http_method one) { return std::find(allowed.begin(), allowed.end(), one) != allowed.end(); };
  if (not has(http_method::get)) return "POST";
  return has(http_method::post) ? "GET, HEAD, POST" : "GET, HEAD";
}

} // namespace

std::optional<std::vector<std::string>> match_path(std::string_view path_template, std::string_view path) {
  std::vector<std::string> values;
  while (not path_template.empty() and not path.empty()) {
    const auto wanted = take_segment(path_template);
    const auto segment = take_segment(path);
    if (not wanted.starts_with("/{")) {
      if (wanted != segment) return std::nullopt;
      continue;
    }
    if (segment.size() < 2) return std::nullopt;
    values.emplace_back(segment.substr(1));
  }
  if (not path_template.empty() or not path.empty()) return std::nullopt;
  return values;
}

http_reply no_route(const http_request& request, const std::vector<http_method>& allowed) {
  if (allowed.empty()) return problem(404, "not_found", "there is no " + request.path);
  const auto allow = allow_of(allowed);
  auto made = problem(405, "method_not_allowed", request.path + " takes " + allow);
  made.headers.emplace_back("Allow", allow);
  return made;
}

} // namespace fairuse
