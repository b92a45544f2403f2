// SPDX-License-Identifier: Apache-2.0
//
// From a deployment's `streams` to what the modules below take: nothing of streams/ knows configuration files.
#pragma once

#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "streams/kafka/admin/topic_rules.hpp"
#include "streams/kafka/broker/real_cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse::cli {

/// A line of a Kafka client, to the program's log.
void log_kafka_line(log_level level, const std::string& text);

/// How often a member tells its group that it is there.
kafka::milliseconds heartbeat_of(const kafka_settings& settings);

/// Clients of the deployment's brokers. Their lines go to the program's log.
kafka::real_cluster_options cluster_options(const kafka_settings& settings);

kafka::topic_needs topic_needs_of(const deployment& settings);

/// Nullptr: unchecked.
kafka::partition_function partition_function_of(key_partitioner how);

} // namespace fairuse::cli
