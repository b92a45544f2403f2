// SPDX-License-Identifier: Apache-2.0
#include "api/http/listen_address.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/asio/socket_base.hpp>

#include "base/pure/numbers.hpp"

namespace fairuse {

namespace {

using boost::asio::ip::tcp;

struct endpoint_text {
  std::string_view host;
  std::uint16_t port = 0;
};

// host:port or [v6]:port.
std::optional<endpoint_text> split_endpoint(std::string_view listen) {
  const auto colon = listen.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(listen.substr(colon + 1));
  auto host = listen.substr(0, colon);
  if (host.starts_with('[') and host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (not port or host.empty()) return std::nullopt;
  return endpoint_text{host, *port};
}

} // namespace

result<void> listen_at(const std::string& listen, tcp::acceptor& acceptor) {
  const auto parts = split_endpoint(listen);
  if (not parts) return error{"cannot listen on '" + listen + "': write address:port, such as 127.0.0.1:9464"};
  boost::system::error_code failed;
  const auto found = tcp::resolver{acceptor.get_executor()}.resolve(
      std::string{parts->host}, std::to_string(parts->port), tcp::resolver::passive, failed);
  if (not failed and found.empty()) failed = boost::asio::error::host_not_found;
  if (not failed) acceptor.open(found.begin()->endpoint().protocol(), failed);
  if (not failed) acceptor.set_option(boost::asio::socket_base::reuse_address{true}, failed);
  if (not failed) acceptor.bind(found.begin()->endpoint(), failed);
  if (not failed) acceptor.listen(boost::asio::socket_base::max_listen_connections, failed);
  if (failed) return error{"cannot listen on " + listen + ": " + failed.message()};
  return {};
}

} // namespace fairuse
