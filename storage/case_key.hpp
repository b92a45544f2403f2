// SPDX-License-Identifier: Apache-2.0
//
// The secret behind case references and erasure tombstones. The caller decides whether the development key may be used,
// and warns about it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "storage/store_error.hpp"

namespace fairuse {

enum class case_key_origin : std::uint8_t { file, environment, development };

struct case_key {
  std::string bytes;
  case_key_origin from = case_key_origin::development;
};

inline constexpr std::size_t case_key_bytes_min = 16;

/// A key that a file holds alone. A byte order mark before it and line ends after it do not belong to it; a file that
/// cannot be read and a key under 16 bytes are errors, which call it `name`.
result<std::string, store_error> read_key(const std::filesystem::path& file, std::string_view name);

/// The file if one is named, else FAIRUSE_CASE_KEY, else the development key; checked as read_key() does.
result<case_key, store_error> find_case_key(const std::optional<std::filesystem::path>& file);

} // namespace fairuse
