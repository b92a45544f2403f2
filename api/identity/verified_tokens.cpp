// SPDX-License-Identifier: Apache-2.0

#include "api/identity/verified_tokens.hpp"

#include <cstring>

namespace fairuse {

std::size_t verified_tokens::by_leading_bytes::operator()(const digest& of) const {
  std::size_t leading = 0;
  std::memcpy(&leading, of.data(), sizeof leading);
  return leading;
}

std::optional<jwt_claims> verified_tokens::find(std::string_view token, const keys& in_force, time_ms now) {
  const auto of = sha256(token);
  const std::lock_guard guard{mutex_};
  begin_with(in_force);
  const auto found = known_.find(of);
  if (found == known_.end()) return std::nullopt;
  const auto& [claims, at] = found->second;
  if (now < at or now >= claims.ends_at) return std::nullopt;
  return claims;
}

void verified_tokens::add(std::string_view token, const jwt_claims& claims, const keys& by, time_ms now) {
  const auto of = sha256(token);
  const std::lock_guard guard{mutex_};
  begin_with(by);
  if (not known_.insert_or_assign(of, checked{claims, now}).second) return;
  order_.push_back(of);
  if (order_.size() <= most_) return;
  known_.erase(order_.front());
  order_.pop_front();
}

std::size_t verified_tokens::size() const {
  const std::lock_guard guard{mutex_};
  return known_.size();
}

// REQUIRES: `mutex_` is held.
void verified_tokens::begin_with(const keys& in_force) {
  if (keys_ == in_force) return;
  keys_ = in_force;
  known_.clear();
  order_.clear();
}

} // namespace fairuse
