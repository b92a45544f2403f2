// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <rocksdb/sst_file_reader.h>

#include "base/pure/numbers.hpp"
#include "storage/checkpoint_keeper.hpp"
#include "storage/keys.hpp"

namespace fairuse {

namespace {

store_error damage_in(const std::filesystem::path& file, std::string_view what) {
  return damaged("the checkpoint " + file.string() + " is damaged: " + std::string(what)
                 + ". Remove the file: what begins with it then begins with a later one, or without any");
}

/// The table of a checkpoint, and its meta row.
struct opened_checkpoint {
  std::unique_ptr<rocksdb::SstFileReader> table = std::make_unique<rocksdb::SstFileReader>(rocksdb::Options());
  decoded_meta meta;
};

result<opened_checkpoint, store_error> open_table(const checkpoint_place& of) {
  opened_checkpoint made;
  if (const auto status = made.table->Open(of.file.string()); not status.ok())
    return damage_in(of.file, status.ToString());
  const std::unique_ptr<rocksdb::Iterator> rows(made.table->NewIterator(rocksdb::ReadOptions()));
  rows->Seek(slice_of(keys::meta));
  if (not rows->status().ok()) return damage_in(of.file, rows->status().ToString());
  auto meta = rows->Valid() and view(rows->key()) == keys::meta ? decode_meta(view(rows->value())) : std::nullopt;
  if (not meta or meta->head.commit != of.commit) return damage_in(of.file, "it does not say of which commit it is");
  if (meta->schema > schema_known)
    return store_error{store_fault::newer, "the checkpoint " + of.file.string()
                                               + " was written by a newer version of fairuse. Take that version"};
  made.meta = std::move(*meta);
  return made;
}

/// Nothing is missing, and every row is as it was written.
result<void> check(rocksdb::SstFileReader& table) {
  if (const auto status = table.VerifyChecksum(); not status.ok()) return error{status.ToString()};
  const std::unique_ptr<rocksdb::Iterator> rows(table.NewIterator(rocksdb::ReadOptions()));
  rows->Seek(slice_of(checkpoint_count_key));
  const bool counted = rows->Valid() and rows->value().size() == sizeof(std::uint64_t);
  if (not counted or big_endian<std::uint64_t>(rows->value().data()) + 1 != table.GetTableProperties()->num_entries)
    return error{"rows are missing"};
  return {};
}

} // namespace

std::vector<checkpoint_place> checkpoints_of(const std::filesystem::path& store) {
  std::vector<checkpoint_place> all;
  std::error_code unknown;
  for (const auto& each : std::filesystem::directory_iterator(checkpoint_folder(store), unknown)) {
    const auto number = parse_number<std::uint64_t>(each.path().stem().string());
    if (number and each.path() == checkpoint_file(store, *number)) all.push_back({*number, each.path()});
  }
  std::sort(all.begin(), all.end(), [](const auto& left, const auto& right) { return left.commit < right.commit; });
  return all;
}

std::optional<decoded_meta> read_checkpoint_meta(const checkpoint_place& of) {
  auto opened = open_table(of);
  return opened ? std::optional(std::move(opened->meta)) : std::nullopt;
}

struct checkpoint_reader::body {
  checkpoint_place place;
  opened_checkpoint from;
};

checkpoint_reader::checkpoint_reader(std::unique_ptr<body> all) : body_(std::move(all)) {}
checkpoint_reader::~checkpoint_reader() = default;

result<std::unique_ptr<checkpoint_reader>, store_error> checkpoint_reader::open(const checkpoint_place& of) {
  auto opened = open_table(of);
  if (not opened) return opened.error();
  if (const auto whole = check(*opened->table); not whole) return damage_in(of.file, whole.error().message);
  auto all = std::make_unique<body>(body{of, std::move(*opened)});
  return std::unique_ptr<checkpoint_reader>(new checkpoint_reader(std::move(all)));
}

std::uint64_t checkpoint_reader::commit() const { return body_->place.commit; }
const store_meta& checkpoint_reader::meta() const { return body_->from.meta.meta; }
const std::string& checkpoint_reader::key_check() const { return body_->from.meta.key_check; }
const sha256_hash& checkpoint_reader::chain() const { return body_->from.meta.head.chain; }

// Cursors name the last row that was read, there or not.
log_cursor checkpoint_reader::commits_behind() const { return keys::commit(keys::journal_type, meta().now, commit()); }
log_cursor checkpoint_reader::decisions_behind() const {
  return keys::entry(keys::decision_type, meta().now, meta().epoch, UINT32_MAX);
}

store_error checkpoint_reader::damage(std::string_view what) const { return damage_in(body_->place.file, what); }

checkpoint_reader::visit_result checkpoint_reader::each_erased(
    const std::function<visit_result(std::string_view, std::string_view)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> rows(body_->from.table->NewIterator(rocksdb::ReadOptions()));
  for (rows->Seek(rocksdb::Slice(&keys::erased_type, 1)); rows->Valid() and rows->key()[0] == keys::erased_type;
       rows->Next())
    if (auto done = visit(view(rows->key()).substr(1), view(rows->value())); not done) return done;
  return rows->status().ok() ? visit_result{} : damage(rows->status().ToString());
}

checkpoint_reader::visit_result checkpoint_reader::each_user(const state_visit& visit) const {
  const auto rows_of = [this](char type) {
    const std::shared_ptr<rocksdb::Iterator> rows(body_->from.table->NewIterator(rocksdb::ReadOptions()));
    rows->Seek(rocksdb::Slice(&type, 1));
    return rows;
  };
  const auto source_of = [](rocksdb::Iterator& rows, char type) -> row_source {
    return [&rows, type, begun = false](std::string_view& key, std::string_view& value) mutable {
      if (std::exchange(begun, true) and rows.Valid()) rows.Next();
      if (not rows.Valid() or rows.key()[0] != type) return false;
      key = view(rows.key());
      value = view(rows.value());
      return true;
    };
  };
  const auto users = rows_of(keys::user_type);
  const auto due = rows_of(keys::due_type);
  const auto all = each_user_state(source_of(*users, keys::user_type), source_of(*due, keys::due_type), visit);
  for (const auto& each : {users, due})
    if (not each->status().ok()) return damage(each->status().ToString());
  if (not all) return all.error();
  return *all ? visit_result{} : damage("a row of a user does not decode");
}

} // namespace fairuse
