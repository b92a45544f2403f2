// SPDX-License-Identifier: Apache-2.0
//
// Does a replay as recorded make what its deployment wrote? Compares user by user and slot by slot, up to the first
// difference.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "events/user_decisions.hpp"

namespace fairuse::sim {

struct recorded_difference {
  std::string uid;
  std::string slot;
  /// Of the decision in its slot, from 1.
  std::uint64_t number = 0;
  /// Is another one, is missing in the replay, or is none of the deployment's.
  enum class kind : std::uint8_t { other, missing, extra } what = kind::other;
  /// First byte that differs.
  std::uint64_t byte = 0;
  /// Around that byte; empty: there is no such decision.
  std::string production;
  std::string replay;
};

class recorded_comparison {
public:
  /// What the deployment decided of the next user, in the order of uids; nullopt: no more.
  using production = std::function<std::optional<user_decisions>()>;

  explicit recorded_comparison(production next) : next_(std::move(next)) {}

  /// The next user of the replay, in the order of uids. False: there is a difference, and no more is compared.
  bool add(const user_decisions& replayed);
  /// The replay has no more users.
  bool finish();

  const std::optional<recorded_difference>& difference() const { return difference_; }
  /// Decisions that are equal.
  std::uint64_t equal() const { return equal_; }

private:
  bool pass_users_before(const std::string* uid);
  bool compare(const user_decisions& ours, const user_decisions& replayed);
  bool compare_slot(const std::string& uid, const slot_decisions& ours, const slot_decisions& replayed);

  production next_;
  std::optional<user_decisions> waiting_;
  bool begun_ = false;
  std::uint64_t equal_ = 0;
  std::optional<recorded_difference> difference_;
};

} // namespace fairuse::sim
