// SPDX-License-Identifier: Apache-2.0
//
// Leases on the budgets of users: a session reserves what it is about to use, so that sessions side by side do not use
// more than the day's budget. They live with the owner of the user's partition, in memory alone, and enter no decision.
//
//   reserve   takes min(planned, what is left): limit - used - all leases of the user. The same session has one lease:
//             it keeps it by asking again, and gets no second one.
//   end       the STT that was used under it is committed, so it stands in `used` now.
//   lapse     after at most 60 s nobody has ended or kept it; what it reserved is free again.
//
// A lease counts whatever day it is of: one across midnight is taken off both days.
//
// An owner that has just taken over knows nothing of the leases that the last one gave. Until these have lapsed it
// gives short ones, of no more than is spoken in their time.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairuse {

struct lease_rules {
  /// What is told, from the lease's beginning or its last renewal.
  std::int64_t told_ms = 45'000;
  /// It is held for so much longer: for the STT event to be committed.
  std::int64_t grace_ms = 15'000;
  /// Told, and the most that a stream gets, of a new owner.
  std::int64_t short_ms = 5'000;
  /// Of one user; more are refused.
  std::size_t sessions_max = 1'000;
};

struct lease_request {
  std::string_view uid;
  std::string_view session;
  std::int64_t planned_ms = 0;
  /// An upload: less than all of it is of no use.
  bool is_whole = false;
};

/// As of the last commit.
struct budget_facts {
  std::int64_t limit_ms = 0;
  std::int64_t used_ms = 0;
  /// Since the owner owns the user's partition.
  std::int64_t owned_for_ms = 0;
};

struct lease {
  std::string id;
  /// In all, from its beginning until it ends.
  std::int64_t granted_ms = 0;
  std::int64_t valid_for_ms = 0;
};

struct lease_answer {
  std::optional<lease> granted;
  /// Nothing is granted, and more would be left without the leases of others.
  bool is_reserved = false;
  /// Until then one of these lapses, unless it is kept.
  std::int64_t retry_after_ms = 0;
};

/// Only grow, but for `open`.
struct lease_counts {
  std::uint64_t granted = 0;
  std::uint64_t renewed = 0;
  std::uint64_t reserved = 0;
  std::uint64_t ended = 0;
  std::uint64_t lapsed = 0;
  std::uint64_t open = 0;
};

class lease_table {
public:
  explicit lease_table(lease_rules rules = {});

  /// `now`: a clock that never jumps, ms.
  lease_answer reserve(const lease_request& asked, const budget_facts& budget, std::int64_t now);
  void end(std::string_view uid, std::string_view id);
  lease_counts counts() const;

private:
  struct held {
    std::string session;
    std::string id;
    std::int64_t granted_ms = 0;
    std::int64_t lapses_at = 0;
  };
  using user_leases = std::vector<held>;

  void drop_lapsed(std::int64_t now);
  lease_answer refuse(const user_leases& of, bool is_reserved, std::int64_t now);
  lease renewed(held& what, std::int64_t told_ms, std::int64_t now);
  lease made(user_leases& of, const lease_request& asked, std::int64_t granted_ms, std::int64_t told_ms,
             std::int64_t now);

  const lease_rules rules_;
  mutable std::mutex mutex_;
  std::map<std::string, user_leases, std::less<>> users_;
  /// Of this process: no other gives the same ids.
  std::string prefix_;
  std::uint64_t last_ = 0;
  std::int64_t dropped_at_ = INT64_MIN;
  lease_counts counts_;
};

} // namespace fairuse
