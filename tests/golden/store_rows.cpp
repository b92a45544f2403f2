// SPDX-License-Identifier: Apache-2.0
//
//   golden_store_rows STORE
//
// All rows of a local store, closed: a line per kind with how many there are and the SHA-256 of their keys and values
// in order; then the name of every setting that the meta row remembers. It reads RocksDB itself, so that nothing of
// storage stands between the test and the bytes.
//
// Left out, because they differ from machine to machine: the folders in the names of inputs (meta row, dead letters);
// what zstd made of an input block, whose content is hashed instead.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <rocksdb/db.h>
#include <zstd.h>

#include "storage/rows.pb.h"
#include "tests/golden/sha256.hpp"

namespace {

using fairuse::golden::sha256;

/// Thrown up to `main`, so that an open store closes: `std::exit` beside the threads of RocksDB may crash.
[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

template <class M>
M message_of(std::string_view bytes) {
  M made;
  if (not made.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) refuse("a row does not decode");
  return made;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string unpacked(const std::string& packed, std::uint64_t size) {
  std::string plain(size, '\0');
  const auto made = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  if (ZSTD_isError(made) != 0 or made != plain.size()) refuse("an input block does not unpack");
  return plain;
}

/// The value without what differs from machine to machine.
std::string portable(char type, std::string_view value) {
  if (type == 'm') {
    auto meta = message_of<fairuse::row::meta>(value);
    for (auto& each : *meta.mutable_inputs())
      each.set_input(file_name(each.input()));
    return meta.SerializeAsString();
  }
  if (type == 'x') {
    auto letter = message_of<fairuse::row::dead_letter>(value);
    letter.set_input(file_name(letter.input()));
    return letter.SerializeAsString();
  }
  if (type == 'i') {
    auto block = message_of<fairuse::row::input_block>(value);
    block.set_packed(unpacked(block.packed(), block.raw_bytes()));
    return block.SerializeAsString();
  }
  return std::string(value);
}

/// The type byte; of a user's rows also the kind, which stands behind the uid and its length.
std::string kind_of(std::string_view key) {
  if (key.empty()) refuse("a key is empty");
  std::string kind(1, key[0]);
  if (key[0] != 'u') return kind;
  const auto byte = [&](std::size_t at) -> std::size_t {
    if (at >= key.size()) refuse("a user's key is too short");
    return static_cast<unsigned char>(key[at]);
  };
  return kind + "." + std::to_string(byte(3 + (byte(1) << 8 | byte(2))));
}

struct rows {
  std::uint64_t count = 0;
  sha256 digest;
};

} // namespace

int main(int count, char** values) try {
  if (count != 2) refuse("usage: golden_store_rows STORE");
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly({}, std::string(values[1]) + "/db", &opened);
  if (not status.ok()) refuse(status.ToString());
  db.reset(opened);
  std::map<std::string, rows> kinds;
  std::string meta;
  const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const std::string_view key(at->key().data(), at->key().size());
    const std::string_view value(at->value().data(), at->value().size());
    auto& of = kinds[kind_of(key)];
    ++of.count;
    of.digest.add(key);
    of.digest.add(std::string_view(portable(key[0], value)));
    if (key[0] == 'm') meta = value;
  }
  if (not at->status().ok()) refuse(at->status().ToString());
  for (auto& [kind, of] : kinds)
    std::printf("row %s %llu %s\n", kind.c_str(), static_cast<unsigned long long>(of.count), of.digest.hex().c_str());
  const auto remembered = message_of<fairuse::row::meta>(meta);
  for (const auto& each : remembered.settings())
    std::printf("setting %s\n", each.name().c_str());
  return 0;
} catch (const std::runtime_error& why) {
  std::fprintf(stderr, "%s\n", why.what());
  return 1;
}
