// SPDX-License-Identifier: Apache-2.0
//
// Who asks, and why somebody is nobody.
// Threads: plain values, nothing shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/identity/role.hpp"

namespace fairuse {

struct principal {
  /// For the audit log: the name in the file of tokens; `jwt:` or `proxy:` and the name that they say. It fits into an
  /// event (wire_name_bytes_max), and no two kinds have the same.
  std::string actor;
  /// Of the user who asks about themselves; empty iff the role `user` is not among the roles.
  std::string uid;
  /// Never empty.
  role_set roles;
};

/// What the answer 401 may say, and no more than this.
enum class no_identity : std::uint8_t {
  missing, ///< nothing says who asks
  invalid,
  expired, ///< it was valid; a new token will do
};

struct identity_refusal {
  no_identity why = no_identity::invalid;
  /// For the log alone; a constant text, so it holds nothing of what was sent.
  std::string_view detail;
};

constexpr identity_refusal invalid_identity(std::string_view detail) { return {no_identity::invalid, detail}; }

/// Shorter than what events take by the longest prefix of an actor.
inline constexpr std::size_t asking_uid_bytes_max = 250;

/// Whether this can be the id of a user who asks: UTF-8 without control characters, not empty, not `*`, which is
/// everybody.
bool is_asking_uid(std::string_view text);

} // namespace fairuse
