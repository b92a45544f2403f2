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
  /// Of a file, as they were read: the bytes before memory[0], and those before end(); at most fingerprint_bytes.
  std::string before;
  std::string seen;

  /// Where reading goes on.
  std::uint64_t end() const { return offset + size + dropped + dropped_end; }

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
  if (file == "-" and (::fcntl(made->descriptor_, F_GETFL) & O_ACCMODE) == O_WRONLY)
    return error{"cannot read standard input: it is closed. Name a file with --input, or connect a pipe"};
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
  begin(rest);
  bool has_other = false;
  while (not stopping_) {
    auto got = fill(rest);
    // What was written before the name went to another file is read by now.
    if (got == step::waits and has_other and open_other()) got = step::replaced;
    if (not flush(rest, got) or got == step::ended) break;
    if (is_over(got)) start_over(rest, got);
    if (got == step::waits and not wait_for_more()) break;
    has_other = got == step::waits and name_is() == named::other_file;
  }
  const bool stopped = stopping_;
  const bool failed = not failure().has_value();
  if (stopped and not failed) leave(rest);
  into_.finish(not stopped and not failed);
}

// Go on where the last run stopped, if the file still has the bytes before.
void input_reader::begin(carry& rest) {
  if (not is_file_ or from_.offset == 0) return;
  auto bytes = bytes_before(descriptor_, from_.offset);
  if (not bytes or fingerprint_of(*bytes) != from_.fingerprint) {
    options_.notice("the input was rewritten: reading it from its beginning");
    return;
  }
  rest.offset = from_.offset;
  rest.lines = from_.lines;
  rest.seen = *bytes;
  rest.before = std::move(*bytes);
}

// Read once. What a file gave counts only if the bytes before it are still those that were read, compared afterwards: a
// rewrite from the beginning changes them first.
input_reader::taken input_reader::take(const carry& rest, char* to, std::size_t size) {
  // A read of a pipe that has nothing would wait, and no stop could end it.
  pollfd ready{descriptor_, POLLIN, 0};
  if (not is_file_ and ::poll(&ready, 1, 0) == 0) return {step::waits};
  ssize_t got = 0;
  do
    got = is_file_ ? ::pread(descriptor_, to, size, static_cast<off_t>(rest.end())) : ::read(descriptor_, to, size);
  while (got < 0 and errno == EINTR and not stopping_);
  if (got < 0 and (errno == EAGAIN or errno == EINTR)) return {step::waits};
  if (got < 0) {
    fail(fmt::format("reading the input failed at byte {}: {}", rest.end(), std::strerror(errno)));
    return {step::ended};
  }
  if (is_file_ and bytes_before(descriptor_, rest.end()) != rest.seen) return {step::changed};
  if (got == 0) return {is_file_ and not options_.until_end ? step::waits : step::ended};
  return {step::more, static_cast<std::size_t>(got)};
}

// Read until the chunk is full or nothing more is there.
input_reader::step input_reader::fill(carry& rest) {
  while (not stopping_) {
    if (rest.size == rest.capacity) {
      // One line fills the buffer: keep more of it, up to a limit.
      if (std::memchr(rest.memory.get(), '\n', rest.size) != nullptr) return step::more;
      if (rest.capacity >= options_.line_keep_bytes) return skip_to_line_end(rest);
      rest.grow(std::min(rest.capacity * 2, options_.line_keep_bytes));
    }
    auto* to = rest.memory.get() + rest.size;
    const auto got = take(rest, to, rest.capacity - rest.size);
    if (got.then != step::more) return got.then;
    rest.size += got.size;
    if (is_file_) keep_last(rest.seen, {to, got.size});
  }
  return step::more;
}

// Hand the whole lines over; at the end also a last one without its end. False: the queue is closed.
bool input_reader::flush(carry& rest, step why) {
  const auto* last = static_cast<const char*>(::memrchr(rest.memory.get(), '\n', rest.size));
  std::size_t whole = last == nullptr ? 0 : static_cast<std::size_t>(last - rest.memory.get()) + 1;
  if (is_over(why) or why == step::ended or rest.hash != nullptr) whole = rest.size;
  if (whole == 0 and not is_over(why)) return true;
  auto batch = std::make_unique<input_batch>();
  batch->ends_content = is_over(why);
  batch->first_line = rest.lines + 1;
  batch->offset = rest.offset;
  batch->end_offset = rest.offset + whole + rest.dropped + rest.dropped_end;
  batch->size = whole;
  batch->before = rest.before;
  if (rest.hash != nullptr) batch->before_end = rest.seen;
  std::string cut_place;
  if (rest.hash != nullptr)
    cut_place = fmt::format("cut to {} of {} bytes, xxh3 {:016x}", whole, whole + rest.dropped,
                            XXH3_64bits_digest(rest.hash.get()));
  const auto left = rest.size - whole;
  carry next;
  next.grow(std::max(options_.chunk_bytes, left));
  std::memcpy(next.memory.get(), rest.memory.get() + whole, left);
  next.size = left;
  next.before = std::move(rest.before);
  if (is_file_) keep_last(next.before, {rest.memory.get(), whole});
  if (rest.hash != nullptr) next.before = rest.seen;
  next.seen = std::move(rest.seen);
  batch->memory = std::move(rest.memory);
  decode_lines(*batch, decoder_, cut_place);
  next.offset = batch->end_offset;
  next.lines = rest.lines + batch->lines.size();
  rest = std::move(next);
  return into_.push(std::move(batch));
}

// One line fills the buffer: drop the rest of it, but keep its length and its hash.
input_reader::step input_reader::skip_to_line_end(carry& rest) {
  rest.hash.reset(XXH3_createState());
  XXH3_64bits_reset(rest.hash.get());
  XXH3_64bits_update(rest.hash.get(), rest.memory.get(), rest.size);
  std::vector<char> scrap(options_.chunk_bytes);
  while (not stopping_ and rest.dropped_end == 0) {
    // From a pipe one byte at a time, since what follows the line cannot be read again.
    const auto got = take(rest, scrap.data(), is_file_ ? scrap.size() : 1);
    if (got.then == step::waits and name_is() != named::other_file and wait_for_more()) continue;
    if (got.then == step::waits) break;
    if (got.then != step::more) return got.then;
    const auto* end = static_cast<const char*>(std::memchr(scrap.data(), '\n', got.size));
    const auto mine = end == nullptr ? got.size : static_cast<std::size_t>(end - scrap.data());
    XXH3_64bits_update(rest.hash.get(), scrap.data(), mine);
    rest.dropped += mine;
    rest.dropped_end = end == nullptr ? 0 : 1;
    if (is_file_) keep_last(rest.seen, {scrap.data(), mine + rest.dropped_end});
  }
  // Where a stop left it in the middle, the line is read again.
  if (stopping_ and rest.dropped_end == 0) rest.hash.reset();
  return step::more;
}

// False: stopping.
bool input_reader::wait_for_more() {
  pollfd watched[2] = {{wake_, POLLIN, 0}, {descriptor_, POLLIN, 0}};
  // A regular file is always ready to be read, so it is read again after a while.
  ::poll(watched, is_file_ ? 1 : 2, is_file_ ? growing_poll_ms : -1);
  return not stopping_;
}

input_reader::named input_reader::name_is() const {
  struct stat mine {};
  struct stat other {};
  if (not is_file_ or ::fstat(descriptor_, &mine) != 0) return named::this_file;
  if (::stat(options_.file.c_str(), &other) != 0) return named::no_file;
  return mine.st_ino == other.st_ino and mine.st_dev == other.st_dev ? named::this_file : named::other_file;
}

// False: it cannot be read, or is gone again.
bool input_reader::open_other() {
  const int fresh = ::open(options_.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fresh < 0) return false;
  ::dup2(fresh, descriptor_);
  ::close(fresh);
  return true;
}

// Everything read was handed over: go on at the beginning of what stands under the name now.
void input_reader::start_over(carry& rest, step why) {
  const auto* what = why == step::replaced ? "replaced by another file"
                     : size() < rest.end() ? "cut short"
                                           : "rewritten";
  options_.notice(fmt::format("the input was {}: reading it from its beginning", what));
  rest.offset = 0;
  rest.lines = 0;
  rest.before.clear();
  rest.seen.clear();
}

// At a stop: the next run reads again what was not sealed, but it will not find what has lost its name by now.
void input_reader::leave(carry& rest) {
  const bool changed = is_file_ and bytes_before(descriptor_, rest.end()) != rest.seen;
  if (not changed and name_is() == named::this_file) return;
  if (not changed and size() > rest.end()) {
    rest.size = rest.dropped = rest.dropped_end = 0;
    rest.hash.reset();
    options_.notice(
        fmt::format("the input was moved away, and this run was stopped before its end: name the file where "
                    "it is now with --input to read what follows line {}",
                    rest.lines));
  }
  flush(rest, changed ? step::changed : step::replaced);
}

} // namespace fairuse
