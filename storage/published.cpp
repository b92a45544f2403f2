// SPDX-License-Identifier: Apache-2.0
#include "storage/published.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include "storage/bytes.hpp"

namespace fairuse {

namespace {

constexpr std::string_view magic = "fairuse published 1\n";
constexpr std::size_t mark_bytes = magic.size() + 3 * sizeof(std::uint64_t) + 32 + sizeof(std::uint64_t);

std::string encode(const published_mark& mark) {
  std::string bytes(magic);
  append_big_endian(bytes, mark.commit);
  append_big_endian(bytes, mark.epoch);
  append_big_endian(bytes, static_cast<std::uint64_t>(mark.now));
  bytes.append(mark.chain.begin(), mark.chain.end());
  append_big_endian(bytes, static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), bytes.size())));
  return bytes;
}

} // namespace

std::filesystem::path published_path(const std::filesystem::path& store) { return store / "published"; }

bool published_exists(const std::filesystem::path& store) {
  std::error_code error;
  return std::filesystem::exists(published_path(store), error);
}

std::optional<published_mark> read_published(const std::filesystem::path& store) {
  const auto file = ::open(published_path(store).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string bytes(mark_bytes + 1, '\0');
  const auto size = ::pread(file, bytes.data(), bytes.size(), 0);
  ::close(file);
  if (size != static_cast<ssize_t>(mark_bytes)) return std::nullopt;
  bytes.resize(mark_bytes);
  published_mark mark;
  const auto* at = bytes.data() + magic.size();
  mark.commit = big_endian<std::uint64_t>(at);
  mark.epoch = big_endian<std::uint64_t>(at + 8);
  mark.now = static_cast<time_ms>(big_endian<std::uint64_t>(at + 16));
  std::copy_n(at + 24, mark.chain.size(), mark.chain.begin());
  return encode(mark) == bytes ? std::optional(mark) : std::nullopt;
}

result<published_file, store_error> published_file::open(const std::filesystem::path& store) {
  const auto path = published_path(store);
  const auto file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0)
    return store_error{store_fault::io, "Cannot write " + path.string() + ": " + std::strerror(errno) + "."};
  return published_file(file);
}

published_file::~published_file() {
  if (file_ >= 0) ::close(file_);
}

published_file::published_file(published_file&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

published_file& published_file::operator=(published_file&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

result<void, store_error> published_file::write(const published_mark& mark) const {
  const auto bytes = encode(mark);
  if (::pwrite(file_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return store_error{store_fault::io, std::string("Cannot write the published mark: ") + std::strerror(errno) + "."};
  return {};
}

} // namespace fairuse
