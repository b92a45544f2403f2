// SPDX-License-Identifier: Apache-2.0
//
// A login by token: a JWT in a file that another program keeps fresh (a projected service account, an agent of the
// identity provider). It is read again whenever librdkafka asks, at about 80 % of the token's lifetime.
//
// Threads: pure, but for reading the file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "events/event.hpp"

namespace fairuse::kafka {

struct oauth_token {
  std::string text;
  /// Claim `sub`.
  std::string principal;
  /// Claim `exp`.
  time_ms expires_at = 0;
};

/// The claims are read, not verified: that is the broker's business. Nullopt: `problem` says why, without the token.
std::optional<oauth_token> parse_token(std::string_view text, std::string& problem);
/// A trailing newline is no part of the token.
std::optional<oauth_token> read_token(const std::filesystem::path& file, std::string& problem);

} // namespace fairuse::kafka
