// SPDX-License-Identifier: Apache-2.0
#include "storage/layers.hpp"

#include <memory>
#include <optional>
#include <string>

#include "storage/keys.hpp"
#include "storage/rocks.hpp"

namespace fairuse {

result<void, store_error> each_row(rocksdb::DB& db, const std::filesystem::path& store, char type, overlays before,
                                   std::string_view fault,
                                   const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  row_overlay newer;
  for (const auto* each : before)
    each->each([&newer, type](std::string_view key, std::string_view value, bool erased) {
      if (key.front() == type)
        newer.insert_or_assign(std::string(key), erased ? std::nullopt : std::optional(std::string(value)));
    });
  auto next = newer.begin();
  const auto visit_newer = [&] { return not next->second or visit(next->first, *next->second); };
  const std::unique_ptr<rocksdb::Iterator> rows(db.NewIterator(rocksdb::ReadOptions()));
  for (rows->Seek(rocksdb::Slice(&type, 1)); rows->Valid() and rows->key()[0] == type; rows->Next()) {
    const auto key = view(rows->key());
    for (; next != newer.end() and next->first < key; ++next)
      if (not visit_newer()) return damaged(store, fault);
    const bool hidden = next != newer.end() and next->first == key;
    if (not hidden and not visit(key, view(rows->value()))) return damaged(store, fault);
  }
  if (auto status = status_of(rows->status(), store); not status) return status;
  for (; next != newer.end(); ++next)
    if (not visit_newer()) return damaged(store, fault);
  return {};
}

result<void, store_error> read_erased(rocksdb::DB& db, const std::filesystem::path& store, overlays before,
                                      erased_users& to) {
  row_codec codec;
  return each_row(db, store, keys::erased_type, before, "the row of an erased user does not decode",
                  [&](std::string_view key, std::string_view value) { return to.set_row(codec, key, value); });
}

void add_rows(rocksdb::WriteBatch& to, const commit_rows& rows) {
  rows.each([&to](std::string_view key, std::string_view value, bool erased) {
    if (erased)
      to.Delete(slice_of(key));
    else
      to.Put(slice_of(key), slice_of(value));
  });
}

} // namespace fairuse
