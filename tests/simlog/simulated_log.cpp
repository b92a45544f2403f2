// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/simulated_log.hpp"

#include <algorithm>
#include <cassert>

namespace fairuse::simlog {

namespace {

/// Time advances by at most this at once, so late requests come in about their order.
constexpr time_ms longest_step = 50;

} // namespace

simulated_log::simulated_log(log_options how)
  : options_(how), now_(how.start), next_scan_(how.start + how.scan.count()) {}

void simulated_log::make_topic(const std::string& name, std::int32_t partitions) {
  assert(partitions > 0 && !topics_.contains(name));
  topics_[name].resize(static_cast<std::size_t>(partitions));
}

void simulated_log::advance(milliseconds span) {
  const time_ms target = now_ + span.count();
  while (now_ < target)
    advance_to(std::min(target, now_ + longest_step));
}

void simulated_log::advance_to(time_ms to) {
  const bool was_down = !reachable();
  now_ = to;
  if (!reachable()) return;
  if (was_down)
    for (auto& [name, each] : groups_)
      each.restart_sessions(now_);
  deliver_late(false);
  for (auto& [name, each] : groups_)
    each.expire(now_);
  if (now_ < next_scan_) return;
  next_scan_ = now_ + options_.scan.count();
  transactions_.expire(now_, writer({}));
}

void simulated_log::outage(milliseconds span) { down_until_ = std::max(down_until_, now_ + span.count()); }

void simulated_log::time_out(const std::string& transactional_id) {
  transactions_.overdue(transactional_id);
  now_ += 1;
  transactions_.expire(now_, writer({}));
}

void simulated_log::settle() { deliver_late(true); }

void simulated_log::deliver_late(bool all) {
  for (auto each = late_.begin(); each != late_.end();) {
    if (!all && each->at_call > calls_ && each->at > now_) {
      ++each;
      continue;
    }
    const auto what = std::move(each->what);
    each = late_.erase(each);
    what();
  }
}

partition_log& simulated_log::log_of(const topic_partition& of) {
  return topics_.at(of.topic).at(static_cast<std::size_t>(of.partition));
}

const partition_log& simulated_log::log_of(const topic_partition& of) const {
  return topics_.at(of.topic).at(static_cast<std::size_t>(of.partition));
}

std::int32_t simulated_log::partition_count(const std::string& topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? 0 : static_cast<std::int32_t>(found->second.size());
}

std::vector<log_entry> simulated_log::records(const topic_partition& of, kafka::isolation how) const {
  const partition_log& log = log_of(of);
  std::vector<log_entry> seen;
  for (const log_entry& each : log.entries())
    if (each.offset < log.limit(how) && each.shown_to(how)) seen.push_back(each);
  return seen;
}

std::size_t simulated_log::markers(const topic_partition& of) const {
  const auto& entries = log_of(of).entries();
  return static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(),
                                                [](const log_entry& each) { return each.kind != entry_kind::record; }));
}

group_coordinator& simulated_log::group(const std::string& name) {
  group_coordinator& found = groups_[name];
  if (!found.count_partitions)
    found.count_partitions = [this](const std::string& topic) { return partition_count(topic); };
  return found;
}

void simulated_log::arrive() {
  ++calls_;
  if (reachable()) deliver_late(false);
}

transaction_coordinator::marker_writer simulated_log::writer(const marker_delays& delays) {
  return [this, delays](const std::string& id, const transaction& which, bool commit) {
    const auto write = [&](std::function<void()> marker) {
      const auto when = delays ? delays() : std::nullopt;
      if (when)
        later(*when, std::move(marker));
      else
        marker();
    };
    for (const topic_partition& part : which.partitions)
      write([this, id, part, by = which.producer, commit] {
        log_of(part).end_transaction(by, now_, commit);
        transactions_.marker_written(id);
      });
    for (const std::string& name : which.groups)
      write([this, id, name, by = which.producer, commit] {
        group(name).end_transaction(by, commit);
        transactions_.marker_written(id);
      });
  };
}

error_code simulated_log::init(credentials& who, milliseconds timeout, const marker_delays& delays) {
  return transactions_.init(who, timeout.count(), writer(delays));
}

error_code simulated_log::add_partition(const credentials& who, const topic_partition& part) {
  if (part.partition < 0 || part.partition >= partition_count(part.topic)) return "UNKNOWN_TOPIC_OR_PART";
  return transactions_.add_partition(who, part, now_);
}

error_code simulated_log::append(const credentials& who, const topic_partition& part, stored_record what,
                                 std::int64_t& offset) {
  const error_code refused = transactions_.verify(who, part);
  if (refused.empty()) offset = log_of(part).append(who.producer, now_, std::move(what));
  return refused;
}

error_code simulated_log::add_group(const credentials& who, const std::string& group) {
  return transactions_.add_group(who, group, now_);
}

error_code simulated_log::send_offsets(const credentials& who, const identity& as, const offset_map& offsets) {
  if (const error_code refused = transactions_.verify_group(who, as.group); !refused.empty()) return refused;
  return group(as.group).hold(who.producer, as, offsets);
}

error_code simulated_log::end(const credentials& who, bool commit, const marker_delays& delays) {
  return transactions_.end(who, commit, writer(delays));
}

void simulated_log::later(const delay& when, std::function<void()> what) {
  late_.push_back({calls_ + when.calls, now_ + when.span, std::move(what)});
}

} // namespace fairuse::simlog
