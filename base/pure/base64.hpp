// SPDX-License-Identifier: Apache-2.0
//
// Bytes as base64 (RFC 4648 section 4), with padding, and as base64url (section 5), without.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fairuse {

std::string to_base64(std::string_view bytes);

/// Nullopt: the text is not what to_base64 makes of any bytes; padding may be missing.
std::optional<std::string> from_base64(std::string_view text);

std::string to_base64url(std::string_view bytes);

/// Nullopt: the text is not what to_base64url makes of any bytes. So no two texts are the same bytes.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace fairuse
