// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/copier.hpp"

namespace fairuse::simlog {

using kafka::call_result;
using kafka::next_action;

copier::copier(kafka::cluster& on, std::string instance, copier_guards guards)
  : cluster_(on), instance_(std::move(instance)), guards_(guards) {
  member_ = cluster_.join({"copiers", instance_, {"in"}}, *this);
}

void copier::assigned(std::span<const topic_partition> parts) {
  mine_.assign(parts.begin(), parts.end());
  go_back();
}

void copier::revoked(bool) {
  mine_.clear();
  go_back();
}

void copier::work() {
  if (over_ || !ready_to_write()) return;
  const auto batch = member_->poll(milliseconds{0});
  if (!member_->failure()) {
    over_ = true;
    return;
  }
  if (mine_.empty() || !ready_to_read()) return;
  if (batch) copy(*batch);
}

bool copier::ready_to_write() {
  if (!producer_) {
    producer_ = cluster_.make_producer(instance_);
    prepared_ = false;
  }
  if (prepared_) return true;
  const std::vector<std::string> topics{"out"};
  const call_result<> seen = producer_->prepare(topics);
  if (asks_for(seen, next_action::broken)) producer_.reset();
  return prepared_ = seen.has_value();
}

bool copier::ready_to_read() {
  if (positioned_) return true;
  const auto stored = member_->committed(mine_);
  if (!stored) return false;
  next_.clear();
  std::vector<kafka::position> from;
  for (const kafka::committed_offset& each : *stored)
    from.push_back({each.of, next_[each.of] = std::max<std::int64_t>(each.offset, 0)});
  positioned_ = member_->fetch(from).has_value();
  return false;
}

std::vector<const kafka::record*> copier::in_order(const kafka::record_batch& batch) {
  std::vector<const kafka::record*> taken;
  std::set<topic_partition> stopped;
  bool back = false;
  for (const kafka::record& each : batch.records()) {
    const topic_partition of{std::string(each.topic), each.partition};
    std::int64_t& expected = next_[of];
    if (stopped.contains(of) || each.offset < expected) continue;
    const std::pair jump{expected, each.offset};
    if (each.offset > expected && guards_.doubts_gaps && doubted_[of] != jump) {
      doubted_[of] = jump;
      stopped.insert(of);
      back = true;
      continue;
    }
    expected = each.offset + 1;
    taken.push_back(&each);
  }
  if (!back) return taken;
  std::vector<kafka::position> from;
  for (const auto& [of, offset] : next_)
    from.push_back({of, offset});
  // Where it fails, the next batch jumps again.
  (void)member_->fetch(from);
  return taken;
}

void copier::copy(const kafka::record_batch& batch) {
  const auto records = in_order(batch);
  if (records.empty()) return;
  const call_result<> seen = transact(records);
  const bool had_errors = guards_.recycles && producer_->had_errors();
  if (seen) {
    if (had_errors) producer_.reset();
    return;
  }
  const bool aborted = asks_for(seen, next_action::abort) && producer_->abort().has_value();
  if (!aborted || had_errors) producer_.reset();
  if (guards_.goes_back || !aborted) go_back();
}

call_result<> copier::insist(const std::function<call_result<>()>& call) {
  call_result<> seen = call();
  for (int tries = 0; asks_for(seen, next_action::again) && tries < 2'000; ++tries)
    seen = call();
  return seen;
}

call_result<> copier::transact(const std::vector<const kafka::record*>& records) {
  if (call_result<> seen = producer_->begin(); !seen) return seen;
  for (const kafka::record* each : records)
    producer_->produce("out", each->partition, std::to_string(each->partition) + "/" + std::to_string(each->offset),
                       each->value, {});
  if (call_result<> seen = insist([&] { return producer_->flush(); }); !seen) return seen;
  std::vector<kafka::committed_offset> offsets;
  for (const auto& [of, offset] : next_)
    offsets.push_back({of, offset, "copied"});
  if (call_result<> seen = insist([&] { return producer_->send_offsets(offsets, *member_); }); !seen) return seen;
  return insist([&] { return producer_->commit(); });
}

} // namespace fairuse::simlog
