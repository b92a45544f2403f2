// SPDX-License-Identifier: Apache-2.0
//
// What somebody who asks may do. Which role opens which door is said where the doors are.
// Threads: plain values, nothing shared.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse {

enum class role : std::uint8_t {
  user,     ///< sees what is said of themselves
  viewer,   ///< sees figures, and nobody's name
  support,  ///< sees users, and decides their cases
  policy,   ///< tries policies
  admin,    ///< switches, policies in force, erasures
  producer, ///< sends events
  gateway,  ///< asks whether a user may go on
  reviewer, ///< answers reviews
};

/// In the order of `role`.
inline constexpr std::array<std::string_view, 8> role_names{"user",  "viewer",   "support", "policy",
                                                            "admin", "producer", "gateway", "reviewer"};

constexpr std::string_view to_text(role value) { return role_names[static_cast<std::size_t>(value)]; }
std::optional<role> role_from(std::string_view text);

class role_set {
public:
  constexpr role_set() = default;
  constexpr role_set(std::initializer_list<role> roles) {
    for (const auto each : roles)
      add(each);
  }

  constexpr void add(role which) { bits_ = static_cast<std::uint8_t>(bits_ | 1U << static_cast<unsigned>(which)); }
  constexpr bool has(role which) const { return (bits_ >> static_cast<unsigned>(which) & 1U) != 0; }
  constexpr bool has_any(role_set of) const { return (bits_ & of.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(role_set, role_set) = default;

private:
  std::uint8_t bits_ = 0;
};

/// `support,policy`.
std::string to_text(role_set roles);

/// What people write: names with commas between them. An error: one is unknown or twice, or there is none.
result<role_set> roles_from(std::string_view text);

/// What others send: names with spaces or commas between them. Unknown ones are theirs, and left out.
role_set known_roles_in(std::string_view text);

} // namespace fairuse
