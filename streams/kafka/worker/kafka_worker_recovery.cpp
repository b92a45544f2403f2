// SPDX-License-Identifier: Apache-2.0
//
// After an epoch that was not committed: "After trouble" in docs/protocol.md.
#include <utility>

#include <fmt/format.h>

#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::kafka {

void kafka_worker::roll_back(const std::vector<partition_shard*>& which) {
  for (auto* each : which)
    each->roll_back();
  for (auto* each : ready())
    each->forget_records();
  epoch_since_ = INT64_MIN;
  fetch_again_ = true;
}

void kafka_worker::recover(const call_error& from, const std::vector<partition_shard*>& which) {
  ++counts_.aborts;
  epoch_size_.failed();
  rules_.environment.log(log_level::warning, fmt::format("an epoch was not committed: {} ({})", from.text, from.code));
  if (from.next == next_action::abort) {
    const auto aborted = producer_->abort();
    roll_back(which);
    // A request of the transaction may still be under way.
    if (not aborted or producer_->had_errors()) {
      phase_ = phase::recycling;
      producer_.reset();
    }
    return;
  }
  roll_back(which);
  producer_.reset();
  const bool fenced = from.code == "_FENCED";
  phase_ = fenced ? phase::fenced : phase::recycling;
  fenced_at_ = rules_.environment.steady();
}

// For two heartbeats: does the group still have this member? A new producer would fence the other process back.
void kafka_worker::watch_fence() {
  // Records are dropped: they will be fetched again.
  group_->poll(milliseconds{50});
  if (const auto fatal = group_->failure(); not fatal)
    return end_with(fmt::format("another process took over as instance {}: {} ({})", rules_.worker_name,
                                fatal.error().text, fatal.error().code));
  if (rules_.environment.steady() - fenced_at_ < 2 * rules_.bounds.group_heartbeat.count()) return;
  if (group_->assignment_lost()) revoked(true);
  phase_ = phase::recycling;
}

// A new producer ends what the old one left open; then the group's offsets show whether the last epoch was committed.
void kafka_worker::recycle() {
  if (rules_.environment.steady() < not_before_) {
    group_->poll(milliseconds{10});
    return;
  }
  const auto topics = all_topics();
  producer_ = brokers_.make_producer(rules_.worker_name);
  const auto done = producer_->prepare(topics);
  if (not done) {
    rules_.environment.log(log_level::warning,
                           fmt::format("preparing the producer: {} ({})", done.error().text, done.error().code));
    producer_.reset();
    not_before_ = rules_.environment.steady() + retry_ms;
    return;
  }
  ++counts_.recycled;
  phase_ = phase::running;
  if (not group_has_our_offsets()) restart_takeovers();
  fetch_again_ = true;
}

// Instead of S4 to S8: the group's epochs and offsets are ours, so what is in memory is right.
bool kafka_worker::group_has_our_offsets() {
  for (const auto* each : ready()) {
    if (not each->has_committed()) return false;
    const auto ours = each->offsets();
    std::vector<topic_partition> inputs;
    for (const auto& one : ours)
      inputs.push_back(one.of);
    const auto committed = group_->committed(inputs);
    if (not committed) return false;
    for (std::size_t i = 0; i < ours.size(); ++i)
      if ((*committed)[i].offset != ours[i].offset or (*committed)[i].metadata != ours[i].metadata) return false;
  }
  return true;
}

void kafka_worker::restart_takeovers() {
  for (auto& [partition, each] : owned_) {
    std::unique_ptr<partition_store> store;
    if (each.shard) {
      counts_.totals += each.shard->totals();
      store = each.shard->give_up_store();
      each.shard.reset();
      if (auto status = store->drain(); not status) return end_with(status.error().message);
    }
    each.taking = begin_takeover(partition, std::move(store));
  }
}

} // namespace fairuse::kafka
