// SPDX-License-Identifier: Apache-2.0
//
// The decisions of one user by slot: what digests and comparisons are taken over.
#pragma once

#include <string>
#include <vector>

namespace fairuse {

/// In order, each as append_decision_chain() writes it.
struct slot_decisions {
  std::string slot;
  std::vector<std::string> lines;
};

struct user_decisions {
  /// `*`: what was decided for all users.
  std::string uid;
  /// By name; slots without decisions are not there.
  std::vector<slot_decisions> slots;
};

} // namespace fairuse
