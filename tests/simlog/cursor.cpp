// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "tests/simlog/clients.hpp"

namespace fairuse::simlog {

namespace {

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

class simulated_batch : public kafka::record_batch {
public:
  /// REQUIRES: seal() after the last.
  void add(const topic_partition& from, const log_entry& entry) { taken_.push_back({from, entry}); }
  bool empty() const { return taken_.empty(); }
  std::size_t size() const { return taken_.size(); }

  void seal() {
    for (const auto& [from, entry] : taken_)
      records_.push_back({from.topic, from.partition, entry.offset, entry.timestamp, view_of(entry.what.key),
                          view_of(entry.what.value)});
  }
  std::vector<kafka::header> headers(std::size_t i) const override {
    std::vector<kafka::header> seen;
    for (const auto& [name, value] : taken_[i].second.what.headers)
      seen.push_back({name, view_of(value)});
    return seen;
  }

private:
  std::vector<std::pair<topic_partition, log_entry>> taken_;
};

} // namespace

void cursor::start(std::span<const kafka::position> from) {
  stop();
  for (const kafka::position& each : from)
    places_[each.of].next = each.offset;
}

std::unique_ptr<kafka::record_batch> cursor::take(const simulated_log& log, std::size_t most) {
  auto batch = std::make_unique<simulated_batch>();
  for (auto& [of, where] : places_) {
    const partition_log& part = log.log_of(of);
    if (where.next < part.log_start() || where.next > part.log_end()) {
      failure_ =
          kafka::call_error{kafka::next_action::broken, "OFFSET_OUT_OF_RANGE",
                            of.topic + " [" + std::to_string(of.partition) + "]: the log does not have this offset"};
      continue;
    }
    const std::int64_t limit = part.limit(how_);
    where.stable = part.last_stable();
    std::size_t i = part.index_of(where.next);
    for (; i < part.entries().size() && part.entries()[i].offset < limit && batch->size() < most; ++i) {
      const log_entry& entry = part.entries()[i];
      if (entry.shown_to(how_)) batch->add(of, entry);
      where.next = entry.offset + 1;
    }
    // No further record: compacted or hidden offsets are passed.
    if (i >= part.entries().size() || part.entries()[i].offset >= limit) where.next = std::max(where.next, limit);
  }
  if (batch->empty()) return nullptr;
  batch->seal();
  return batch;
}

bool cursor::skip(const simulated_log& log, std::size_t count) {
  for (auto& [of, where] : places_) {
    const auto before = skipped_.find(of);
    if (before != skipped_.end() && where.next <= before->second) continue;
    const partition_log& part = log.log_of(of);
    std::vector<std::int64_t> ahead;
    for (std::size_t i = part.index_of(where.next); i < part.entries().size() && ahead.size() <= count; ++i) {
      const log_entry& entry = part.entries()[i];
      if (entry.offset < part.limit(how_) && entry.shown_to(how_)) ahead.push_back(entry.offset);
    }
    if (ahead.size() <= count) continue;
    skipped_[of] = where.next = ahead.back();
    return true;
  }
  return false;
}

std::int64_t cursor::position_of(const topic_partition& of) const {
  const auto found = places_.find(of);
  return found == places_.end() ? -1 : found->second.next;
}

std::int64_t cursor::last_stable(const topic_partition& of) const {
  const auto found = places_.find(of);
  return found == places_.end() ? -1 : found->second.stable;
}

kafka::call_result<> simulated_reader::start(std::span<const kafka::position> from) {
  if (process_.dead()) return process::gone();
  process_.leave(point::read, process_.pass(point::read));
  cursor_.start(from);
  return {};
}

std::unique_ptr<kafka::record_batch> simulated_reader::poll(milliseconds) {
  if (process_.dead()) return nullptr;
  const fault what = process_.pass(point::read);
  if (!process_.log.reachable()) {
    // A reader that wants to reach an end asks again and again.
    process_.log.waited();
    return nullptr;
  }
  const std::size_t most = what == fault::short_batch ? 1 + process_.faults.below(8) : process_.options.batch;
  return cursor_.take(process_.log, most);
}

} // namespace fairuse::simlog
