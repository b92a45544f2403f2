// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/http. What came compressed. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"

namespace fairuse {

enum class inflate_fault { damaged, too_large };

/// The text behind one gzip member, which must end where `packed` ends. Takes no more memory than `bytes_max` and a
/// piece, whatever `packed` says.
result<std::string, inflate_fault> inflate_gzip(std::string_view packed, std::size_t bytes_max);

} // namespace fairuse
