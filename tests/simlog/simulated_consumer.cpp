// SPDX-License-Identifier: Apache-2.0

#include <cassert>

#include "tests/simlog/clients.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::simlog {

using kafka::call_result;
using kafka::next_action;

simulated_consumer::simulated_consumer(process& in, kafka::member who, kafka::membership& told)
  : process_(in), wish_(std::move(who)), told_(told) {
  who_.group = wish_.group;
  who_.instance = wish_.instance;
  process_.enlist(*this);
}

simulated_consumer::~simulated_consumer() { process_.dismiss(*this); }

void simulated_consumer::beat() {
  if (state_ == state::joining || state_ == state::member) group().heartbeat(who_, process_.log.now());
}

void simulated_consumer::close() {
  if (!process_.dead()) process_.pass(point::fetch);
  state_ = state::closed;
  cursor_.stop();
}

std::unique_ptr<kafka::record_batch> simulated_consumer::poll(milliseconds) {
  if (process_.dead() || state_ == state::closed || replaced_) return nullptr;
  const fault what = process_.pass(point::poll);
  if (!process_.log.reachable()) return nullptr;
  const bool told = what != fault::deaf && serve_group();
  auto batch = told ? nullptr : fetched(what);
  process_.leave(point::poll, what);
  return batch;
}

bool simulated_consumer::serve_group() {
  if (state_ == state::outside) return join();
  if (const error_code code = group().heartbeat(who_, process_.log.now()); !code.empty()) return heard(code);
  return state_ == state::joining && sync();
}

bool simulated_consumer::join() {
  const error_code code = group().join(who_, wish_.topics, process_.options.session.count(), process_.log.now());
  if (!code.empty()) return heard(code);
  state_ = state::joining;
  return false;
}

bool simulated_consumer::sync() {
  const auto given = group().sync(who_);
  if (!given) return false;
  state_ = state::member;
  has_assignment_ = true;
  lost_ = false;
  assigned_ = {given->begin(), given->end()};
  const part_list sorted(assigned_.begin(), assigned_.end());
  told_.assigned(sorted);
  return true;
}

bool simulated_consumer::give_back(bool lost) {
  cursor_.stop();
  lost_ = lost_ || lost;
  if (!has_assignment_) return false;
  has_assignment_ = false;
  told_.revoked(lost);
  assigned_.clear();
  return true;
}

bool simulated_consumer::heard(const error_code& code) {
  if (code == "REBALANCE_IN_PROGRESS") {
    const bool told = give_back(false);
    return join() || told;
  }
  if (code == "FENCED_INSTANCE_ID") {
    replaced_ = kafka::call_error{next_action::broken, code, "another process took over this instance id"};
    return give_back(true);
  }
  who_.member.clear();
  who_.generation = -1;
  state_ = state::outside;
  return give_back(true);
}

std::unique_ptr<kafka::record_batch> simulated_consumer::fetched(fault what) {
  if (what == fault::skipped) cursor_.skip(process_.log, 1 + process_.faults.below(5));
  const std::size_t most = what == fault::short_batch ? 1 + process_.faults.below(8) : process_.options.batch;
  return cursor_.take(process_.log, most);
}

call_result<> simulated_consumer::fetch(std::span<const kafka::position> from) {
  if (process_.dead()) return process::gone();
  process_.leave(point::fetch, process_.pass(point::fetch));
  for (const kafka::position& each : from)
    assert(assigned_.contains(each.of) && "fetch of a partition that the group did not give");
  cursor_.start(from);
  return {};
}

call_result<std::vector<kafka::committed_offset>> simulated_consumer::committed(
    std::span<const topic_partition> wanted) {
  bool had_errors = false;
  std::vector<kafka::committed_offset> all;
  const auto send = [&](const marker_delays&) -> call_result<> {
    for (const topic_partition& each : wanted)
      if (group().is_unstable(each)) return process_.again("UNSTABLE_OFFSET_COMMIT");
    all.clear();
    const offset_map& known = group().committed();
    for (const topic_partition& each : wanted) {
      const auto found = known.find(each);
      const stored_offset seen = found == known.end() ? stored_offset{} : found->second;
      all.push_back({each, seen.offset, seen.metadata});
    }
    return {};
  };
  if (const auto asked = process_.ask({point::committed, send, {}}, had_errors); !asked) return asked.error();
  return all;
}

identity identity_of(const kafka::group_consumer& member) {
  return dynamic_cast<const simulated_consumer&>(member).who();
}

} // namespace fairuse::simlog
