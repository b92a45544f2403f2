// SPDX-License-Identifier: Apache-2.0
//
// Bytes and numbers as hexadecimal digits. Lower case unless the name says otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairuse {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// Two digits for each byte.
std::string to_hex(std::string_view bytes);
std::string to_upper_hex(std::string_view bytes);

/// Always 16 digits.
std::string to_hex(std::uint64_t value);

/// The bytes behind lower-case digits; nullopt: the text has another character or an odd length.
std::optional<std::string> from_hex(std::string_view digits);

} // namespace fairuse
