// SPDX-License-Identifier: Apache-2.0
//
// The status of a running worker.
#include <algorithm>

#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::int64_t publish_every_ms = 100;
constexpr std::int64_t quiet_ms = 3'000;

} // namespace

std::vector<std::int32_t> kafka_worker::finished(const std::vector<position>& ends) const {
  std::vector<std::int32_t> all;
  if (phase_ != phase::running or fetch_again_) return all;
  const bool quiet = silent_since_ != INT64_MIN and rules_.environment.steady() - silent_since_ > quiet_ms;
  const auto waits = [&](const position& at) {
    const auto end = std::ranges::find(ends, at.of, &position::of);
    return end != ends.end() and at.offset < end->offset and not(quiet and group_->last_stable(at.of) >= end->offset);
  };
  for (const auto& [partition, each] : owned_) {
    if (not each.shard or each.shard->records() > 0 or not each.shard->has_committed()) continue;
    if (std::ranges::none_of(each.shard->read_from(), waits)) all.push_back(partition);
  }
  return all;
}

std::int64_t kafka_worker::lag_of(const position& at) const {
  const auto end = group_->last_stable(at.of);
  return end < 0 ? -1 : std::max<std::int64_t>(0, end - at.offset);
}

void kafka_worker::publish() {
  const auto steady = rules_.environment.steady();
  if (published_at_ != INT64_MIN and steady - published_at_ < publish_every_ms) return;
  published_at_ = steady;
  auto made = counts_;
  made.at = rules_.environment.wall();
  for (const auto& [partition, each] : owned_) {
    partition_status one{.partition = partition};
    if (each.taking) {
      one.state = each.taking->state();
      one.reason = each.taking->reason();
      one.restored = each.taking->restored();
      one.to_restore = each.taking->to_restore();
    } else if (not each.refused.empty()) {
      one.state = takeover_state::refused;
      one.reason = each.refused;
    } else if (each.shard) {
      one.state = takeover_state::ready;
      one.epoch = each.shard->last_epoch();
      one.now = each.shard->last_now();
      one.active_users = each.shard->active_users();
      one.pending_rows = each.shard->store().pending_rows();
      one.rules = view_of(each.shard->in_force());
      one.lag = 0;
      for (const auto& at : each.shard->read_from()) {
        const auto lag = lag_of(at);
        one.lag = lag < 0 or one.lag < 0 ? -1 : one.lag + lag;
      }
      made.totals += each.shard->totals();
    }
    made.partitions.push_back(std::move(one));
  }
  const std::lock_guard guard(published_mutex_);
  published_ = std::move(made);
}

worker_status kafka_worker::status() const {
  const std::lock_guard guard(published_mutex_);
  return published_;
}

} // namespace fairuse::kafka
