// SPDX-License-Identifier: Apache-2.0
//
// Addresses that people write into a deployment.
#pragma once

#include <string_view>

#include "config/yaml.hpp"

namespace fairuse {

/// Of an http:// or https:// address the host, its port and, if someone wrote one, a login. Empty: it is none.
inline std::string_view authority_of(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (url.starts_with(scheme)) {
      url.remove_prefix(scheme.size());
      return url.substr(0, url.find_first_of("/?#"));
    }
  return {};
}

/// Of a host and its port, as 127.0.0.1:9092, [::1]:9092 or localhost.
inline bool is_loopback(std::string_view authority) {
  auto host = authority;
  if (host.starts_with('['))
    host = host.substr(1, host.find(']') - 1);
  else
    host = host.substr(0, host.find(':'));
  return host == "localhost" or host == "::1" or host.starts_with("127.");
}

inline bool stays_on_the_machine(std::string_view url) { return is_loopback(authority_of(url)); }

/// What can be listened on: 127.0.0.1:9464, [::]:9464.
inline bool is_address_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos or colon == 0 or text.find_first_of(" \t/") != std::string_view::npos)
    return false;
  const auto port = yaml::parse_decimal(text.substr(colon + 1), 0);
  return port and *port >= 0 and *port <= 65'535 and text[colon + 1] != '+';
}

} // namespace fairuse
