// SPDX-License-Identifier: Apache-2.0
//
// A user's rows as one text, for what keeps states outside of a store (histories): of every row the key behind the
// user's prefix and the value, each behind its length, in the order of keys. The due row comes first, with an empty
// key.
#pragma once

#include <string>
#include <string_view>

#include "storage/bytes.hpp"

namespace fairuse {

inline void append_state_row(std::string& to, std::string_view key_behind_prefix, std::string_view value) {
  append_text(to, key_behind_prefix);
  append_text(to, value);
}

/// visit(key behind the prefix, value) -> false: not what we wrote. False: not what append_state_row() wrote.
template <class Visit>
bool each_state_row(std::string_view state, Visit&& visit) {
  std::string_view key;
  std::string_view value;
  while (not state.empty())
    if (not take_text(state, key) or not take_text(state, value) or not visit(key, value)) return false;
  return true;
}

} // namespace fairuse
