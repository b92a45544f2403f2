// SPDX-License-Identifier: Apache-2.0

#include "api/service/spool_sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "engine/clocks.hpp"
#include "streams/local/spool.hpp"

namespace fairuse {

namespace {

constexpr std::size_t waiting_bytes_max = spool_file_bytes_max / 2;

} // namespace

spool_sink::spool_sink(std::filesystem::path state) : state_{std::move(state)}, thread_{[this] { write_all(); }} {}

spool_sink::~spool_sink() {
  {
    const std::lock_guard guard{mutex_};
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool spool_sink::put(std::vector<incoming_event> events, std::string, take_result told) {
  std::string lines;
  for (const auto& each : events)
    lines.append(each.line).push_back('\n');
  {
    const std::lock_guard guard{mutex_};
    if (next_.lines.size() + lines.size() > waiting_bytes_max) return false;
    next_.lines += lines;
    next_.told.push_back(std::move(told));
  }
  changed_.notify_all();
  return true;
}

void spool_sink::write_all() {
  std::unique_lock guard{mutex_};
  for (;;) {
    changed_.wait(guard, [this] { return stops_ or not next_.told.empty(); });
    if (next_.told.empty()) return;
    const auto now = std::exchange(next_, {});
    guard.unlock();
    write(now);
    guard.lock();
  }
}

void spool_sink::write(const delivery& what) {
  const auto name = fmt::format("{:013}-http-{}-{:08}", wall_clock_ms(), ::getpid(), ++deliveries_);
  const auto written = put_in_spool(state_, name, what.lines);
  const auto told = written ? result<void, unwritten>{} : result<void, unwritten>{unwritten{written.error().message}};
  for (const auto& each : what.told)
    each(told);
}

} // namespace fairuse
