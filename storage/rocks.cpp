// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks.hpp"

#include <algorithm>
#include <system_error>

#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>

#include "storage/keys.hpp"
#include "storage/log_headers.hpp"
#include "storage/published.hpp"

namespace fairuse {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
/// A file system under this size gets small buffers: each buffer is also disk space that must be kept free.
constexpr std::uint64_t small_disk_bytes = 4096 * mib;
constexpr std::uint64_t reserve_min_bytes = 12 * mib;
/// What RocksDB's compactions leave free.
constexpr std::uint64_t untouched_bytes = 4 * mib;

/// Drops rows that are older than their retention, instead of writing deletes for them.
class retention_filter final : public rocksdb::CompactionFilter {
public:
  explicit retention_filter(std::shared_ptr<retention_floors> floors) : floors_(std::move(floors)) {}
  const char* Name() const override { return "fairuse.retention"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*, bool*) const override {
    if (key.empty()) return false;
    switch (key[0]) {
      case keys::user_type: {
        const auto row = keys::parse_user_row(view(key));
        const bool hourly = row and row->kind == keys::user_row::hour;
        return hourly and (row->hour + time_ms{1}) * hour_ms < floors_->usage;
      }
      case keys::user_log_type: {
        const auto row = keys::parse_user_log(view(key));
        return row and row->now < floors_->decisions;
      }
      case keys::journal_type:
      case keys::input_type:
        return before(key, floors_->input);
      case keys::decision_type:
      case keys::dead_letter_type:
        return before(key, floors_->decisions);
      default:
        return false;
    }
  }

private:
  static bool before(const rocksdb::Slice& key, time_ms floor) {
    const auto log = keys::parse_log(view(key));
    return log and log->now < floor;
  }
  std::shared_ptr<retention_floors> floors_;
};

/// A factory, because the filter must outlive the database and RocksDB owns only factories.
class retention_filters final : public rocksdb::CompactionFilterFactory {
public:
  explicit retention_filters(std::shared_ptr<retention_floors> floors) : floors_(std::move(floors)) {}
  const char* Name() const override { return "fairuse.retention"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<retention_filter>(floors_);
  }

private:
  std::shared_ptr<retention_floors> floors_;
};

void choose_sizes(rocksdb::Options& to, const store_options& options, bool small) {
  to.write_buffer_size = options.write_buffer_bytes != 0 ? options.write_buffer_bytes : small ? 2 * mib : 16 * mib;
  to.max_write_buffer_number = 2;
  to.level0_file_num_compaction_trigger = 4;
  to.target_file_size_base = small ? 2 * mib : 8 * mib;
  to.target_file_size_multiplier = small ? 1 : 2;
  to.max_bytes_for_level_base = small ? 8 * mib : 64 * mib;
  // One compaction must fit into what is kept free.
  to.max_compaction_bytes = small ? 8 * mib : 128 * mib;
  to.level_compaction_dynamic_level_bytes = not small;
  to.manifest_preallocation_size = 64 * 1024;
  to.max_manifest_file_size = mib;
  to.max_background_jobs = 2;
}

void keep_quiet(rocksdb::Options& to) {
  to.info_log_level = rocksdb::WARN_LEVEL;
  to.keep_log_file_num = 2;
  to.max_log_file_size = mib / 4;
  to.stats_dump_period_sec = 0;
  to.stats_persist_period_sec = 0;
}

rocksdb::Options make_options(const store_options& options, bool small) {
  rocksdb::Options to;
  choose_sizes(to, options, small);
  keep_quiet(to);
  to.paranoid_checks = true;
  to.force_consistency_checks = true;
  // Point in time cuts at the first damaged record; the other stops there with an error, and only forgives the torn
  // end that a crash leaves.
  to.wal_recovery_mode = options.accept_lost_tail ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                                  : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // RocksDB's resuming after an error has known bugs; the store stops instead.
  to.max_bgerror_resume_count = 0;
  to.allow_concurrent_memtable_write = false;
  to.compression = rocksdb::kZSTD;
  to.periodic_compaction_seconds = 24 * 60 * 60;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 * 1024;
  table.format_version = 5;
  table.block_cache = rocksdb::NewLRUCache(32 * mib);
  to.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return to;
}

std::uint64_t disk_bytes(const std::filesystem::path& folder) {
  struct statvfs facts {};
  return ::statvfs(folder.c_str(), &facts) == 0 ? facts.f_blocks * facts.f_frsize : 0;
}

struct store_files {
  /// Logs are written out as tables at opening, which needs as much space again.
  std::uint64_t log_bytes = 0;
  std::ptrdiff_t tables = 0;
  /// RocksDB starts as many threads as it may, however few tables there are.
  int opening_threads() const { return static_cast<int>(std::clamp<std::ptrdiff_t>(tables / 8, 1, 16)); }
};

store_files files_of(const std::filesystem::path& folder) {
  store_files found;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() == ".sst") ++found.tables;
    if (file.path().extension() != ".log") continue;
    const auto size = file.file_size(error);
    found.log_bytes += error ? 0 : size;
  }
  return found;
}

store_error full(const std::filesystem::path& store, std::uint64_t free, std::uint64_t needed) {
  return {store_fault::disk_full, "Disk full: " + store.string() + " has " + std::to_string(free / mib) +
                                    " MiB left and the engine stops below " + std::to_string((needed + mib - 1) / mib) +
                                    " MiB, before anything is lost. Make room and start again; it goes on where it "
                                    "stopped."};
}

} // namespace

void retention_floors::move_to(time_ms now, const store_options& options) {
  usage = usage_floor(now, options.usage_retention_ms);
  input = now - options.input_retention_ms;
  decisions = now - options.decision_retention_ms;
}

std::filesystem::path rocks_folder(const std::filesystem::path& store) { return store / "db"; }

store_error damaged(const std::filesystem::path& store, std::string_view what) {
  // Only a store of local mode has a published mark.
  const auto* remedy = published_exists(store) ? "Move the folder away and put a copy back, or start with an empty "
                                                 "folder and feed the input again."
                                               : "Start again: it is set aside and restored from the changelog.";
  return {store_fault::damaged, "The store in " + store.string() + " is damaged (" + std::string(what)
                                    + "). It is never repaired in place. " + remedy};
}

store_error wrong_key(const std::filesystem::path& store) {
  return {store_fault::wrong_key, "The store in " + store.string()
                                      + " remembers erased users under another case key. Without that key they would "
                                        "come back. Start with the key that it was written with."};
}

result<void, store_error> make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (not failed) return {};
  return store_error{store_fault::io, "Cannot make the folder " + folder.string() + ": " + failed.message() + "."};
}

store_error translate(const rocksdb::Status& status, const std::filesystem::path& store) {
  const auto text = status.ToString();
  const auto says = [&text](const char* word) { return text.find(word) != std::string::npos; };
  if (status.IsNoSpace() or status.subcode() == rocksdb::Status::kSpaceLimit)
    return {store_fault::disk_full, "Disk full under " + store.string() + " (" + text
                                        + "). Nothing committed is lost. Make room and start again."};
  if (status.IsIOError() and says("lock"))
    return {store_fault::locked, "The store in " + store.string() + " is in use by another process (" + text + ")."};
  // A missing table that the manifest names is damage, whatever code RocksDB gives it.
  if (status.IsCorruption() or status.IsInvalidArgument() or status.IsNotSupported() or status.IsNotFound()
      or says("No such file"))
    return damaged(store, text);
  return {store_fault::io, "The store in " + store.string() + " failed: " + text + "."};
}

result<void, store_error> status_of(const rocksdb::Status& status, const std::filesystem::path& store) {
  if (status.ok()) return {};
  return translate(status, store);
}

std::uint64_t free_bytes(const std::filesystem::path& folder) {
  struct statvfs facts {};
  return ::statvfs(folder.c_str(), &facts) == 0 ? facts.f_bavail * facts.f_frsize : 0;
}

result<rocks, store_error> rocks::open(const std::filesystem::path& store, const store_options& options, bool create) {
  const auto folder = rocks_folder(store);
  rocks opened;
  opened.store = store;
  opened.floors = std::make_shared<retention_floors>();
  const bool small = disk_bytes(store) < small_disk_bytes;
  auto settings = make_options(options, small);
  opened.reserve_bytes =
      options.reserve_bytes != 0 ? options.reserve_bytes : std::max(reserve_min_bytes, 6 * settings.write_buffer_size);
  const auto files = files_of(folder);
  const auto needed = untouched_bytes + files.log_bytes;
  if (const auto free = free_bytes(store); free < needed) return full(store, free, needed);
  settings.create_if_missing = create;
  settings.max_file_opening_threads = files.opening_threads();
  settings.compaction_filter_factory = std::make_shared<retention_filters>(opened.floors);
  opened.files.reset(rocksdb::NewSstFileManager(rocksdb::Env::Default()));
  settings.sst_file_manager = opened.files;
  if (auto checked = log_headers(store).check(); not checked) return checked.error();
  rocksdb::DB* db = nullptr;
  if (const auto status = rocksdb::DB::Open(settings, folder.string(), &db); not status.ok())
    return translate(status, store);
  opened.db.reset(db);
  return opened;
}

result<void, store_error> rocks::make_room(std::uint64_t commit_bytes) const {
  const auto free = free_bytes(store);
  const auto needed = reserve_bytes + 2 * commit_bytes;
  if (free < needed) return full(store, free, needed);
  // A compaction that would not fit is not begun.
  files->SetMaxAllowedSpaceUsage(files->GetTotalSize() + free - untouched_bytes);
  return {};
}

result<std::optional<std::string>, store_error> get(rocksdb::DB& db, std::string_view key,
                                                    const std::filesystem::path& store) {
  std::string value;
  const auto status = db.Get(rocksdb::ReadOptions(), slice_of(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (not status.ok()) return translate(status, store);
  return std::optional<std::string>(std::move(value));
}

} // namespace fairuse
