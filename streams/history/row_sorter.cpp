// SPDX-License-Identifier: Apache-2.0
#include "streams/history/row_sorter.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "storage/bytes.hpp"

namespace fairuse::history {

namespace {

constexpr std::size_t run_buffer_bytes = std::size_t{1} << 20;

/// Both lengths come before the bytes.
constexpr std::size_t head_bytes = 8;

std::uint64_t start_of(std::string_view key) {
  char bytes[8]{};
  std::memcpy(bytes, key.data(), std::min(key.size(), sizeof bytes));
  return big_endian<std::uint64_t>(bytes);
}

store_error system_error(std::string_view doing, const std::filesystem::path& file) {
  const auto fault = errno == ENOSPC ? store_fault::disk_full : store_fault::io;
  return {fault, fmt::format("{} {}: {}", doing, file.string(), std::strerror(errno))};
}

struct closed {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using open_file = std::unique_ptr<std::FILE, closed>;

} // namespace

/// Rows on disk, in order.
struct row_sorter::run {
  std::filesystem::path file;
  open_file from;
  std::string buffer;
  std::size_t at = 0;
  sorted_row row;

  result<bool, store_error> next();
  result<bool, store_error> hold(std::size_t bytes);
};

/// So many bytes from `at` on are in the buffer; false: the file has no byte more.
result<bool, store_error> row_sorter::run::hold(std::size_t bytes) {
  if (buffer.size() - at >= bytes) return true;
  buffer.erase(0, at);
  at = 0;
  const auto held = buffer.size();
  const auto wanted = std::max(bytes, run_buffer_bytes);
  buffer.resize(wanted);
  const auto got = std::fread(buffer.data() + held, 1, wanted - held, from.get());
  if (std::ferror(from.get()) != 0) return system_error("cannot read", file);
  buffer.resize(held + got);
  if (buffer.size() >= bytes) return true;
  if (buffer.empty()) return false;
  return store_error{store_fault::io, fmt::format("{} ends too early", file.string())};
}

result<bool, store_error> row_sorter::run::next() {
  if (auto there = hold(head_bytes); not there or not *there) return there;
  const auto key = big_endian<std::uint32_t>(buffer.data() + at);
  const auto value = big_endian<std::uint32_t>(buffer.data() + at + 4);
  if (auto there = hold(head_bytes + key + value); not there or not *there) return there;
  const auto whole = std::string_view(buffer).substr(at + head_bytes, std::size_t{key} + value);
  row = {whole.substr(0, key), whole.substr(key)};
  at += head_bytes + whole.size();
  return true;
}

row_sorter::row_sorter(std::filesystem::path scratch, std::size_t memory_bytes)
  : scratch_(std::move(scratch)), memory_bytes_(memory_bytes) {}

row_sorter::~row_sorter() = default;

result<void, store_error> row_sorter::add(std::string_view key, std::string_view value) {
  const auto size = head_bytes + key.size() + value.size();
  if (not places_.empty() and bytes_.size() + size + (places_.size() + 1) * sizeof(place) > memory_bytes_)
    if (auto done = spill(); not done) return done;
  places_.push_back({start_of(key), bytes_.size()});
  append_big_endian(bytes_, static_cast<std::uint32_t>(key.size()));
  append_big_endian(bytes_, static_cast<std::uint32_t>(value.size()));
  bytes_.append(key).append(value);
  ++rows_;
  return {};
}

sorted_row row_sorter::row_at(const place& where) const {
  const auto key = big_endian<std::uint32_t>(bytes_.data() + where.at);
  const auto value = big_endian<std::uint32_t>(bytes_.data() + where.at + 4);
  const auto whole = std::string_view(bytes_).substr(where.at + head_bytes, std::size_t{key} + value);
  return {whole.substr(0, key), whole.substr(key)};
}

bool row_sorter::is_before(const place& left, const place& right) const {
  if (left.start != right.start) return left.start < right.start;
  return row_at(left).compare(row_at(right)) < 0;
}

void row_sorter::sort() {
  std::sort(places_.begin(), places_.end(),
            [this](const place& left, const place& right) { return is_before(left, right); });
}

result<void, store_error> row_sorter::spill() {
  sort();
  auto made = std::make_unique<run>();
  made->file = scratch_ / fmt::format("rows-{}", runs_.size());
  made->from.reset(std::fopen(made->file.c_str(), "w+b"));
  if (made->from == nullptr) return system_error("cannot write", made->file);
  auto* to = made->from.get();
  for (const auto& each : places_) {
    const auto row = row_at(each);
    const auto size = head_bytes + row.key.size() + row.value.size();
    if (std::fwrite(bytes_.data() + each.at, 1, size, to) != size) return system_error("cannot write", made->file);
  }
  if (std::fflush(to) != 0) return system_error("cannot write", made->file);
  std::rewind(to);
  bytes_.clear();
  places_.clear();
  runs_.push_back(std::move(made));
  return {};
}

result<void, store_error> row_sorter::begin() {
  if (runs_.empty()) {
    sort();
    return {};
  }
  if (not places_.empty())
    if (auto done = spill(); not done) return done;
  bytes_ = {};
  places_ = {};
  for (const auto& each : runs_) {
    const auto there = each->next();
    if (not there) return there.error();
    if (*there) heap_.push_back(each.get());
  }
  return {};
}

result<bool, store_error> row_sorter::next(sorted_row& out) {
  if (not runs_.empty()) return next_of_runs(out);
  if (given_ == places_.size()) return false;
  out = row_at(places_[given_++]);
  return true;
}

result<bool, store_error> row_sorter::next_of_runs(sorted_row& out) {
  const auto is_later = [](const run* left, const run* right) { return left->row.compare(right->row) > 0; };
  if (last_ == nullptr) {
    std::make_heap(heap_.begin(), heap_.end(), is_later);
  } else {
    const auto there = last_->next();
    if (not there) return there.error();
    if (*there) {
      heap_.push_back(last_);
      std::push_heap(heap_.begin(), heap_.end(), is_later);
    }
  }
  last_ = nullptr;
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), is_later);
  last_ = heap_.back();
  heap_.pop_back();
  out = last_->row;
  return true;
}

} // namespace fairuse::history
