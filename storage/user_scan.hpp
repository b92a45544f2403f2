// SPDX-License-Identifier: Apache-2.0
//
// The users of whom a gateway may have to know something, as the last commit left them: those who are exempt or have a
// standing in the live slot. Reads a snapshot, so the store may go on.
// Threads: one, which need not be the store's.
#pragma once

#include <memory>
#include <string>

#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

struct rocks;

class user_scan {
public:
  /// REQUIRES: `db` and `policies` outlive it.
  user_scan(const rocks& db, const policy_set& policies, time_ms now);
  ~user_scan();
  user_scan(const user_scan&) = delete;
  user_scan& operator=(const user_scan&) = delete;

  /// The next user, by uid; `uid` is set. Nullptr: there is none.
  result<std::unique_ptr<user>, store_error> next(std::string& uid);

private:
  struct body;
  std::unique_ptr<body> body_;
};

} // namespace fairuse
