// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/cluster_simulation.hpp"

#include <algorithm>
#include <utility>

namespace fairuse::protocol {

namespace {

constexpr int final_rounds = 4'000;

bool says_replaced(const std::string& why) {
  return why.find("no longer one") != std::string::npos or why.find("took over") != std::string::npos;
}

} // namespace

cluster_simulation::cluster_simulation(fixture& in) : fixture_(in), traffic_(in) {
  for (int i = 0; i < in.settings.instances; ++i) {
    auto& made = nodes_.emplace_back();
    made.name = "fairuse.m" + std::to_string(i) + ".0";
    made.disk = in.fresh_folder();
    // The first is there at once, others join a running group or begin with it.
    made.back_at = i == 0 or in.draws.chance(500) ? 0 : in.log.now() + in.draws.below(6'000);
  }
}

void cluster_simulation::start(node& at) {
  at.process = std::make_unique<instance>(fixture_, at.name, at.disk, fixture_.settings.seed * 1'000 + ++starts_);
  at.paused_until = 0;
  at.had_twin = false;
  fixture_.note(at.name + " starts");
}

void cluster_simulation::add_counts(instance& who) {
  const auto status = who.status();
  counts_.aborts += status.aborts;
  counts_.recycled += status.recycled;
  counts_.rebalances += status.rebalances;
}

void cluster_simulation::ended(node& at, std::unique_ptr<instance>& who, const char* how) {
  auto& draws = fixture_.draws;
  fixture_.note(who->name() + " " + how);
  add_counts(*who);
  if (draws.chance(500)) who->write();
  who->kill();
  who.reset();
  if (at.process == nullptr and at.twin != nullptr) {
    at.disk = at.twin->state();
    at.process = std::move(at.twin);
    at.paused_until = 0;
  }
  at.back_at = fixture_.log.now() + draws.pick<time_ms>({0, 100, 1'000, 2'500, 5'000, 9'000});
  if (at.process != nullptr or at.twin != nullptr) return;
  const auto disk = draws.below(100);
  if (disk < 20) {
    // Another machine.
    at.disk = fixture_.fresh_folder();
  } else if (disk < 35) {
    // Two nodes have swapped their disks.
    auto& other = draws.pick(nodes_);
    if (other.process == nullptr and other.twin == nullptr) std::swap(at.disk, other.disk);
  }
}

void cluster_simulation::work(node& at, std::unique_ptr<instance>& who) {
  ++counts_.steps;
  const auto how = who->work();
  fixture_.check_errors();
  if (how == instance::progress::running) return;
  if (how == instance::progress::crashed) {
    ++counts_.crashes;
    ended(at, who, "crashed");
    return;
  }
  if (not at.had_twin or not says_replaced(who->failure()))
    throw broken_invariant("I9: " + who->name() + " gave up without a reason: " + who->failure());
  ended(at, who, "was replaced");
}

void cluster_simulation::plan_crash() {
  auto& draws = fixture_.draws;
  std::vector<node*> running;
  for (auto& each : nodes_)
    if (each.process) running.push_back(&each);
  if (running.empty()) return;
  auto& faults = draws.pick(running)->process->faults();
  using simlog::point;
  const auto where = draws.pick({point::produce, point::produce, point::flush, point::flush, point::add_offsets,
                                 point::send_offsets, point::commit, point::commit, point::commit, point::poll,
                                 point::committed, point::range, point::read, point::init, point::fetch, point::abort});
  const bool before = where == point::produce or draws.chance(500);
  const auto nth = where == point::produce ? 1 + draws.below(20U) : 1 + draws.below(4U);
  faults.script(where, before ? simlog::fault::crash_before : simlog::fault::crash_after, nth);
}

void cluster_simulation::pause(node& at) {
  auto& draws = fixture_.draws;
  ++counts_.pauses;
  at.paused_until = fixture_.log.now() + draws.pick<time_ms>({500, 2'000, 4'000, 7'000});
  fixture_.note(at.name + " is paused");
  // It continues where it was paused: in front of a transaction, before it polls the group.
  if (draws.chance(500)) at.process->faults().script(simlog::point::poll, simlog::fault::deaf, 1);
  if (not draws.chance(300) or at.twin != nullptr) return;
  ++counts_.twins;
  at.had_twin = true;
  at.twin = std::make_unique<instance>(fixture_, at.name, fixture_.fresh_folder(),
                                       fixture_.settings.seed * 1'000 + ++starts_);
  fixture_.note(at.name + " has a twin");
}

void cluster_simulation::leap() {
  auto& draws = fixture_.draws;
  const auto span = draws.pick<time_ms>(
      {minute_ms, 31 * minute_ms, hour_ms, 5 * hour_ms, 13 * hour_ms, day_ms, 2 * day_ms + hour_ms, 5 * day_ms});
  fixture_.note("nothing happens for " + std::to_string(span / minute_ms) + " minutes");
  fixture_.leap(span);
}

void cluster_simulation::set_clock() {
  const auto by = fixture_.draws.pick<time_ms>({-hour_ms, hour_ms, day_ms, -3 * second_ms});
  fixture_.wall_jump += by;
  fixture_.note("the clock is set by " + std::to_string(by / second_ms) + " s");
}

void cluster_simulation::compact() {
  for (std::int32_t p = 0; p < fixture_.settings.partitions; ++p)
    for (const auto& topic : {fixture_.topics.changelog, fixture_.topics.policies})
      fixture_.log.log_of({topic, p}).compact();
}

void cluster_simulation::incident() {
  auto& draws = fixture_.draws;
  if (fixture_.settings.clocks_jump and draws.chance(150)) return set_clock();
  auto& at = draws.pick(nodes_);
  switch (draws.below(12)) {
    case 0:
    case 1:
    case 2:
      return leap();
    case 3:
    case 4:
      if (at.process and at.paused_until == 0) pause(at);
      return;
    case 5:
      fixture_.note("no broker is reachable");
      return fixture_.log.outage(simlog::milliseconds{draws.pick({200, 1'000, 2'500, 5'000})});
    case 6:
      if (fixture_.log.reachable() and at.process and fixture_.log.transactions().find(at.name) != nullptr)
        fixture_.log.time_out(at.name);
      return;
    case 7: // Scaled in, in order.
      if (at.process == nullptr or at.twin != nullptr or at.paused_until != 0) return;
      fixture_.note(at.name + " is asked to stop");
      add_counts(*at.process);
      at.process->close();
      at.process.reset();
      at.back_at = fixture_.log.now() + draws.pick<time_ms>({500, 4'000, 10'000});
      return;
    case 8:
      if (fixture_.settings.compacts) compact();
      return;
    case 9:
      return traffic_.toggle_upstream();
    case 10:
      return fixture_.log.settle();
    default:
      return plan_crash();
  }
}

void cluster_simulation::round() {
  auto& draws = fixture_.draws;
  if (draws.chance(fixture_.settings.traffic)) traffic_.write();
  if (draws.chance(200)) traffic_.review();
  if (draws.chance(fixture_.settings.incidents)) incident();
  for (auto& at : nodes_) {
    if (at.process == nullptr and at.back_at <= fixture_.log.now()) start(at);
    if (at.twin and draws.chance(600)) work(at, at.twin);
    if (at.paused_until > fixture_.log.now()) continue;
    at.paused_until = 0;
    if (at.process and draws.chance(600)) work(at, at.process);
    if (at.process and draws.chance(150)) at.process->write();
    if (at.twin and draws.chance(150)) at.twin->write();
  }
  fixture_.log.advance(simlog::milliseconds{1 + draws.below(40)});
}

bool cluster_simulation::caught_up() {
  std::vector<const instance*> running;
  for (const auto& at : nodes_)
    if (at.process) running.push_back(at.process.get());
  return protocol::caught_up(fixture_, running);
}

void cluster_simulation::finish() {
  fixture_.note("no more faults");
  traffic_.finish();
  for (auto& at : nodes_) {
    at.paused_until = 0;
    at.back_at = 0;
    if (at.process) at.process->faults().stop();
    if (at.twin) at.twin->faults().stop();
  }
  int calm = 0;
  for (int i = 0; i < final_rounds and calm < 5; ++i) {
    for (auto& at : nodes_) {
      if (at.process == nullptr) {
        start(at);
        at.process->faults().stop();
      }
      if (at.twin) work(at, at.twin);
      if (at.process) work(at, at.process);
      if (at.process) at.process->write();
      if (at.twin) at.twin->write();
    }
    fixture_.log.advance(simlog::milliseconds{40});
    if (i % 10 == 9) calm = caught_up() ? calm + 1 : 0;
  }
  if (calm == 0) throw broken_invariant("I8: not caught up after the faults have stopped");
  for (auto& at : nodes_) {
    if (at.process == nullptr) continue;
    for (const auto& part : at.process->status().partitions)
      owners_[part.partition] = at.process->state();
    add_counts(*at.process);
    at.process->close();
    at.process.reset();
    at.twin.reset();
  }
  fixture_.check_errors();
}

void cluster_simulation::run() {
  const auto wanted = static_cast<std::uint64_t>(fixture_.settings.crashes);
  const int pace = std::max(1, fixture_.settings.rounds / (fixture_.settings.crashes + 1));
  for (int i = 0; i < fixture_.settings.rounds or (counts_.crashes < wanted and i < 4 * fixture_.settings.rounds);
       ++i) {
    if (i % pace == pace - 1 and counts_.crashes < wanted) plan_crash();
    round();
  }
  finish();
}

const std::filesystem::path* cluster_simulation::folder_of(std::int32_t partition) const {
  const auto found = owners_.find(partition);
  return found == owners_.end() ? nullptr : &found->second;
}

} // namespace fairuse::protocol
