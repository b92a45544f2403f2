// SPDX-License-Identifier: Apache-2.0
#include "storage/erased_users.hpp"

#include <algorithm>

#include <xxhash.h>

#include "storage/user_row_reader.hpp"

namespace fairuse {

namespace {

/// 128 bits, because uids come from outside: a constructed collision must not refuse another user's events.
constexpr std::size_t asked_max = std::size_t{1} << 20;

} // namespace

const tombstone* erased_users::find(std::string_view uid) {
  if (all_.empty()) return nullptr;
  const auto hash = XXH3_128bits(uid.data(), uid.size());
  const fingerprint print{hash.high64, hash.low64};
  if (const auto known = asked_.find(print); known != asked_.end()) return known->second;
  const auto found = all_.find(namer_.erased(uid));
  const auto* answer = found == all_.end() ? nullptr : &found->second;
  if (asked_.size() >= asked_max) asked_.clear();
  asked_.emplace(print, answer);
  return answer;
}

void erased_users::set(const keyed_hash& who, tombstone what) {
  all_.insert_or_assign(who, std::move(what));
  asked_.clear();
}

bool erased_users::set_row(row_codec& codec, std::string_view key, std::string_view row) {
  keyed_hash who{};
  tombstone what;
  if (key.size() != who.size() + 1 or not codec.read_tombstone(row, what)) return false;
  std::copy(key.begin() + 1, key.end(), who.begin());
  set(who, std::move(what));
  return true;
}

void erased_users::restore(std::string_view uid, const policy_set& policies, user& to) {
  if (const auto* left = find(uid)) restore_erased(*left, policies, to);
}

} // namespace fairuse
