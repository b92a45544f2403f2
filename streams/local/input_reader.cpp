// SPDX-License-Identifier: Apache-2.0

#include "streams/local/input_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

namespace fairuse {

namespace {

// How often a growing file is checked: less than half of the 50 ms within which new lines are committed.
constexpr int growing_poll_ms = 20;

} // namespace

/// Bytes that were read and not handed over, and where they stand.
struct input_reader::carry {
  std::unique_ptr<char[]> memory;
  std::size_t capacity = 0;
  std::size_t size = 0;
  /// Of memory[0].
  std::uint64_t offset = 0;
  /// Lines before memory[0].
  std::uint64_t lines = 0;
  /// Bytes beyond `size` that belong to the same, too long line and were dropped; and its line end, if it has one.
  std::uint64_t dropped = 0;
  std::uint64_t dropped_end = 0;
  /// Of the whole line that is being dropped; nullptr if none is.
  std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)> hash{nullptr, [](XXH3_state_t* s) { XXH3_freeState(s); }};

  void grow(std::size_t to) {
    auto larger = std::make_unique_for_overwrite<char[]>(to + wire_padding);
    if (size > 0) std::memcpy(larger.get(), memory.get(), size);
    memory = std::move(larger);
    capacity = to;
  }
};

input_reader::input_reader(reader_options options, batch_queue& into)
  : options_{std::move(options)}, into_{into}, decoder_{options_.limits} {}

result<std::unique_ptr<input_reader>> input_reader::open(reader_options options, batch_queue& into) {
  std::unique_ptr<input_reader> made{new input_reader{std::move(options), into}};
  const auto& file = made->options_.file;
  made->descriptor_ = file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (made->descriptor_ < 0)
    return error{fmt::format("cannot read {}: {}", file == "-" ? "standard input" : file, std::strerror(errno))};
  struct stat about {};
  if (::fstat(made->descriptor_, &about) != 0 or S_ISDIR(about.st_mode))
    return error{fmt::format("cannot read {}: it is no file", file)};
  made->is_file_ = file != "-" and S_ISREG(about.st_mode);
  made->wake_ = ::eventfd(0, EFD_CLOEXEC);
  return made;
}

input_reader::~input_reader() {
  stop();
  into_.close();
  if (thread_.joinable()) thread_.join();
  for (const int each : {descriptor_.load(), wake_})
    if (each >= 0) ::close(each);
}

void input_reader::start() {
  thread_ = std::thread{[this] { run(); }};
}

void input_reader::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  if (wake_ >= 0 and ::write(wake_, &one, sizeof one) < 0)
    return; // The counter is full, so the reader will wake up anyway.
}

std::uint64_t input_reader::size() const {
  struct stat about {};
  return is_file_ and ::fstat(descriptor_, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

result<void> input_reader::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

void input_reader::fail(std::string sentence) {
  const std::lock_guard lock{mutex_};
  failure_ = error{std::move(sentence)};
}

void input_reader::run() {
  carry rest;
  rest.grow(options_.chunk_bytes);
  if (is_file_) {
    rest.offset = from_.offset;
    rest.lines = from_.lines;
  }
  while (not stopping_) {
    const auto got = fill(rest);
    if (not flush(rest, got == step::ended) or got == step::ended) break;
    if (got == step::waits and not wait_for_more(rest)) break;
  }
  into_.finish(not stopping_ and failure().has_value());
}

// Read until the chunk is full or nothing more is there.
input_reader::step input_reader::fill(carry& rest) {
  while (not stopping_) {
    if (rest.size == rest.capacity) {
      // One line fills the buffer: keep more of it, up to a limit.
      if (std::memchr(rest.memory.get(), '\n', rest.size) != nullptr) return step::more;
      if (rest.capacity >= options_.line_keep_bytes) {
        skip_to_line_end(rest);
        return step::more;
      }
      rest.grow(std::min(rest.capacity * 2, options_.line_keep_bytes));
    }
    auto* to = rest.memory.get() + rest.size;
    const auto room = rest.capacity - rest.size;
    const auto got = is_file_ ? ::pread(descriptor_, to, room, static_cast<off_t>(rest.offset + rest.size))
                              : ::read(descriptor_, to, room);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return step::waits;
      fail(fmt::format("reading the input failed at byte {}: {}", rest.offset + rest.size, std::strerror(errno)));
      return step::ended;
    }
    if (got == 0) return is_file_ and not options_.until_end ? step::waits : step::ended;
    rest.size += static_cast<std::size_t>(got);
    if (not is_file_) {
      // Hand over what came unless more is waiting already.
      pollfd more{descriptor_, POLLIN, 0};
      if (::poll(&more, 1, 0) == 0) return step::waits;
    }
  }
  return step::more;
}

// Hand the whole lines over; at the end also a last one without its end. False: the queue is closed.
bool input_reader::flush(carry& rest, bool ended) {
  const auto* last = static_cast<const char*>(::memrchr(rest.memory.get(), '\n', rest.size));
  std::size_t whole = last == nullptr ? 0 : static_cast<std::size_t>(last - rest.memory.get()) + 1;
  if (ended or rest.hash != nullptr) whole = rest.size;
  if (whole == 0) return true;
  auto batch = std::make_unique<input_batch>();
  batch->first_line = rest.lines + 1;
  batch->offset = rest.offset;
  batch->end_offset = rest.offset + whole + rest.dropped + rest.dropped_end;
  batch->size = whole;
  if (is_file_) batch->before = bytes_before(descriptor_, rest.offset).value_or(std::string{});
  if (is_file_ and rest.hash != nullptr)
    batch->before_end = bytes_before(descriptor_, batch->end_offset).value_or(std::string{});
  std::string cut_place;
  if (rest.hash != nullptr)
    cut_place = fmt::format("cut to {} of {} bytes, xxh3 {:016x}", whole, whole + rest.dropped,
                            XXH3_64bits_digest(rest.hash.get()));
  const auto left = rest.size - whole;
  carry next;
  next.grow(std::max(options_.chunk_bytes, left));
  std::memcpy(next.memory.get(), rest.memory.get() + whole, left);
  next.size = left;
  batch->memory = std::move(rest.memory);
  decode_lines(*batch, decoder_, cut_place);
  next.offset = batch->end_offset;
  next.lines = rest.lines + batch->lines.size();
  rest = std::move(next);
  return into_.push(std::move(batch));
}

// One line fills the buffer: drop the rest of it, but keep its length and its hash.
void input_reader::skip_to_line_end(carry& rest) {
  rest.hash.reset(XXH3_createState());
  XXH3_64bits_reset(rest.hash.get());
  XXH3_64bits_update(rest.hash.get(), rest.memory.get(), rest.size);
  std::vector<char> scrap(options_.chunk_bytes);
  bool done = false;
  while (not done and not stopping_) {
    // From a pipe one byte at a time, since what follows the line cannot be read again.
    const auto got = is_file_ ? ::pread(descriptor_, scrap.data(), scrap.size(),
                                        static_cast<off_t>(rest.offset + rest.size + rest.dropped))
                              : ::read(descriptor_, scrap.data(), 1);
    if (got == 0 and is_file_ and not options_.until_end and wait_for_more(rest)) continue;
    if (got < 0 and errno == EINTR) continue;
    if (got <= 0) break;
    const auto size = static_cast<std::size_t>(got);
    const auto* end = static_cast<const char*>(std::memchr(scrap.data(), '\n', size));
    done = end != nullptr;
    const auto mine = done ? static_cast<std::size_t>(end - scrap.data()) : size;
    XXH3_64bits_update(rest.hash.get(), scrap.data(), mine);
    rest.dropped += mine;
    rest.dropped_end = done ? 1 : 0;
  }
}

// False: stopping.
bool input_reader::wait_for_more(carry& rest) {
  pollfd watched[2] = {{wake_, POLLIN, 0}, {descriptor_, POLLIN, 0}};
  // A regular file is always ready to be read, so it is read again after a while.
  ::poll(watched, is_file_ ? 1 : 2, is_file_ ? growing_poll_ms : -1);
  if (not stopping_ and is_file_ and rest.hash == nullptr) replaced(rest);
  return not stopping_;
}

// Whether another file stands under the name now, or this one was cut: then go on at its beginning.
bool input_reader::replaced(carry& rest) {
  struct stat open_one {};
  struct stat named {};
  if (::fstat(descriptor_, &open_one) != 0 or ::stat(options_.file.c_str(), &named) != 0) return false;
  const bool other = open_one.st_ino != named.st_ino or open_one.st_dev != named.st_dev;
  const bool cut = static_cast<std::uint64_t>(open_one.st_size) < rest.offset + rest.size;
  if (not other and not cut) return false;
  if (other) {
    const int fresh = ::open(options_.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fresh < 0) return false;
    // The last line cannot get its end any more.
    flush(rest, true);
    ::dup2(fresh, descriptor_);
    ::close(fresh);
  }
  options_.notice(other ? "the input was replaced by another file: reading it from its beginning"
                        : "the input was cut short: reading it from its beginning");
  rest.size = 0;
  rest.offset = 0;
  rest.lines = 0;
  return true;
}

} // namespace fairuse
