// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage/history. The contents of a history as bytes and back.
#pragma once

#include <string>
#include <string_view>

#include "storage/history/history_file.hpp"

namespace fairuse::history {

std::string encode_contents(const history_contents& from);
/// Errors: damaged, newer.
result<history_contents, store_error> decode_contents(std::string_view bytes);

} // namespace fairuse::history
