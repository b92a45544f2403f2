// SPDX-License-Identifier: Apache-2.0
//
// From a deployment's `streams` to what the rooms below take: nothing of streams/ knows configuration files.
#pragma once

#include "config/deployment.hpp"
#include "streams/kafka/real_cluster.hpp"
#include "streams/kafka/topic_rules.hpp"

namespace fairuse::cli {

/// Clients of the deployment's brokers. Their lines go to the program's log.
kafka::real_cluster_options cluster_options(const kafka_settings& settings);

kafka::topic_needs topic_needs_of(const deployment& settings);

} // namespace fairuse::cli
