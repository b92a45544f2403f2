// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The mark beside RocksDB that says up to where commits were published: 96 bytes, written after
// each commit and never synced. It may be behind the store (the next opening corrects it), but is ahead only of a store
// that lost commits; RocksDB alone cannot tell a torn log from a damaged one.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "events/event.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

struct published_mark {
  std::uint64_t commit = 0;
  std::uint64_t epoch = 0;
  time_ms now = 0;
  std::array<unsigned char, 32> chain{};
  friend bool operator==(const published_mark&, const published_mark&) = default;
};

std::filesystem::path published_path(const std::filesystem::path& store);
bool published_exists(const std::filesystem::path& store);

/// Nullopt: absent or not what we wrote (a power cut may tear it).
std::optional<published_mark> read_published(const std::filesystem::path& store);

/// Keeps the file open and writes it in place, so that it needs no space on a full disk.
class published_file {
public:
  static result<published_file, store_error> open(const std::filesystem::path& store);
  ~published_file();
  published_file(published_file&& other) noexcept;
  published_file& operator=(published_file&& other) noexcept;
  result<void, store_error> write(const published_mark& mark) const;

private:
  explicit published_file(int file) : file_(file) {}
  int file_ = -1;
};

} // namespace fairuse
