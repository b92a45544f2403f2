// SPDX-License-Identifier: Apache-2.0
//
// The few verbs with which our JSON is written: byte-stable, no locale, no floating point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairuse {

/// Append a JSON string with its quotes. Escapes what JSON demands and nothing more. REQUIRES: UTF-8.
void append_json(std::string& out, std::string_view text);

void append_json(std::string& out, std::int64_t value);

/// Append a number in units of 1e-9 as an exact decimal: 850'000'000 is `0.85`.
void append_json_nano(std::string& out, std::int64_t value);

} // namespace fairuse
