// SPDX-License-Identifier: Apache-2.0
#include "api/identity/principal.hpp"

#include <algorithm>

#include "events/json_text.hpp"
#include "events/wire.hpp"

namespace fairuse {

static_assert(asking_uid_bytes_max + std::string_view{"proxy:"}.size() <= wire_name_bytes_max);

bool is_asking_uid(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 or c == 0x7f; };
  return not text.empty() and text.size() <= asking_uid_bytes_max and text != "*"
         and std::none_of(text.begin(), text.end(), is_control) and not find_utf8_fault(text);
}

} // namespace fairuse
