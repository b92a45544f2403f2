// SPDX-License-Identifier: Apache-2.0

#include "engine/stored_policies.hpp"

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/policy_file.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse {

namespace {

std::optional<policy> read_policy(const local_reader& reader, const std::string& digest) {
  const auto text = reader.policy_text(digest);
  return text ? parse_canonical(*text) : std::nullopt;
}

} // namespace

result<std::shared_ptr<const policy_set>, store_error> read_stored_policies(const local_reader& reader,
                                                                            const std::filesystem::path& folder) {
  const auto missing = [&folder] {
    return store_error{store_fault::damaged, "the store in " + folder.string()
                                                 + " does not have the text of a policy it runs: it is damaged"};
  };
  const auto& meta = reader.meta();
  auto live = read_policy(reader, meta.controls.live);
  if (not live) return missing();
  std::vector<policy> shadows;
  for (const auto& digest : meta.controls.shadows) {
    auto shadow = read_policy(reader, digest);
    if (not shadow) return missing();
    shadows.push_back(std::move(*shadow));
  }
  const auto retention = std::strtoll(setting_of(meta.settings, "retention_ms").c_str(), nullptr, 10);
  std::vector<const policy*> loaded = {&*live};
  for (const auto& each : shadows)
    loaded.push_back(&each);
  auto ages = ages_of(meta.settings, loaded, meta.now);
  return policy_set::make(*live, std::move(shadows), retention > 0 ? retention : 8 * day_ms, review_mode::shared,
                          std::move(ages));
}

} // namespace fairuse
