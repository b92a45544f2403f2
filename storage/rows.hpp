// SPDX-License-Identifier: Apache-2.0
//
// A user as rows: small values, each rewritten whole when something in it changed. Start here for what is on disk;
// storage/rows.proto has the fields, storage/keys.hpp the keys.
//
// Decoding checks everything it is given and answers false instead of guessing: wrong bytes, values out of range,
// newer versions. Threads: one codec per thread; it keeps scratch memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/permanent_ids.hpp"
#include "core/user.hpp"

namespace fairuse {

/// What is left of an erased user.
struct tombstone {
  struct numbers {
    std::string slot;
    std::uint32_t last_strike = 0;
    std::uint32_t last_request = 0;
    friend bool operator==(const numbers&, const numbers&) = default;
  };
  time_ms erased_at = INT64_MIN;
  std::vector<numbers> slots;
  std::vector<permanent_id> admin_ids; ///< by key
  friend bool operator==(const tombstone&, const tombstone&) = default;
};

class row_codec {
public:
  row_codec();
  ~row_codec();
  row_codec(row_codec&&) noexcept;
  row_codec& operator=(row_codec&&) noexcept;

  // Each replaces `out`.

  void write_core(const user& from, std::string& out);
  /// False: nothing was spoken in that hour. Covers the profiles of `policies`.
  bool write_bucket_hour(const user& from, const policy_set& policies, hour_number hour, std::string& out);
  /// False: no ids in that hour.
  bool write_id_hour(const user& from, hour_number hour, std::string& out);
  void write_standing(const standing& from, time_ms loaded, std::string& out);
  void write_conversations(const std::vector<conversation>& from, std::string& out);
  void write_tombstone(const tombstone& from, std::string& out);

  // Each adds to a user that has nothing of the kind yet. False: not what we wrote.

  bool read_core(std::string_view row, user& to);
  /// REQUIRES: `to.metered` has one log per profile of `policies`. Other profiles' speech is passed over.
  bool read_bucket_hour(std::string_view row, const policy_set& policies, hour_number hour, user& to);
  bool read_id_hour(std::string_view row, std::vector<std::uint64_t>& keys);
  /// `loaded`: see slot_age.
  bool read_standing(std::string_view row, standing& to, time_ms& loaded);
  bool read_conversations(std::string_view row, std::vector<conversation>& to);
  bool read_tombstone(std::string_view row, tombstone& to);

private:
  struct scratch;
  std::unique_ptr<scratch> scratch_;
};

/// One hour of a user's usage in one row: buckets first, so that a reader that needs no ids passes over them. Either
/// part may be empty.
void join_hour(std::string_view buckets, std::string_view ids, std::string& out);
/// False: not what we wrote.
bool split_hour(std::string_view row, std::string_view& buckets, std::string_view& ids);

/// Hours in which the user has buckets, ascending.
std::vector<hour_number> bucket_hours(const user& from, const policy_set& policies);

} // namespace fairuse
