// SPDX-License-Identifier: Apache-2.0
#include "api/identity/role.hpp"

#include <algorithm>

#include "config/yaml.hpp"

namespace fairuse {

std::optional<role> role_from(std::string_view text) {
  const auto found = std::find(role_names.begin(), role_names.end(), text);
  if (found == role_names.end()) return std::nullopt;
  return static_cast<role>(found - role_names.begin());
}

std::string to_text(role_set roles) {
  std::string text;
  for (const auto name : role_names)
    if (roles.has(*role_from(name))) text.append(text.empty() ? "" : ",").append(name);
  return text;
}

result<role_set> roles_from(std::string_view text) {
  role_set roles;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const std::string name{text.substr(begin, end - begin)};
    const auto which = role_from(name);
    if (not which) return error{"there is no role '" + name + "'" + yaml::did_you_mean_one_of(name, role_names)};
    if (roles.has(*which)) return error{"the role '" + name + "' is there twice"};
    roles.add(*which);
    begin = end + 1;
  }
  return roles;
}

role_set known_roles_in(std::string_view text) {
  role_set roles;
  while (not text.empty()) {
    const auto end = std::min(text.find_first_of(" ,\t"), text.size());
    if (const auto which = role_from(text.substr(0, end))) roles.add(*which);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return roles;
}

} // namespace fairuse
