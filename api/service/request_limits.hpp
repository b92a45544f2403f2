// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. Whether somebody asks too often: each principal by the most generous of its roles, and each
// address by its requests that named nobody. Bounded memory, whoever asks.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.hpp"
#include "api/identity/principal.hpp"
#include "api/service/rate_table.hpp"
#include "api/shown_metrics.hpp"
#include "config/api_settings.hpp"

namespace fairuse {

class request_limits {
public:
  /// `proxies`: whose word for the address of a client is taken, if the settings name a header.
  request_limits(const limit_settings& settings, std::vector<ip_range> proxies);

  /// Of the client: the other end of the connection, or what a listed proxy or one on this machine says. An IPv6
  /// address is its /64. Empty: such a proxy does not say whose it is, and nobody is limited for what others do.
  std::string address_of(const http_request& request) const;
  /// False: this address has named nobody too often, so no signature is checked for it.
  bool may_name(const std::string& address, std::int64_t now_us) const;
  /// 429: it may not, and its request named nobody who is known. REQUIRES: not may_name().
  http_reply refusal_of_address(const std::string& address, std::int64_t now_us);
  /// A request of this address named nobody.
  void failed(const std::string& address, std::int64_t now_us);
  /// 429; nullopt: it is one of those that the principal may ask.
  std::optional<http_reply> refusal_of(const principal& who, std::int64_t now_us);

  void show(shown_metrics& to) const;

private:
  enum class limit : std::uint8_t { user, staff, service, failed };
  static constexpr std::array<std::string_view, 4> limit_names{"user", "staff", "service", "failed"};

  static limit limit_of(role_set roles);
  http_reply refuse(limit which, std::int64_t wait_us);

  const std::string address_header_;
  const std::vector<ip_range> proxies_;
  std::array<rate_table, limit_names.size()> tables_;
  std::array<std::atomic<std::uint64_t>, limit_names.size()> refused_{};
};

} // namespace fairuse
