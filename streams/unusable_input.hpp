// SPDX-License-Identifier: Apache-2.0
//
// What an input is of which no line can be read, for a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairuse {

/// How many bytes of the first line are enough.
inline constexpr std::size_t sample_bytes = 256;

/// What it looks like and what to do, as a sentence. `first_line`: the beginning of its first line that is not empty.
/// `reader`: the command that reads standard input, `fairuse run ... --input -`.
std::string describe_unusable_input(std::string_view first_line, std::string_view reader);

} // namespace fairuse
