// SPDX-License-Identifier: Apache-2.0
#include "base/system/ip_range.hpp"

#include <algorithm>
#include <string>

#include <arpa/inet.h>

#include "base/pure/numbers.hpp"

namespace fairuse {

namespace {

constexpr unsigned ipv4_prefix_bits = 96;

bool is_ipv4(std::string_view text) { return text.find(':') == std::string_view::npos; }

/// The address without what lies behind its first bits.
ip_address cut(ip_address address, unsigned bits) {
  for (unsigned i = 0; i < address.size(); ++i) {
    const auto kept = std::clamp(static_cast<int>(bits) - static_cast<int>(i) * 8, 0, 8);
    address[i] = static_cast<unsigned char>(address[i] & (0xFF00U >> static_cast<unsigned>(kept)));
  }
  return address;
}

std::string text_of(const ip_address& address, bool as_ipv4) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* bytes = address.data() + (as_ipv4 ? ipv4_prefix_bits / 8 : 0);
  ::inet_ntop(as_ipv4 ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

} // namespace

std::optional<ip_address> ip_address_from(std::string_view text) {
  // inet_pton would stop at a zero byte.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string copy{text};
  ip_address address{};
  if (is_ipv4(text)) {
    address[10] = address[11] = 0xFF;
    return ::inet_pton(AF_INET, copy.c_str(), &address[ipv4_prefix_bits / 8]) == 1 ? std::optional{address}
                                                                                   : std::nullopt;
  }
  return ::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1 ? std::optional{address} : std::nullopt;
}

bool ip_range::contains(const ip_address& each) const { return cut(each, bits) == first; }

result<ip_range> ip_range_from(std::string_view text) {
  const auto slash = text.find('/');
  const auto name = text.substr(0, slash);
  const auto address = ip_address_from(name);
  const error none{"'" + std::string{text} + "' is no address such as 127.0.0.1, and no range such as 10.0.0.0/8"};
  if (not address) return none;
  if (slash == std::string_view::npos) return ip_range{*address, 128};
  const auto before = is_ipv4(name) ? ipv4_prefix_bits : 0U;
  const auto length = parse_number<unsigned>(text.substr(slash + 1));
  if (not length or *length > 128 - before) return none;
  const ip_range made{cut(*address, before + *length), before + *length};
  if (made.first == *address) return made;
  return error{"'" + std::string{text} + "' begins inside the range that it means; write "
               + text_of(made.first, is_ipv4(name)) + "/" + std::to_string(*length) + ", or the address alone"};
}

} // namespace fairuse
