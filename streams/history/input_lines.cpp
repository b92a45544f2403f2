// SPDX-License-Identifier: Apache-2.0
#include "streams/history/input_lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pure/text.hpp"
#include "events/wire.hpp"

namespace fairuse::history {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
/// How often a silent pipe asks whether it is stopped.
constexpr int stop_poll_ms = 50;

} // namespace

result<std::unique_ptr<input_lines>> input_lines::open(const std::string& file, std::function<bool()> stopped) {
  std::unique_ptr<input_lines> made{new input_lines};
  const bool is_standard = file == "-";
  made->name_ = is_standard ? "standard input" : file;
  made->stopped_ = std::move(stopped);
  made->descriptor_ = is_standard ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (made->descriptor_ < 0) return error{fmt::format("cannot read {}: {}", made->name_, std::strerror(errno))};
  if (is_standard and (::fcntl(made->descriptor_, F_GETFL) & O_ACCMODE) == O_WRONLY)
    return error{"cannot read standard input: it is closed"};
  struct stat about {};
  if (::fstat(made->descriptor_, &about) != 0 or S_ISDIR(about.st_mode))
    return error{fmt::format("cannot read {}: it is no file", made->name_)};
  made->is_regular_ = S_ISREG(about.st_mode);
  made->can_be_read_again_ = made->is_regular_ and not is_standard;
  made->memory_.resize(chunk_bytes + wire_padding);
  return made;
}

input_lines::~input_lines() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool input_lines::is_stopped() {
  if (not was_stopped_ and stopped_) was_stopped_ = stopped_();
  return was_stopped_;
}

// 0: the end, or it was stopped.
result<std::size_t> input_lines::read_some(char* to, std::size_t size) {
  while (not is_stopped()) {
    if (not is_regular_) {
      pollfd more{descriptor_, POLLIN, 0};
      if (::poll(&more, 1, stop_poll_ms) <= 0) continue;
    }
    const auto got = ::read(descriptor_, to, size);
    if (got < 0 and (errno == EINTR or errno == EAGAIN)) continue;
    if (got < 0) return error{fmt::format("cannot read {}: {}", name_, std::strerror(errno))};
    bytes_read_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
  return std::size_t{0};
}

/// Read more behind what there is; false: nothing more comes.
result<bool> input_lines::fill() {
  if (begin_ > 0) {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + wire_padding == memory_.size())
    memory_.resize(std::min(2 * end_, line_bytes_max + chunk_bytes) + wire_padding);
  const auto got = read_some(memory_.data() + end_, memory_.size() - wire_padding - end_);
  if (not got) return got.error();
  end_ += *got;
  return *got > 0;
}

/// Drop what is left of a line, its end included.
result<void> input_lines::skip_to_line_end() {
  for (;;) {
    begin_ = end_ = 0;
    const auto more = fill();
    if (not more) return more.error();
    if (not *more) {
      at_end_ = true;
      return {};
    }
    const auto* found = static_cast<const char*>(std::memchr(memory_.data(), '\n', end_));
    if (found == nullptr) continue;
    begin_ = static_cast<std::size_t>(found - memory_.data()) + 1;
    return {};
  }
}

result<bool> input_lines::next() {
  // What a line was cut from is dropped when the line is no longer needed.
  if (is_cut_)
    if (auto done = skip_to_line_end(); not done) return done.error();
  is_cut_ = false;
  std::size_t looked_at = 0;
  for (;;) {
    if (was_stopped_) return false;
    const auto held = end_ - begin_;
    const auto* from = memory_.data() + begin_;
    const auto* found = static_cast<const char*>(std::memchr(from + looked_at, '\n', held - looked_at));
    is_cut_ = found == nullptr and held > line_bytes_max;
    if (found == nullptr and at_end_ and held == 0) return false;
    if (found != nullptr or is_cut_ or at_end_) {
      const auto size = found != nullptr ? static_cast<std::size_t>(found - from) : held;
      line_ = {from, size};
      begin_ += size + (found != nullptr ? 1 : 0);
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      if (++number_ == 1) line_ = without_byte_order_mark(line_);
      return true;
    }
    looked_at = held;
    const auto more = fill();
    if (not more) return more.error();
    at_end_ = not *more;
  }
}

} // namespace fairuse::history
