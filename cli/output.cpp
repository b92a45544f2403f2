// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/pure/text_table.hpp"
#include "cli/command.hpp"

namespace fairuse::cli {

namespace {

/// errno of the first write to stdout that failed; 0: none did.
int out_failure = 0;

/// Empty: stderr.
std::function<void(const std::string&)> take_told;

void note_failure() {
  if (out_failure == 0) out_failure = errno != 0 ? errno : EIO;
}

} // namespace

void write_out(std::string_view bytes) {
  if (out_failure != 0) return;
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) note_failure();
}

std::size_t out_width() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 and size.ws_col > 0;
  return known ? size.ws_col : text_width;
}

bool flush_out() {
  errno = 0;
  if (out_failure == 0 and std::fflush(stdout) != 0) note_failure();
  return out_failure == 0;
}

bool wait_while_read(std::chrono::milliseconds time) {
  // Nothing is asked for: what comes all the same is an error or a hang-up.
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, static_cast<int>(time.count())) <= 0;
}

void write_error(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

void tell_with(std::function<void(const std::string&)> taker) { take_told = std::move(taker); }

bool tells_to_stderr() { return not take_told; }

void tell_text(const std::string& text) {
  if (take_told)
    take_told(text);
  else
    write_error(text);
}

int end_output(int code) {
  if (flush_out() or out_failure == EPIPE) return code;
  tell("fairuse: the result could not be written to stdout: {}\n", std::strerror(out_failure));
  return exit_failed;
}

void hold_standard_descriptors() {
  std::signal(SIGPIPE, SIG_IGN);
  // open() takes the smallest free number. Reading a stdin that was opened for writing fails, and so does the reverse.
  constexpr int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)
    if (::fcntl(number, F_GETFD) == -1) (void)::open("/dev/null", modes[number]);
}

} // namespace fairuse::cli
