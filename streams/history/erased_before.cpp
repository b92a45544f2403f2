// SPDX-License-Identifier: Apache-2.0
#include "streams/history/erased_before.hpp"

#include <algorithm>

namespace fairuse::history {

namespace {

constexpr std::size_t asked_max = std::size_t{1} << 18;

} // namespace

result<void, store_error> erased_before::add(std::string_view hash, std::string_view row) {
  keyed_hash who{};
  if (hash.size() != who.size()) return damaged("the checkpoint has a row of an erased user that does not decode");
  std::copy(hash.begin(), hash.end(), who.begin());
  rows_.insert_or_assign(who, std::string(row));
  return {};
}

result<void, store_error> erased_before::check(std::string_view key_check) {
  if (rows_.empty() or key_check == names_.check()) return {};
  return store_error{store_fault::wrong_key,
                     "the checkpoint that the history begins with knows erased users by another case key: --case-key "
                     "must be the deployment's"};
}

result<void, store_error> erased_before::tell(std::string_view uid, packer& to) {
  if (rows_.empty() or not asked_.emplace(uid).second) return {};
  // The row is taken out, so that it is told once however often a user is asked for.
  if (asked_.size() >= asked_max) asked_.clear();
  const auto left = rows_.extract(names_.erased(uid));
  return left.empty() ? result<void, store_error>{} : to.add_erased_before(uid, left.mapped());
}

} // namespace fairuse::history
