// SPDX-License-Identifier: Apache-2.0

#include "api/service/request_limits.hpp"

#include <algorithm>
#include <utility>

#include "api/http/problem.hpp"

namespace fairuse {

namespace {

constexpr role_set staff_roles{role::viewer, role::support, role::policy, role::admin};
constexpr role_set service_roles{role::producer, role::gateway, role::reviewer};
/// Of an IPv6 address those that one client chooses by itself.
constexpr std::size_t network_bytes = 8;

bool is_ipv4(const ip_address& address) {
  return address[10] == 0xff and address[11] == 0xff
         and std::all_of(address.begin(), address.begin() + 10, [](unsigned char each) { return each == 0; });
}

bool is_loopback(const ip_address& address) {
  static const ip_address of_ipv6 = *ip_address_from("::1");
  return address == of_ipv6 or (is_ipv4(address) and address[12] == 127);
}

std::string key_of(const ip_address& address) {
  const auto size = is_ipv4(address) ? address.size() : network_bytes;
  return {reinterpret_cast<const char*>(address.data()), size};
}

/// What the nearest proxy has added behind what came from others.
std::string_view last_of(std::string_view list) {
  const auto comma = list.rfind(',');
  if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  while (list.starts_with(' '))
    list.remove_prefix(1);
  return list;
}

} // namespace

request_limits::request_limits(const limit_settings& settings, std::vector<ip_range> proxies)
  : address_header_{settings.address_header},
    proxies_{std::move(proxies)},
    tables_{rate_table{settings.user}, rate_table{settings.staff}, rate_table{settings.service},
            rate_table{settings.failed}} {}

std::string request_limits::address_of(const http_request& request) const {
  const auto peer = ip_address_from(request.peer);
  if (not peer) return request.peer;
  const bool speaks_for_others =
      is_loopback(*peer)
      or std::any_of(proxies_.begin(), proxies_.end(), [&](const ip_range& each) { return each.contains(*peer); });
  if (not speaks_for_others) return key_of(*peer);
  const auto said = address_header_.empty() ? std::nullopt : request.header(address_header_);
  const auto client = ip_address_from(last_of(said.value_or("")));
  return client ? key_of(*client) : std::string{};
}

bool request_limits::may_name(const std::string& address, std::int64_t now_us) const {
  return address.empty() or tables_[static_cast<std::size_t>(limit::failed)].wait_us(address, now_us) <= 0;
}

http_reply request_limits::refusal_of_address(const std::string& address, std::int64_t now_us) {
  return refuse(limit::failed, tables_[static_cast<std::size_t>(limit::failed)].wait_us(address, now_us));
}

void request_limits::failed(const std::string& address, std::int64_t now_us) {
  if (not address.empty()) tables_[static_cast<std::size_t>(limit::failed)].take(address, now_us);
}

std::optional<http_reply> request_limits::refusal_of(const principal& who, std::int64_t now_us) {
  const auto which = limit_of(who.roles);
  const auto wait = tables_[static_cast<std::size_t>(which)].take(who.actor, now_us);
  if (wait <= 0) return std::nullopt;
  return refuse(which, wait);
}

request_limits::limit request_limits::limit_of(role_set roles) {
  if (roles.has_any(service_roles)) return limit::service;
  return roles.has_any(staff_roles) ? limit::staff : limit::user;
}

http_reply request_limits::refuse(limit which, std::int64_t wait_us) {
  refused_[static_cast<std::size_t>(which)].fetch_add(1, std::memory_order_relaxed);
  auto reply = problem(429, "too_many_requests", "you ask more often than you may; wait as long as Retry-After says");
  reply.headers.emplace_back("Retry-After", std::to_string((wait_us + 999'999) / 1'000'000));
  return reply;
}

void request_limits::show(shown_metrics& to) const {
  for (std::size_t i = 0; i < limit_names.size(); ++i)
    to.counter("fairuse_http_limited_total", "Requests that were answered by 429, by the limit.",
               static_cast<double>(refused_[i].load(std::memory_order_relaxed)),
               {{"limit", std::string{limit_names[i]}}});
}

} // namespace fairuse
