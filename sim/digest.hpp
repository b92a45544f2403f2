// SPDX-License-Identifier: Apache-2.0
//
// The digest of a run: SHA-256 over its users, sorted by uid, each with the SHA-256 of its decision chain per slot. It
// is the same for any number of workers, shards and partitions, because it does not depend on the order in which users
// finish.
//
// The caller writes the bytes of a decision. They leave out `id`, epoch and case, which differ between runs that decide
// the same. A user without decisions does not change the digest.
// Threads: one run_digest per worker; merge() joins them at the end.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/system/sha256.hpp"

namespace fairuse::sim {

/// All decisions of one user in one slot, in order.
struct slot_chain {
  std::string_view slot;
  std::string_view bytes;
};

/// The same by its hash; nullopt: there are no decisions.
struct hashed_chain {
  std::string_view slot;
  std::optional<sha256_hash> hash;
};
std::optional<sha256_hash> hash_of_chain(std::string_view bytes);

class run_digest {
public:
  /// Slots may come in any order. REQUIRES: each uid is added once in a run, each slot once per uid.
  void add(std::string_view uid, std::span<const slot_chain> chains);
  void add(std::string_view uid, std::span<const hashed_chain> chains);
  void merge(run_digest&& other);

  /// 64 hex digits.
  std::string finish();

private:
  struct entry {
    std::string uid;
    sha256_hash chains;
  };
  std::vector<entry> entries_;
};

} // namespace fairuse::sim
