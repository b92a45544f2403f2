// SPDX-License-Identifier: Apache-2.0
//
// Addresses that people write into a deployment.
#pragma once

#include <algorithm>
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

/// host or host:port, [v6] or [v6]:port.
inline bool is_host_and_port(std::string_view text) {
  if (text.empty() or text.find_first_of(" \t,/\\@'\"") != std::string_view::npos) return false;
  auto host = text;
  std::string_view port;
  if (text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty()) return false;
  if (port.empty()) return true;
  const auto number = yaml::parse_decimal(port.substr(1), 0);
  return port.front() == ':' and number and *number >= 1 and *number <= 65'535 and port[1] != '+';
}

/// An http:// or https:// address that can be asked. Without a login: that is another fault.
inline bool is_web_address(std::string_view url) {
  const auto authority = authority_of(url);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= ' ' or c == 0x7f; };
  return is_host_and_port(authority.substr(authority.rfind('@') + 1))
         and std::none_of(url.begin(), url.end(), is_control);
}

/// What can be listened on: 127.0.0.1:9464, [::]:9464.
inline bool is_address_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos or colon == 0 or text.find_first_of(" \t/") != std::string_view::npos)
    return false;
  const auto port = yaml::parse_decimal(text.substr(colon + 1), 0);
  return port and *port >= 0 and *port <= 65'535 and text[colon + 1] != '+';
}

} // namespace fairuse
