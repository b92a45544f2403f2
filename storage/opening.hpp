// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. What is read and checked when a store is opened.
#pragma once

#include "core/rules.hpp"
#include "storage/erased_users.hpp"
#include "storage/journal.hpp"
#include "storage/rocks.hpp"

namespace fairuse {

struct opened_state {
  store_meta meta;
  commit_head head;
  erased_users erased;
  /// Of the key in use.
  std::string key_check;
  bool key_changed = false;
};

/// Read the newest commit of the store, and check that the newest commits are all there, one after the other, up to
/// what was published. RocksDB notices damage inside what it reads, but not that the end of a file of its own is
/// missing.
result<opened_state, store_error> read_state(rocks& db, const store_options& options);

/// What every loaded user needs before it is used. REQUIRES: next_due.
void finish_loading(user& who, const policy_set& policies, time_ms now);

} // namespace fairuse
