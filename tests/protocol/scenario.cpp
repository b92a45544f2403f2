// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/scenario.hpp"

#include <utility>
#include <vector>

namespace fairuse::protocol {

namespace {

constexpr int rounds_max = 3'000;
constexpr simlog::milliseconds pace{10};

} // namespace

run_settings quiet_settings(std::uint64_t seed) {
  run_settings settings(seed);
  settings.partitions = 1;
  settings.inputs = 1;
  settings.users = 6;
  settings.calls_per_fault = 0;
  settings.compacts = settings.promotes = settings.starts_off = settings.config_commands = false;
  settings.lazy_writer = true;
  settings.after_loss = simlog::outcome::settles;
  // The test decides when late requests arrive.
  settings.lateness = simlog::delay{1'000'000'000, hour_ms};
  return settings;
}

instance& scenario::start(const std::string& name) {
  auto& disk = disks_[name];
  if (disk.empty()) disk = in.fresh_folder();
  in.note(name + " starts");
  auto& made = instances_[name];
  made = std::make_unique<instance>(in, name, disk, in.settings.seed * 1'000 + ++starts_);
  return *made;
}

void scenario::kill(const std::string& name) {
  in.note(name + " is killed");
  instances_.at(name)->kill();
  instances_.erase(name);
}

void scenario::feed(int count) {
  for (int i = 0; i < count; ++i)
    traffic_.write();
}

void scenario::until(const std::string& what, const std::function<bool()>& done) {
  for (int i = 0; i < rounds_max; ++i) {
    std::vector<std::string> gone;
    for (const auto& [name, each] : instances_) {
      if (name == paused_) continue;
      const auto how = each->work();
      if (how == instance::progress::over) fail("I9: {} gave up without a reason: {}", name, each->failure());
      if (how == instance::progress::crashed) gone.push_back(name);
    }
    for (const auto& name : gone)
      kill(name);
    in.check_errors();
    in.log.advance(pace);
    if (done()) return in.note(what);
  }
  fail("I8: waited in vain: {}", what);
}

bool scenario::caught_up() {
  std::vector<const instance*> running;
  for (const auto& [name, each] : instances_)
    if (name != paused_) running.push_back(each.get());
  return protocol::caught_up(in, running);
}

void scenario::until_caught_up() {
  until("caught up", [this] { return caught_up(); });
}

void scenario::inject(const std::string& name, simlog::point where, simlog::fault what, std::function<void()> then) {
  auto& faults = at(name).faults();
  faults.script(where, what);
  if (not then) return;
  faults.observer = [before = faults.observer, where, what, then](simlog::point here, simlog::fault now) {
    before(here, now);
    if (here == where and now == what) then();
  };
}

void scenario::finish() {
  resume();
  in.log.settle();
  until_caught_up();
  // Again, for the timers and rebalances that follow.
  for (int i = 0; i < 5; ++i)
    until("after the end", [] { return true; });
  until_caught_up();
  std::map<std::int32_t, std::filesystem::path> owners;
  for (auto& [name, each] : instances_) {
    each->write();
    for (const auto& part : each->status().partitions)
      owners[part.partition] = each->state();
    each->close();
  }
  instances_.clear();
  in.check_errors();
  run_result checked;
  check_outcome(
      in,
      [&](std::int32_t p) {
        const auto found = owners.find(p);
        return found == owners.end() ? nullptr : &found->second;
      },
      checked);
}

} // namespace fairuse::protocol
