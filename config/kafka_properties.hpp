// SPDX-License-Identifier: Apache-2.0
//
// librdkafka's own properties in a deployment: any may be set but those that the commit protocol or this program's own
// keys decide. Secrets come from files: `sasl.password_file: kafka.password` sets sasl.password.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "config/yaml.hpp"

namespace fairuse {

/// What the Kafka client library of the program says about its own properties. Configuration is read without a client,
/// so the composition of the program passes this in.
struct client_library {
  /// 2.0.2
  std::string version;
  /// Its SCRAM login is one that Kafka 4 accepts, too.
  bool right_scram = true;
  std::function<std::vector<std::string>()> names;
  std::function<bool(const std::string& name)> knows;
  /// The error is the library's own and may repeat the value.
  std::function<result<void>(const std::string& name, const std::string& value)> accepts;
};

/// Whether `name` may be set. The error is the end of a sentence that begins with the name.
result<void> may_set_property(std::string_view name);

/// All that `may_set_property` refuses, sorted.
std::vector<std::string_view> denied_properties();

/// May only come from a file.
bool is_secret_property(std::string_view name);

/// Reads `streams.properties`: names and values as `library` accepts them, paths made absolute against `folder`,
/// secrets read. Refuses what cannot be meant together (a password without SASL).
void bind_kafka_properties(const yaml::node& given, std::string_view where, const std::filesystem::path& folder,
                           const client_library& library, std::map<std::string, std::string>& into,
                           yaml::diagnostics& out);

} // namespace fairuse
