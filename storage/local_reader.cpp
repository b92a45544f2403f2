// SPDX-License-Identifier: Apache-2.0
#include "storage/local_reader.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <unistd.h>

#include "base/pure/text.hpp"
#include "base/system/files.hpp"
#include "base/system/scratch_folder.hpp"
#include "storage/journal.hpp"
#include "storage/keys.hpp"
#include "storage/log_headers.hpp"
#include "storage/log_pages.hpp"
#include "storage/opening.hpp"
#include "storage/published.hpp"
#include "storage/rocks.hpp"
#include "storage/user_rows.hpp"

namespace fairuse {

namespace {

/// The writer removes files that it has rewritten; a reader that opened in between tries again.
constexpr int tries_max = 20;

std::filesystem::path temporary_folder() {
  std::error_code unknown;
  const auto found = std::filesystem::temp_directory_path(unknown);
  return unknown ? std::filesystem::path() : found;
}

rocksdb::Options reading() {
  rocksdb::Options to;
  to.max_open_files = -1;          // A secondary must keep files open that the writer removes.
  to.max_file_opening_threads = 1; // A store has few; every look at what the engine wrote would start sixteen.
  to.info_log_level = rocksdb::WARN_LEVEL;
  to.keep_log_file_num = 1;
  to.stats_dump_period_sec = 0;
  to.stats_persist_period_sec = 0;
  return to;
}

} // namespace

struct local_reader::body {
  explicit body(const std::filesystem::path& folder) : store(folder), headers(folder) {}

  /// Anew, with all that is in the store.
  result<void, store_error> open_rows() {
    logs.reset();
    db.reset();
    rocksdb::Status status;
    for (int tries = 0; tries < tries_max; ++tries) {
      rocksdb::DB* opened = nullptr;
      status = rocksdb::DB::OpenAsSecondary(reading(), rocks_folder(store).string(), scratch.path().string(), &opened);
      db.reset(opened);
      if (status.ok()) break;
    }
    if (not status.ok()) return translate(status, store);
    logs = std::make_unique<log_pages>(*db, store);
    return {};
  }

  result<void, store_error> read_newest() {
    rocksdb::Status status;
    for (int tries = 0; tries < tries_max; ++tries) {
      status = db->TryCatchUpWithPrimary();
      if (status.ok()) break;
    }
    if (not status.ok()) return translate(status, store);
    const auto row = get(*db, keys::meta, store);
    if (not row) return row.error();
    if (not *row) return {};
    auto decoded = decode_meta(**row);
    if (not decoded or decoded->schema > schema_known)
      return damaged(store, "the meta row does not decode, or is of a newer version");
    state = std::move(*decoded);
    return {};
  }

  /// Names the list of tables and its length: another one says that the engine has written, merged or moved tables.
  std::string tables_now() const {
    const auto folder = rocks_folder(store);
    const auto current = read_file(folder / "CURRENT");
    if (not current) return {};
    const std::string list{value_alone(*current)};
    std::error_code unknown;
    return list + ' ' + std::to_string(std::filesystem::file_size(folder / list, unknown));
  }

  /// RocksDB 7.8 follows a log well, but not tables: what an engine that begins or ends moves from its log into a table
  /// is missing for a while, for ever after some compactions, or (where a compaction took its sequence numbers) hidden
  /// by an older value. So tables that changed are opened anew, until they stay as they are meanwhile.
  result<void, store_error> read_whole() {
    for (int tries = 0; tries < tries_max; ++tries) {
      auto found = tables_now();
      if (not db or found != tables) {
        if (auto opened = open_rows(); not opened) return opened;
        tables = found;
      }
      if (auto read = read_newest(); not read) return read;
      if (tables_now() == tables) break;
    }
    return {};
  }

  /// The folder for RocksDB's info log of a reader.
  scratch_folder scratch{temporary_folder(), "fairuse-reader"};
  std::filesystem::path store;
  log_headers headers;
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<log_pages> logs;
  /// tables_now() when `db` was opened.
  std::string tables;
  decoded_meta state;
};

local_reader::local_reader(std::unique_ptr<body> all) : body_(std::move(all)) {}
local_reader::~local_reader() = default;

result<std::unique_ptr<local_reader>, store_error> local_reader::open(const std::filesystem::path& folder) {
  auto all = std::make_unique<body>(folder);
  if (not holds_local_store(folder))
    return store_error{store_fault::absent, "There is no store in " + folder.string() + "."};
  if (not published_exists(folder))
    return store_error{store_fault::io, "The file `published` is missing from the store in " + folder.string()
                                          + ": nothing says what may be shown. Starting the engine once writes it "
                                            "anew."};
  if (all->scratch.path().empty())
    return store_error{store_fault::io, std::string("Cannot make a temporary folder: ") + std::strerror(errno) + "."};
  if (auto checked = all->headers.check(); not checked) return checked.error();
  if (not manifest_is_whole(folder))
    return store_error{store_fault::damaged, "RocksDB's manifest in " + folder.string()
                                               + " does not end with a whole record: what tables there are is not "
                                                 "certain. Starting the engine once writes it anew, or says what is "
                                                 "damaged."};
  std::unique_ptr<local_reader> reader(new local_reader(std::move(all)));
  if (auto caught = reader->catch_up(); not caught) return caught.error();
  return reader;
}

result<void, store_error> local_reader::catch_up() {
  auto& own = *body_;
  // The mark is read before the rows, so that these are at least as new.
  std::optional<published_mark> mark;
  for (int tries = 0; tries < tries_max and not mark; ++tries)
    mark = read_published(own.store);
  if (not mark and not std::filesystem::exists(own.store))
    return store_error{store_fault::io, "The store " + own.store.string() + " was removed, or moved away."};
  if (not mark)
    return store_error{store_fault::damaged, "The file `published` in " + own.store.string()
                                                 + " is damaged. Starting the engine once writes it anew."};
  if (auto checked = own.headers.check(); not checked) return checked.error();
  if (auto read = own.read_whole(); not read) return read;
  if (mark->commit > own.state.head.commit)
    return store_error{store_fault::lost_tail,
                       "The store in " + own.store.string() + " has lost commits: " + std::to_string(mark->commit)
                           + " were published, " + std::to_string(own.state.head.commit) + " are there."};
  own.logs->bounds.commit = mark->commit;
  own.logs->bounds.epoch = mark->epoch;
  own.logs->bounds.input_floor = own.state.head.input_floor;
  own.logs->bounds.decision_floor = own.state.head.decision_floor;
  return {};
}

const store_meta& local_reader::meta() const { return body_->state.meta; }

const stored_logs& local_reader::logs() const { return *body_->logs; }

namespace {

/// Nothing: the commit behind the checkpoint follows it.
result<void, store_error> check_following(rocksdb::DB& db, const checkpoint_reader& from) {
  const std::unique_ptr<rocksdb::Iterator> rows(db.NewIterator(rocksdb::ReadOptions()));
  rows->Seek(keys::commit(keys::journal_type, from.meta().now, from.commit() + 1));
  const auto next = rows->Valid() ? decode_journal(view(rows->value())) : std::nullopt;
  if (not next or next->commit.number != from.commit() + 1 or chained(from.chain(), next->block) != next->chain)
    return from.damage("the journal does not follow on it, so it is another store's");
  return {};
}

} // namespace

result<std::unique_ptr<checkpoint_reader>, store_error> local_reader::oldest_checkpoint() const {
  const auto& own = *body_;
  const std::unique_ptr<rocksdb::Iterator> rows(own.db->NewIterator(rocksdb::ReadOptions()));
  rows->Seek(keys::floor(keys::journal_type, own.logs->bounds.input_floor));
  const auto first =
      rows->Valid() and rows->key()[0] == keys::journal_type ? keys::parse_log(view(rows->key())) : std::nullopt;
  for (const auto& each : checkpoints_of(own.store)) {
    if (not first or each.commit + 1 < first->number or each.commit >= own.logs->bounds.commit) continue;
    auto opened = checkpoint_reader::open(each);
    std::error_code unknown;
    // An engine that runs meanwhile removes those that have expired.
    if (not opened and not std::filesystem::exists(each.file, unknown)) continue;
    if (not opened) return opened.error();
    if (auto follows = check_following(*own.db, **opened); not follows) return follows.error();
    return opened;
  }
  return std::unique_ptr<checkpoint_reader>();
}

result<std::unique_ptr<user>, store_error> local_reader::load(std::string_view uid, const policy_set& policies,
                                                              time_ms now, std::string_view case_key) const {
  auto& own = *body_;
  user_rows reader(*own.db, own.store);
  auto made = std::make_unique<user>();
  auto found = reader.read(uid, policies, now, {}, *made);
  if (not found) return found.error();
  if (not case_key.empty()) {
    erased_users erased(case_key);
    const auto hash = erased.hash(uid);
    const auto row = get(*own.db, keys::erased(as_bytes(hash)), own.store);
    if (not row) return row.error();
    tombstone left;
    if (*row and not row_codec().read_tombstone(**row, left))
      return damaged(own.store, "the row of an erased user does not decode");
    if (*row) {
      *found = true;
      erased.set(hash, std::move(left));
      erased.restore(uid, policies, *made);
    }
  }
  if (not *found) return std::unique_ptr<user>();
  finish_loading(*made, policies, now);
  return made;
}

result<std::string, store_error> local_reader::policy_text(std::string_view digest) const {
  auto row = get(*body_->db, keys::policy(digest), body_->store);
  if (not row) return row.error();
  return row->value_or(std::string());
}

} // namespace fairuse
