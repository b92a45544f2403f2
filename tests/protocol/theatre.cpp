// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/theatre.hpp"

#include <algorithm>
#include <utility>

namespace fairuse::protocol {

namespace {

constexpr int peace_rounds = 4'000;

bool is_about_being_replaced(const std::string& why) {
  return why.find("no longer one") != std::string::npos or why.find("took over") != std::string::npos;
}

} // namespace

theatre::theatre(world& in) : world_(in), traffic_(in) {
  for (int i = 0; i < in.how.instances; ++i) {
    auto& made = posts_.emplace_back();
    made.name = "fairuse.m" + std::to_string(i) + ".0";
    made.disk = in.fresh_folder();
    // The first is there at once, others join a running group or begin with it.
    if (in.how.late_births) {
      made.back_at = in.log.now() + in.chance.below(800);
      continue;
    }
    made.back_at = i == 0 or in.chance.chance(500) ? 0 : in.log.now() + in.chance.below(6'000);
  }
}

void theatre::start(post& at) {
  at.alive = std::make_unique<instance>(world_, at.name, at.disk, world_.how.seed * 1'000 + ++lives_);
  at.sleeps_until = 0;
  at.had_twin = false;
  world_.note(at.name + " starts");
}

void theatre::note_end(instance& who) {
  const auto status = who.status();
  counts_.aborts += status.aborts;
  counts_.recycled += status.recycled;
  counts_.rebalances += status.rebalances;
}

void theatre::died(post& at, std::unique_ptr<instance>& who, const char* how) {
  auto& chance = world_.chance;
  world_.note(who->name() + " " + how);
  note_end(*who);
  if (chance.chance(500)) who->write();
  who->kill();
  who.reset();
  if (at.alive == nullptr and at.twin != nullptr) {
    at.disk = at.twin->state();
    at.alive = std::move(at.twin);
    at.sleeps_until = 0;
  }
  at.back_at = world_.log.now() + chance.pick<time_ms>({0, 100, 1'000, 2'500, 5'000, 9'000});
  if (at.alive != nullptr or at.twin != nullptr) return;
  const auto disk = chance.below(100);
  if (disk < 20) {
    // Another machine.
    at.disk = world_.fresh_folder();
  } else if (disk < 35) {
    // Volumes were mounted the other way round.
    auto& other = chance.pick(posts_);
    if (other.alive == nullptr and other.twin == nullptr) std::swap(at.disk, other.disk);
  }
}

void theatre::step(post& at, std::unique_ptr<instance>& who) {
  ++counts_.steps;
  const auto how = who->step();
  world_.heed_alarms();
  if (how == instance::end::shards) return;
  if (how == instance::end::crashed) {
    ++counts_.crashes;
    died(at, who, "crashed");
    return;
  }
  if (not at.had_twin or not is_about_being_replaced(who->failure()))
    throw broken_promise("I9: " + who->name() + " gave up without a reason: " + who->failure());
  died(at, who, "was replaced");
}

void theatre::stage_crash() {
  auto& chance = world_.chance;
  std::vector<post*> living;
  for (auto& each : posts_)
    if (each.alive) living.push_back(&each);
  if (living.empty()) return;
  auto& faults = chance.pick(living)->alive->faults();
  using simlog::point;
  const auto where =
      chance.pick({point::produce, point::produce, point::flush, point::flush, point::add_offsets, point::send_offsets,
                   point::commit, point::commit, point::commit, point::poll, point::committed, point::range,
                   point::read, point::init, point::fetch, point::abort});
  const bool before = where == point::produce or chance.chance(500);
  const auto nth = where == point::produce ? 1 + chance.below(20U) : 1 + chance.below(4U);
  faults.script(where, before ? simlog::fault::crash_before : simlog::fault::crash_after, nth);
}

void theatre::put_to_sleep(post& at) {
  auto& chance = world_.chance;
  ++counts_.sleeps;
  at.sleeps_until = world_.log.now() + chance.pick<time_ms>({500, 2'000, 4'000, 7'000});
  world_.note(at.name + " sleeps");
  // It wakes up where it went to sleep: in front of a transaction, without having heard of the group.
  if (chance.chance(500)) at.alive->faults().script(simlog::point::poll, simlog::fault::deaf, 1);
  if (not chance.chance(300) or at.twin != nullptr) return;
  ++counts_.twins;
  at.had_twin = true;
  at.twin = std::make_unique<instance>(world_, at.name, world_.fresh_folder(), world_.how.seed * 1'000 + ++lives_);
  world_.note(at.name + " has a twin");
}

void theatre::leap() {
  auto& chance = world_.chance;
  const auto span = chance.pick<time_ms>(
      {minute_ms, 31 * minute_ms, hour_ms, 5 * hour_ms, 13 * hour_ms, day_ms, 2 * day_ms + hour_ms, 5 * day_ms});
  world_.note("nothing for " + std::to_string(span / minute_ms) + " minutes");
  world_.leap(span);
}

void theatre::set_clock() {
  const auto by = world_.chance.pick<time_ms>({-hour_ms, hour_ms, day_ms, -3 * second_ms});
  world_.wall_jump += by;
  world_.note("the clock is set by " + std::to_string(by / second_ms) + " s");
}

void theatre::compact() {
  for (std::int32_t p = 0; p < world_.how.partitions; ++p)
    for (const auto& topic : {world_.topics.changelog, world_.topics.policies})
      world_.log.log_of({topic, p}).compact();
}

void theatre::incident() {
  auto& chance = world_.chance;
  if (world_.how.clocks_jump and chance.chance(150)) return set_clock();
  auto& at = chance.pick(posts_);
  switch (chance.below(12)) {
    case 0:
    case 1:
    case 2:
      return leap();
    case 3:
    case 4:
      if (at.alive and at.sleeps_until == 0) put_to_sleep(at);
      return;
    case 5:
      world_.note("nobody is reachable");
      return world_.log.outage(simlog::milliseconds{chance.pick({200, 1'000, 2'500, 5'000})});
    case 6:
      if (world_.log.reachable() and at.alive and world_.log.transactions().find(at.name) != nullptr)
        world_.log.time_out(at.name);
      return;
    case 7: // Scaled in, in order.
      if (at.alive == nullptr or at.twin != nullptr or at.sleeps_until != 0) return;
      world_.note(at.name + " is asked to stop");
      note_end(*at.alive);
      at.alive->close();
      at.alive.reset();
      at.back_at = world_.log.now() + chance.pick<time_ms>({500, 4'000, 10'000});
      return;
    case 8:
      if (world_.how.compacts) compact();
      return;
    case 9:
      return traffic_.toggle_upstream();
    case 10:
      return world_.log.settle();
    default:
      return stage_crash();
  }
}

void theatre::round() {
  auto& chance = world_.chance;
  if (chance.chance(world_.how.traffic)) traffic_.write();
  if (chance.chance(200)) traffic_.review();
  if (chance.chance(world_.how.incidents)) incident();
  for (auto& at : posts_) {
    if (at.alive == nullptr and at.wants and at.back_at <= world_.log.now()) start(at);
    if (at.twin and chance.chance(600)) step(at, at.twin);
    if (at.sleeps_until > world_.log.now()) continue;
    at.sleeps_until = 0;
    if (at.alive and chance.chance(600)) step(at, at.alive);
    if (at.alive and chance.chance(150)) at.alive->write();
    if (at.twin and chance.chance(150)) at.twin->write();
  }
  world_.log.advance(simlog::milliseconds{1 + chance.below(40)});
}

bool theatre::caught_up() {
  std::vector<const instance*> alive;
  for (const auto& at : posts_)
    if (at.alive) alive.push_back(at.alive.get());
  return protocol::caught_up(world_, alive);
}

void theatre::finish() {
  world_.note("peace");
  traffic_.finish();
  for (auto& at : posts_) {
    at.sleeps_until = 0;
    at.back_at = 0;
    if (at.alive) at.alive->faults().stop();
    if (at.twin) at.twin->faults().stop();
  }
  int calm = 0;
  for (int i = 0; i < peace_rounds and calm < 5; ++i) {
    for (auto& at : posts_) {
      if (at.alive == nullptr) {
        start(at);
        at.alive->faults().stop();
      }
      if (at.twin) step(at, at.twin);
      if (at.alive) step(at, at.alive);
      if (at.alive) at.alive->write();
      if (at.twin) at.twin->write();
    }
    world_.log.advance(simlog::milliseconds{40});
    if (i % 10 == 9) calm = caught_up() ? calm + 1 : 0;
  }
  if (calm == 0) throw broken_promise("I8: not caught up after the faults have stopped");
  for (auto& at : posts_) {
    if (at.alive == nullptr) continue;
    for (const auto& part : at.alive->status().partitions)
      owners_[part.partition] = at.alive->state();
    note_end(*at.alive);
    at.alive->close();
    at.alive.reset();
    at.twin.reset();
  }
  world_.heed_alarms();
}

void theatre::play() {
  const auto wanted = static_cast<std::uint64_t>(world_.how.crashes);
  const int pace = std::max(1, world_.how.rounds / (world_.how.crashes + 1));
  for (int i = 0; i < world_.how.rounds or (counts_.crashes < wanted and i < 4 * world_.how.rounds); ++i) {
    if (i % pace == pace - 1 and counts_.crashes < wanted) stage_crash();
    round();
  }
  finish();
}

const std::filesystem::path* theatre::folder_of(std::int32_t partition) const {
  const auto found = owners_.find(partition);
  return found == owners_.end() ? nullptr : &found->second;
}

} // namespace fairuse::protocol
