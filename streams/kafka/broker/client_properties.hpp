// SPDX-License-Identifier: Apache-2.0
//
// What librdkafka says about its own properties, so that a deployment's are checked before any client is made.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fairuse::kafka {

/// 2.0.2
std::string library_version();

/// Before 2.6.1 the login by SCRAM repeats a nonce that Kafka 4 wants to be continued.
bool has_right_scram();

/// Every name in the tables that librdkafka prints.
std::vector<std::string> property_names();

/// Aliases and what the tables do not show included.
bool knows_property(const std::string& name);

/// Why `value` is not accepted, in librdkafka's words, which may repeat it; nullopt: it is.
std::optional<std::string> property_refusal(const std::string& name, const std::string& value);

} // namespace fairuse::kafka
