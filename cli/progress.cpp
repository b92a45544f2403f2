// SPDX-License-Identifier: Apache-2.0

#include "cli/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.hpp"

namespace fairuse::cli {

progress::progress(std::uint64_t total, const char* unit)
  : total_{total}, unit_{unit}, shown_{tells_to_stderr() and ::isatty(STDERR_FILENO) == 1} {}

void progress::clear() {
  if (drawn_) write_error("\r\x1b[K");
  drawn_ = false;
}

void progress::draw(std::uint64_t done, std::uint64_t units) {
  const auto now = clock::now();
  if (now - drawn_at_ < std::chrono::milliseconds{200}) return;
  drawn_at_ = now;
  first_done_ = std::min(first_done_, done);
  const auto seconds = std::max(std::chrono::duration<double>(now - begin_).count(), 0.001);
  auto line = fmt::format("{} {}  {:.0f}/s", units, unit_, static_cast<double>(units) / seconds);
  if (total_ > 0) {
    constexpr std::size_t width = 30;
    const auto share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const auto filled = static_cast<std::size_t>(share * width);
    const auto speed = static_cast<double>(done - first_done_) / seconds;
    const auto left = speed > 0 ? static_cast<double>(total_ - std::min(done, total_)) / speed : 0.0;
    line = fmt::format("[{}{}] {:3.0f} %  {}  eta {:.0f} s", std::string(filled, '#'), std::string(width - filled, '.'),
                       share * 100, line, left);
  }
  tell("\r\x1b[K{}", line);
  drawn_ = true;
}

} // namespace fairuse::cli
