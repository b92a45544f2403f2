// SPDX-License-Identifier: Apache-2.0
#include "storage/user_state.hpp"

#include "storage/keys.hpp"

namespace fairuse {

// Both sources are in the same order of users.
result<bool, store_error> each_user_state(const row_source& users, const row_source& due, const state_visit& visit) {
  std::string_view key;
  std::string_view value;
  std::string_view due_key;
  std::string_view due_value;
  std::string uid;
  std::string state;
  bool has_due = due(due_key, due_value);
  for (bool has_row = users(key, value); has_row;) {
    const auto first = keys::parse_user_row(key);
    if (not first) return false;
    uid = first->uid;
    state.clear();
    const auto wanted = keys::due(uid);
    while (has_due and due_key < wanted)
      has_due = due(due_key, due_value);
    if (has_due and due_key == wanted) append_state_row(state, {}, due_value);
    const auto prefix = keys::user_prefix(uid);
    for (; has_row and key.starts_with(prefix); has_row = users(key, value))
      append_state_row(state, key.substr(prefix.size()), value);
    if (auto done = visit(uid, state); not done) return done.error();
  }
  return true;
}

} // namespace fairuse
