// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. Users into rows of a commit, and back from RocksDB under the rows of commits that it does not
// have yet.
// Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/rules.hpp"
#include "storage/commit_rows.hpp"
#include "storage/erased_users.hpp"
#include "storage/layers.hpp"
#include "storage/rocks.hpp"
#include "storage/store_error.hpp"
#include "storage/user_row_reader.hpp"

namespace fairuse {

struct erasure_row {
  keyed_hash who;
  std::string row;
  /// Of the user's rows and of their own log, to be compacted away.
  std::string prefix;
  std::string log_prefix;
};

class user_rows {
public:
  /// `as_of`: users are read as they were then; nullptr: as they are. REQUIRES: it outlives this.
  user_rows(rocksdb::DB& db, std::filesystem::path store, const rocksdb::Snapshot* as_of = nullptr)
    : db_(&db), store_(std::move(store)), as_of_(as_of) {}

  /// Encode what `who.changed` names. `before`: what is under way.
  result<void, store_error> write(std::string_view uid, const user& who, overlays before, commit_rows& to,
                                  erased_users& erased, std::vector<erasure_row>& erasures);

  /// All rows of one user that count at `now` or, if its next timer is due before, at that; with next_due, not bound.
  /// True: there was one.
  result<bool, store_error> read(std::string_view uid, const policy_set& policies, time_ms now, overlays before,
                                 user& to);
  /// Every user of `uids` with what its erasure left, ready for use. Returns the first error; a user that cannot be
  /// read comes back fresh.
  result<void, store_error> load(std::span<const std::string_view> uids, const policy_set& policies, time_ms now,
                                 overlays before, erased_users& erased, std::vector<std::unique_ptr<user>>& out);
  result<std::vector<std::uint64_t>, store_error> read_ids(std::string_view uid, hour_number hour, overlays before);

  /// The newest of the user's own log, oldest first.
  result<std::vector<std::string>, store_error> read_log(std::string_view uid, std::size_t most, overlays before);

  /// Does any user have speech in an hour that is not before `first`?
  result<bool, store_error> has_usage(hour_number first, overlays before) const;

  /// When which user's next timer is due, by uid.
  result<std::vector<std::pair<time_ms, std::string>>, store_error> due_users(overlays before) const;

private:
  struct reading;
  void write_standing(std::string_view uid, std::string_view prefix, const slot_age& slot, const standing& what,
                      commit_rows& to);
  void write_standings(std::string_view uid, std::string_view prefix, const user& who, commit_rows& to);
  /// The row of the earliest timer.
  void write_due(std::string_view uid, const user& who, commit_rows& to);
  result<void, store_error> write_hours(std::string_view uid, std::string_view prefix, const user& who,
                                        std::span<const hour_number> buckets, std::span<const hour_number> ids,
                                        overlays before, commit_rows& to);
  /// The current row; nullopt: there is none.
  result<std::optional<std::string>, store_error> find(std::string_view uid, std::string_view key, overlays before,
                                                       const commit_rows* newest);
  result<void, store_error> erase(std::string_view uid, std::string_view prefix, const user& who, overlays before,
                                  commit_rows& to, erased_users& erased, std::vector<erasure_row>& erasures);
  result<void, store_error> write_all(std::string_view uid, std::string_view prefix, const user& who, overlays before,
                                      commit_rows& to);
  /// Nothing but the numbers that an erasure leaves?
  bool is_bare(const standing& what);
  result<void, store_error> walk(reading& in);
  /// All rows of the user, as `before` leaves them.
  result<void, store_error> gather(std::string_view uid, std::string_view prefix, overlays before, row_overlay& all);
  result<void, store_error> walk_over(overlays before, reading& in);

  rocksdb::DB* db_;
  std::filesystem::path store_;
  const rocksdb::Snapshot* as_of_;
  row_codec codec_;
  std::string value_;
  std::string bucket_part_;
  std::string id_part_;
  std::vector<hour_number> hours_;
};

} // namespace fairuse
