// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What stands in a history instead of what could name a person: keyed hashes for uids,
// sources, ids, conversations and actors (32 hex digits of HMAC-SHA-256, each use with its own prefix), numbers for
// categories, nothing for free texts. Decisions depend on none of it but on what is equal, and that stays equal.
// Threads: one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/system/hmac.hpp"
#include "events/event.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::history {

class pseudonyms {
public:
  explicit pseudonyms(std::string_view key) : mac_(key) {}

  std::string user(std::string_view uid) { return hash("uid", uid); }
  /// Another user's categories have numbers of their own.
  void begin_user() { categories_.clear(); }
  /// What the event points at is in the arena.
  event of(const event& what, event_arena& arena);
  recorded_review of(recorded_review what);
  broadcast_command of(broadcast_command what);

private:
  std::string hash(std::string_view use, std::string_view text);
  std::string source(std::string_view name);
  event_detail detail(const event_detail& what);
  conversation_fact of(conversation_fact what);
  static review_answer of(review_answer what);
  admin_command of(admin_command what);

  hmac_sha256 mac_;
  std::map<std::string, std::size_t, std::less<>> categories_;
  /// The source that was hashed last: most events of a user have the same.
  std::string last_source_;
  std::string last_source_hash_;
};

} // namespace fairuse::history
