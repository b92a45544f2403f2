// SPDX-License-Identifier: Apache-2.0
#include "config/named_path.hpp"

#include <string>
#include <system_error>

namespace fairuse {

namespace {

bool bind_path(yaml::map_reader& of, std::string_view key, const std::filesystem::path& folder,
               std::filesystem::path& into, yaml::need how, bool is_folder) {
  std::string text;
  if (not of.text(key, text, how)) return false;
  into = (folder / text).lexically_normal();
  std::error_code failed;
  if (is_folder ? std::filesystem::is_directory(into, failed) : std::filesystem::is_regular_file(into, failed))
    return true;
  of.error(key, std::string{"no such "} + (is_folder ? "folder: " : "file: ") + into.string());
  return false;
}

} // namespace

bool bind_file(yaml::map_reader& of, std::string_view key, const std::filesystem::path& folder,
               std::filesystem::path& into, yaml::need how) {
  return bind_path(of, key, folder, into, how, false);
}

bool bind_folder(yaml::map_reader& of, std::string_view key, const std::filesystem::path& folder,
                 std::filesystem::path& into) {
  return bind_path(of, key, folder, into, yaml::need::optional, true);
}

} // namespace fairuse
