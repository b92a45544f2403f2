// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a file from anywhere in it. Threads: const calls from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "base/pure/result.hpp"

namespace fairuse {

/// Read bytes [at, at + out.size()); false: a system error, or they are not there.
using random_access = std::function<bool(std::uint64_t at, std::span<char> out)>;

struct opened_file {
  random_access read;
  std::uint64_t size = 0;
};

/// A regular file; its handle lives as long as `read`.
result<opened_file> open_for_reading(const std::filesystem::path& file);

} // namespace fairuse
