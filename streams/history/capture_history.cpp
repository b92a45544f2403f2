// SPDX-License-Identifier: Apache-2.0
#include "streams/history/capture_history.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "events/wire.hpp"
#include "storage/keys.hpp"
#include "storage/partition_meta.hpp"
#include "storage/user_state.hpp"
#include "streams/history/checkpoint_of.hpp"
#include "streams/history/decided_reviews.hpp"
#include "streams/history/erased_before.hpp"
#include "streams/history/policies_in_force.hpp"
#include "streams/history/told_decision.hpp"
#include "streams/kafka/capture/input_cursor.hpp"

namespace fairuse::history {

namespace {

using kafka::captured_record;
using kafka::section_kind;

constexpr std::uint64_t told_every = 1'000;

std::vector<wire_header> headers_of(const captured_record& of) {
  std::vector<wire_header> all;
  for (const auto& [name, value] : of.headers)
    all.push_back({name, value ? std::optional<std::string_view>(*value) : std::nullopt});
  return all;
}

/// Over all partitions.
struct reading {
  const source_hooks& with;
  std::uint64_t epochs = 0;
  std::uint64_t done = 0;

  result<void, store_error> tell() const { return with.tell(done, epochs); }
};

/// The rows of one type in the state of a partition, which are in the order of keys.
class state_rows {
public:
  state_rows(const kafka::capture_reader& from, const kafka::capture_section& of, char type)
    : rows_(from.records(of)), type_(type) {}

  bool next(std::string_view& key, std::string_view& value) {
    while (rows_.next(row_)) {
      if (not row_.key or not row_.value or row_.key->empty() or row_.key->front() != type_) continue;
      key = *row_.key;
      value = *row_.value;
      return true;
    }
    return false;
  }
  row_source source() {
    return [this](std::string_view& key, std::string_view& value) { return next(key, value); };
  }
  const result<void, store_error>& failure() const { return rows_.failure(); }

private:
  kafka::capture_cursor rows_;
  char type_;
  captured_record row_;
};

class partition_packing {
public:
  partition_packing(const kafka::capture_reader& from, const kafka::captured_partition& partition, reading& progress,
                    packer& to, history_contents& into)
    : from_(from),
      all_(from.contents()),
      partition_(partition),
      progress_(progress),
      to_(to),
      into_(into),
      policies_(
          partition.partition,
          [this](const std::string& digest) -> result<std::string, store_error> { return texts_[digest]; }, into),
      erased_(progress.with.case_key) {}

  result<void, store_error> run() {
    if (auto done = read_policies(); not done) return done;
    if (auto done = begin(); not done) return done;
    if (partition_.epochs > 0)
      into_.parts.push_back({partition_.partition, partition_.first_now, partition_.last_now,
                             partition_.first_epoch + partition_.epochs - 1});
    const auto* journal = all_.find(partition_.partition, section_kind::journal);
    if (journal == nullptr) return partition_.epochs == 0 ? take_reviews() : damage("it has no journal");
    auto rows = from_.records(*journal);
    captured_record row;
    for (; rows.next(row); ++epoch_) {
      const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
      if (not told or told->epoch != epoch_) return damage(fmt::format("the journal at {} cannot be read", row.offset));
      if (auto done = take(*told); not done) return done;
      if (++progress_.done % told_every != 0) continue;
      if (auto done = progress_.tell(); not done) return done;
    }
    if (not rows.failure()) return rows.failure();
    if (epoch_ != partition_.first_epoch + partition_.epochs) return damage("its journal ends too early");
    end_timer_epochs(epoch_);
    return take_reviews();
  }

private:
  store_error damage(const std::string& what) const {
    return damaged(fmt::format("partition {}: {}", partition_.partition, what));
  }

  result<void, store_error> read_policies() {
    const auto* section = all_.find(partition_.partition, section_kind::policies);
    if (section == nullptr) return {};
    auto records = from_.records(*section);
    captured_record one;
    while (records.next(one))
      if (one.key and one.value) texts_.insert_or_assign(*one.key, *one.value);
    return records.failure();
  }

  result<void, store_error> begin() {
    epoch_ = partition_.first_epoch;
    if (partition_.state_meta.empty() and partition_.state_setup.empty())
      return epoch_ == 0 ? result<void, store_error>{}
                         : damage(fmt::format("it begins with epoch {} and has no state", epoch_));
    const auto meta = decode_partition_meta(partition_.state_meta);
    const auto setup = decode_epoch_record(partition_.state_setup);
    if (not meta or not setup or not setup->setup or meta->epoch + 1 != epoch_)
      return damage("its state does not say of which epoch it is");
    into_.start = history_start::checkpoint;
    note_setup(*setup->setup);
    if (auto done = take_state(*meta); not done) return done;
    // Without epochs there are no policies, either.
    if (partition_.epochs == 0) return {};
    previous_now_ = meta->now;
    return policies_.load(run_of(partition_.first_epoch, partition_.first_now, *setup->setup), meta->controls);
  }

  result<void, store_error> take_state(const partition_meta& meta) {
    into_.checkpoints.push_back(checkpoint_of(partition_.partition, meta.epoch, meta.now, meta.settings));
    for (const auto& each : command_ids_from(meta.settings)) {
      to_.add_known_command(partition_.partition, each);
      policies_.know(each.key);
    }
    const auto* section = all_.find(partition_.partition, section_kind::state);
    if (section == nullptr) return {};
    state_rows erased(from_, *section, keys::erased_type);
    for (std::string_view key, value; erased.next(key, value);)
      if (auto done = erased_.add(key.substr(1), value); not done) return done;
    if (auto done = erased_.check(meta.key_check); not done) return done;
    state_rows users(from_, *section, keys::user_type);
    state_rows due(from_, *section, keys::due_type);
    const auto take = [this](std::string_view uid, std::string_view state) -> result<void, store_error> {
      if (auto told = erased_.tell(uid, to_); not told) return told;
      return to_.add_state(uid, partition_.partition, state);
    };
    const auto read = each_user_state(users.source(), due.source(), take);
    for (const auto* each : {&erased, &users, &due})
      if (not each->failure()) return each->failure();
    if (not read) return read.error();
    return *read ? result<void, store_error>{} : damage("its state has a row that does not decode");
  }

  bool is_behind_checkpoint(std::uint64_t epoch) const {
    return epoch == partition_.first_epoch and not into_.checkpoints.empty()
           and into_.checkpoints.back().partition == partition_.partition;
  }

  void note_setup(const partition_setup& of) {
    topics_ = of.topics;
    into_.retention_ms = of.usage_retention_ms;
    into_.horizon_ms = of.horizon_ms;
  }

  result<void, store_error> take(const epoch_record& told) {
    if (told.setup) {
      note_setup(*told.setup);
      if (auto done = policies_.load(run_of(told.epoch, told.now, *told.setup), told.setup->controls); not done)
        return done;
    }
    if (told.timers_max == UINT64_MAX)
      end_timer_epochs(told.epoch);
    else if (not timers_since_)
      // Which timers had fired before a checkpoint, its states say.
      timers_since_ = {told.epoch, is_behind_checkpoint(told.epoch) ? INT64_MIN : previous_now_};
    place_ = 0;
    std::map<std::pair<std::uint32_t, std::int64_t>, refusal> refused;
    for (const auto& each : told.refused)
      refused.emplace(std::pair{each.topic, each.offset}, each.why);
    for (const auto& range : told.inputs) {
      if (range.topic >= topics_.size()) return damage("its journal tells of an input that its setup does not have");
      if (range.count == 0) continue;
      const auto some = records_of(range);
      if (not some) return some.error();
      for (const auto& each : *some) {
        const auto found = refused.find({range.topic, each.offset});
        if (auto done = take_record(told, each, found == refused.end() ? std::nullopt : std::optional(found->second));
            not done)
          return done;
      }
    }
    previous_now_ = told.now;
    return {};
  }

  /// Epochs of timers alone come before epoch `next`, if they did.
  void end_timer_epochs(std::uint64_t next) {
    if (not timers_since_) return;
    cuts_.push_back({timers_since_->epoch, next, into_.timer_cuts.size()});
    into_.timer_cuts.push_back({partition_.partition, next, timers_since_->fired_now, {}});
    timers_since_.reset();
  }

  /// Who was among the first is known from what their timers wrote.
  result<void, store_error> note_timer_epochs(std::span<const wire_header> headers, std::string_view value) {
    if (cuts_.empty()) return {};
    const auto told = decisions_.read(headers, value);
    if (not told) return damage("a decision cannot be read");
    for (const auto& each : cuts_) {
      auto& last = into_.timer_cuts[each.place].last_uid;
      if (told->epoch >= each.first and told->epoch < each.behind and last < told->uid) last = told->uid;
    }
    return {};
  }

  history_run run_of(std::uint64_t epoch, time_ms now, const partition_setup& with) const {
    return {.epoch = epoch,
            .now = now,
            .previous_now = previous_now_,
            .retention_ms = with.usage_retention_ms,
            .rules = with.rules,
            .program = with.program};
  }

  // An epoch goes back after `fairuse state adopt`.
  result<std::vector<captured_record>, store_error> records_of(const input_range& range) {
    const auto& topic = topics_[range.topic];
    const auto* section = all_.find(partition_.partition, section_kind::input, topic);
    if (section == nullptr) return damage(fmt::format("it has no records of {}", topic));
    auto found = inputs_.find(topic);
    if (found != inputs_.end() and range.from < found->second.reached()) {
      inputs_.erase(found);
      found = inputs_.end();
    }
    if (found == inputs_.end()) found = inputs_.try_emplace(topic, from_, *section).first;
    auto some = found->second.take(range.from, range.next);
    if (some and some->size() != range.count)
      return damage(fmt::format("epoch {} took {} records of {} between offsets {} and {}, and {} of them are here",
                                epoch_, range.count, topic, range.from, range.next, some->size()));
    return some;
  }

  result<void, store_error> take_record(const epoch_record& epoch, const captured_record& from,
                                        std::optional<refusal> refused) {
    arena_.clear();
    const auto value = from.value ? std::optional<std::string_view>(*from.value) : std::nullopt;
    const auto read = decoder_.decode_record([&] { return headers_of(from); }, value, arena_);
    if (not read and not refused) refused = read.error().why;
    if (refused) to_.add_refused(*refused);
    if (not read or (refused and not is_refused_by_core(*refused, read->what))) return {};
    if (read->subject == "*" and not refused) policies_.obey(epoch.now, read->what);
    if (auto told = erased_.tell(read->subject, to_); not told) return told;
    return to_.add({.uid = read->subject,
                    .what = read->what,
                    .partition = partition_.partition,
                    .epoch = epoch.epoch,
                    .place = place_++,
                    .now = epoch.now,
                    .previous_now = previous_now_,
                    .refused = refused.has_value(),
                    .notes_id = refused and notes_its_id(*refused, read->what)});
  }

  result<void, store_error> take_reviews() {
    const auto* section = all_.find(partition_.partition, section_kind::output, all_.outputs.decisions);
    if (section == nullptr) return {};
    decided_reviews reviews(partition_.first_epoch, to_);
    auto records = from_.records(*section);
    captured_record one;
    for (std::uint64_t taken = 0; records.next(one); ++taken) {
      if (not one.value) continue;
      const auto headers = headers_of(one);
      if (auto told = progress_.with.tell_decision(headers, *one.value); not told) return told;
      if (auto noted = note_timer_epochs(headers, *one.value); not noted) return noted;
      if (auto done = reviews.add(headers, *one.value); not done) return done;
      if (taken % told_every != 0) continue;
      if (auto done = progress_.tell(); not done) return done;
    }
    return records.failure();
  }

  const kafka::capture_reader& from_;
  const kafka::capture_contents& all_;
  const kafka::captured_partition& partition_;
  reading& progress_;
  packer& to_;
  history_contents& into_;
  std::map<std::string, std::string> texts_;
  policies_in_force policies_;
  erased_before erased_;
  std::vector<std::string> topics_;
  std::map<std::string, kafka::input_cursor> inputs_;
  std::uint64_t epoch_ = 0;
  std::uint32_t place_ = 0;
  /// Of the epoch before.
  time_ms previous_now_ = INT64_MIN;
  /// Epochs of timers alone that have no other behind them yet.
  struct timer_epochs {
    std::uint64_t epoch = 0;
    time_ms fired_now = INT64_MIN;
  };
  std::optional<timer_epochs> timers_since_;
  struct timer_epochs_place {
    std::uint64_t first = 0;
    std::uint64_t behind = 0;
    std::size_t place = 0;
  };
  std::vector<timer_epochs_place> cuts_;
  decision_reader decisions_;
  wire_decoder decoder_;
  event_arena arena_;
};

} // namespace

result<void, store_error> pack_capture(const kafka::capture_reader& from, const source_hooks& with, packer& to,
                                       history_contents& into) {
  const auto& all = from.contents();
  if (all.is_checkpoint)
    return store_error{store_fault::misuse,
                       "it is a checkpoint: it holds states and no epochs. Take a capture that "
                       "begins with it (`fairuse capture export --from`)"};
  into.start = history_start::first_epoch;
  into.arrivals_known = true;
  reading progress{with};
  for (const auto& each : all.per_partition)
    progress.epochs += each.epochs;
  for (const auto& each : all.per_partition)
    if (auto done = partition_packing(from, each, progress, to, into).run(); not done) return done;
  return progress.tell();
}

} // namespace fairuse::history
