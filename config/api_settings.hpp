// SPDX-License-Identifier: Apache-2.0
//
// `api:` of a deployment: where the API listens, and by what it knows who asks.
// Threads: plain values, nothing shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/system/ip_range.hpp"
#include "config/yaml.hpp"

namespace fairuse {

/// Whose JSON Web Tokens are taken, and which of their claims say who asks.
struct jwt_settings {
  /// The issuer's public keys, a JWK set; empty: no such token is taken.
  std::filesystem::path jwks;
  std::string issuer;
  std::string audience;
  std::string uid_claim = "sub";
  std::string roles_claim = "roles";
};

/// Who is asked through, and says in headers who asks.
struct proxy_settings {
  /// Empty: nobody is believed.
  std::vector<ip_range> addresses;
  /// Lower-case names. The second may be empty: all are users.
  std::string uid_header;
  std::string roles_header;
};

struct request_rate {
  /// 0: no limit.
  std::uint32_t per_second = 0;
  /// So many at once, after a pause.
  std::uint32_t burst = 1;
};

/// How often one of them may ask; whoever has several roles, by the most generous.
struct limit_settings {
  request_rate user{5, 20};
  /// Viewer, support, policy, admin.
  request_rate staff{20, 100};
  /// Producer, gateway, reviewer.
  request_rate service;
  /// Requests of one address that name nobody.
  request_rate failed{10, 50};
  /// Lower-case name of the header in which a proxy (a listed one, or one on this machine) says whose address it is;
  /// empty: none does.
  std::string address_header;
};

struct api_settings {
  /// address:port; empty: there is no API.
  std::string listen;
  // Kafka mode.
  /// http://host:port, by which other instances reach this one; empty: they do not.
  std::string advertise;
  /// Keys of at least 32 bytes, one a line, the same for all instances: the first seals what is forwarded.
  std::filesystem::path forward_key;
  /// Says which instance decides on which partition.
  std::string instances_topic = "fairuse.instances.v1";
  /// address:port of /livez, /readyz and /metrics; empty: nowhere.
  std::string status_listen;
  /// Of persons and services; empty: there are none.
  std::filesystem::path tokens;
  jwt_settings jwt;
  proxy_settings proxies;
  limit_settings limits;

  /// Something is there by which somebody could be known.
  bool says_who() const { return not tokens.empty() or not jwt.jwks.empty() or not proxies.addresses.empty(); }
};

/// http://host:port, and nothing behind it.
bool is_own_address(std::string_view url);

/// Reads all of the section. Paths resolve against `folder`.
void bind_api(yaml::map_reader& from, const std::filesystem::path& folder, api_settings& into);

} // namespace fairuse
