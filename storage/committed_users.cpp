// SPDX-License-Identifier: Apache-2.0
#include "storage/committed_users.hpp"

#include "storage/opening.hpp"
#include "storage/rocks.hpp"
#include "storage/user_rows.hpp"

namespace fairuse {

committed_users::committed_users(const rocks& db) : db_{db}, as_of_{db.db->GetSnapshot()} {}

committed_users::~committed_users() { db_.db->ReleaseSnapshot(as_of_); }

result<std::unique_ptr<user>, store_error> committed_users::load(std::string_view uid, const policy_set& policies,
                                                                 time_ms now) const {
  user_rows rows(*db_.db, db_.store, as_of_);
  auto made = std::make_unique<user>();
  if (const auto found = rows.read(uid, policies, now, {}, *made); not found) return found.error();
  finish_loading(*made, policies, now);
  return made;
}

result<std::vector<std::string>, store_error> committed_users::log_of(std::string_view uid, std::size_t most) const {
  return user_rows(*db_.db, db_.store, as_of_).read_log(uid, most, {});
}

} // namespace fairuse
