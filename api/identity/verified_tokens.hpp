// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/identity. JSON Web Tokens whose signature was checked, so that the next request with the same token
// costs a hash and no signature. A token is known by the SHA-256 of all of it; another set of keys knows none.
//
// Invariants
//   1. At most `most` tokens; for one more the oldest goes.
//   2. What is found is as if it were checked now: its `exp` is not over, and the clock has not gone back behind the
//      instant at which it was checked.
// Threads: any.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "api/identity/jwk_set.hpp"
#include "api/identity/jwt.hpp"
#include "base/system/sha256.hpp"
#include "events/event.hpp"

namespace fairuse {

class verified_tokens {
public:
  using keys = std::shared_ptr<const jwk_set>;

  explicit verified_tokens(std::size_t most = 16'384) : most_{most} {}

  /// `in_force`: the keys that a token has to be signed by now.
  std::optional<jwt_claims> find(std::string_view token, const keys& in_force, time_ms now);
  /// REQUIRES: its signature was checked by `by` and its claims at `now`.
  void add(std::string_view token, const jwt_claims& claims, const keys& by, time_ms now);
  std::size_t size() const;

private:
  using digest = sha256_hash;
  struct by_leading_bytes {
    std::size_t operator()(const digest& of) const;
  };
  struct checked {
    jwt_claims claims;
    time_ms at = 0;
  };

  void begin_with(const keys& in_force);

  const std::size_t most_;
  mutable std::mutex mutex_;
  keys keys_;
  std::unordered_map<digest, checked, by_leading_bytes> known_;
  std::deque<digest> order_;
};

} // namespace fairuse
