// SPDX-License-Identifier: Apache-2.0
#include "storage/log_headers.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/rocks.hpp"

namespace fairuse {

namespace {

constexpr std::size_t log_block_bytes = 32768;
constexpr std::size_t header_bytes = 7;
/// The last two are of later versions: 11 since RocksDB 8.2, 131 since 10.
constexpr std::array<unsigned char, 6> recyclable = {5, 6, 7, 8, 11, 131};

/// A block up to where a reader stops in it.
struct walked_block {
  /// Where the last record that is whole ends.
  std::size_t whole = 0;
  /// Where the first header of a recyclable kind begins.
  std::optional<std::size_t> recyclable;
  /// A record leads past the end of the block, which none that is written does.
  bool too_long = false;
};

/// A damaged length can lead anywhere in the block; whatever is found then is damage as well.
walked_block walk(std::string_view block) {
  walked_block found;
  std::size_t at = 0;
  while (at + header_bytes <= block.size()) {
    const auto byte = [&](std::size_t offset) { return static_cast<unsigned char>(block[at + offset]); };
    const std::size_t length = byte(4) + 256U * byte(5);
    const auto kind = byte(6);
    if (std::ranges::find(recyclable, kind) != recyclable.end()) {
      found.recyclable = at;
      return found;
    }
    if (kind == 0 and length == 0) return found; // The rest of the block is not used.
    at += header_bytes + length;
    found.too_long = at > block.size();
    if (not found.too_long) found.whole = at;
  }
  return found;
}

bool has_headers(const std::filesystem::path& file) {
  return file.extension() == ".log" or file.filename().string().starts_with("MANIFEST-");
}

/// Where the last whole record of a log or manifest ends; 0: there is none.
std::uint64_t whole_records(const std::filesystem::path& file) {
  std::ifstream from(file, std::ios::binary);
  std::string block(log_block_bytes, '\0');
  std::uint64_t end = 0;
  for (std::uint64_t begin = 0; from; begin += log_block_bytes) {
    from.read(block.data(), log_block_bytes);
    const auto found = walk(std::string_view(block).substr(0, static_cast<std::size_t>(from.gcount())));
    if (found.whole > 0) end = begin + found.whole;
    if (found.too_long) break;
  }
  return end;
}

} // namespace

result<void, store_error> log_headers::check() {
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator each(rocks_folder(store_), failed), end; not failed and each != end;
       each.increment(failed))
    if (has_headers(each->path())) files.push_back(each->path());
  // A folder that cannot be read is left to RocksDB, which names the fault.
  std::ranges::sort(files);
  for (const auto& file : files)
    if (auto status = check(file); not status) return status;
  return {};
}

result<void, store_error> log_headers::check(const std::filesystem::path& file) {
  auto& blocks = blocks_[file.filename().string()];
  // A file that the writer has removed meanwhile has nothing to read.
  std::ifstream from(file, std::ios::binary);
  from.seekg(static_cast<std::streamoff>(blocks * log_block_bytes));
  std::string block(log_block_bytes, '\0');
  while (from) {
    from.read(block.data(), log_block_bytes);
    const auto size = static_cast<std::size_t>(from.gcount());
    if (const auto found = walk(std::string_view(block).substr(0, size)).recyclable)
      return damaged(store_, "a record header in " + file.filename().string()
                                 + " is not one that is written here, at byte "
                                 + std::to_string(blocks * log_block_bytes + *found));
    if (size == log_block_bytes) ++blocks;
  }
  return {};
}

std::string manifest_in_use(const std::filesystem::path& store) {
  std::string name;
  std::ifstream(rocks_folder(store) / "CURRENT") >> name;
  return name;
}

bool manifest_is_whole(const std::filesystem::path& store) {
  const auto file = rocks_folder(store) / manifest_in_use(store);
  std::error_code missing;
  // The length first: a writer may add records meanwhile.
  const auto bytes = std::filesystem::file_size(file, missing);
  return missing or whole_records(file) >= bytes;
}

} // namespace fairuse
