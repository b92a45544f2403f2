// SPDX-License-Identifier: Apache-2.0

#include "engine/process_figures.hpp"

#include <sys/resource.h>

namespace fairuse {

namespace {

rusage used_so_far() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return used;
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

} // namespace

double cpu_seconds() {
  const auto used = used_so_far();
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::uint64_t memory_peak_bytes() { return static_cast<std::uint64_t>(used_so_far().ru_maxrss) * 1024; }

} // namespace fairuse
