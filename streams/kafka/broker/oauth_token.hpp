// SPDX-License-Identifier: Apache-2.0
//
// A login by token: a JWT in a file that another program keeps fresh (a projected service account, an agent of the
// identity provider). It is read again whenever librdkafka asks, at about 80 % of the token's lifetime.
//
// Threads: pure, but for reading the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse::kafka {

struct oauth_token {
  std::string text;
  /// Claim `sub`.
  std::string principal;
  /// Claim `exp`.
  time_ms expires_at = 0;
};

/// The claims are read; the broker verifies them. An error does not repeat the token.
result<oauth_token> parse_token(std::string_view text);
/// A trailing newline is no part of the token.
result<oauth_token> read_token(const std::filesystem::path& file);

} // namespace fairuse::kafka
