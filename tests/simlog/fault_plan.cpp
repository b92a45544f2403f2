// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/fault_plan.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <string_view>

namespace fairuse::simlog {

namespace {

constexpr std::array<std::string_view, points> point_names{
    "init", "produce", "flush",     "add_offsets", "send_offsets", "commit",  "abort",
    "poll", "fetch",   "committed", "range",       "read",         "metadata"};
constexpr std::array<std::string_view, faults> fault_names{
    "none",         "crash_before", "crash_after", "lost",  "reply_lost", "delayed", "duplicated",
    "late_markers", "loading",      "undelivered", "early", "skipped",    "deaf",    "short_batch"};

/// In the order in which chances are added up.
const std::set<fault>& possible_at(point where) {
  static const std::set<fault> asking{fault::crash_before, fault::lost};
  static const std::set<fault> local{fault::crash_before};
  static const std::set<fault> queueing{fault::crash_before, fault::early};
  static const std::set<fault> polling{fault::crash_before, fault::crash_after, fault::skipped, fault::deaf,
                                       fault::short_batch};
  static const std::set<fault> reading{fault::crash_before, fault::short_batch};
  static const std::set<fault> opening{fault::crash_before, fault::crash_after,  fault::lost,
                                       fault::reply_lost,   fault::late_markers, fault::loading};
  static const std::set<fault> sending{fault::crash_before, fault::crash_after, fault::lost, fault::reply_lost,
                                       fault::undelivered};
  static const std::set<fault> telling{fault::crash_before, fault::crash_after, fault::lost,   fault::reply_lost,
                                       fault::delayed,      fault::duplicated,  fault::loading};
  static const std::set<fault> ending{fault::crash_before, fault::crash_after, fault::lost,         fault::reply_lost,
                                      fault::delayed,      fault::duplicated,  fault::late_markers, fault::loading};
  switch (where) {
    case point::init:
      return opening;
    case point::produce:
      return queueing;
    case point::flush:
      return sending;
    case point::add_offsets:
      return opening;
    case point::send_offsets:
      return telling;
    case point::commit:
    case point::abort:
      return ending;
    case point::poll:
      return polling;
    case point::fetch:
      return local;
    case point::read:
      return reading;
    case point::committed:
    case point::range:
    case point::metadata:
      return asking;
  }
  return local;
}

} // namespace

std::string name_of(point where) { return std::string(point_names[static_cast<std::size_t>(where)]); }
std::string name_of(fault what) { return std::string(fault_names[static_cast<std::size_t>(what)]); }

simulated_crash::simulated_crash(point where, bool before)
  : std::runtime_error("simulated crash " + std::string(before ? "before " : "after ") + name_of(where)) {}

fault_rates stormy(std::uint32_t calls) {
  assert(calls > 0);
  const std::uint32_t share = 1'000'000 / calls / 8 + 1;
  fault_rates rates;
  for (std::size_t i = 1; i < faults; ++i)
    rates[static_cast<fault>(i)] = share;
  // Batches may well be short.
  rates[fault::short_batch] = 8 * share;
  return rates;
}

void fault_plan::script(point where, fault what, std::uint32_t nth) {
  assert(nth > 0);
  script_.push_back({where, what, passed_[static_cast<std::size_t>(where)] + nth});
}

void fault_plan::stop() {
  rates_.clear();
  script_.clear();
}

std::uint64_t fault_plan::below(std::uint64_t bound) {
  assert(bound > 0);
  // splitmix64; the modulo's bias is of no interest here.
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t word = state_;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
  return (word ^ (word >> 31)) % bound;
}

fault fault_plan::next(point where) {
  const std::uint64_t pass = ++passed_[static_cast<std::size_t>(where)];
  const auto found = std::find_if(script_.begin(), script_.end(),
                                  [&](const scripted& each) { return each.where == where && each.at == pass; });
  fault what = fault::none;
  if (found != script_.end()) {
    what = found->what;
    script_.erase(found);
  } else if (!rates_.empty()) {
    what = draw(where);
  }
  ++struck_[static_cast<std::size_t>(what)];
  if (what != fault::none && observer) observer(where, what);
  return what;
}

fault fault_plan::draw(point where) {
  std::uint64_t draw = below(1'000'000);
  for (const fault each : possible_at(where)) {
    const auto rate = rates_.find(each);
    if (rate == rates_.end()) continue;
    if (draw < rate->second) return each;
    draw -= rate->second;
  }
  return fault::none;
}

} // namespace fairuse::simlog
