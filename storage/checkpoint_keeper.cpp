// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint_keeper.hpp"

#include <array>
#include <memory>
#include <system_error>
#include <utility>

#include <rocksdb/sst_file_writer.h>

#include "base/system/files.hpp"
#include "storage/bytes.hpp"
#include "storage/keys.hpp"

namespace fairuse {

namespace {

constexpr std::string_view part_suffix = ".part";

std::int64_t floored(time_ms value, time_ms by) { return value / by - (value % by < 0 ? 1 : 0); }

/// Since one of 1969: weeks begin on Monday, and the first of January 1970 was a Thursday.
std::int64_t week_of(time_ms now) { return floored(now + 3 * day_ms, 7 * day_ms); }

/// `now` of a commit that is in the journal from `from` on; nullopt: it is not.
std::optional<time_ms> now_of(const rocks& db, std::uint64_t commit, time_ms from) {
  const std::unique_ptr<rocksdb::Iterator> rows(db.db->NewIterator(rocksdb::ReadOptions()));
  rows->Seek(keys::commit(keys::journal_type, from, commit));
  if (not rows->Valid() or rows->key()[0] != keys::journal_type) return std::nullopt;
  const auto key = keys::parse_log(view(rows->key()));
  return key and key->number == commit ? std::optional(key->now) : std::nullopt;
}

/// Of the rows of a snapshot those that a checkpoint has, one behind the other.
class row_copier {
public:
  row_copier(const rocks& db, const rocksdb::Snapshot* from, const std::filesystem::path& file)
    : usage_floor_(db.floors->usage), to_(rocksdb::EnvOptions(), options_of(*db.db)) {
    rocksdb::ReadOptions how;
    how.snapshot = from;
    how.fill_cache = false;
    how.readahead_size = std::size_t{2} << 20;
    rows_.reset(db.db->NewIterator(how));
    status_ = to_.Open(file.string());
  }

  void copy(char type, const std::atomic<bool>& abandoned) {
    for (rows_->Seek(rocksdb::Slice(&type, 1)); status_.ok() and rows_->Valid() and rows_->key()[0] == type;
         rows_->Next()) {
      if (abandoned) status_ = rocksdb::Status::Aborted("the engine stops");
      if (status_.ok() and is_wanted(view(rows_->key()))) put(rows_->key(), rows_->value());
    }
    if (status_.ok()) status_ = rows_->status();
  }

  rocksdb::Status finish() {
    std::string count;
    append_big_endian(count, count_);
    if (status_.ok()) put(slice_of(checkpoint_count_key), count);
    return status_.ok() ? to_.Finish() : status_;
  }

private:
  static rocksdb::Options options_of(const rocksdb::DB& db) {
    auto options = db.GetOptions();
    // A table of its own.
    options.sst_file_manager.reset();
    options.compression = rocksdb::kZSTD;
    return options;
  }

  bool is_wanted(std::string_view key) const {
    if (key[0] != keys::user_type) return true;
    const auto row = keys::parse_user_row(key);
    const bool hourly = row and row->kind == keys::user_row::hour;
    return not hourly or (row->hour + time_ms{1}) * hour_ms >= usage_floor_;
  }

  void put(const rocksdb::Slice& key, const rocksdb::Slice& value) {
    status_ = to_.Put(key, value);
    ++count_;
  }

  time_ms usage_floor_;
  rocksdb::SstFileWriter to_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  rocksdb::Status status_;
  std::uint64_t count_ = 0;
};

/// What the rows of a checkpoint take now, more or less.
std::uint64_t size_of_rows(rocksdb::DB& db) {
  const std::array ranges{rocksdb::Range("d", "f"), rocksdb::Range("u", "v")};
  std::array<std::uint64_t, ranges.size()> sizes{};
  rocksdb::SizeApproximationOptions how;
  how.include_memtables = true;
  db.GetApproximateSizes(how, db.DefaultColumnFamily(), ranges.data(), static_cast<int>(ranges.size()), sizes.data())
      .PermitUncheckedError();
  return sizes[0] + sizes[1];
}

} // namespace

std::filesystem::path checkpoint_folder(const std::filesystem::path& store) { return store / "checkpoints"; }

std::filesystem::path checkpoint_file(const std::filesystem::path& store, std::uint64_t commit) {
  auto digits = std::to_string(commit);
  digits.insert(0, 20 - digits.size(), '0');
  return checkpoint_folder(store) / (digits + ".checkpoint");
}

checkpoint_keeper::checkpoint_keeper(rocks& db, const store_options& options, const commit_head& head)
  : db_(&db), options_(&options) {
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(checkpoint_folder(db.store), ignored))
    if (each.path().extension() == part_suffix) std::filesystem::remove(each.path(), ignored);
  covered_ = find_covered(head);
}

checkpoint_keeper::~checkpoint_keeper() {
  abandoned_ = true;
  if (thread_.joinable()) thread_.join();
}

// A checkpoint is of the week of the commit behind it.
std::int64_t checkpoint_keeper::find_covered(const commit_head& head) const {
  const auto there = checkpoints_of(db_->store);
  if (there.empty()) {
    const auto first = now_of(*db_, 1, INT64_MIN);
    return first ? week_of(*first) : INT64_MIN;
  }
  const auto meta = read_checkpoint_meta(there.back());
  if (not meta) return INT64_MIN;
  const auto behind = now_of(*db_, meta->head.commit + 1, meta->meta.now);
  if (behind) return week_of(*behind);
  return meta->head.commit == head.commit ? next_commit : INT64_MIN;
}

bool checkpoint_keeper::begin(std::int64_t week) {
  const std::lock_guard guard(mutex_);
  if (busy_ or covered_ >= week) return false;
  return busy_ = true;
}

void checkpoint_keeper::before_commit(const commit_head& last, time_ms now) {
  const auto week = week_of(now);
  {
    const std::lock_guard guard(mutex_);
    if (covered_ == next_commit or last.commit == 0) covered_ = week;
  }
  if (not begin(week)) return;
  if (thread_.joinable()) thread_.join();
  const auto bytes = size_of_rows(*db_->db);
  if (not db_->make_room(bytes)) {
    constexpr std::uint64_t mib = std::uint64_t{1} << 20;
    end(week, error{"the disk has not twice " + std::to_string(bytes / mib + 1) + " MiB free beside its reserve"});
    return;
  }
  const auto* from = db_->db->GetSnapshot();
  try {
    thread_ = std::thread([this, commit = last.commit, week, from] { run(commit, week, from); });
  } catch (const std::system_error& none) {
    db_->db->ReleaseSnapshot(from);
    end(week, error{std::string("no thread can be started: ") + none.what()});
  }
}

void checkpoint_keeper::run(std::uint64_t commit, std::int64_t week, const rocksdb::Snapshot* from) {
  const auto file = checkpoint_file(db_->store, commit);
  auto part = file;
  part += part_suffix;
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  rocksdb::Status status;
  {
    row_copier rows(*db_, from, part);
    for (const char type : {keys::due_type, keys::erased_type, keys::meta[0], keys::user_type})
      rows.copy(type, abandoned_);
    status = rows.finish();
  }
  db_->db->ReleaseSnapshot(from);
  if (options_->failpoint and status.ok()) options_->failpoint("storage.before_checkpoint");
  auto done = status.ok() ? rename_durably(part, file) : error{status.ToString()};
  if (not done) std::filesystem::remove(part, failed);
  if (options_->failpoint and done) options_->failpoint("storage.after_checkpoint");
  end(week, done);
}

void checkpoint_keeper::end(std::int64_t week, const result<void>& done) {
  const std::lock_guard guard(mutex_);
  busy_ = false;
  if (done) {
    covered_ = week;
    failed_ = false;
  } else if (not std::exchange(failed_, true)) {
    untold_ = "this week's checkpoint cannot be written: " + done.error().message
              + ". The engine goes on and tries it again with every commit; without one, a replay of this store cannot "
                "begin in this week once older input has left";
  }
  ended_.notify_all();
}

void checkpoint_keeper::after_commit(const commit_head& head, time_ms now) {
  if (floored(now, day_ms) == looked_on_) return;
  looked_on_ = floored(now, day_ms);
  const std::unique_ptr<rocksdb::Iterator> rows(db_->db->NewIterator(rocksdb::ReadOptions()));
  rows->Seek(keys::floor(keys::journal_type, head.input_floor));
  const auto first = rows->Valid() ? keys::parse_log(view(rows->key())) : std::nullopt;
  if (not first) return;
  std::error_code ignored;
  for (const auto& each : checkpoints_of(db_->store))
    if (each.commit + 1 < first->number) std::filesystem::remove(each.file, ignored);
}

void checkpoint_keeper::wait() {
  std::unique_lock guard(mutex_);
  ended_.wait(guard, [this] { return not busy_; });
}

std::optional<std::string> checkpoint_keeper::take_failure() {
  const std::lock_guard guard(mutex_);
  return std::exchange(untold_, std::nullopt);
}

} // namespace fairuse
