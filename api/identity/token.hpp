// SPDX-License-Identifier: Apache-2.0
//
// A token of a person or a service: at least 32 random bytes as base64url or as hexadecimal digits. Only its SHA-256 is
// kept; a hash without salt is enough for what nobody can guess.
#pragma once

#include <string>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse {

/// Whether it could be one by its length and its characters.
bool is_token(std::string_view text);

/// A new one. An error: the system has no randomness to give.
result<std::string> make_token();

} // namespace fairuse
