// SPDX-License-Identifier: Apache-2.0
//
// Policy files: YAML or JSON -> `policy`, and back. Every key is documented in config/policies/README.md.
//
// Reading has two halves. The binder checks syntax and types and gives every fault its place; `contradictions` checks
// which *values* exclude each other, on the plain struct, so that policies changed in memory (overrides, sweeps) obey
// the same rules as files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.hpp"
#include "core/policy.hpp"

namespace fairuse {

/// Something about a policy: where in its file it would stand, and what is wrong.
struct finding {
  yaml::path at;
  std::string message;
  /// The other key of a contradiction, if any.
  yaml::path against = {};
  yaml::severity level = yaml::severity::error;
};

/// The defaults of a file that has only a name and windows (here without windows).
policy default_policy();

/// File -> policy with its digest; nullopt and diagnostics if it is refused. Every fault of the file is reported.
std::optional<policy> load_policy(const std::filesystem::path& file, yaml::diagnostics& out);
/// Text -> policy, the same way. `out.file()` is what messages call it.
std::optional<policy> parse_policy(std::string_view text, yaml::diagnostics& out);
/// Tree -> policy, the same way; for trees changed by `yaml::assign`. Errors that `out` holds already refuse it too.
std::optional<policy> bind_policy(const yaml::node& root, yaml::diagnostics& out);

/// Values that exclude each other or are out of range; empty for a policy that may run.
std::vector<finding> contradictions(const policy& rules);

/// The effective policy as one line of JSON: every field, fixed order. It is itself a policy file:
/// parse_policy(canonical(p)) is p. Comments, format and key order of the original leave no trace in it.
std::string canonical(const policy& rules);
/// The way back, for texts that a store or a topic kept; nullopt: damaged.
std::optional<policy> parse_canonical(std::string_view text);
/// rules.digest = SHA-256 of canonical(rules), hex. Call it after any change of a policy.
void stamp_digest(policy& rules);

} // namespace fairuse
