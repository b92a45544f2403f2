// SPDX-License-Identifier: Apache-2.0

#include "api/kafka_intake.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "streams/kafka/broker/read_committed.hpp"

namespace fairuse {

using kafka::call_error;
using kafka::call_result;
using kafka::next_action;

kafka_intake::kafka_intake(intake_options options, kafka::cluster& brokers, owner told)
  : options_{std::move(options)}, brokers_{brokers}, told_{std::move(told)} {
  group_ = brokers_.join({.group = options_.group, .instance = options_.instance, .topics = {options_.topic}}, *this);
}

namespace {

/// A person should wait no longer for the first answer of a broker.
constexpr int questions_again_max = 9;
/// Nothing but markers is there if no record comes.
constexpr kafka::milliseconds end_wait{200};

} // namespace

result<std::unique_ptr<kafka_intake>> kafka_intake::make(intake_options options, kafka::cluster& brokers, owner told) {
  std::vector<std::string> topics{options.topic};
  topics.insert(topics.end(), options.outputs.begin(), options.outputs.end());
  const auto counts = kafka::retried([&] { return brokers.partition_counts(topics); }, questions_again_max);
  if (not counts)
    return error{fmt::format("cannot ask the brokers about topics: {} ({})", counts.error().text, counts.error().code)};
  for (std::size_t t = 0; t < topics.size(); ++t) {
    if ((*counts)[t] == 0)
      return error{fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", topics[t])};
    if ((*counts)[t] != counts->front())
      return error{fmt::format("{} has {} partitions and {} has {}: what belongs together must have equally many",
                               topics.front(), counts->front(), topics[t], (*counts)[t])};
  }
  return std::unique_ptr<kafka_intake>(new kafka_intake(std::move(options), brokers, std::move(told)));
}

kafka_intake::~kafka_intake() {
  producer_.reset();
  group_->close();
}

void kafka_intake::assigned(std::span<const kafka::topic_partition> partitions) {
  forget();
  std::vector<std::int32_t> given;
  for (const auto& each : partitions) {
    partitions_[each.partition];
    given.push_back(each.partition);
  }
  starts_ = true;
  told_.assigned(given);
}

// They are another member's after the return, which takes again what is not committed now.
void kafka_intake::revoked(bool lost) {
  if (not lost and has_something() and not unsure_) static_cast<void>(commit());
  forget();
  told_.assigned({});
}

void kafka_intake::forget() {
  partitions_.clear();
  places_.clear();
  ahead_.clear();
}

result<void> kafka_intake::poll(kafka::milliseconds wait) {
  if (not fatal_) return fatal_;
  if (auto served = serve(group_->failure()); not served) return served;
  if (starts_)
    if (auto started = start(); not started) return started;
  pause_or_resume();
  if (const auto batch = group_->poll(wait)) take(*batch);
  return fatal_;
}

result<void> kafka_intake::serve(const call_result<>& failure) {
  if (failure) return {};
  const auto& why = failure.error();
  if (why.code != "OFFSET_OUT_OF_RANGE") return error{fmt::format("{} ({})", why.text, why.code)};
  // Retention has removed them, so nobody waits for them any more.
  options_.log(log_level::warning,
               fmt::format("records of {} were removed before they were taken: going on with the oldest that is there",
                           options_.topic));
  starts_ = true;
  // Of the others nothing comes either before the places are known. If this fails it is told again.
  static_cast<void>(group_->fetch({}));
  return {};
}

// A producer comes first: it ends the transaction that an earlier one of this instance left open, which holds the
// group's offsets back until it times out.
result<void> kafka_intake::start() {
  if (not partitions_.empty()) {
    const auto ready = open_producer();
    if (not ready) return fatal_ = ready.error();
    if (not *ready) return {};
  }
  const auto started = start_fetching();
  if (not started and started.error().next == next_action::broken)
    return error{fmt::format("{} ({})", started.error().text, started.error().code)};
  starts_ = not started;
  return {};
}

// Where the group stands; where it does not stand yet, at the oldest record.
call_result<> kafka_intake::start_fetching() {
  if (partitions_.empty()) return {};
  const auto found = committed_offsets();
  if (not found) return found.error();
  for (const auto& each : *found) {
    auto& state = partitions_.at(each.of.partition);
    const auto log = brokers_.range(each.of, kafka::isolation::committed);
    if (not log) return log.error();
    state.committed = std::max(each.offset, log->low);
    state.metadata = each.metadata;
  }
  drop_committed();
  for (auto& [number, state] : partitions_)
    state.next = state.entries.empty() ? state.committed : state.entries.back().offset + 1;
  paused_ = false;
  unsure_ = false;
  return group_->fetch(next_places());
}

call_result<std::vector<kafka::committed_offset>> kafka_intake::committed_offsets() {
  std::vector<kafka::topic_partition> wanted;
  for (const auto& [number, state] : partitions_)
    wanted.push_back({options_.topic, number});
  return group_->committed(wanted);
}

std::vector<kafka::position> kafka_intake::next_places() const {
  std::vector<kafka::position> places;
  for (const auto& [number, state] : partitions_)
    places.push_back({{options_.topic, number}, state.next});
  return places;
}

// A member must be polled in any case, so what cannot be taken is not fetched.
void kafka_intake::pause_or_resume() {
  if (starts_) return;
  const auto taken = open();
  const bool pause = paused_ ? taken > options_.open_max / 2 : taken >= options_.open_max;
  if (pause == paused_) return;
  if (group_->fetch(pause ? std::vector<kafka::position>{} : next_places())) paused_ = pause;
}

void kafka_intake::take(const kafka::record_batch& batch) {
  const auto records = batch.records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& what = records[i];
    const auto found = partitions_.find(what.partition);
    if (found == partitions_.end()) continue;
    auto& state = found->second;
    state.next = what.offset + 1;
    const auto handle = ++last_handle_;
    state.entries.push_back({.offset = what.offset, .handle = handle});
    places_[handle] = {what.partition, what.offset};
    if (not told_.take(handle, what, batch.headers(i))) finish(handle, {});
  }
}

void kafka_intake::finish(std::uint64_t handle, std::vector<intake_output> outputs) {
  const auto place = places_.find(handle);
  if (place == places_.end()) return;
  auto& entries = partitions_.at(place->second.first).entries;
  const auto found = std::lower_bound(entries.begin(), entries.end(), place->second.second,
                                      [](const entry& each, std::int64_t offset) { return each.offset < offset; });
  found->finished = true;
  found->outputs = std::move(outputs);
  places_.erase(place);
}

void kafka_intake::write_ahead(std::uint64_t handle, std::vector<intake_output> outputs) {
  const auto place = places_.find(handle);
  if (place != places_.end()) ahead_.push_back({place->second.first, std::move(outputs)});
}

bool kafka_intake::has_something() const {
  if (not ahead_.empty()) return true;
  return std::any_of(partitions_.begin(), partitions_.end(), [](const auto& each) {
    return not each.second.entries.empty() and each.second.entries.front().finished;
  });
}

result<void> kafka_intake::commit() {
  if (not fatal_ or not has_something()) return fatal_;
  const auto ready = prepare();
  if (not ready) return fatal_ = ready.error();
  if (not *ready) return {};
  const auto done = transaction();
  if (done)
    settle();
  else
    recover(done.error());
  return fatal_;
}

// False: a broker does not answer, try again later.
result<bool> kafka_intake::open_producer() {
  if (producer_ != nullptr) return true;
  producer_ = brokers_.make_producer(options_.instance);
  const auto made = producer_->prepare(options_.outputs);
  if (made) return true;
  producer_.reset();
  const auto& why = made.error();
  if (why.code == "_FENCED") return error{fmt::format("{} ({})", why.text, why.code)};
  if (++failures_ == 1 and why.next == next_action::broken)
    options_.log(log_level::warning, fmt::format("cannot write yet: {} ({})", why.text, why.code));
  return false;
}

// False: as above.
result<bool> kafka_intake::prepare() {
  if (auto opened = open_producer(); not opened or not *opened) return opened;
  if (not unsure_) return true;
  // The new producer has ended what the old one left open, so the group's offsets tell.
  const auto found = committed_offsets();
  if (not found) return false;
  for (const auto& each : *found)
    partitions_.at(each.of.partition).committed = each.offset;
  unsure_ = false;
  drop_committed();
  return true;
}

call_result<> kafka_intake::transaction() {
  if (auto begun = producer_->begin(); not begun) return begun;
  std::vector<kafka::committed_offset> offsets;
  for (auto& [number, state] : partitions_) {
    state.covered = 0;
    for (const auto& each : state.entries) {
      if (not each.finished) break;
      for (const auto& output : each.outputs)
        produce(number, output);
      ++state.covered;
    }
    if (state.covered == 0) continue;
    const bool all = state.covered == state.entries.size();
    const auto first_open = all ? last_handle_ + 1 : state.entries[state.covered].handle;
    offsets.push_back(
        {{options_.topic, number}, state.entries[state.covered - 1].offset + 1, told_.metadata(number, first_open)});
  }
  ahead_covered_ = ahead_.size();
  for (const auto& each : ahead_)
    for (const auto& output : each.outputs)
      produce(each.partition, output);
  if (auto flushed = producer_->flush(); not flushed) return flushed;
  if (not offsets.empty())
    if (auto sent = kafka::retried([&] { return producer_->send_offsets(offsets, *group_); }); not sent) return sent;
  return kafka::retried([&] { return producer_->commit(); });
}

void kafka_intake::produce(std::int32_t partition, const intake_output& what) {
  std::vector<kafka::header> headers;
  for (const auto& [name, value] : what.headers)
    headers.push_back({name, value});
  producer_->produce(what.topic, partition, what.key, what.value, headers);
}

void kafka_intake::settle() {
  failures_ = 0;
  for (auto& [number, state] : partitions_) {
    if (state.covered == 0) continue;
    state.committed = state.entries[state.covered - 1].offset + 1;
  }
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(ahead_covered_));
  drop_committed();
  if (producer_->had_errors()) producer_.reset();
}

void kafka_intake::drop_committed() {
  for (auto& [number, state] : partitions_)
    while (not state.entries.empty() and state.entries.front().offset < state.committed) {
      places_.erase(state.entries.front().handle);
      state.entries.pop_front();
    }
}

// Nothing is lost: all of it is tried again, unless the group says that it was committed. Whether another process has
// this instance is for the group to say, too: a transaction that timed out is fenced as well.
void kafka_intake::recover(const call_error& from) {
  if (++failures_ == 1)
    options_.log(log_level::warning, fmt::format("a commit did not go through: {} ({})", from.text, from.code));
  if (from.next == next_action::abort and producer_->abort() and not producer_->had_errors()) return;
  producer_.reset();
  unsure_ = true;
}

std::string kafka_intake::committed_metadata(std::int32_t partition) const {
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? std::string{} : found->second.metadata;
}

std::size_t kafka_intake::open() const {
  std::size_t sum = 0;
  for (const auto& [number, state] : partitions_)
    sum += state.entries.size();
  return sum;
}

bool kafka_intake::at_end() {
  if (starts_ or partitions_.empty() or open() > 0 or not ahead_.empty()) return false;
  std::vector<kafka::position> unread;
  std::vector<kafka::position> ends;
  for (const auto& [of, next] : next_places()) {
    const auto log = brokers_.range(of, kafka::isolation::committed);
    if (not log) return false;
    if (next >= log->high) continue;
    unread.push_back({of, std::max(next, log->low)});
    ends.push_back({of, log->high});
  }
  if (ends.empty()) return true;
  // The markers of transactions stand behind the last record, so only reading tells.
  const auto reading = brokers_.make_reader(kafka::isolation::committed);
  if (not reading->start(unread) or reading->poll(end_wait) != nullptr) return false;
  return std::all_of(ends.begin(), ends.end(),
                     [&](const kafka::position& end) { return reading->position_of(end.of) >= end.offset; });
}

} // namespace fairuse
