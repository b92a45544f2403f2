// SPDX-License-Identifier: Apache-2.0

#include "streams/local/read_position.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>
#include <xxhash.h>

namespace fairuse {

std::string input_name(const std::filesystem::path& file) {
  if (file == "-") return {};
  std::error_code problem;
  auto canonical = std::filesystem::weakly_canonical(file, problem);
  return problem ? std::filesystem::absolute(file, problem).string() : canonical.string();
}

void keep_last(std::string& bytes_before, std::string_view more) {
  bytes_before.append(more.substr(more.size() - std::min(more.size(), fingerprint_bytes)));
  bytes_before.erase(0, bytes_before.size() - std::min(bytes_before.size(), fingerprint_bytes));
}

std::optional<std::string> bytes_before(int file, std::uint64_t offset) {
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(offset, fingerprint_bytes)), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got =
        ::pread(file, bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset - bytes.size() + have));
    if (got < 0 and errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::uint64_t fingerprint_of(std::string_view bytes_before) {
  return XXH3_64bits(bytes_before.data(), bytes_before.size());
}

bool still_matches(int file, const read_position& position) {
  const auto bytes = bytes_before(file, position.offset);
  return bytes and fingerprint_of(*bytes) == position.fingerprint;
}

} // namespace fairuse
