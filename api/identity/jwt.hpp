// SPDX-License-Identifier: Apache-2.0
//
// What a JSON Web Token (RFC 7519) says of who asks, once its signature is known to be right.
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/identity/principal.hpp"
#include "base/pure/result.hpp"
#include "config/api_settings.hpp"
#include "events/event.hpp"

namespace fairuse {

/// How far the issuer's clock may be from ours.
inline constexpr std::int64_t jwt_skew_ms = 60'000;

struct jwt_claims {
  /// Of the claim that names the user, or else `sub`. is_asking_uid().
  std::string name;
  /// `user` if the token has no role that is known. Never empty.
  role_set roles;
  /// From here on it has expired.
  time_ms ends_at = 0;
};

/// REQUIRES: the payload's signature was checked.
result<jwt_claims, identity_refusal> read_claims(std::string_view payload, const jwt_settings& settings, time_ms now);

} // namespace fairuse
