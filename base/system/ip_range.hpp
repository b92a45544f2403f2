// SPDX-License-Identifier: Apache-2.0
//
// IP addresses, and ranges of them. An IPv4 address is the IPv6 address that stands for it (::ffff:a.b.c.d), so that a
// socket that serves both kinds names no address in two ways.
// Threads: plain values, nothing shared.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse {

using ip_address = std::array<unsigned char, 16>;

/// Nullopt: it is no address. Names, ports and zones (fe80::1%eth0) are none.
std::optional<ip_address> ip_address_from(std::string_view text);

struct ip_range {
  ip_address first{};
  /// How many leading bits all of its addresses share; 96 and more for IPv4.
  unsigned bits = 128;

  bool contains(const ip_address& each) const;
};

/// `address` or `address/bits`. An error: it is none, or an address inside the range, which was hardly meant.
result<ip_range> ip_range_from(std::string_view text);

} // namespace fairuse
