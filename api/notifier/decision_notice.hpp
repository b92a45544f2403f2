// SPDX-License-Identifier: Apache-2.0
//
// A notice from the line of a decision (docs/decisions-format.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "api/notifier/notice.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

/// Of what is enforced; nullopt: this decision tells a user nothing. Language, time zone and, but for a notification,
/// the stage are not in it.
std::optional<notice> notice_from_decision(std::string_view line);

/// Of a record of the notifications' topic (docs/topics.md); nullopt: it is none. `epoch`: of the engine.
std::optional<notice> notice_from_record(const kafka::record& what, const std::vector<kafka::header>& headers,
                                         std::uint64_t& epoch);

} // namespace fairuse
