// SPDX-License-Identifier: Apache-2.0
//
// What came compressed. Nobody but who may send it should cost the time to inflate it, so the server leaves a body as
// it came, and its handler calls inflate_body(). Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/http_message.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

enum class inflate_fault { damaged, too_large };

/// The text behind one gzip member, which must end where `packed` ends. Takes no more memory than `bytes_max` and a
/// piece, whatever `packed` says.
result<std::string, inflate_fault> inflate_gzip(std::string_view packed, std::size_t bytes_max);

inline constexpr std::size_t inflated_bytes_max = 8 << 20;

/// Nothing happens to a body that is not packed. A problem for the client: it is no gzip, or too large.
std::optional<http_reply> inflate_body(http_request& request, std::size_t bytes_max = inflated_bytes_max);

} // namespace fairuse
