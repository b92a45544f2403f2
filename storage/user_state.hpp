// SPDX-License-Identifier: Apache-2.0
//
// A user's rows as one text, for what keeps states outside of a store (histories): of every row the key behind the
// user's prefix and the value, each behind its length, in the order of keys. The due row comes first, with an empty
// key; what an earlier erasure left comes last, with a key that no row has.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "storage/bytes.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

inline constexpr std::string_view erased_state_key = "e";

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

/// Gives the next row in the order of keys, valid until the next call. False: there is none.
using row_source = std::function<bool(std::string_view& key, std::string_view& value)>;
using state_visit = std::function<result<void, store_error>(std::string_view uid, std::string_view state)>;

/// The states of all users, of their rows and of the due rows. False: a row does not decode. Errors: those of `visit`.
result<bool, store_error> each_user_state(const row_source& users, const row_source& due, const state_visit& visit);

} // namespace fairuse
