// SPDX-License-Identifier: Apache-2.0

#include "engine/enforcement_teller.hpp"

#include <utility>

namespace fairuse {

namespace {

constexpr std::size_t users_at_once = 1'000;

} // namespace

enforcement_teller::enforcement_teller(enforcement_changes first, std::unique_ptr<user_scan> users, told gate,
                                       failed why)
  : first_{std::move(first)},
    users_{std::move(users)},
    gate_{std::move(gate)},
    failed_{std::move(why)},
    thread_{[this](const std::stop_token& stop) { read_users(stop); }} {}

void enforcement_teller::tell(enforcement_changes changes) {
  changes.by_events_clock = first_.by_events_clock;
  const std::lock_guard guard{mutex_};
  if (started_)
    gate_(changes);
  else
    held_back_.push_back(std::move(changes));
}

void enforcement_teller::read_users(const std::stop_token& stop) {
  for (;;) {
    auto some = first_;
    const auto more = read_some(some);
    if (not more) return failed_(more.error().message);
    if (stop.stop_requested()) return;
    gate_(some);
    if (not *more) break;
  }
  end_of_start();
}

// False: these are the last.
result<bool, store_error> enforcement_teller::read_some(enforcement_changes& into) {
  while (into.users.size() < users_at_once) {
    std::string uid;
    const auto who = users_->next(uid);
    if (not who) return who.error();
    if (*who == nullptr) return false;
    into.users.push_back({std::move(uid), enforcement_of(**who, into.now, into.epoch, 0)});
  }
  return true;
}

void enforcement_teller::end_of_start() {
  const std::lock_guard guard{mutex_};
  auto last = first_;
  if (not held_back_.empty()) {
    last = std::move(held_back_.back());
    held_back_.pop_back();
  }
  for (const auto& each : held_back_)
    gate_(each);
  held_back_.clear();
  last.complete = true;
  gate_(last);
  started_ = true;
}

} // namespace fairuse
