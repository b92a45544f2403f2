// SPDX-License-Identifier: Apache-2.0

#include "engine/process_figures.hpp"

#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

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

std::uint64_t memory_bytes() {
  std::ifstream from{"/proc/self/statm"};
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (not(from >> all_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace fairuse
