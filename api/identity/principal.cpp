// SPDX-License-Identifier: Apache-2.0
#include "api/identity/principal.hpp"

#include "base/pure/text.hpp"
#include "events/json_text.hpp"
#include "events/wire.hpp"

namespace fairuse {

static_assert(asking_uid_bytes_max + std::string_view{"proxy:"}.size() <= wire_name_bytes_max);

bool is_asking_uid(std::string_view text) {
  return not text.empty() and text.size() <= asking_uid_bytes_max and text != "*" and not has_control(text)
         and not find_utf8_fault(text);
}

} // namespace fairuse
