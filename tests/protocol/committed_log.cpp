// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/committed_log.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "storage/partition_store.hpp"
#include "streams/kafka/worker/partition_shard.hpp"

namespace fairuse::protocol {

namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char each : bytes)
    text +=
        each >= ' ' and each <= '~' ? std::string(1, each) : fmt::format("<{:02x}>", static_cast<unsigned char>(each));
  return text;
}

// I3, I6: gapless numbers, ranges that meet, time that does not go back, and one chain through all of it.
void read_journal(fixture& in, committed_log& made) {
  std::string chain;
  time_ms now = INT64_MIN;
  std::map<std::uint32_t, std::int64_t> next;
  for (const auto& entry : in.log.records({in.topics.journal, made.partition}, kafka::isolation::committed)) {
    auto record = decode_epoch_record(*entry.what.value);
    if (not record) fail("I3: journal [{}] at {} does not decode", made.partition, entry.offset);
    const auto number = made.epochs.size();
    if (record->epoch != number)
      fail("I6: journal [{}] holds epoch {} where {} has to be", made.partition, record->epoch, number);
    if (not follows(*entry.what.value, chain)) fail("I6: epoch {} [{}] breaks the chain", number, made.partition);
    if (record->now < now) fail("I3: time goes back in epoch {} [{}]", number, made.partition);
    for (const auto& range : record->inputs) {
      const auto known = next.find(range.topic);
      if (known != next.end() and known->second != range.from)
        fail("I3: epoch {} [{}] begins at {} of input {} and not at {}", number, made.partition, range.from,
             range.topic, known->second);
      next[range.topic] = range.next;
    }
    chain = record->chain;
    now = record->now;
    made.epochs.push_back({std::move(*record), *entry.what.value, {}});
  }
  if (made.epochs.empty()) fail("I8: partition {} never committed an epoch", made.partition);
}

// I1: every record that readers see is in exactly one epoch.
void check_inputs(fixture& in, const committed_log& made) {
  for (std::uint32_t i = 0; i < in.inputs().size(); ++i) {
    const auto& topic = in.inputs()[i];
    std::int64_t reached = 0;
    for (const auto& each : made.epochs) {
      const auto& range = each.record.inputs.at(i);
      const auto there = records_in(in, topic, made.partition, range.from, range.next).size();
      if (there != range.count)
        fail("I1: epoch {} [{}] took {} records of {} in [{}, {}), and there are {}", each.record.epoch, made.partition,
             range.count, topic, range.from, range.next, there);
      reached = range.next;
    }
    if (not records_in(in, topic, made.partition, reached, INT64_MAX).empty())
      fail("I1: partition {} of {} was read up to {} only", made.partition, topic, reached);
    if (not records_in(in, topic, made.partition, 0, made.epochs.front().record.inputs.at(i).from).empty())
      fail("I1: partition {} of {} was not read from its beginning", made.partition, topic);
    const auto& committed = in.log.group("fairuse").committed();
    const auto found = committed.find({topic, made.partition});
    if (found == committed.end() or found->second.offset != reached)
      fail("I4: the group is not where the journal ends: {} [{}]", topic, made.partition);
    if (found->second.metadata != kafka::offset_metadata(made.last.epoch))
      fail("I4: the group stands at '{}' of {} [{}], the journal at epoch {}", found->second.metadata, topic,
           made.partition, made.last.epoch);
  }
}

// I4: what an epoch wrote to the changelog is there as the journal says, and ends with its meta row.
void read_changelog(fixture& in, committed_log& made) {
  std::vector<written_row> rows;
  std::size_t number = 0;
  for (const auto& entry : in.log.records({in.topics.changelog, made.partition}, kafka::isolation::committed)) {
    if (*entry.what.key != partition_meta_key()) {
      rows.emplace_back(*entry.what.key, entry.what.value);
      if (entry.what.value)
        made.fold[*entry.what.key] = *entry.what.value;
      else
        made.fold.erase(*entry.what.key);
      continue;
    }
    auto meta = decode_partition_meta(*entry.what.value);
    if (not meta) fail("I4: a meta row of changelog [{}] does not decode", made.partition);
    made.last = std::move(*meta);
    if (in.settings.compacts) continue;
    if (number >= made.epochs.size() or made.last.epoch != number)
      fail("I4: changelog [{}] tells of epoch {} where {} has to be", made.partition, made.last.epoch, number);
    auto& epoch = made.epochs[number++];
    piece_digest digest(piece_digest::kind::xxh3_128);
    for (const auto& [key, value] : rows) {
      digest.add(key);
      value ? digest.add(*value) : digest.add_null();
    }
    if (rows.size() != epoch.record.rows or digest.finish() != epoch.record.rows_digest)
      fail("I4: changelog [{}] of epoch {} is not what its journal says: {} rows of {}", made.partition,
           made.last.epoch, rows.size(), epoch.record.rows);
    epoch.rows = std::exchange(rows, {});
  }
  if (not in.settings.compacts and not rows.empty()) fail("I4: changelog [{}] has rows of no epoch", made.partition);
  if (made.last.epoch + 1 != made.epochs.size())
    fail("I4: changelog [{}] ends with epoch {}, the journal with {}", made.partition, made.last.epoch,
         made.epochs.size() - 1);
  if (made.last.chain != made.epochs.back().record.chain)
    fail("I4: changelog [{}] and journal end with different chains", made.partition);
}

} // namespace

std::vector<simlog::log_entry> records_in(fixture& in, const std::string& topic, std::int32_t partition,
                                          std::int64_t from, std::int64_t next) {
  std::vector<simlog::log_entry> some;
  const auto& log = in.log.log_of({topic, partition});
  for (auto i = log.index_of(from); i < log.entries().size() and log.entries()[i].offset < next; ++i)
    if (log.entries()[i].shown_to(kafka::isolation::committed)) some.push_back(log.entries()[i]);
  return some;
}

std::string difference(const rows_by_key& one, const rows_by_key& other) {
  for (const auto& [key, value] : one) {
    const auto found = other.find(key);
    if (found == other.end()) return "only the first has " + hex(key);
    if (found->second != value) return "different: " + hex(key) + ": " + hex(value) + " and " + hex(found->second);
  }
  for (const auto& [key, value] : other)
    if (not one.contains(key)) return "only the second has " + hex(key);
  return {};
}

committed_log read_committed_log(fixture& in, std::int32_t partition) {
  committed_log made;
  made.partition = partition;
  read_journal(in, made);
  read_changelog(in, made);
  check_inputs(in, made);
  return made;
}

void check_store(fixture& in, const committed_log& of, const std::filesystem::path& folder) {
  auto opened = partition_store::open(folder / fmt::format("p{:05}", of.partition),
                                      {.case_key = case_key, .write_buffer_bytes = store_buffer_bytes});
  if (not opened) fail("I5: the store of partition {} does not open: {}", of.partition, opened.error().message);
  rows_by_key rows;
  const auto status = (*opened)->each_row([&](const state_row& row) { rows.emplace(row.key, *row.value); });
  if (not status) fail("I5: the store of partition {} cannot be read", of.partition);
  if (const auto differs = difference(rows, of.fold); not differs.empty())
    fail("I5: store [{}] is not the fold of its changelog: {}", of.partition, differs);
  const auto& meta = (*opened)->meta();
  if (not meta or meta->epoch != of.last.epoch or meta->chain != of.last.chain or meta->inputs != of.last.inputs)
    fail("I5: store [{}] is not at the last epoch", of.partition);
  (void)in;
}

void check_ids(fixture& in) {
  for (const auto& topic :
       {in.topics.decisions, in.topics.notifications, in.topics.enforcement, in.topics.review_requests}) {
    std::set<std::string> ids;
    for (std::int32_t p = 0; p < in.settings.partitions; ++p)
      for (const auto& entry : in.log.records({topic, p}, kafka::isolation::committed))
        for (const auto& [name, value] : entry.what.headers)
          if (name == "ce_id" and not ids.insert(*value).second) fail("I2: {} holds {} twice", topic, *value);
  }
}

} // namespace fairuse::protocol
