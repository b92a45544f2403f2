// SPDX-License-Identifier: Apache-2.0
#include "storage/commit_rows.hpp"

#include <cstring>

#include <xxhash.h>

namespace fairuse {

namespace {

std::uint64_t hash_of(std::string_view uid) { return XXH3_64bits(uid.data(), uid.size()); }

} // namespace

std::uint32_t commit_rows::first_of(std::string_view uid) const {
  const auto found = heads_.find(hash_of(uid));
  return found == heads_.end() ? none : found->second;
}

commit_rows::span commit_rows::keep(std::string_view bytes) {
  const span kept{arena_.size(), static_cast<std::uint32_t>(bytes.size())};
  arena_.append(bytes);
  return kept;
}

void commit_rows::set(std::string_view uid, std::string_view key, std::string_view value, bool erased) {
  const auto [head, fresh] = heads_.try_emplace(hash_of(uid), none);
  for (auto i = head->second; i != none; i = rows_[i].next) {
    auto& known = rows_[i];
    if (text(known.key) != key) continue;
    known.erased = erased;
    if (value.size() <= known.value.size) {
      if (not value.empty()) std::memcpy(arena_.data() + known.value.at, value.data(), value.size());
      known.value.size = static_cast<std::uint32_t>(value.size());
    } else {
      known.value = keep(value);
    }
    return;
  }
  row made;
  made.key = keep(key);
  made.value = keep(value);
  made.next = head->second;
  made.erased = erased;
  head.value() = static_cast<std::uint32_t>(rows_.size());
  rows_.push_back(made);
}

bool commit_rows::holds(std::string_view uid) const { return not rows_.empty() and first_of(uid) != none; }

std::optional<std::optional<std::string_view>> commit_rows::find(std::string_view uid, std::string_view key) const {
  for (auto i = first_of(uid); i != none; i = rows_[i].next)
    if (text(rows_[i].key) == key)
      return rows_[i].erased ? std::optional<std::string_view>() : std::optional(text(rows_[i].value));
  return std::nullopt;
}

void commit_rows::lay_over(std::string_view uid, std::string_view prefix, row_overlay& to) const {
  for (auto i = first_of(uid); i != none; i = rows_[i].next) {
    const auto& known = rows_[i];
    const auto key = text(known.key);
    if (not key.starts_with(prefix)) continue;
    auto& laid = to[std::string(key)];
    if (known.erased)
      laid = std::nullopt;
    else
      laid = std::string(text(known.value));
  }
}

void commit_rows::clear() {
  arena_.clear();
  rows_.clear();
  heads_.clear();
}

} // namespace fairuse
