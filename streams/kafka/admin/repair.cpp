// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/admin/repair.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/partition_store.hpp"
#include "streams/kafka/broker/read_committed.hpp"
#include "streams/kafka/worker/partition_shard.hpp"
#include "streams/kafka/worker/takeover.hpp"

namespace fairuse::kafka {

namespace {

using std::chrono::steady_clock;

constexpr milliseconds poll_wait{100};
/// Of the journal: enough to find its last record behind markers and aborted epochs.
constexpr std::int64_t journal_tail = 10'000;
/// Type of the rows of erased users.
constexpr char erased_row = 'e';

call_error give_up(std::string code, std::string text) {
  return {next_action::broken, std::move(code), std::move(text)};
}

/// The end of the log, whatever is open in it.
call_result<log_range> range_of(cluster& brokers, const repair_target& at, const std::string& topic, isolation how) {
  return retried([&] { return brokers.range({topic, at.partition}, how); });
}

call_result<> read_rows(cluster& brokers, const repair_target& at, repair_facts& into) {
  const auto log = range_of(brokers, at, at.outputs.changelog, isolation::uncommitted);
  if (not log) return log.error();
  std::set<std::string> rows;
  std::optional<std::string> meta;
  const auto visit = [&](const record& each) {
    const std::string key{each.key.value_or("")};
    if (key == partition_meta_key()) {
      meta = each.value ? std::optional<std::string>(*each.value) : std::nullopt;
    } else if (key.empty() or key.front() == erased_row) {
      return;
    } else if (each.value) {
      rows.insert(key);
    } else {
      rows.erase(key);
    }
  };
  if (auto done =
          read_committed(brokers, {at.outputs.changelog, at.partition}, log->low, log->high, at.patience, visit);
      not done)
    return done;
  into.rows.assign(rows.begin(), rows.end());
  if (not meta) return {};
  auto read = decode_partition_meta(*meta);
  if (not read)
    return give_up("_BAD_MSG", read.error() == meta_fault::newer
                                   ? "The changelog was written by a newer version: repair it with that one"
                                   : "The changelog's last meta record does not decode");
  into.meta = std::move(*read);
  return {};
}

call_result<> read_journal(cluster& brokers, const repair_target& at, repair_facts& into) {
  const auto log = range_of(brokers, at, at.outputs.journal, isolation::uncommitted);
  if (not log) return log.error();
  return read_committed(brokers, {at.outputs.journal, at.partition}, std::max(log->low, log->high - journal_tail),
                        log->high, at.patience, [&into](const record& each) {
                          const auto read = each.value ? decode_epoch_record(*each.value) : std::nullopt;
                          if (not read) return;
                          into.journal_epoch = read->epoch;
                          into.journal_chain = read->chain;
                        });
}

/// Nullopt: the input still has this offset.
std::optional<std::string> outside(const repair_target& at, const repair_facts& found, const std::string& topic,
                                   std::int64_t next) {
  const auto input = std::find(at.inputs.begin(), at.inputs.end(), topic);
  if (input == at.inputs.end()) return std::nullopt;
  const auto& log = found.logs[static_cast<std::size_t>(input - at.inputs.begin())];
  if (next >= log.low and next <= log.high) return std::nullopt;
  return fmt::format("{} [{}] has offsets {} to {}, and {} is wanted", topic, at.partition, log.low, log.high, next);
}

std::uint64_t last_epoch_of(const repair_facts& found) {
  std::uint64_t epoch = found.meta ? found.meta->epoch : 0;
  epoch = std::max(epoch, found.journal_epoch.value_or(0));
  for (const auto& each : found.group)
    epoch = std::max(epoch, epoch_of_metadata(each.metadata).value_or(0));
  return epoch;
}

/// Where a partition that starts over begins to read: the group's offset, else the changelog's, else `start`, and never
/// outside of the log.
std::int64_t place_of(const repair_target& at, const repair_facts& found, std::size_t input) {
  const auto& log = found.logs[input];
  auto next = found.group[input].offset;
  if (next < 0 and found.meta)
    for (const auto& each : found.meta->inputs)
      if (each.topic == at.inputs[input]) next = each.next;
  if (next < 0) next = at.start.where == start_place::latest ? log.high : log.low;
  return std::clamp(next, log.low, log.high);
}

/// The only member of the group, as long as it exists.
class lone_member final : public membership {
public:
  void assigned(std::span<const topic_partition> partitions) override { assigned_ = partitions.size(); }
  void revoked(bool) override { assigned_ = 0; }

  call_result<> join(cluster& brokers, const repair_target& at) {
    group_ = brokers.join({at.app, {}, at.inputs}, *this);
    const auto all = at.inputs.size() * static_cast<std::size_t>(at.partitions);
    const auto until = steady_clock::now() + at.patience;
    while (assigned_ == 0) {
      if (group_->poll(poll_wait)) continue;
      if (auto stuck = group_->failure(); not stuck) return stuck;
      if (steady_clock::now() > until)
        return give_up("_TIMED_OUT", fmt::format("Group {} did not let anybody in", at.app));
    }
    if (assigned_ != all)
      return give_up("NON_EMPTY_GROUP", fmt::format("Somebody else is in group {}: stop all of its instances", at.app));
    return {};
  }
  group_consumer& group() { return *group_; }

private:
  std::unique_ptr<group_consumer> group_;
  std::size_t assigned_ = 0;
};

bool same(const repair_plan& left, const repair_plan& right) {
  const auto equal = [](const committed_offset& one, const committed_offset& other) {
    return one.of == other.of and one.offset == other.offset and one.metadata == other.metadata;
  };
  return left.epoch == right.epoch and left.records == right.records
         and std::equal(left.offsets.begin(), left.offsets.end(), right.offsets.begin(), right.offsets.end(), equal);
}

call_result<> commit_plan(cluster& brokers, const repair_target& at, const repair_plan& wanted, lone_member& alone) {
  const auto producer = brokers.make_producer(at.app + ".repair");
  const std::vector<std::string> topics{at.outputs.changelog};
  if (auto done = retried([&] { return producer->prepare(topics); }); not done) return done;
  auto done = producer->begin();
  if (not done) return done;
  for (const auto& [key, value] : wanted.records)
    producer->produce(at.outputs.changelog, at.partition, key, value, {});
  done = producer->flush();
  if (done) done = retried([&] { return producer->send_offsets(wanted.offsets, alone.group()); });
  if (done) done = retried([&] { return producer->commit(); });
  // What the abort says changes nothing: the plan is not committed.
  if (asks_for(done, next_action::abort)) (void)producer->abort();
  return done;
}

} // namespace

call_result<repair_facts> read_facts(cluster& brokers, const repair_target& at, const ask_committed& committed) {
  repair_facts found;
  std::vector<topic_partition> partitions;
  for (const auto& topic : at.inputs) {
    partitions.push_back({topic, at.partition});
    const auto log = range_of(brokers, at, topic, isolation::committed);
    if (not log) return log.error();
    found.logs.push_back(*log);
  }
  auto group = retried([&] { return committed(partitions); });
  if (not group) return std::move(group).error();
  found.group = std::move(*group);
  if (auto read = read_rows(brokers, at, found); not read) return std::move(read).error();
  if (auto read = read_journal(brokers, at, found); not read) return std::move(read).error();
  return found;
}

result<repair_plan> plan_adopt(const repair_target& at, const repair_facts& found) {
  repair_plan made;
  const auto reseed = fmt::format("`fairuse state reseed --partition {}` starts over", at.partition);
  if (not found.meta)
    return error{fmt::format("{} has no state of partition {}: there is nothing to adopt. {}", at.outputs.changelog,
                             at.partition, reseed)};
  const auto& meta = *found.meta;
  if (meta.cluster.empty())
    return error{fmt::format("{} lost the record that says of which epoch it is. {}", at.outputs.changelog, reseed)};
  if (meta.partitions != static_cast<std::uint32_t>(at.partitions))
    return error{users_are_elsewhere(meta.partitions, at.partitions)};
  made.epoch = last_epoch_of(found);
  for (const auto& each : meta.inputs) {
    if (const auto why = outside(at, found, each.topic, each.next))
      return error{fmt::format("{}: records between are gone, or the topic was made anew. {}", *why, reseed)};
    made.offsets.push_back({{each.topic, at.partition}, each.next, offset_metadata(made.epoch)});
  }
  if (made.epoch == meta.epoch) return made;
  // Readers saw the epochs that the changelog lost, so their numbers are not used again.
  auto later = meta;
  later.epoch = made.epoch;
  if (not found.journal_chain.empty()) later.chain = found.journal_chain;
  made.records.emplace_back(std::string(partition_meta_key()), encode_partition_meta(later, false));
  return made;
}

repair_plan plan_reseed(const repair_target& at, const repair_facts& found, const partition_meta& fresh) {
  repair_plan made;
  made.epoch = last_epoch_of(found);
  auto meta = found.meta.value_or(fresh);
  meta.epoch = made.epoch;
  meta.cluster = at.cluster;
  meta.partitions = static_cast<std::uint32_t>(at.partitions);
  meta.partition = static_cast<std::uint32_t>(at.partition);
  meta.inputs.clear();
  if (not found.journal_chain.empty()) meta.chain = found.journal_chain;
  for (std::size_t i = 0; i < at.inputs.size(); ++i) {
    const auto next = place_of(at, found, i);
    meta.inputs.push_back({at.inputs[i], next});
    made.offsets.push_back({{at.inputs[i], at.partition}, next, offset_metadata(made.epoch)});
  }
  for (const auto& key : found.rows)
    made.records.emplace_back(key, std::nullopt);
  made.records.emplace_back(std::string(partition_meta_key()), encode_partition_meta(meta, false));
  return made;
}

call_result<> carry_out(cluster& brokers, const repair_target& at, const repair_plan& wanted,
                        const std::function<result<repair_plan>(const repair_facts&)>& plan) {
  lone_member alone;
  if (auto joined = alone.join(brokers, at); not joined) return joined;
  const auto committed = [&](std::span<const topic_partition> partitions) {
    return alone.group().committed(partitions);
  };
  const auto now = read_facts(brokers, at, committed);
  if (not now) return now.error();
  const auto again = plan(*now);
  if (not again or not same(*again, wanted))
    return give_up("_CONFLICT", "Somebody worked on this partition meanwhile: nothing was changed. Look again");
  return commit_plan(brokers, at, wanted, alone);
}

} // namespace fairuse::kafka
