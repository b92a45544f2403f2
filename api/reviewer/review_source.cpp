// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/review_source.hpp"

#include <utility>

#include "base/system/sha256.hpp"
#include "events/wire.hpp"

namespace fairuse {

std::string_view to_text(not_asked why) {
  switch (why) {
    case not_asked::too_late:
      return "too_late";
    case not_asked::answered:
      return "answered";
    case not_asked::exempt:
      return "exempt";
    case not_asked::erased:
      return "erased";
    case not_asked::kill_switch:
      return "kill_switch";
    case not_asked::system_off:
      return "system_off";
    case not_asked::unreadable:
      return "unreadable";
  }
  return "";
}

std::string verdict_id(std::string_view uid, std::string_view request) {
  std::string both{uid};
  both.push_back('\0');
  both += request;
  return sha256_hex(both);
}

std::string verdict_event(std::string_view uid, review_answer answer, time_ms now) {
  event_arena arena;
  const auto id = verdict_id(uid, answer.request);
  event what{.instant = now, .time = now, .kind = event_kind::review};
  what.key = event_key(verdict_source, id);
  what.text = arena.keep(verdict_source, id);
  what.detail = arena.keep(event_detail{std::move(answer)});
  std::string line;
  append_event(line, uid, what);
  return line;
}

} // namespace fairuse
