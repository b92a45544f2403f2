// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "streams/kafka/worker/partition_shard.hpp"
#include "tests/torture/evidence.hpp"

namespace fairuse::torture {

namespace {

std::string place(std::size_t partition, std::uint64_t epoch) {
  return fmt::format("partition {} epoch {}", partition, epoch);
}

std::int64_t records_between(const stored_log& log, std::int64_t from, std::int64_t next) {
  const auto before = [](const stored_record& each, std::int64_t offset) { return each.offset < offset; };
  return std::lower_bound(log.records.begin(), log.records.end(), next, before)
         - std::lower_bound(log.records.begin(), log.records.end(), from, before);
}

void check_ranges(const evidence& from, std::size_t partition, const epoch_record& record,
                  std::vector<std::int64_t>& reached, findings& out) {
  const auto where = place(partition, record.epoch);
  out.expect(record.inputs.size() == from.inputs.size(), where + ": not every input has a range");
  for (const auto& range : record.inputs) {
    if (range.topic >= from.inputs.size()) return out.fail(where + ": a range of an input that there is not");
    auto& at = reached[range.topic];
    if (range.from != at)
      out.fail(fmt::format("{}: input {} goes on at {} and not at {}", where, range.topic, range.from, at));
    if (range.next < range.from) out.fail(where + ": a range goes backwards");
    at = range.next;
    const auto there = records_between(from.inputs[range.topic][partition], range.from, range.next);
    // An epoch of timers alone counts nothing and takes nothing.
    if (there != std::int64_t{range.count})
      out.fail(fmt::format("{}: input {} [{}, {}) holds {} records, the journal counts {}", where, range.topic,
                           range.from, range.next, there, range.count));
    out.counts["input_records"] += static_cast<std::uint64_t>(there);
  }
  for (const auto& gap : record.skipped)
    out.expect(records_between(from.inputs.at(gap.topic)[partition], gap.from, gap.next) == 0,
               where + ": records were skipped");
}

void check_ends(const evidence& from, std::size_t partition, findings& out) {
  const auto closed = [&](const stored_log& log, std::string_view what) {
    if (log.end != log.high)
      out.fail(fmt::format("partition {} of {}: a transaction is open at {}, the log ends at {}", partition, what,
                           log.end, log.high));
  };
  for (const auto& input : from.inputs)
    closed(input[partition], "an input");
  closed(from.decisions[partition], "decisions");
  closed(from.notifications[partition], "notifications");
  closed(from.enforcement[partition], "enforcement");
  closed(from.review_requests[partition], "review requests");
  closed(from.dead_letters[partition], "dead letters");
  closed(from.journal[partition], "the journal");
  closed(from.changelog[partition], "the changelog");
}

} // namespace

std::vector<epoch_record> read_journal(const evidence& from, std::size_t partition, findings& out) {
  std::vector<epoch_record> epochs;
  std::string chain;
  for (const auto& each : from.journal[partition].records) {
    auto record = each.value ? decode_epoch_record(*each.value) : std::nullopt;
    if (not record) {
      out.fail(fmt::format("partition {}: journal record {} does not decode", partition, each.offset));
      continue;
    }
    if (not follows(*each.value, chain))
      out.fail(place(partition, record->epoch) + " does not follow on the one before it in the journal");
    chain = record->chain;
    epochs.push_back(std::move(*record));
  }
  return epochs;
}

void check_journal(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs,
                   findings& out) {
  std::vector<std::int64_t> reached(from.inputs.size(), 0);
  time_ms now = 0;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const auto& record = epochs[i];
    if (record.epoch != i)
      out.fail(fmt::format("partition {}: journal record {} is epoch {}", partition, i, record.epoch));
    out.expect(record.now >= now, place(partition, record.epoch) + ": its clock went back");
    now = record.now;
    check_ranges(from, partition, record, reached, out);
  }
  out.counts["epochs"] += epochs.size();
  check_ends(from, partition, out);
  if (epochs.empty()) return out.fail(fmt::format("partition {}: no epoch was committed", partition));
  for (std::size_t i = 0; i < from.inputs.size(); ++i) {
    const auto& group = from.offsets[i][partition];
    const auto metadata = kafka::offset_metadata(epochs.back().epoch);
    if (group.offset != reached[i] or group.metadata != metadata)
      out.fail(fmt::format("partition {}: the group stands at {} ('{}') of input {}, the journal at {} ('{}')",
                           partition, group.offset, group.metadata, i, reached[i], metadata));
    const auto& log = from.inputs[i][partition].records;
    if (not log.empty() and log.back().offset >= reached[i])
      out.fail(fmt::format("partition {}: input {} ends with record {}, decided is up to {}", partition, i,
                           log.back().offset, reached[i]));
  }
}

} // namespace fairuse::torture
