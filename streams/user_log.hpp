// SPDX-License-Identifier: Apache-2.0
//
// The own log of a user with a mark: what was decided on them in the live slot, a row each, in the store. So one user's
// past is read without the log of all decisions. Both modes write the same rows.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/query.hpp"
#include "core/user.hpp"
#include "events/json_text.hpp"
#include "streams/decision_ids.hpp"

namespace fairuse {

/// Of an ordinary user, who has none, nothing is kept.
inline bool has_mark(const user& who) {
  const auto* live = standing_in(who, 0);
  return live != nullptr and not live->marks.empty();
}

/// `{"id","time","data"}`; `data` as append_decision_data() writes it.
inline std::string user_log_row(std::string_view id, time_ms at, std::string_view data) {
  std::string row = "{";
  json_members to{row};
  to.text("id", id);
  to.time("time", at);
  to.member("data").append(data).push_back('}');
  return row;
}

} // namespace fairuse
