// SPDX-License-Identifier: Apache-2.0
//
// What `fairuse topics` prints: a table, JSON, and the least set of rights as commands of Kafka's own tool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "config/deployment.hpp"
#include "streams/kafka/admin/topic_rules.hpp"

namespace fairuse::cli {

/// --bootstrap-server, and --command-config where the brokers want a login.
std::string tool_options(const kafka_settings& settings);

/// At most `width` wide, but for remedies, which are commands.
std::string topics_table(const kafka::topic_needs& needs, std::span<const kafka::found_topic> found,
                         std::span<const kafka::difference> differences, std::size_t width);

std::string topics_json(const kafka::topic_needs& needs, std::span<const kafka::found_topic> found,
                        std::span<const kafka::difference> differences, std::int32_t brokers);

/// Processes of a deployment that may each have a login of their own.
enum class acl_holder : std::uint8_t { engine, reviewer, notifier };

/// kafka-acls.sh commands, one a line, that let `principal` (User:name) run this process of the deployment and nothing
/// else. Empty: the name of streams.properties sasl.username, or the app's.
std::string acl_commands(const deployment& of, acl_holder holder, const std::string& principal);

} // namespace fairuse::cli
