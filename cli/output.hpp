// SPDX-License-Identifier: Apache-2.0
//
// Results on stdout, and what is said on stderr beside the log. This is the only place of the program that writes to
// either. A failed write is remembered, and decides how the process ends; it throws nothing.
// Threads: any for tell(), one for the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace fairuse::cli {

/// To stdout. Nothing is written after a write that failed.
void write_out(std::string_view bytes);

template <class... Args>
void print_out(fmt::format_string<Args...> text, Args&&... args) {
  write_out(fmt::format(text, std::forward<Args>(args)...));
}

/// Columns of the terminal that shows stdout; without one, text_width.
std::size_t out_width();

/// Hand over what is buffered. False: stdout takes no more.
bool flush_out();

/// Wait so long for more to write. False: the reader of stdout has gone.
bool wait_while_read(std::chrono::milliseconds time);

/// To stderr. What cannot be written there is lost: nothing is left to say it with.
void write_error(std::string_view bytes);

/// From here on tell() calls this instead of writing to stderr, where only lines of the log may stand.
void tell_with(std::function<void(const std::string&)> taker);
bool tells_to_stderr();
void tell_text(const std::string& text);

template <class... Args>
void tell(fmt::format_string<Args...> text, Args&&... args) {
  tell_text(fmt::format(text, std::forward<Args>(args)...));
}

/// The exit code of a process whose command ended with `code`: 1, with a sentence, if a result could not be written. A
/// reader that closed its end of a pipe has seen enough: the command's own code.
int end_output(int code);

/// Before anything is opened: a standard descriptor that was closed at start is held open, so that no file of ours
/// gets its number. Writes to such a stdout fail, what goes to such a stderr is lost, such a stdin is at its end.
/// SIGPIPE becomes an error of the write.
void hold_standard_descriptors();

} // namespace fairuse::cli
