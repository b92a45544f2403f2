// SPDX-License-Identifier: Apache-2.0
#include "api/http/request_target.hpp"

#include <algorithm>
#include <optional>

#include "base/pure/numbers.hpp"
#include "base/pure/text.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

// The byte behind the `%` at `at`; nullopt: no two hexadecimal digits follow.
std::optional<char> escaped_byte(std::string_view text, std::size_t at) {
  const auto digits = text.substr(at + 1, 2);
  const auto value = parse_number<std::uint8_t>(digits, 16);
  if (digits.size() != 2 or not value) return std::nullopt;
  return static_cast<char>(*value);
}

// What is wrong with the text behind escapes; empty: nothing.
std::string_view fault_of(std::string_view decoded) {
  if (has_control(decoded)) return "holds a control character";
  if (find_utf8_fault(decoded)) return "is not UTF-8";
  return {};
}

bool has_dot_segment(std::string_view path) {
  while (not path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." or segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

bool has_escaped_slash(std::string_view path) {
  for (auto at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1))
    if (escaped_byte(path, at) == '/') return true;
  return false;
}

error refuse(std::string_view part, std::string_view why) { return error{std::string{part}.append(" ").append(why)}; }

} // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const auto byte = escaped_byte(text, at);
    if (not byte) return std::nullopt;
    decoded += *byte;
    at += 2;
  }
  return decoded;
}

result<request_target> read_request_target(std::string_view target) {
  if (not target.starts_with('/')) return error{"the target of the request must begin with `/`"};
  if (target.find('#') != std::string_view::npos) return error{"the target of the request must not hold `#`"};
  const auto question = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, question);
  const auto query = target.substr(std::min(question + 1, target.size()));
  if (has_escaped_slash(path)) return error{"the path holds an escaped `/`"};
  auto decoded = percent_decoded(path);
  if (not decoded) return error{"the path holds `%` without two hexadecimal digits behind it"};
  if (const auto fault = fault_of(*decoded); not fault.empty()) return refuse("the path", fault);
  if (has_dot_segment(*decoded)) return error{"the path holds a segment `.` or `..`"};
  const auto values = percent_decoded(query);
  if (not values) return error{"the query holds `%` without two hexadecimal digits behind it"};
  if (const auto fault = fault_of(*values); not fault.empty()) return refuse("the query", fault);
  return request_target{std::move(*decoded), std::string{query}};
}

std::string query_text(std::string_view text) {
  std::string spaced{text};
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decoded(spaced).value_or(std::move(spaced));
}

} // namespace fairuse
