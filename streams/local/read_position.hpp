// SPDX-License-Identifier: Apache-2.0
//
// Where reading of an input goes on after a restart, and whether the file is still the one that was read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fairuse {

/// How many bytes before the position are compared.
inline constexpr std::size_t fingerprint_bytes = 4096;

struct read_position {
  /// Bytes and lines before it were sealed.
  std::uint64_t offset = 0;
  std::uint64_t lines = 0;
  /// XXH3-64 of the bytes [offset - fingerprint_bytes, offset) of the file.
  std::uint64_t fingerprint = 0;
  friend bool operator==(const read_position&, const read_position&) = default;
};

/// Name under which a file's position is kept: its absolute path without links; empty for standard input, which has
/// none.
std::string input_name(const std::filesystem::path& file);

/// Add what follows to the bytes before a place, and keep the last fingerprint_bytes.
void keep_last(std::string& bytes_before, std::string_view more);

/// The bytes of an open file before `offset`, at most fingerprint_bytes; nullopt if they are not there.
std::optional<std::string> bytes_before(int file, std::uint64_t offset);

std::uint64_t fingerprint_of(std::string_view bytes_before);

/// The bytes before the position are still there.
bool still_matches(int file, const read_position& position);

} // namespace fairuse
