// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api. The target of a request, read so strictly that no proxy before us can have read another path
// out of it. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse {

/// `%` and two hexadecimal digits as a byte; nullopt: the digits are missing.
std::optional<std::string> percent_decoded(std::string_view text);

struct request_target {
  std::string path;
  std::string query;
};

/// `target` as it stands in the request line. The error is a sentence for the client; it quotes nothing.
result<request_target> read_request_target(std::string_view target);

/// A name or a value of a query, decoded; `+` is a space. REQUIRES: escapes that read_request_target() has seen.
std::string query_text(std::string_view text);

} // namespace fairuse
