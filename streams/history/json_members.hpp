// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Members of JSON that may be missing.
#pragma once

#include <string_view>

#include <simdjson.h>

namespace fairuse::history {

/// Valid as long as the parsed document.
inline std::string_view text_or_empty(simdjson::simdjson_result<simdjson::dom::element> from) {
  std::string_view text;
  return from.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

} // namespace fairuse::history
