// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Users who were erased before a checkpoint: it knows them by keyed hashes alone, so they
// are found as soon as something else names them.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

#include "storage/case_reference.hpp"
#include "storage/store_error.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

class erased_before {
public:
  explicit erased_before(std::string_view case_key) : names_(case_key) {}

  /// Error: it is no such row.
  result<void, store_error> add(std::string_view hash, std::string_view row);
  /// No more come. `key_check`: of the key that was used. Error (wrong_key): it is another one.
  result<void, store_error> check(std::string_view key_check);
  /// Tell the packer what the user's erasure left, if there was one; once for every user.
  result<void, store_error> tell(std::string_view uid, packer& to);

private:
  case_namer names_;
  std::map<keyed_hash, std::string> rows_;
  std::unordered_set<std::string> asked_;
};

} // namespace fairuse::history
