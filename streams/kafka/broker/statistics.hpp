// SPDX-License-Identifier: Apache-2.0
//
// Figures from librdkafka's statistics, which are one JSON text per client and interval.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace fairuse::kafka {

/// Calls `each` with every partition whose last stable offset is known.
void each_stable_offset(std::string_view json,
                        const std::function<void(std::string_view topic, std::int32_t partition, std::int64_t)>& each);

/// Requests that were sent again or timed out, of all brokers, since the client was made; -1: cannot be read.
std::int64_t repeated_requests(std::string_view json);

} // namespace fairuse::kafka
