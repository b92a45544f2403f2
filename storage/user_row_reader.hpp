// SPDX-License-Identifier: Apache-2.0
//
// One user from its rows, wherever these are: in a store, or in the state of a history. The same rows give the same
// user.
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace fairuse {

/// A standing as its row has it.
struct standing_row {
  std::string slot;
  standing last;
  /// See slot_age.
  time_ms loaded = INT64_MIN;
};

class user_row_reader {
public:
  /// `to`: nothing is known of the user yet. What counts at `now` is read or, if its next timer is due before, at that.
  user_row_reader(row_codec& codec, const policy_set& policies, time_ms now, user& to);

  /// Keep the standings of other slots, too. REQUIRES: outlives this.
  void keep_unloaded(std::vector<standing_row>& in) { unloaded_ = &in; }
  /// All ids that there are, not only those of the last 24 hours.
  void keep_all_ids() { keeps_all_ids_ = true; }

  /// The next row, in the order of keys. False: it does not decode.
  bool take(const keys::user_row_key& row, std::string_view value);
  /// All of a user's state (user_state.hpp).
  bool take_state(std::string_view state);
  /// Hours before are passed over. REQUIRES: the rows before those of hours were taken.
  hour_number first_hour();

private:
  bool take_standing(std::string_view slot, std::string_view value);
  bool take_erased(std::string_view value);
  bool take_hour(hour_number hour, std::string_view value);
  hour_number first_bucket_hour();
  hour_number first_id_hour_wanted() const;

  row_codec& codec_;
  const policy_set& policies_;
  time_ms now_;
  user& to_;
  std::vector<standing_row>* unloaded_ = nullptr;
  bool keeps_all_ids_ = false;
  std::optional<hour_number> first_bucket_;
  std::vector<std::uint64_t> ids_;
};

/// Restore in a user what an erasure left, for the slots that are loaded.
void restore_erased(const tombstone& left, const policy_set& policies, user& to);

} // namespace fairuse
