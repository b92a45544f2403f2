// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/partition_shard.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "base/pure/trace_id.hpp"
#include "storage/case_reference.hpp"
#include "streams/failpoint.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::string_view metadata_prefix = "v1;e=";

/// An epoch of timers alone leaves the records to the one that follows.
bool takes_records(const epoch& sealed) { return sealed.timers_max == SIZE_MAX; }

std::string truth(bool value) { return value ? "true" : "false"; }

/// Empty: the record has no such header.
std::string trace_of(std::span<const header> headers) {
  for (const auto& [name, value] : headers)
    if (name == "traceparent" and value) return trace_id_of(*value).value_or("");
  return {};
}

std::vector<std::string> digests_of(const stored_controls& stored) {
  auto all = stored.shadows;
  all.push_back(stored.live);
  return all;
}

} // namespace

shard_totals& shard_totals::operator+=(const shard_totals& other) {
  static_assert(
      sizeof(shard_totals)
          == 8 * 7 + sizeof(refusal_counts) + sizeof(counters) + sizeof(event_counts) + sizeof(decision_counts),
      "add the new member below, too");
  epochs += other.epochs;
  records += other.records;
  decisions += other.decisions;
  outputs += other.outputs;
  rows += other.rows;
  for (std::size_t i = 0; i < dead_letters.size(); ++i)
    dead_letters[i] += other.dead_letters[i];
  real_gaps += other.real_gaps;
  refetches += other.refetches;
  counts += other.counts;
  by_kind += other.by_kind;
  by_slot += other.by_slot;
  return *this;
}

std::string offset_metadata(std::uint64_t epoch) { return fmt::format("{}{}", metadata_prefix, epoch); }

std::optional<std::uint64_t> epoch_of_metadata(std::string_view text) {
  if (not text.starts_with(metadata_prefix)) return std::nullopt;
  text.remove_prefix(metadata_prefix.size());
  return parse_number<std::uint64_t>(text);
}

partition_shard::partition_shard(const engine_rules& rules, std::int32_t partition, std::int32_t partition_count,
                                 std::unique_ptr<partition_store> store)
  : rules_(rules),
    partition_(partition),
    partition_count_(partition_count),
    store_(std::move(store)),
    writer_(rules.source, partition, case_namer(rules.case_key), rules.dead_letter_bytes_max),
    buffer_(rules.partition_of, partition, partition_count) {}

partition_shard::~partition_shard() = default;

result<std::unique_ptr<partition_shard>> partition_shard::open(const engine_rules& rules, std::int32_t partition,
                                                               std::int32_t partition_count,
                                                               std::unique_ptr<partition_store>& store,
                                                               const takeover_result& from, worker& on,
                                                               const policy_reader& read_policy) {
  std::unique_ptr<partition_shard> made(new partition_shard(rules, partition, partition_count, std::move(store)));
  if (auto begun = made->begin(from, on, read_policy); not begun) {
    store = std::move(made->store_);
    return std::move(begun).error();
  }
  return made;
}

result<void> partition_shard::begin(const takeover_result& from, worker& on, const policy_reader& read_policy) {
  const auto& wanted = rules_.configured;
  has_committed_ = not from.is_new;
  if (from.is_new) {
    meta_.partitions = static_cast<std::uint32_t>(partition_count_);
    meta_.controls = {.enabled = wanted.enabled, .killed = wanted.killed};
    meta_.settings["config.enabled"] = truth(wanted.enabled);
    meta_.settings["config.kill_switch"] = truth(wanted.killed);
  } else {
    meta_ = *store_->meta();
  }
  // Also of a changelog that was copied from another cluster.
  meta_.cluster = from.cluster;
  meta_.inputs = from.inputs;
  meta_.partition = static_cast<std::uint32_t>(partition_);
  first_meta_ = meta_;
  first_meta_.key_check = case_namer(rules_.case_key).check();
  const auto chosen = choose(read_policy);
  if (not chosen) return chosen.error();
  const auto& choice = *chosen;
  has_news_ = has_committed_ and first_meta_ != *store_->meta();
  const controls start{meta_.controls.enabled, meta_.controls.killed, choice.policies.get()};
  const auto stored = stored_from(start);
  const auto known = digests_of(meta_.controls);
  for (const auto& slot : choice.policies->slots())
    if (slot.kind != slot_kind::off and std::find(known.begin(), known.end(), slot.label.digest) == known.end())
      new_policies_.emplace_back(slot.label.digest, wanted.text_of(slot.rules));
  setup_ = partition_setup{.topics = rules_.inputs,
                           .partition = partition_,
                           .partitions = static_cast<std::uint32_t>(partition_count_),
                           .source = rules_.source,
                           .usage_retention_ms = rules_.usage_retention_ms,
                           .decision_retention_ms = rules_.decision_retention_ms,
                           .horizon_ms = rules_.horizon_ms,
                           .profiles = setting_of(first_meta_.settings, "profiles"),
                           .partitioner = rules_.partitioner,
                           .key_check = first_meta_.key_check,
                           .program = rules_.program,
                           .controls = stored,
                           .dead_letter_bytes_max = rules_.dead_letter_bytes_max,
                           .rules = decision_rules};
  config_commands_ = wanted.commands_for(first_meta_.settings, choice.promotes);
  inputs_.resize(meta_.inputs.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    inputs_[i].next = meta_.inputs[i].next;
  const shard_options options{.start = start,
                              .horizon_ms = rules_.horizon_ms,
                              .policies = choice.policies,
                              .command_ids = command_ids_from(meta_.settings),
                              .last_now = has_committed_ ? meta_.now : INT64_MIN,
                              .max_active_users = rules_.bounds.active_users,
                              .case_of = case_naming_of(rules_.case_key)};
  actors_ = on.open_shard(*store_, options);
  return {};
}

result<policy_choice> partition_shard::choose(const policy_reader& read_policy) {
  const auto& wanted = rules_.configured;
  const configured_policies configured{wanted.live, wanted.shadows, rules_.usage_retention_ms};
  if (wanted.profiles_of_journal)
    return policy_choice{.policies =
                             policies_of_journal(configured, *wanted.profiles_of_journal, first_meta_.settings)};
  auto choice =
      choose_policies(configured, {.controls = meta_.controls,
                                   .settings = first_meta_.settings,
                                   .first = not has_committed_,
                                   .now = meta_.now,
                                   .read = read_policy,
                                   .has_usage = [this](hour_number from) { return store_->has_usage(from); }});
  if (not choice) return error{std::move(choice.error().message)};
  if (const auto text = text_of(*choice); not text.empty())
    rules_.environment.log(log_level::info, fmt::format("partition {}: {}", partition_, text));
  return std::move(*choice);
}

partition_shard::accept_result partition_shard::accept(const std::shared_ptr<const record_batch>& batch,
                                                       std::size_t index) {
  const auto& what = batch->records()[index];
  const auto found = std::find_if(meta_.inputs.begin(), meta_.inputs.end(),
                                  [&](const input_next& each) { return each.topic == what.topic; });
  if (found == meta_.inputs.end()) return accept_result::old;
  const auto input = static_cast<std::size_t>(found - meta_.inputs.begin());
  auto& state = inputs_[input];
  if (what.offset < state.next) return accept_result::old;
  if (what.offset > state.next) {
    if (state.suspected != what.offset) {
      state.suspected = what.offset;
      ++totals_.refetches;
      return accept_result::gap;
    }
    skipped_.push_back({static_cast<std::uint32_t>(input), state.next, what.offset, 0});
  }
  state.suspected = -1;
  state.next = what.offset + 1;
  ++state.count;
  buffer_.add(batch, index, static_cast<std::uint32_t>(input));
  return accept_result::taken;
}

bool partition_shard::has_work(time_ms now) const {
  return not buffer_.empty() or not has_committed_ or has_news_ or not config_commands_.lines.empty()
         or actors_->next_due() <= now;
}

epoch partition_shard::seal(time_ms now, std::size_t timers_max) {
  failpoint::pass("epoch_sealed");
  epoch sealed{
      .number = has_committed_ ? meta_.epoch + 1 : 0, .now = std::max(now, meta_.now), .timers_max = timers_max};
  if (takes_records(sealed)) {
    buffer_.put_in_order();
    sealed.events = buffer_.events();
    sealed.commands = buffer_.commands();
  }
  return sealed;
}

struct partition_shard::writing {
  const epoch& sealed;
  const epoch_result& decided;
  transactional_producer& to;
  written_epoch& made;
  epoch_record record;
};

result<void, store_error> partition_shard::write(const epoch& sealed, const epoch_result& decided,
                                                 transactional_producer& to) {
  failpoint::pass("slices_done");
  // clang does not see a default constructor of a nested struct with default values here.
  auto& made = written_.emplace(written_epoch{});
  made.with_records = takes_records(sealed);
  made.meta = first_epoch_ ? first_meta_ : meta_;
  made.meta.epoch = sealed.number;
  made.meta.now = sealed.now;
  made.totals.epochs = 1;
  if (made.with_records) made.totals.records = buffer_.records();
  writing of{sealed, decided, to, made, {.epoch = sealed.number, .now = sealed.now}};
  if (first_epoch_) of.record.setup = setup_;
  if (not made.with_records) of.record.timers_max = sealed.timers_max;
  advance_inputs(of);
  write_outputs(of);
  write_policies(of);
  write_config_commands(of);
  write_rows(of);
  write_journal(of);
  produce(of, rules_.outputs.changelog, partition_meta_key(), encode_partition_meta(made.meta, false));
  failpoint::pass("produced");
  return store_->failure();
}

void partition_shard::produce(writing& of, const std::string& topic, std::optional<std::string_view> key,
                              std::optional<std::string_view> value, std::span<const header> headers) {
  of.to.produce(topic, partition_, key, value, headers);
}

void partition_shard::advance_inputs(writing& of) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    auto& committed = of.made.meta.inputs[i];
    const auto& state = inputs_[i];
    const auto next = of.made.with_records ? state.next : committed.next;
    of.record.inputs.push_back(
        {static_cast<std::uint32_t>(i), committed.next, next, of.made.with_records ? state.count : 0});
    committed.next = next;
  }
  if (of.made.with_records) of.record.skipped = skipped_;
}

void partition_shard::write_outputs(writing& of) {
  const auto& [outcomes, broadcast] = of.decided;
  std::vector<dead_record> dead_letters;
  if (of.made.with_records) buffer_.dead_letters(of.decided, dead_letters, of.record.refused);
  const auto& names = rules_.outputs;
  const std::string* topics[output_topic_count] = {&names.decisions, &names.notifications, &names.enforcement,
                                                   &names.review_requests, &names.dead_letters};
  of.made.meta.controls = stored_from(broadcast->in_force);
  const bool controls_changed = not has_committed_ or of.made.meta.controls != meta_.controls;
  if (controls_changed) keep_ages(broadcast->in_force, of.made.meta.settings);
  const auto write = [&](const output& each) {
    outputs_digest_.add(to_text(each.to));
    each.key ? outputs_digest_.add(*each.key) : outputs_digest_.add_null();
    for (const auto& [name, value] : each.headers) {
      outputs_digest_.add(name);
      value ? outputs_digest_.add(*value) : outputs_digest_.add_null();
    }
    each.value ? outputs_digest_.add(*each.value) : outputs_digest_.add_null();
    produce(of, *topics[static_cast<std::size_t>(each.to)], each.key, each.value, each.headers);
    if (not each.log_row.empty()) log_rows_.emplace_back(*each.key, each.log_row);
    ++of.record.outputs;
    of.made.totals.decisions += each.to == output_topic::decisions ? 1 : 0;
  };
  writer_.write(of.sealed.number, of.sealed.now, outcomes, *broadcast, controls_changed, dead_letters, write);
  of.record.outputs_digest = outputs_digest_.finish();
  for (const auto& id : broadcast->new_ids)
    append_command_id(of.made.meta.settings, id);
  of.made.totals.counts.duplicates += broadcast->duplicates.size();
  of.made.totals.counts.reused_command_ids += broadcast->reused_ids;
  of.made.totals.outputs = of.record.outputs;
  for (const auto& each : dead_letters) {
    ++of.made.totals.dead_letters[static_cast<std::size_t>(each.why)];
    of.made.traces.push_back(trace_of(each.headers));
  }
}

// In the transaction of their first use.
void partition_shard::write_policies(writing& of) {
  for (const auto& [digest, text] : new_policies_)
    produce(of, rules_.outputs.policies, digest, text);
}

// The configuration's commands go through the input like all others: ordered, audited, replayable.
void partition_shard::write_config_commands(writing& of) {
  if (config_commands_.lines.empty()) return;
  for (const auto& [subject, line] : config_commands_.lines) {
    const bool here = subject == "*" or rules_.partition_of == nullptr
                      or rules_.partition_of(subject, partition_count_) == partition_;
    if (here) produce(of, rules_.inputs.front(), subject, line);
  }
  for (const auto& [key, value] : config_commands_.settings)
    of.made.meta.settings[key] = value;
}

void partition_shard::write_rows(writing& of) {
  for (auto& each : of.decided.outcomes) {
    of.made.totals.counts += each.wrote.counts;
    if (each.who != nullptr) store_->add_user(each.uid, *each.who);
  }
  std::uint32_t index = 0;
  for (const auto& [uid, row] : log_rows_)
    store_->add_to_log(uid, of.sealed.now, of.sealed.number, index++, row);
  log_rows_.clear();
  // Not in epochs of timers alone: late timers read older hours.
  if (of.made.with_records) store_->expire(of.sealed.now, rules_.bounds.expiry_rows);
  store_->each_open_row([&](const state_row& row) {
    rows_digest_.add(row.key);
    row.value ? rows_digest_.add(*row.value) : rows_digest_.add_null();
    produce(of, rules_.outputs.changelog, row.key, row.value);
    ++of.record.rows;
  });
  of.record.rows_digest = rows_digest_.finish();
  of.made.totals.rows = of.record.rows;
  of.made.totals.by_kind.add(of.sealed, of.decided);
  of.made.totals.by_slot.add(of.decided);
}

void partition_shard::write_journal(writing& of) {
  const auto row = encode_epoch_record(of.record, meta_.chain);
  of.made.meta.chain = of.record.chain;
  of.made.refused = std::move(of.record.refused);
  produce(of, rules_.outputs.journal, std::nullopt, row);
}

std::vector<committed_offset> partition_shard::offsets() const {
  const auto& meta = written_ ? written_->meta : meta_;
  std::vector<committed_offset> all;
  for (const auto& each : meta.inputs)
    all.push_back({{each.topic, partition_}, each.next, offset_metadata(meta.epoch)});
  return all;
}

void partition_shard::keep_rows(const transactional_producer& by) {
  written_->meta.changelog_next = by.delivered_next({rules_.outputs.changelog, partition_});
  store_->commit(written_->meta);
}

void partition_shard::confirm(const transactional_producer& by) {
  keep_rows(by);
  auto done = std::exchange(written_, std::nullopt);
  meta_ = std::move(done->meta);
  totals_ += done->totals;
  for (std::size_t i = 0; i < done->refused.size(); ++i)
    rules_.environment.dead_letter(meta_.inputs[done->refused[i].topic].topic, partition_, done->refused[i],
                                   done->traces[i]);
  has_committed_ = true;
  first_epoch_ = false;
  has_news_ = false;
  config_commands_ = {};
  new_policies_.clear();
  if (done->with_records) {
    if (rules_.environment.leases_used) rules_.environment.leases_used(buffer_.leases_used(done->refused));
    buffer_.clear();
    skipped_.clear();
    for (auto& each : inputs_)
      each.count = 0;
  }
  if (actors_->active_users() > rules_.bounds.active_users) actors_->passivate();
}

void partition_shard::roll_back() {
  if (written_) {
    actors_->roll_back();
    store_->drop_open();
    written_.reset();
  }
  forget_records();
}

void partition_shard::forget_records() {
  buffer_.clear();
  skipped_.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    inputs_[i].next = meta_.inputs[i].next;
    inputs_[i].count = 0;
  }
}

std::vector<position> partition_shard::read_from() const {
  std::vector<position> all;
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    all.push_back({{meta_.inputs[i].topic, partition_}, inputs_[i].next});
  return all;
}

std::unique_ptr<partition_store> partition_shard::give_up_store() {
  actors_.reset();
  return std::move(store_);
}

} // namespace fairuse::kafka
