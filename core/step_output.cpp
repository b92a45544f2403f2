// SPDX-License-Identifier: Apache-2.0
#include "core/step_output.hpp"

#include <algorithm>

namespace fairuse {

void unread_conversations::begin(const event_columns* of, std::size_t entry) {
  run = of;
  first = last = outlined_until = entry;
  newest.clear();
  ambiguous = false;
}

void step_output::clear() {
  decisions.clear();
  counts = {};
  tallies.assign(tallies.size(), {});
  conversations.begin(nullptr, 0);
}

bool step_output::asked_since(std::size_t first) const {
  return std::any_of(decisions.begin() + static_cast<std::ptrdiff_t>(first), decisions.end(),
                     [](const decision& each) { return each.kind == decision_kind::review_requested; });
}

} // namespace fairuse
