// SPDX-License-Identifier: Apache-2.0
#include "streams/history/row_sorter.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "storage/bytes.hpp"

namespace fairuse::history {

namespace {

constexpr std::size_t buffer_bytes_max = std::size_t{1} << 20;
constexpr std::size_t buffer_bytes_min = std::size_t{64} << 10;

store_error system_error(std::string_view doing, const std::filesystem::path& file) {
  const auto fault = errno == ENOSPC ? store_fault::disk_full : store_fault::io;
  return {fault, fmt::format("{} {}: {}", doing, file.string(), std::strerror(errno))};
}

} // namespace

/// Rows on disk, in order: of each group its count of rows and its name, then the rows.
struct row_sorter::run {
  const std::filesystem::path& file;
  std::uint64_t at = 0;
  std::uint64_t end = 0;
  int from = -1;
  std::size_t buffer_bytes = 0;
  std::string buffer;
  std::size_t used = 0;
  std::string group;
  std::uint64_t left = 0;
  packed_row row;

  std::string_view held() const { return std::string_view(buffer).substr(used); }
  result<void, store_error> hold(std::size_t bytes);
  /// False: there is none.
  result<bool, store_error> next_group();
  result<bool, store_error> next_row();
};

/// So many bytes are in the buffer, or all there are.
result<void, store_error> row_sorter::run::hold(std::size_t bytes) {
  if (buffer.size() - used >= bytes or at == end) return {};
  buffer.erase(0, used);
  used = 0;
  auto held = buffer.size();
  buffer.resize(held + static_cast<std::size_t>(std::min<std::uint64_t>(std::max(bytes, buffer_bytes), end - at)));
  while (held < buffer.size()) {
    const auto got = ::pread(from, buffer.data() + held, buffer.size() - held, static_cast<off_t>(at));
    if (got < 0 and errno == EINTR) continue;
    if (got < 0) return system_error("cannot read", file);
    if (got == 0) return store_error{store_fault::io, fmt::format("{} ends too early", file.string())};
    held += static_cast<std::size_t>(got);
    at += static_cast<std::uint64_t>(got);
  }
  return {};
}

result<bool, store_error> row_sorter::run::next_group() {
  if (auto done = hold(packed_row::head_bytes_max); not done) return done.error();
  if (held().empty()) return false;
  auto head = held();
  std::uint64_t size = 0;
  if (not take_varint(head, left) or not take_varint(head, size))
    return store_error{store_fault::io, fmt::format("{} cannot be read", file.string())};
  used = buffer.size() - head.size();
  if (auto done = hold(size); not done) return done.error();
  group = held().substr(0, size);
  used += group.size();
  return true;
}

result<bool, store_error> row_sorter::run::next_row() {
  if (left == 0) return false;
  --left;
  if (auto done = hold(packed_row::head_bytes_max); not done) return done.error();
  auto size = packed_row::read(held(), row);
  if (size > held().size()) {
    if (auto done = hold(size); not done) return done.error();
    size = packed_row::read(held(), row);
  }
  if (size == 0 or size > held().size())
    return store_error{store_fault::io, fmt::format("{} cannot be read", file.string())};
  used += size;
  return true;
}

row_sorter::row_sorter(std::filesystem::path scratch, std::size_t memory_bytes)
  : file_(std::move(scratch) / "rows"), memory_bytes_(memory_bytes) {}

row_sorter::~row_sorter() {
  if (writing_.valid()) writing_.wait();
}

result<void, store_error> row_sorter::add(std::string_view group, std::string_view key, std::string_view value) {
  // The other half is being written.
  if (not batch_.empty() and batch_.memory_bytes() > memory_bytes_ / 2)
    if (auto done = spill(); not done) return done;
  batch_.add(group, key, value);
  ++rows_;
  return {};
}

result<void, store_error> row_sorter::wait() { return writing_.valid() ? writing_.get() : result<void, store_error>{}; }

result<void, store_error> row_sorter::spill() {
  if (auto done = wait(); not done) return done;
  std::swap(batch_, spilled_);
  batch_.clear();
  writing_ = std::async(std::launch::async, [this] { return write(spilled_); });
  return {};
}

/// On the other thread.
result<void, store_error> row_sorter::write(row_batch& batch) {
  batch.sort();
  if (scratch_ == nullptr) {
    scratch_.reset(std::fopen(file_.c_str(), "w+b"));
    if (scratch_ == nullptr) return system_error("cannot write", file_);
    (void)std::setvbuf(scratch_.get(), nullptr, _IOFBF, buffer_bytes_max);
  }
  auto* to = scratch_.get();
  auto made = std::make_unique<run>(run{.file = file_, .at = written_});
  const auto put = [&](std::string_view bytes) {
    written_ += bytes.size();
    return std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size();
  };
  std::string_view name;
  std::string head;
  for (std::uint32_t rows = 0; batch.next_group(name, rows);) {
    head.clear();
    append_varint(head, rows);
    append_text(head, name);
    if (not put(head)) return system_error("cannot write", file_);
    for (; rows > 0; --rows)
      if (not put(batch.next_row())) return system_error("cannot write", file_);
  }
  if (std::fflush(to) != 0) return system_error("cannot write", file_);
  made->end = written_;
  runs_.push_back(std::move(made));
  return {};
}

result<void, store_error> row_sorter::begin() {
  if (auto done = wait(); not done) return done;
  if (runs_.empty()) {
    batch_.sort();
    return {};
  }
  if (not batch_.empty())
    if (auto done = write(batch_); not done) return done;
  batch_ = {};
  spilled_ = {};
  return open_runs();
}

namespace {

constexpr auto is_later_group = [](const auto* left, const auto* right) { return left->group > right->group; };
constexpr auto is_later_row = [](const auto* left, const auto* right) { return left->row.compare(right->row) > 0; };

} // namespace

result<void, store_error> row_sorter::open_runs() {
  const auto buffer = std::clamp(memory_bytes_ / runs_.size(), buffer_bytes_min, buffer_bytes_max);
  for (const auto& each : runs_) {
    each->from = ::fileno(scratch_.get());
    each->buffer_bytes = buffer;
    const auto there = each->next_group();
    if (not there) return there.error();
    if (*there) by_group_.push_back(each.get());
  }
  std::make_heap(by_group_.begin(), by_group_.end(), is_later_group);
  return {};
}

result<bool, store_error> row_sorter::next(sorted_row& out) {
  return runs_.empty() ? next_in_memory(out) : next_of_runs(out);
}

bool row_sorter::next_in_memory(sorted_row& out) {
  if (left_ == 0 and not batch_.next_group(group_, left_)) return false;
  --left_;
  packed_row row;
  packed_row::read(batch_.next_row(), row);
  out = {group_, row.key, row.value};
  return true;
}

/// The rows of the least group; false: there is no further one.
result<bool, store_error> row_sorter::begin_group() {
  if (by_group_.empty()) return false;
  name_ = by_group_.front()->group;
  while (not by_group_.empty() and by_group_.front()->group == name_) {
    std::pop_heap(by_group_.begin(), by_group_.end(), is_later_group);
    auto* one = by_group_.back();
    by_group_.pop_back();
    const auto there = one->next_row();
    if (not there) return there.error();
    by_row_.push_back(one);
  }
  std::make_heap(by_row_.begin(), by_row_.end(), is_later_row);
  return true;
}

/// The run that gave the last row has its next one, or its next group.
result<void, store_error> row_sorter::put_back(run& one) {
  const auto row = one.next_row();
  if (not row) return row.error();
  if (*row) {
    by_row_.push_back(&one);
    std::push_heap(by_row_.begin(), by_row_.end(), is_later_row);
    return {};
  }
  const auto group = one.next_group();
  if (not group) return group.error();
  if (not *group) return {};
  by_group_.push_back(&one);
  std::push_heap(by_group_.begin(), by_group_.end(), is_later_group);
  return {};
}

result<bool, store_error> row_sorter::next_of_runs(sorted_row& out) {
  if (auto* one = std::exchange(last_, nullptr); one != nullptr)
    if (auto done = put_back(*one); not done) return done.error();
  if (by_row_.empty())
    if (auto there = begin_group(); not there or not *there) return there;
  std::pop_heap(by_row_.begin(), by_row_.end(), is_later_row);
  last_ = by_row_.back();
  by_row_.pop_back();
  out = {name_, last_->row.key, last_->row.value};
  return true;
}

} // namespace fairuse::history
