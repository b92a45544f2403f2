// SPDX-License-Identifier: Apache-2.0

#include "api/service/accept_language.hpp"

#include <boost/beast/http/rfc7230.hpp>

#include "base/pure/numbers.hpp"

namespace fairuse {

namespace {

namespace http = boost::beast::http;

/// Of 0 to 1; what is none counts as not wanted.
double quality_of(const http::param_list& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name != "q" and name != "Q") continue;
    const auto quality = parse_number<double>({value.data(), value.size()});
    return quality and *quality >= 0 and *quality <= 1 ? *quality : 0;
  }
  return 1;
}

} // namespace

std::string accepted_locale(const message_set& messages, std::string_view header) {
  std::string best;
  double best_quality = 0;
  for (const auto& [name, parameters] : http::ext_list{{header.data(), header.size()}}) {
    const std::string_view tag{name.data(), name.size()};
    const auto quality = quality_of(parameters);
    if (quality <= best_quality) continue;
    const auto* found = tag == "*" ? nullptr : known_language(messages, tag);
    if (tag != "*" and found == nullptr) continue;
    best = found == nullptr ? std::string{} : found->locale;
    best_quality = quality;
  }
  return best;
}

} // namespace fairuse
