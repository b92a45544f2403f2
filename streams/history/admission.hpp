// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Which events of one user a deployment admits: core decides, with a policy that has no
// effect, because admission depends on no policy.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/rules.hpp"
#include "storage/user_row_reader.hpp"

namespace fairuse::history {

class admission {
public:
  /// Without `judges_lateness` nothing is too old or ahead.
  explicit admission(bool judges_lateness, std::int64_t retention_ms, std::int64_t horizon_ms);

  void begin_user() { who_ = {}; }
  /// What a deployment knew of the user before (storage/user_state.hpp): its ids and the newest of its facts. Standings
  /// are put into `standings`. False: it does not decode.
  bool know(std::string_view state, std::vector<standing_row>& standings);
  /// REQUIRES: `now` does not go back for a user.
  applied judge(time_ms now, const event& what);
  /// An erasure that was admitted covers the event.
  bool is_erased(const event& what) const { return what.instant <= who_.erased_at; }

private:
  std::shared_ptr<const policy_set> policies_;
  controls in_force_;
  std::int64_t horizon_ms_;
  user who_;
  row_codec codec_;
  step_output out_;
};

} // namespace fairuse::history
