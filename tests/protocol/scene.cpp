// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/scene.hpp"

#include <utility>
#include <vector>

namespace fairuse::protocol {

namespace {

constexpr int patience = 3'000;
constexpr simlog::milliseconds pace{10};

} // namespace

setting bare_stage(std::uint64_t seed) {
  setting how(seed);
  how.partitions = 1;
  how.inputs = 1;
  how.users = 6;
  how.calls_per_fault = 0;
  how.compacts = how.promotes = how.starts_off = how.config_commands = false;
  how.lazy_writer = true;
  how.after_loss = simlog::outcome::settles;
  // What is late comes when the story says so.
  how.lateness = simlog::delay{1'000'000'000, hour_ms};
  return how;
}

instance& scene::start(const std::string& name) {
  auto& disk = disks_[name];
  if (disk.empty()) disk = all.fresh_folder();
  all.note(name + " starts");
  auto& made = living_[name];
  made = std::make_unique<instance>(all, name, disk, all.how.seed * 1'000 + ++lives_);
  return *made;
}

void scene::kill(const std::string& name) {
  all.note(name + " is killed");
  living_.at(name)->kill();
  living_.erase(name);
}

void scene::feed(int count) {
  for (int i = 0; i < count; ++i)
    traffic_.write();
}

void scene::until(const std::string& what, const std::function<bool()>& done) {
  for (int i = 0; i < patience; ++i) {
    std::vector<std::string> gone;
    for (const auto& [name, each] : living_) {
      if (name == asleep_) continue;
      const auto how = each->step();
      if (how == instance::end::over) fail("I9: {} gave up without a reason: {}", name, each->failure());
      if (how == instance::end::crashed) gone.push_back(name);
    }
    for (const auto& name : gone)
      kill(name);
    all.heed_alarms();
    all.log.advance(pace);
    if (done()) return all.note(what);
  }
  fail("I8: waited in vain: {}", what);
}

bool scene::caught_up() {
  std::vector<const instance*> awake;
  for (const auto& [name, each] : living_)
    if (name != asleep_) awake.push_back(each.get());
  return protocol::caught_up(all, awake);
}

void scene::until_caught_up() {
  until("caught up", [this] { return caught_up(); });
}

void scene::strike(const std::string& name, simlog::point where, simlog::fault what, std::function<void()> then) {
  auto& faults = at(name).faults();
  faults.script(where, what);
  if (not then) return;
  faults.observer = [before = faults.observer, where, what, then](simlog::point here, simlog::fault now) {
    before(here, now);
    if (here == where and now == what) then();
  };
}

void scene::finish() {
  wake();
  all.log.settle();
  until_caught_up();
  // Once more, with whatever timers and rebalances came of it.
  for (int i = 0; i < 5; ++i)
    until("peace", [] { return true; });
  until_caught_up();
  std::map<std::int32_t, std::filesystem::path> owners;
  for (auto& [name, each] : living_) {
    each->write();
    for (const auto& part : each->status().partitions)
      owners[part.partition] = each->state();
    each->close();
  }
  living_.clear();
  all.heed_alarms();
  verdict made;
  check_outcome(
      all,
      [&](std::int32_t p) {
        const auto found = owners.find(p);
        return found == owners.end() ? nullptr : &found->second;
      },
      made);
}

} // namespace fairuse::protocol
