// SPDX-License-Identifier: Apache-2.0
//
// From a deployment's `streams` to the options of streams/kafka, which does not include config.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "engine/engine.hpp"
#include "engine/run_error.hpp"
#include "streams/kafka/broker/real_cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse {

/// Clients of the deployment's brokers. `log` is called from any thread.
kafka::real_cluster_options cluster_options(const kafka_settings& settings,
                                            std::function<void(log_level, const std::string&)> log);

/// Clients of the deployment's brokers; warns of what is not safe on the way. Refused: the options cannot work. Does
/// not connect yet.
run_result<std::unique_ptr<kafka::cluster>> open_brokers(const kafka_settings& settings,
                                                         const std::function<void(log_level, const std::string&)>& log);

/// Of this machine; empty: it has none.
std::string host_name();

/// Nullptr: unchecked.
kafka::partition_function partition_function_of(key_partitioner how);
/// Of keys that this program writes and looks for; murmur2, as Java's producers, where nothing is checked.
kafka::partition_function own_partition_function(key_partitioner how);

/// The rules of all workers of an instance. Left to be filled in for each: worker_name, state, case_key and around.
kafka::engine_rules engine_rules_of(const run_settings& settings, const loaded_deployment& all);

} // namespace fairuse
