// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to config. A file or folder that a key names, relative to the folder of the deployment's file. It must be
// there now, so that nothing fails hours later.
#pragma once

#include <filesystem>
#include <string_view>

#include "config/yaml.hpp"

namespace fairuse {

/// False: the key is absent, or was refused. `into` has the path in any case but the first.
bool bind_file(yaml::map_reader& of, std::string_view key, const std::filesystem::path& folder,
               std::filesystem::path& into, yaml::need how = yaml::need::optional);
bool bind_folder(yaml::map_reader& of, std::string_view key, const std::filesystem::path& folder,
                 std::filesystem::path& into);

} // namespace fairuse
