// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/capture_export.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "storage/partition_store.hpp"
#include "streams/kafka/broker/read_committed.hpp"

namespace fairuse::kafka {

namespace {

/// Ends an export.
struct export_stopped {
  export_status what;
  std::string says;
};

void hold(const call_result& given) {
  if (not given.ok()) throw export_stopped{export_status::failed, fmt::format("{} ({})", given.text, given.code)};
}

void hold(const result<void, store_error>& done) {
  if (done) return;
  const bool refused = done.error().fault == store_fault::misuse;
  throw export_stopped{refused ? export_status::refused : export_status::failed, done.error().message};
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

/// The epoch that wrote an output: the middle of its id, or what a dead letter says. Nullopt: it is of somebody else.
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
    part.partition = partition;
  }

  /// First pass: the journal, and what is lost of the inputs.
  void read_journal() {
    begin();
    const auto log = range(wish_.outputs.journal, isolation::committed);
    const auto section = begin_section(section_kind::journal, wish_.outputs.journal, log.low);
    std::optional<std::uint64_t> first_there;
    read(wish_.outputs.journal, log.low, log.high, [&](captured_record&& row) {
      const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
      if (not told)
        throw export_stopped{export_status::failed, fmt::format("{} [{}] at {} is no epoch of a journal",
                                                                wish_.outputs.journal, part.partition, row.offset)};
      if (not first_there) first_there = told->epoch;
      if (told->setup) topics_ = told->setup->topics;
      if (told->epoch < part.first_epoch) return;
      look_at(*told);
      to_.add(section, row);
    });
    if (first_there and *first_there > part.first_epoch)
      lose(*first_there, fmt::format("{} begins with epoch {}", wish_.outputs.journal, *first_there));
  }

  /// Empty: nothing is lost.
  std::string loss() const {
    if (lost_.empty()) return {};
    const auto last = part.first_epoch + part.epochs;
    const bool any = replayable_ < last;
    return fmt::format("partition {}: retention has deleted what a replay from epoch {} needs: {}. {}", part.partition,
                       part.first_epoch, lost_,
                       any ? fmt::format("The first epoch that can be replayed is {}, from a checkpoint of epoch {}",
                                         replayable_, replayable_ - 1)
                           : fmt::format("No epoch up to {} can be replayed any more: the first one will be {}, from "
                                         "a checkpoint that is exported now",
                                         last - 1, last));
  }

  /// Second pass: everything else.
  void read_rest() {
    if (part.epochs == 0) return;
    for (const auto& [topic, what] : inputs_) {
      const auto section = begin_section(section_kind::input, topic, what.low);
      read(topic, what.from, what.next, [&](captured_record&& each) { to_.add(section, each); });
    }
    const auto& names = wish_.outputs;
    for (const auto& topic :
         {names.decisions, names.notifications, names.enforcement, names.review_requests, names.dead_letters})
      read_output(topic);
    const auto log = range(names.policies, isolation::uncommitted);
    const auto section = begin_section(section_kind::policies, names.policies, log.low);
    read(names.policies, log.low, log.high, [&](captured_record&& each) { to_.add(section, each); });
  }

  /// Instead of all that: the changelog folded, and the setup of the life that it is of.
  void read_state() {
    const auto meta = fold_changelog();
    if (not meta) return;
    const auto journal = range(wish_.outputs.journal, isolation::uncommitted);
    std::map<std::uint64_t, partition_setup> setups;
    read(wish_.outputs.journal, journal.low, journal.high, [&](captured_record&& row) {
      auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
      if (told and told->setup) setups.insert_or_assign(told->epoch, std::move(*told->setup));
    });
    const auto life = setups.upper_bound(meta->epoch);
    if (life == setups.begin())
      throw export_stopped{
          export_status::lost,
          fmt::format("partition {}: {} does not reach back to the start of the engine that runs: start it "
                      "again, and take the checkpoint then",
                      part.partition, wish_.outputs.journal)};
    epoch_record begun{.setup = std::prev(life)->second};
    part.state_setup = encode_epoch_record(begun, {});
    part.first_epoch = meta->epoch + 1;
    part.first_now = meta->now;
    part.last_now = meta->now;
  }

  capture_part part;

private:
  void begin() {
    if (wish_.from == nullptr) return;
    const auto& all = wish_.from->contents();
    const auto found = std::find_if(all.parts.begin(), all.parts.end(),
                                    [&](const capture_part& each) { return each.partition == part.partition; });
    if (found == all.parts.end() or found->state_meta.empty()) return;
    part.first_epoch = found->first_epoch + found->epochs;
    part.state_meta = found->state_meta;
    part.state_setup = found->state_setup;
    if (const auto setup = decode_epoch_record(found->state_setup); setup and setup->setup)
      topics_ = setup->setup->topics;
    const auto* state = all.find(part.partition, section_kind::state);
    if (state == nullptr) return;
    const auto section = begin_section(section_kind::state, state->topic, 0);
    auto rows = wish_.from->records(*state);
    captured_record row;
    while (rows.next(row))
      to_.add(section, row);
    hold(rows.failure());
  }

  std::optional<partition_meta> fold_changelog() {
    const auto& topic = wish_.outputs.changelog;
    // Never ends inside of an epoch.
    const auto log = range(topic, isolation::committed);
    std::map<std::string, std::string> rows;
    read(topic, log.low, log.high, [&](captured_record&& each) {
      if (not each.key) return;
      if (each.value)
        rows.insert_or_assign(std::move(*each.key), std::move(*each.value));
      else
        rows.erase(*each.key);
    });
    const auto found = rows.extract(std::string(partition_meta_key()));
    if (found.empty()) return std::nullopt;
    auto meta = decode_partition_meta(found.mapped());
    if (not meta)
      throw export_stopped{export_status::failed,
                           fmt::format("the state of {} [{}] does not decode", topic, part.partition)};
    const auto section = begin_section(section_kind::state, topic, 0);
    for (auto& [key, value] : rows)
      to_.add(section, {.key = key, .value = std::move(value)});
    to_.add(section, {.key = found.key(), .value = found.mapped()});
    part.state_meta = found.mapped();
    return std::move(*meta);
  }

  void read_output(const std::string& topic) {
    const auto last = part.first_epoch + part.epochs;
    // Its end, committed or not: markers of what the journal already tells may still be on their way.
    const auto log = range(topic, isolation::uncommitted);
    const auto section = begin_section(section_kind::output, topic, log.low);
    read(topic, log.low, log.high, [&](captured_record&& each) {
      const auto epoch = epoch_of(each);
      if (not epoch or (*epoch >= part.first_epoch and *epoch < last)) to_.add(section, each);
    });
  }

  void look_at(const epoch_record& told) {
    if (part.epochs++ == 0) part.first_now = told.now;
    part.last_now = told.now;
    for (const auto& each : told.inputs) {
      if (each.topic >= topics_.size() or each.count == 0) continue;
      const auto& topic = topics_[each.topic];
      const auto [found, is_new] = inputs_.try_emplace(topic);
      auto& input = found->second;
      if (is_new) input = {.from = each.from, .low = range(topic, isolation::committed).low};
      input.next = std::max(input.next, each.next);
      if (each.from < input.low)
        lose(told.epoch + 1, fmt::format("{} begins at offset {}, and epoch {} took it from {}", topic, input.low,
                                         told.epoch, each.from));
    }
  }

  /// The last loss is the one that counts.
  void lose(std::uint64_t replayable, std::string what) {
    if (replayable < replayable_) return;
    replayable_ = replayable;
    lost_ = std::move(what);
  }

  log_range range(const std::string& topic, isolation how) {
    log_range made;
    hold(retried([&] { return brokers_.range({topic, part.partition}, how, made); }));
    return made;
  }

  std::size_t begin_section(section_kind kind, const std::string& topic, std::int64_t low) {
    return to_.begin_section({.partition = part.partition, .kind = kind, .topic = topic, .low = low});
  }

  void read(const std::string& topic, std::int64_t from, std::int64_t end,
            const std::function<void(captured_record&&)>& visit) {
    hold(read_committed_batches(brokers_, {topic, part.partition}, from, end, wish_.patience,
                                [&](const record_batch& batch, std::size_t i) {
                                  visit(copy_of(batch, i));
                                  ++records_;
                                  if (wish_.progress) wish_.progress(records_, topic, part.partition);
                                }));
    hold(to_.failure());
  }

  cluster& brokers_;
  const export_wish& wish_;
  capture_writer& to_;
  std::uint64_t& records_;
  /// Inputs of the life that is being read.
  std::vector<std::string> topics_;
  std::map<std::string, needed_input> inputs_;
  std::string lost_;
  std::uint64_t replayable_ = 0;
};

void check_checkpoint(const export_wish& wish) {
  if (wish.from == nullptr) return;
  const auto& all = wish.from->contents();
  const auto refuse = [](std::string why) { throw export_stopped{export_status::refused, std::move(why)}; };
  if (not all.is_checkpoint) refuse("--from takes what `fairuse capture checkpoint` wrote; this is a whole capture");
  if (all.cluster != wish.cluster or all.app != wish.app or all.partitions != wish.partitions)
    refuse(fmt::format("the checkpoint is of {} on cluster {} with {} partitions, and this is {} on cluster {} with {}",
                       all.app, all.cluster, all.partitions, wish.app, wish.cluster, wish.partitions));
}

using carry_out = std::function<void(std::vector<std::unique_ptr<partition_export>>&)>;

export_result export_with(cluster& brokers, const export_wish& wish, const std::filesystem::path& file,
                          bool is_checkpoint, const carry_out& read) {
  export_result made;
  try {
    check_checkpoint(wish);
    auto writer = capture_writer::create(file, wish.replace);
    if (not writer) hold(result<void, store_error>(writer.error()));
    std::vector<std::unique_ptr<partition_export>> parts;
    for (std::int32_t p = 0; p < wish.partitions; ++p)
      parts.push_back(std::make_unique<partition_export>(brokers, wish, **writer, p, made.records));
    read(parts);
    capture_contents all{.program = wish.program,
                         .made_at = wish.made_at,
                         .app = wish.app,
                         .cluster = wish.cluster,
                         .partitions = wish.partitions,
                         .outputs = wish.outputs,
                         .is_checkpoint = is_checkpoint};
    all.parts.reserve(parts.size());
    for (auto& each : parts)
      all.parts.push_back(each->part);
    made.parts = all.parts;
    hold((*writer)->finish(std::move(all)));
    made.bytes = (*writer)->size();
  } catch (export_stopped& why) {
    made.what = why.what;
    made.says = std::move(why.says);
  }
  return made;
}

} // namespace

export_result export_capture(cluster& brokers, const export_wish& wish, const std::filesystem::path& file) {
  return export_with(brokers, wish, file, false, [](std::vector<std::unique_ptr<partition_export>>& parts) {
    std::string lost;
    for (auto& each : parts) {
      each->read_journal();
      if (const auto loss = each->loss(); not loss.empty()) lost += (lost.empty() ? "" : "\n") + loss;
    }
    if (not lost.empty()) throw export_stopped{export_status::lost, std::move(lost)};
    for (auto& each : parts)
      each->read_rest();
  });
}

export_result export_checkpoint(cluster& brokers, const export_wish& wish, const std::filesystem::path& file) {
  return export_with(brokers, wish, file, true, [](std::vector<std::unique_ptr<partition_export>>& parts) {
    for (auto& each : parts)
      each->read_state();
  });
}

} // namespace fairuse::kafka
