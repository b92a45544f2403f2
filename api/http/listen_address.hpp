// SPDX-License-Identifier: Apache-2.0
//
// Where a server listens, as people write it: address:port, such as 127.0.0.1:8080 or [::]:8080; port 0 is any.
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/pure/result.hpp"

namespace fairuse {

/// Opens `acceptor` there. The error says what is wrong with `listen`, or what the system says.
result<void> listen_at(const std::string& listen, boost::asio::ip::tcp::acceptor& acceptor);

} // namespace fairuse
