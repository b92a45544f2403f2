// SPDX-License-Identifier: Apache-2.0
//
// A signed text in the compact form of RFC 7515: HEADER.PAYLOAD.SIGNATURE. Strict: RS256 and ES256 alone, the key
// decides which, base64url without padding, no `crit`, no name twice, bounded in size.
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/identity/jwk_set.hpp"
#include "api/identity/principal.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// Characters of a whole one.
inline constexpr std::size_t jws_characters_max = 12'288;

struct jws_refusal {
  /// Constant, for the log.
  std::string_view detail;
  /// A newer set of keys may have it.
  bool is_unknown_key = false;
};

/// The payload that one of the keys signed.
result<std::string, jws_refusal> read_jws(std::string_view compact, const jwk_set& keys);

} // namespace fairuse
