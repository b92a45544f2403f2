// SPDX-License-Identifier: Apache-2.0
//
// librdkafka's own properties, so that a deployment's are checked before any client is made.
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/pure/result.hpp"

namespace fairuse::kafka {

/// 2.0.2
std::string library_version();

/// Before 2.6.1 the login by SCRAM repeats a nonce that Kafka 4 wants to be continued.
bool has_right_scram();

/// Every name in the tables that librdkafka prints.
std::vector<std::string> property_names();

/// Also aliases and names that the tables leave out.
bool knows_property(const std::string& name);

/// The error is in librdkafka's words, which may repeat the value.
result<void> accept_property(const std::string& name, const std::string& value);

} // namespace fairuse::kafka
