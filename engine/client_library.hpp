// SPDX-License-Identifier: Apache-2.0
//
// The Kafka client library of this program, for configuration's questions about properties.
#pragma once

#include "config/kafka_properties.hpp"
#include "streams/kafka/broker/client_properties.hpp"

namespace fairuse {

inline client_library kafka_client_library() {
  return {.version = kafka::library_version(),
          .right_scram = kafka::has_right_scram(),
          .names = kafka::property_names,
          .knows = kafka::knows_property,
          .accepts = kafka::accept_property};
}

} // namespace fairuse
