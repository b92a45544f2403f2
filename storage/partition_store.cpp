// SPDX-License-Identifier: Apache-2.0
#include "storage/partition_store.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <system_error>

#include <rocksdb/write_batch.h>

#include "base/system/files.hpp"
#include "storage/erased_users.hpp"
#include "storage/keys.hpp"
#include "storage/layers.hpp"
#include "storage/log_headers.hpp"
#include "storage/opening.hpp"
#include "storage/rocks.hpp"
#include "storage/user_rows.hpp"

namespace fairuse {

namespace {

/// The user whose row it is: an overlay keeps the rows of one user together.
std::string_view owner_of(std::string_view key) {
  if (key.front() == keys::user_type)
    if (const auto row = keys::parse_user_row(key)) return row->uid;
  if (key.front() == keys::user_log_type)
    if (const auto row = keys::parse_user_log(key)) return row->uid;
  if (key.front() == keys::due_type)
    if (const auto uid = keys::parse_due(key)) return *uid;
  return key;
}

void put_row(commit_rows& to, std::string_view key, const std::optional<std::string_view>& value) {
  if (value)
    to.put(owner_of(key), key, *value);
  else
    to.erase(owner_of(key), key);
}

void append_all(const commit_rows& from, commit_rows& to) {
  from.each([&to](std::string_view key, std::string_view value, bool erased) {
    put_row(to, key, erased ? std::nullopt : std::optional(value));
  });
}

store_error newer(const std::filesystem::path& store) {
  return {store_fault::newer, "The store in " + store.string()
                                  + " was written by a newer version. Run that version, or remove the folder."};
}

/// The name and length of RocksDB's manifest. RocksDB does not notice that its end is missing, and forgets tables whose
/// log is gone. So the store keeps the length beside it; a shorter manifest is damaged.
struct manifest_mark {
  std::string name;
  std::uint64_t bytes = 0;
  friend bool operator==(const manifest_mark&, const manifest_mark&) = default;
};

std::filesystem::path mark_file(const std::filesystem::path& store) { return store / "manifest"; }

/// Empty: there is none.
manifest_mark manifest_of(const std::filesystem::path& store) {
  manifest_mark found{manifest_in_use(store), 0};
  std::error_code error;
  const auto bytes = std::filesystem::file_size(rocks_folder(store) / found.name, error);
  return error ? manifest_mark() : manifest_mark{std::move(found.name), bytes};
}

/// Replaced whole. If that fails, the older mark stays valid, and the next write tries again.
bool leave_mark(const std::filesystem::path& store, const manifest_mark& mark) {
  return replace_file(mark_file(store), mark.name + ' ' + std::to_string(mark.bytes) + '\n').has_value();
}

bool manifest_lost_its_end(const std::filesystem::path& store) {
  // Kills tear no record of a manifest, which is one write. If a power failure did, the changelog has what it said.
  if (not manifest_is_whole(store)) return true;
  manifest_mark mark;
  if (not(std::ifstream(mark_file(store)) >> mark.name >> mark.bytes)) return false;
  const auto there = manifest_of(store);
  return there.name == mark.name and there.bytes < mark.bytes;
}

/// Nothing was ever written. A process that is killed inside RocksDB's first opening leaves files without CURRENT, and
/// no log: the first log is made after it. With a mark, a log or a table a database without CURRENT is damaged.
bool is_new(const std::filesystem::path& store) {
  std::error_code unknown;
  if (std::filesystem::exists(mark_file(store), unknown) or unknown) return false;
  for (std::filesystem::directory_iterator each(rocks_folder(store), unknown), end; not unknown and each != end;
       each.increment(unknown))
    if (each->path().extension() == ".log" or each->path().extension() == ".sst") return false;
  return not unknown or unknown == std::errc::no_such_file_or_directory;
}

/// A table is checked as it is read, so a store that opens may still be damaged. A store that finds damage leaves this
/// file for the next opening.
std::filesystem::path damage_file(const std::filesystem::path& store) { return store / "damaged"; }

/// Rows that are on their way to RocksDB, with the meta row of their last epoch.
struct pending_epochs {
  commit_rows rows;
  partition_meta meta;
};

} // namespace

std::string_view partition_meta_key() { return keys::meta; }

struct partition_store::body {
  body(rocks opened, const partition_store_options& chosen)
    : options(chosen), db(std::move(opened)), rows(*db.db, db.store), erased(chosen.case_key) {}

  partition_store_options options;
  rocks db;
  user_rows rows;
  erased_users erased;
  std::optional<partition_meta> meta;
  commit_rows open;
  std::vector<erasure_row> erasures;
  pending_epochs filling;
  std::unique_ptr<pending_epochs> draining;
  /// Used by the thread that writes, one at a time.
  manifest_mark marked;
  std::string expiry_cursor;
  time_ms expiry_began = INT64_MIN;
  result<void, store_error> failed;

  std::mutex mutex;
  std::condition_variable written;
  bool busy = false;
  result<void, store_error> last_write;
  /// The writer begins no further epoch.
  std::atomic<bool> abandoned = false;

  void fail_unless(const result<void, store_error>& status) {
    if (status or not failed) return;
    failed = status;
    if (status.error().fault == store_fault::damaged) std::ofstream(damage_file(db.store)) << status.error().message;
  }

  /// What RocksDB does not have yet, oldest first.
  std::vector<const commit_rows*> before(bool with_open) const {
    std::vector<const commit_rows*> all;
    if (draining) all.push_back(&draining->rows);
    if (filling.rows.size() > 0) all.push_back(&filling.rows);
    if (with_open and open.size() > 0) all.push_back(&open);
    return all;
  }

  void mark_manifest() {
    auto now = manifest_of(db.store);
    if (now == marked) return;
    if (leave_mark(db.store, now)) marked = std::move(now);
  }

  result<void, store_error> write(const commit_rows& what, const partition_meta& meta_row, bool sync) {
    if (options.failpoint) options.failpoint("store_write");
    rocksdb::WriteBatch batch;
    add_rows(batch, what);
    auto stamped = meta_row;
    stamped.saved_at = options.clock();
    batch.Put(slice_of(keys::meta), encode_partition_meta(stamped, true));
    if (auto room = db.make_room(batch.GetDataSize()); not room) return room;
    mark_manifest();
    rocksdb::WriteOptions how;
    how.sync = sync;
    if (auto status = status_of(db.db->Write(how, &batch), db.store); not status) return status;
    if (options.failpoint) options.failpoint("store_written");
    return {};
  }

  /// On the writer's thread.
  void run_writer() {
    auto status = abandoned ? result<void, store_error>() : write(draining->rows, draining->meta, false);
    const std::lock_guard guard(mutex);
    last_write = std::move(status);
    busy = false;
    written.notify_all();
  }

  /// Take over what a writer has finished. False: it is at work.
  bool take_finished() {
    if (not draining) return true;
    {
      const std::lock_guard guard(mutex);
      if (busy) return false;
      fail_unless(std::exchange(last_write, {}));
    }
    draining.reset();
    return true;
  }

  void start_writer() {
    if (filling.rows.size() == 0 and filling.meta.changelog_next < 0) return;
    draining = std::make_unique<pending_epochs>(std::move(filling));
    filling = {};
    filling.meta.changelog_next = -1;
    busy = true;
    options.background([this] { run_writer(); });
  }

  result<void, store_error> read_all_erased() {
    erased = erased_users(options.case_key);
    return read_erased(*db.db, db.store, before(false), erased);
  }

  result<void, store_error> read_meta() {
    const auto row = get(*db.db, keys::meta, db.store);
    if (not row) return row.error();
    if (not *row) {
      const std::unique_ptr<rocksdb::Iterator> any(db.db->NewIterator(rocksdb::ReadOptions()));
      any->SeekToFirst();
      if (any->Valid()) return damaged(db.store, "it has rows and no meta row");
      return status_of(any->status(), db.store);
    }
    auto read = decode_partition_meta(**row);
    if (not read)
      return read.error() == meta_fault::newer ? newer(db.store) : damaged(db.store, "the meta row does not decode");
    meta = std::move(*read);
    return {};
  }

  /// The row at the cursor, if it is over its retention: erased in the open epoch. False: it is no user's.
  bool expire_one(rocksdb::Iterator& at, hour_number first, time_ms decision_floor) {
    const auto key = view(at.key());
    if (key.front() == keys::user_log_type) {
      const auto row = keys::parse_user_log(key);
      if (row and row->now < decision_floor) open.erase(row->uid, key);
      return true;
    }
    if (key.front() != keys::user_type) return false;
    const auto row = keys::parse_user_row(key);
    const bool hourly = row and row->kind == keys::user_row::hour;
    if (hourly and row->hour < first) open.erase(row->uid, key);
    return true;
  }
};

result<std::unique_ptr<partition_store>, store_error> partition_store::open(const std::filesystem::path& folder,
                                                                            const partition_store_options& options) {
  if (auto made = make_folder(folder); not made) return made.error();
  const store_options how{.case_key = options.case_key,
                          .usage_retention_ms = options.usage_retention_ms,
                          // What is missing at the end comes from the changelog.
                          .accept_lost_tail = true,
                          .write_buffer_bytes = options.write_buffer_bytes,
                          .reserve_bytes = options.reserve_bytes};
  std::error_code unknown;
  if (std::filesystem::exists(damage_file(folder), unknown)) return damaged(folder, "some of it could not be read");
  if (manifest_lost_its_end(folder)) return damaged(folder, "RocksDB's manifest has lost its end");
  auto opened = rocks::open(folder, how, is_new(folder));
  if (not opened) return opened.error();
  auto all = std::make_unique<body>(std::move(*opened), options);
  all->filling.meta.changelog_next = -1;
  if (auto status = all->read_meta(); not status) return status.error();
  if (auto status = all->read_all_erased(); not status) return status.error();
  all->mark_manifest();
  return std::unique_ptr<partition_store>(new partition_store(std::move(all)));
}

result<void, store_error> partition_store::set_aside(const std::filesystem::path& folder) {
  auto aside = folder;
  aside += ".set-aside";
  std::error_code error;
  std::filesystem::remove_all(aside, error);
  if (not error) std::filesystem::rename(folder, aside, error);
  if (error) return store_error{store_fault::io, "Cannot move " + folder.string() + " aside: " + error.message() + "."};
  return {};
}

partition_store::partition_store(std::unique_ptr<body> all) : body_(std::move(all)) {}

partition_store::~partition_store() {
  if (body_) body_->fail_unless(drain());
}

const std::optional<partition_meta>& partition_store::meta() const { return body_->meta; }

result<void, store_error> partition_store::check_case_key() const {
  const auto& own = *body_;
  // A changelog that lost its meta row and was reseeded does not know its key.
  const bool unknown = not own.meta or own.meta->key_check.empty();
  if (unknown or own.erased.empty() or own.meta->key_check == case_namer(own.options.case_key).check()) return {};
  return wrong_key(own.db.store);
}

std::vector<std::unique_ptr<user>> partition_store::load(std::span<const std::string_view> uids,
                                                         const policy_set& policies, time_ms now) {
  auto& own = *body_;
  own.take_finished();
  std::vector<std::unique_ptr<user>> all;
  own.fail_unless(own.rows.load(uids, policies, now, own.before(true), own.erased, all));
  return all;
}

older_ids partition_store::load_ids(std::string_view uid, hour_number hour) {
  auto ids = body_->rows.read_ids(uid, hour, body_->before(true));
  if (ids) return {hour, std::move(*ids)};
  body_->fail_unless(ids.error());
  return {hour, {}};
}

std::vector<std::pair<time_ms, std::string>> partition_store::due_users() {
  auto due = body_->rows.due_users(body_->before(true));
  if (due) return std::move(*due);
  body_->fail_unless(due.error());
  return {};
}

bool partition_store::has_usage(hour_number first) {
  const auto found = body_->rows.has_usage(first, body_->before(true));
  if (found) return *found;
  body_->fail_unless(found.error());
  return true;
}

void partition_store::add_user(std::string_view uid, user& who) {
  auto& own = *body_;
  if (not who.changed.any()) return;
  own.fail_unless(own.rows.write(uid, who, own.before(false), own.open, own.erased, own.erasures));
  for (const auto& erasure : own.erasures) {
    put_row(own.open, keys::erased(as_bytes(erasure.who)), erasure.row);
  }
  own.erasures.clear();
  who.changed.clear();
}

void partition_store::add_to_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index,
                                 std::string_view row) {
  body_->open.put(uid, keys::user_log(uid, now, epoch, index), row);
}

std::vector<std::string> partition_store::log_of(std::string_view uid, std::size_t most) {
  auto rows = body_->rows.read_log(uid, most, body_->before(true));
  if (rows) return std::move(*rows);
  body_->fail_unless(rows.error());
  return {};
}

void partition_store::expire(time_ms now, std::size_t rows_max) {
  auto& own = *body_;
  if (own.expiry_cursor.empty()) {
    if (own.expiry_began != INT64_MIN and now - own.expiry_began < day_ms) return;
    own.expiry_began = now;
    // In the order of keys, behind it the users' rows.
    static_assert(keys::user_log_type + 1 == keys::user_type);
    own.expiry_cursor.assign(1, keys::user_log_type);
  }
  const auto decision_floor = now - own.options.decision_retention_ms;
  const auto first = hour_of(usage_floor(now, own.options.usage_retention_ms));
  const std::unique_ptr<rocksdb::Iterator> rows(own.db.db->NewIterator(rocksdb::ReadOptions()));
  rows->Seek(own.expiry_cursor);
  std::size_t seen = 0;
  while (rows->Valid() and seen < rows_max and own.expire_one(*rows, first, decision_floor)) {
    rows->Next();
    ++seen;
  }
  own.fail_unless(status_of(rows->status(), own.db.store));
  own.expiry_cursor = seen == rows_max and rows->Valid() ? rows->key().ToString() : std::string();
}

void partition_store::each_open_row(const std::function<void(const state_row&)>& visit) const {
  body_->open.each([&visit](std::string_view key, std::string_view value, bool erased) {
    visit({key, erased ? std::nullopt : std::optional(value)});
  });
}

std::size_t partition_store::open_rows() const { return body_->open.size(); }

void partition_store::drop_open() {
  auto& own = *body_;
  own.open.clear();
  // Hours that were to be deleted are found again by the next round.
  own.expiry_cursor.clear();
  own.expiry_began = INT64_MIN;
  own.fail_unless(own.read_all_erased());
}

void partition_store::commit(partition_meta after) {
  auto& own = *body_;
  own.meta = std::move(after);
  if (own.filling.rows.size() == 0)
    std::swap(own.filling.rows, own.open);
  else
    append_all(own.open, own.filling.rows);
  own.open.clear();
  own.filling.meta = *own.meta;
}

std::size_t partition_store::pending_rows() const {
  return body_->filling.rows.size() + (body_->draining ? body_->draining->rows.size() : 0);
}

std::size_t partition_store::pending_bytes() const {
  return body_->filling.rows.bytes() + (body_->draining ? body_->draining->rows.bytes() : 0);
}

void partition_store::write_behind() {
  auto& own = *body_;
  if (own.take_finished() and own.failed) own.start_writer();
}

result<void, store_error> partition_store::drain() {
  auto& own = *body_;
  while (own.draining or (own.failed and own.filling.meta.changelog_next >= 0)) {
    if (own.draining) {
      if (own.options.hurry) own.options.hurry();
      std::unique_lock guard(own.mutex);
      own.written.wait(guard, [&own] { return not own.busy; });
    }
    own.take_finished();
    if (own.failed) own.start_writer();
  }
  return own.failed;
}

void partition_store::abandon() {
  auto& own = *body_;
  own.abandoned = true;
  own.filling = {};
  own.filling.meta.changelog_next = -1;
  own.fail_unless(store_error{store_fault::misuse, "The store was abandoned."});
}

result<void, store_error> partition_store::failure() const { return body_->failed; }

result<void, store_error> partition_store::restore(std::span<const state_row> rows, std::int64_t next) {
  auto& own = *body_;
  commit_rows all;
  auto meta = own.meta.value_or(partition_meta{});
  for (const auto& each : rows) {
    if (each.key.empty()) return damaged(own.db.store, "the changelog holds a record without a key");
    if (each.key != keys::meta) {
      put_row(all, each.key, each.value);
      continue;
    }
    auto read = decode_partition_meta(each.value.value_or(""));
    if (not read)
      return read.error() == meta_fault::newer ? newer(own.db.store)
                                               : damaged(own.db.store, "a meta record does not decode");
    meta = std::move(*read);
  }
  meta.changelog_next = next;
  meta.restoring = true;
  own.fail_unless(own.write(all, meta, false));
  own.meta = std::move(meta);
  return own.failed;
}

result<void, store_error> partition_store::end_restore(std::int64_t next) {
  auto& own = *body_;
  if (not own.meta) return {};
  own.meta->changelog_next = next;
  own.meta->restoring = false;
  own.fail_unless(own.write({}, *own.meta, true));
  own.fail_unless(own.read_all_erased());
  return own.failed;
}

result<void, store_error> partition_store::each_row(const std::function<void(const state_row&)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> rows(body_->db.db->NewIterator(rocksdb::ReadOptions()));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next())
    if (view(rows->key()) != keys::meta) visit({view(rows->key()), view(rows->value())});
  return status_of(rows->status(), body_->db.store);
}

} // namespace fairuse
