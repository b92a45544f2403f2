// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/capture_export.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "base/pure/result.hpp"
#include "storage/partition_store.hpp"
#include "streams/kafka/broker/read_committed.hpp"

namespace fairuse::kafka {

namespace {

export_error of_brokers(const call_error& why) {
  return {export_fault::failed, fmt::format("{} ({})", why.text, why.code)};
}

export_error of_store(const store_error& why) {
  return {why.fault == store_fault::misuse ? export_fault::refused : export_fault::failed, why.message};
}

captured_record copy_of(const record_batch& batch, std::size_t i) {
  const auto& from = batch.records()[i];
  captured_record made{.offset = from.offset, .timestamp = from.timestamp};
  if (from.key) made.key = std::string(*from.key);
  if (from.value) made.value = std::string(*from.value);
  for (const auto& each : batch.headers(i))
    made.headers.emplace_back(each.name, each.value ? std::optional<std::string>(*each.value) : std::nullopt);
  return made;
}

/// The epoch that wrote an output: from its id, or from a dead letter's header. Nullopt: it is not of this engine.
std::optional<std::uint64_t> epoch_of(const captured_record& output) {
  for (auto each = output.headers.rbegin(); each != output.headers.rend(); ++each) {
    if (not each->second or (each->first != "fairuse.error.epoch" and each->first != "ce_id")) continue;
    std::string_view text = *each->second;
    if (each->first == "ce_id") {
      const auto dash = text.find('-');
      if (dash == std::string_view::npos) return std::nullopt;
      text.remove_prefix(dash + 1);
    }
    return take_number<std::uint64_t>(text);
  }
  return std::nullopt;
}

/// What one partition's journal needs of an input topic.
struct needed_input {
  std::int64_t from = -1;
  std::int64_t next = -1;
  std::int64_t low = 0;
};

class partition_export {
public:
  partition_export(cluster& brokers, const export_wish& wish, capture_writer& to, std::int32_t partition,
                   std::uint64_t& records)
    : brokers_(brokers), wish_(wish), to_(to), records_(records) {
    captured.partition = partition;
  }

  /// First pass: the journal, and which inputs are lost.
  export_result<void> read_journal() {
    if (auto begun = begin(); not begun) return begun;
    const auto log = range(wish_.outputs.journal, isolation::committed);
    if (not log) return log.error();
    const auto section = begin_section(section_kind::journal, wish_.outputs.journal, log->low);
    std::optional<std::uint64_t> first_there;
    const auto take = [&](captured_record&& row) -> export_result<void> {
      const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
      if (not told)
        return export_error{export_fault::failed, fmt::format("{} [{}] at {} is no epoch of a journal",
                                                              wish_.outputs.journal, captured.partition, row.offset)};
      if (not first_there) first_there = told->epoch;
      if (told->setup) topics_ = told->setup->topics;
      if (told->epoch < captured.first_epoch) return {};
      if (auto noted = note_inputs(*told); not noted) return noted;
      to_.add(section, row);
      return {};
    };
    if (auto done = read(wish_.outputs.journal, *log, take); not done) return done;
    if (first_there and *first_there > captured.first_epoch)
      lose(*first_there, fmt::format("{} begins with epoch {}", wish_.outputs.journal, *first_there));
    return {};
  }

  /// Nullopt: nothing is lost.
  std::optional<std::string> loss() const {
    if (lost_.empty()) return std::nullopt;
    const auto last = captured.first_epoch + captured.epochs;
    const bool any = replayable_ < last;
    return fmt::format("partition {}: retention has deleted what a replay from epoch {} needs: {}. {}",
                       captured.partition, captured.first_epoch, lost_,
                       any ? fmt::format("The first epoch that can be replayed is {}, from a checkpoint of epoch {}",
                                         replayable_, replayable_ - 1)
                           : fmt::format("No epoch up to {} can be replayed any more: the first one will be {}, from "
                                         "a checkpoint that is exported now",
                                         last - 1, last));
  }

  /// Second pass: everything else.
  export_result<void> read_rest() {
    if (captured.epochs == 0) return {};
    for (const auto& [topic, what] : inputs_)
      if (auto done = copy(section_kind::input, topic, {what.from, what.next}, what.low); not done) return done;
    const auto& names = wish_.outputs;
    for (const auto& topic :
         {names.decisions, names.notifications, names.enforcement, names.review_requests, names.dead_letters})
      if (auto done = read_output(topic); not done) return done;
    const auto log = range(names.policies, isolation::uncommitted);
    if (not log) return log.error();
    return copy(section_kind::policies, names.policies, *log, log->low);
  }

  /// Instead of both passes: the fold of the changelog, and the setup of its run.
  export_result<void> read_state() {
    const auto folded = fold_changelog();
    if (not folded) return folded.error();
    const auto& meta = *folded;
    if (not meta) return {};
    const auto journal = range(wish_.outputs.journal, isolation::uncommitted);
    if (not journal) return journal.error();
    std::map<std::uint64_t, partition_setup> setups;
    const auto take = [&](captured_record&& row) -> export_result<void> {
      auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
      if (told and told->setup) setups.insert_or_assign(told->epoch, std::move(*told->setup));
      return {};
    };
    if (auto done = read(wish_.outputs.journal, *journal, take); not done) return done;
    const auto run = setups.upper_bound(meta->epoch);
    if (run == setups.begin())
      return export_error{
          export_fault::lost,
          fmt::format("partition {}: {} does not reach back to the start of the engine that runs: start it "
                      "again, and take the checkpoint then",
                      captured.partition, wish_.outputs.journal)};
    epoch_record begun{.setup = std::prev(run)->second};
    captured.state_setup = encode_epoch_record(begun, {});
    captured.first_epoch = meta->epoch + 1;
    captured.first_now = meta->now;
    captured.last_now = meta->now;
    return {};
  }

  captured_partition captured;

private:
  export_result<void> begin() {
    if (wish_.from == nullptr) return {};
    const auto& all = wish_.from->contents();
    const auto found =
        std::find_if(all.per_partition.begin(), all.per_partition.end(),
                     [&](const captured_partition& each) { return each.partition == captured.partition; });
    if (found == all.per_partition.end() or found->state_meta.empty()) return {};
    captured.first_epoch = found->first_epoch + found->epochs;
    captured.state_meta = found->state_meta;
    captured.state_setup = found->state_setup;
    if (const auto setup = decode_epoch_record(found->state_setup); setup and setup->setup)
      topics_ = setup->setup->topics;
    const auto* state = all.find(captured.partition, section_kind::state);
    if (state == nullptr) return {};
    const auto section = begin_section(section_kind::state, state->topic, 0);
    auto rows = wish_.from->records(*state);
    captured_record row;
    while (rows.next(row))
      to_.add(section, row);
    if (const auto done = rows.failure(); not done) return of_store(done.error());
    return {};
  }

  export_result<std::optional<partition_meta>> fold_changelog() {
    const auto& topic = wish_.outputs.changelog;
    // Never ends inside of an epoch.
    const auto log = range(topic, isolation::committed);
    if (not log) return log.error();
    std::map<std::string, std::string> rows;
    const auto take = [&](captured_record&& each) -> export_result<void> {
      if (each.key and each.value)
        rows.insert_or_assign(std::move(*each.key), std::move(*each.value));
      else if (each.key)
        rows.erase(*each.key);
      return {};
    };
    if (auto done = read(topic, *log, take); not done) return std::move(done).error();
    const auto found = rows.extract(std::string(partition_meta_key()));
    if (found.empty()) return std::optional<partition_meta>();
    auto meta = decode_partition_meta(found.mapped());
    if (not meta)
      return export_error{export_fault::failed,
                          fmt::format("the state of {} [{}] does not decode", topic, captured.partition)};
    const auto section = begin_section(section_kind::state, topic, 0);
    for (auto& [key, value] : rows)
      to_.add(section, {.key = key, .value = std::move(value)});
    to_.add(section, {.key = found.key(), .value = found.mapped()});
    captured.state_meta = found.mapped();
    return std::optional{std::move(*meta)};
  }

  export_result<void> read_output(const std::string& topic) {
    const auto last = captured.first_epoch + captured.epochs;
    // Its uncommitted end: markers of epochs that are in the journal may still be missing.
    const auto log = range(topic, isolation::uncommitted);
    if (not log) return log.error();
    const auto section = begin_section(section_kind::output, topic, log->low);
    return read(topic, *log, [&](captured_record&& each) -> export_result<void> {
      const auto epoch = epoch_of(each);
      if (not epoch or (*epoch >= captured.first_epoch and *epoch < last)) to_.add(section, each);
      return {};
    });
  }

  export_result<void> note_inputs(const epoch_record& told) {
    if (captured.epochs++ == 0) captured.first_now = told.now;
    captured.last_now = told.now;
    for (const auto& each : told.inputs) {
      if (each.topic >= topics_.size() or each.count == 0) continue;
      const auto& topic = topics_[each.topic];
      const auto [found, is_new] = inputs_.try_emplace(topic);
      auto& input = found->second;
      if (is_new) {
        const auto log = range(topic, isolation::committed);
        if (not log) return log.error();
        input = {.from = each.from, .low = log->low};
      }
      input.next = std::max(input.next, each.next);
      if (each.from < input.low)
        lose(told.epoch + 1, fmt::format("{} begins at offset {}, and epoch {} took it from {}", topic, input.low,
                                         told.epoch, each.from));
    }
    return {};
  }

  /// The last loss is the one that counts.
  void lose(std::uint64_t replayable, std::string what) {
    if (replayable < replayable_) return;
    replayable_ = replayable;
    lost_ = std::move(what);
  }

  export_result<log_range> range(const std::string& topic, isolation how) {
    const auto asked = retried([&] { return brokers_.range({topic, captured.partition}, how); });
    if (not asked) return of_brokers(asked.error());
    return *asked;
  }

  std::size_t begin_section(section_kind kind, const std::string& topic, std::int64_t low) {
    return to_.begin_section({.partition = captured.partition, .kind = kind, .topic = topic, .low = low});
  }

  /// A section with all records of `offsets`. `low`: the first offset that the topic has.
  export_result<void> copy(section_kind kind, const std::string& topic, const log_range& offsets, std::int64_t low) {
    const auto section = begin_section(kind, topic, low);
    return read(topic, offsets, [&](captured_record&& each) -> export_result<void> {
      to_.add(section, each);
      return {};
    });
  }

  /// Records in [offsets.low, offsets.high). After a failure of `take` the others are read and not taken.
  export_result<void> read(const std::string& topic, const log_range& offsets,
                           const std::function<export_result<void>(captured_record&&)>& take) {
    export_result<void> taken;
    const auto visit = [&](const record_batch& batch, std::size_t i) {
      if (taken) taken = take(copy_of(batch, i));
      ++records_;
      if (wish_.progress) wish_.progress(records_, topic, captured.partition);
    };
    if (const auto done = read_committed_batches(brokers_, {topic, captured.partition}, offsets.low, offsets.high,
                                                 wish_.patience, visit);
        not done)
      return of_brokers(done.error());
    if (not taken) return taken;
    if (const auto done = to_.failure(); not done) return of_store(done.error());
    return {};
  }

  cluster& brokers_;
  const export_wish& wish_;
  capture_writer& to_;
  std::uint64_t& records_;
  /// Inputs of the run that is being read.
  std::vector<std::string> topics_;
  std::map<std::string, needed_input> inputs_;
  std::string lost_;
  std::uint64_t replayable_ = 0;
};

export_result<void> check_checkpoint(const export_wish& wish) {
  if (wish.from == nullptr) return {};
  const auto& all = wish.from->contents();
  if (not all.is_checkpoint)
    return export_error{export_fault::refused,
                        "--from takes what `fairuse capture checkpoint` wrote; this is a whole capture"};
  if (all.cluster != wish.cluster or all.app != wish.app or all.partitions != wish.partitions)
    return export_error{
        export_fault::refused,
        fmt::format("the checkpoint is of {} on cluster {} with {} partitions, and this is {} on cluster {} with {}",
                    all.app, all.cluster, all.partitions, wish.app, wish.cluster, wish.partitions)};
  return {};
}

using partition_exports = std::vector<std::unique_ptr<partition_export>>;
using read_partitions = std::function<export_result<void>(partition_exports&)>;

export_result<export_report> export_with(cluster& brokers, const export_wish& wish, const std::filesystem::path& file,
                                         bool is_checkpoint, const read_partitions& read) {
  if (auto fits = check_checkpoint(wish); not fits) return std::move(fits).error();
  auto writer = capture_writer::create(file, wish.replace);
  if (not writer) return of_store(writer.error());
  export_report made;
  partition_exports partitions;
  for (std::int32_t p = 0; p < wish.partitions; ++p)
    partitions.push_back(std::make_unique<partition_export>(brokers, wish, **writer, p, made.records));
  if (auto done = read(partitions); not done) return std::move(done).error();
  capture_contents all{.program = wish.program,
                       .made_at = wish.made_at,
                       .app = wish.app,
                       .cluster = wish.cluster,
                       .partitions = wish.partitions,
                       .outputs = wish.outputs,
                       .is_checkpoint = is_checkpoint};
  all.per_partition.reserve(partitions.size());
  for (auto& each : partitions)
    all.per_partition.push_back(each->captured);
  made.per_partition = all.per_partition;
  if (const auto done = (*writer)->finish(std::move(all)); not done) return of_store(done.error());
  made.bytes = (*writer)->size();
  return made;
}

} // namespace

export_result<export_report> export_capture(cluster& brokers, const export_wish& wish,
                                            const std::filesystem::path& file) {
  return export_with(brokers, wish, file, false, [](partition_exports& partitions) -> export_result<void> {
    std::string lost;
    for (auto& each : partitions) {
      if (auto done = each->read_journal(); not done) return done;
      if (const auto loss = each->loss()) lost += (lost.empty() ? "" : "\n") + *loss;
    }
    if (not lost.empty()) return export_error{export_fault::lost, std::move(lost)};
    for (auto& each : partitions)
      if (auto done = each->read_rest(); not done) return done;
    return {};
  });
}

export_result<export_report> export_checkpoint(cluster& brokers, const export_wish& wish,
                                               const std::filesystem::path& file) {
  return export_with(brokers, wish, file, true, [](partition_exports& partitions) -> export_result<void> {
    for (auto& each : partitions)
      if (auto done = each->read_state(); not done) return done;
    return {};
  });
}

} // namespace fairuse::kafka
