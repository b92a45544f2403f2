// SPDX-License-Identifier: Apache-2.0
#include "storage/user_scan.hpp"

#include <utility>

#include "core/query.hpp"
#include "storage/keys.hpp"
#include "storage/opening.hpp"
#include "storage/rocks.hpp"
#include "storage/user_row_reader.hpp"

namespace fairuse {

struct user_scan::body {
  body(const rocks& from, const policy_set& loaded, time_ms at)
    : store{from.store}, db{from.db.get()}, policies{loaded}, now{at}, snapshot{db->GetSnapshot()} {
    rocksdb::ReadOptions how;
    how.snapshot = snapshot;
    how.fill_cache = false;
    rows.reset(db->NewIterator(how));
    rows->Seek(rocksdb::Slice(&keys::user_type, 1));
  }

  ~body() {
    rows.reset();
    db->ReleaseSnapshot(snapshot);
  }

  bool at_user() const { return rows->Valid() and rows->key()[0] == keys::user_type; }
  bool at_row_of(const std::string& prefix) const { return at_user() and view(rows->key()).starts_with(prefix); }

  /// The rows of the user at whose first row it stands; nullptr: nobody has to know of them.
  result<std::unique_ptr<user>, store_error> read(const std::string& uid);
  void pass_over(const std::string& prefix) {
    if (at_row_of(prefix)) rows->Seek(keys::hour(prefix, keys::user_row::hour, last_hour));
    while (at_row_of(prefix))
      rows->Next();
  }

  static constexpr hour_number last_hour = INT32_MAX;

  std::filesystem::path store;
  rocksdb::DB* db;
  const policy_set& policies;
  time_ms now;
  const rocksdb::Snapshot* snapshot;
  std::unique_ptr<rocksdb::Iterator> rows;
  row_codec codec;
};

result<std::unique_ptr<user>, store_error> user_scan::body::read(const std::string& uid) {
  const auto prefix = keys::user_prefix(uid);
  auto made = std::make_unique<user>();
  user_row_reader reader{codec, policies, now, *made};
  while (at_row_of(prefix)) {
    const auto row = keys::parse_user_row(view(rows->key()));
    if (not row) return damaged(store, "a user row does not decode");
    if (row->kind == keys::user_row::hour) {
      if (standing_in(*made, 0) == nullptr) break;
      if (row->hour < reader.first_hour()) {
        rows->Seek(keys::hour(prefix, keys::user_row::hour, reader.first_hour()));
        continue;
      }
    }
    if (row->kind != keys::user_row::conversations and not reader.take(*row, view(rows->value())))
      return damaged(store, "a user row does not decode");
    rows->Next();
  }
  pass_over(prefix);
  if (standing_in(*made, 0) == nullptr and not made->exempt) return std::unique_ptr<user>{};
  made->next_due = next_due_of(*made);
  finish_loading(*made, policies, now);
  return made;
}

user_scan::user_scan(const rocks& db, const policy_set& policies, time_ms now)
  : body_{std::make_unique<body>(db, policies, now)} {}
user_scan::~user_scan() = default;

result<std::unique_ptr<user>, store_error> user_scan::next(std::string& uid) {
  while (body_->at_user()) {
    const auto row = keys::parse_user_row(view(body_->rows->key()));
    if (not row) return damaged(body_->store, "a user row does not decode");
    uid = row->uid;
    auto read = body_->read(uid);
    if (not read or *read != nullptr) return read;
  }
  if (auto status = status_of(body_->rows->status(), body_->store); not status) return status.error();
  return std::unique_ptr<user>{};
}

} // namespace fairuse
