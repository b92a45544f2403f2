// SPDX-License-Identifier: Apache-2.0
#include "api/http/http_message.hpp"

#include <algorithm>

#include "api/http/request_target.hpp"
#include "base/pure/text.hpp"

namespace fairuse {

std::optional<std::string_view> http_request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return each.first == name; });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

http_fields http_request::query_values() const {
  http_fields values;
  for (std::string_view rest = query; not rest.empty();) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    values.emplace_back(query_text(pair.substr(0, equals)), query_text(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return values;
}

std::string http_request::media_type() const {
  auto type = header("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  return lower(std::string{type.substr(0, type.find_last_not_of(" \t") + 1)});
}

} // namespace fairuse
