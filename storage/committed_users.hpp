// SPDX-License-Identifier: Apache-2.0
//
// Users as one commit left them, however far the store has gone on since: for those who ask beside it.
// Threads: any.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "storage/store_error.hpp"

namespace rocksdb {
class Snapshot;
}

namespace fairuse {

struct rocks;

class committed_users {
public:
  /// As `db` is now. REQUIRES: it outlives this.
  explicit committed_users(const rocks& db);
  ~committed_users();
  committed_users(const committed_users&) = delete;
  committed_users& operator=(const committed_users&) = delete;

  /// Bound to `policies`. A user of whom nothing is known is a fresh one, and so is one who was erased.
  result<std::unique_ptr<user>, store_error> load(std::string_view uid, const policy_set& policies, time_ms now) const;

  /// The newest of the user's own log, oldest first.
  result<std::vector<std::string>, store_error> log_of(std::string_view uid, std::size_t most) const;

private:
  const rocks& db_;
  const rocksdb::Snapshot* as_of_;
};

} // namespace fairuse
