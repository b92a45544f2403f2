// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. The language that a client likes best of those that there are messages in (RFC
// 9110, 12.5.4). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "config/message_texts.hpp"

namespace fairuse {

/// `header`: value of Accept-Language. Of tags with the same `q` the first one; a tag stands for the languages that it
/// begins with (`de-AT` for `de`). Empty: none of them is there, or any will do.
std::string accepted_locale(const message_set& messages, std::string_view header);

} // namespace fairuse
