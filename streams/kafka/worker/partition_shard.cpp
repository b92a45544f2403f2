// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/partition_shard.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "storage/case_reference.hpp"
#include "storage/mutants.hpp"
#include "streams/failpoint.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::string_view metadata_prefix = "v1;e=";

std::string truth(bool value) { return value ? "true" : "false"; }

std::vector<std::string> digests_of(const stored_controls& stored) {
  auto all = stored.shadows;
  all.push_back(stored.live);
  return all;
}

} // namespace

shard_totals& shard_totals::operator+=(const shard_totals& other) {
  epochs += other.epochs;
  records += other.records;
  decisions += other.decisions;
  outputs += other.outputs;
  rows += other.rows;
  dead_letters += other.dead_letters;
  real_gaps += other.real_gaps;
  refetches += other.refetches;
  counts += other.counts;
  return *this;
}

std::string offset_metadata(std::uint64_t epoch) { return fmt::format("{}{}", metadata_prefix, epoch); }

std::optional<std::uint64_t> epoch_of_metadata(std::string_view text) {
  if (not text.starts_with(metadata_prefix)) return std::nullopt;
  text.remove_prefix(metadata_prefix.size());
  std::uint64_t epoch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
  if (error != std::errc{} or end != text.data() + text.size()) return std::nullopt;
  return epoch;
}

partition_shard::partition_shard(const engine_rules& rules, std::int32_t partition, std::int32_t partitions,
                                 std::unique_ptr<partition_store> store, const beginning& from, worker& on,
                                 const std::function<std::optional<policy>(const std::string&)>& read_policy)
  : rules_(rules),
    partition_(partition),
    partitions_(partitions),
    store_(std::move(store)),
    writer_(rules.source, partition, case_namer(rules.case_key), rules.dead_letter_bytes_max),
    buffer_(rules.partition_of, partition, partitions) {
  begin_life(from, on, read_policy);
}

partition_shard::~partition_shard() = default;

void partition_shard::begin_life(const beginning& from, worker& on,
                                 const std::function<std::optional<policy>(const std::string&)>& read_policy) {
  const auto& wanted = rules_.configured;
  committed_once_ = not from.founded;
  if (from.founded) {
    meta_.cluster = from.cluster;
    meta_.partitions = static_cast<std::uint32_t>(partitions_);
    meta_.controls = {.enabled = wanted.enabled, .killed = wanted.killed};
    meta_.settings["config.enabled"] = truth(wanted.enabled);
    meta_.settings["config.kill_switch"] = truth(wanted.killed);
  } else {
    meta_ = *store_->meta();
  }
  meta_.inputs = from.inputs;
  meta_.partition = static_cast<std::uint32_t>(partition_);
  next_meta_ = meta_;
  next_meta_.key_check = case_namer(rules_.case_key).check();
  const auto choice = choose_policies(wanted.live, wanted.shadows, rules_.usage_retention_ms, meta_.controls,
                                      next_meta_.settings, not committed_once_, meta_.now, read_policy);
  if (choice.policies == nullptr) {
    problem_ = "a policy that was promoted cannot be read from " + rules_.outputs.policies;
    return;
  }
  const controls start{meta_.controls.enabled, meta_.controls.killed, choice.policies.get()};
  const auto stored = stored_from(start);
  const auto known = digests_of(meta_.controls);
  for (const auto& slot : choice.policies->slots())
    if (slot.kind != slot_kind::off and std::find(known.begin(), known.end(), slot.label.digest) == known.end())
      new_policies_.emplace_back(slot.label.digest, wanted.text_of(slot.rules));
  setup_ = partition_setup{.topics = rules_.inputs,
                           .partition = partition_,
                           .partitions = static_cast<std::uint32_t>(partitions_),
                           .source = rules_.source,
                           .usage_retention_ms = rules_.usage_retention_ms,
                           .horizon_ms = rules_.horizon_ms,
                           .profiles = setting_of(next_meta_.settings, "profiles"),
                           .partitioner = rules_.partitioner,
                           .key_check = next_meta_.key_check,
                           .program = rules_.program,
                           .controls = stored,
                           .dead_letter_bytes_max = rules_.dead_letter_bytes_max};
  own_ = wanted.own(next_meta_.settings);
  life_meta_ = next_meta_;
  inputs_.resize(meta_.inputs.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    inputs_[i].next = meta_.inputs[i].next;
  const shard_options options{.start = start,
                              .horizon_ms = rules_.horizon_ms,
                              .policies = choice.policies,
                              .command_ids = command_ids_from(setting_of(meta_.settings, "command_ids")),
                              .last_now = committed_once_ ? meta_.now : INT64_MIN,
                              .max_active_users = rules_.bounds.active_users};
  actors_ = on.open_shard(*this, *this, *store_, options);
}

partition_shard::intake partition_shard::accept(const std::shared_ptr<const record_batch>& batch, std::size_t index) {
  const auto& what = batch->records()[index];
  const auto found = std::find_if(meta_.inputs.begin(), meta_.inputs.end(),
                                  [&](const input_next& each) { return each.topic == what.topic; });
  if (found == meta_.inputs.end()) return intake::old;
  const auto input = static_cast<std::size_t>(found - meta_.inputs.begin());
  auto& state = inputs_[input];
  if (what.offset < state.next) return intake::old;
  if (what.offset > state.next) {
    if (state.suspected != what.offset and not mutant::is_on("skipped-record guard off")) {
      state.suspected = what.offset;
      ++totals_.refetches;
      return intake::gap;
    }
    skipped_.push_back({static_cast<std::uint32_t>(input), state.next, what.offset, 0});
  }
  state.suspected = -1;
  state.next = what.offset + 1;
  ++state.count;
  buffer_.add(batch, index, static_cast<std::uint32_t>(input));
  return intake::taken;
}

bool partition_shard::has_work(time_ms now) const {
  return not buffer_.empty() or not committed_once_ or not own_.lines.empty() or actors_->next_due() <= now;
}

store_status partition_shard::run(time_ms now, std::size_t timers_max, transactional_producer& to) {
  now_ = std::max(now, meta_.now);
  timers_max_ = timers_max;
  with_events_ = timers_max == SIZE_MAX;
  to_ = &to;
  sealed_ready_ = true;
  epoch_totals_ = {};
  actors_->run_epoch();
  to_ = nullptr;
  ran_ = true;
  return store_->failure();
}

std::optional<epoch> partition_shard::next() {
  if (not std::exchange(sealed_ready_, false)) return std::nullopt;
  failpoint::pass("epoch_sealed");
  const auto number = committed_once_ ? meta_.epoch + 1 : 0;
  epoch sealed{.number = number, .now = now_, .timers_max = timers_max_};
  if (with_events_) {
    buffer_.put_in_order();
    sealed.events = buffer_.events();
    sealed.commands = buffer_.commands();
  }
  return sealed;
}

void partition_shard::produce(const std::string& topic, std::optional<std::string_view> key,
                              std::optional<std::string_view> value, std::span<const header> headers) {
  to_->produce(topic, partition_, key, value, headers);
}

void partition_shard::take(const epoch& sealed, std::span<outcome> outcomes, const broadcast_outcome& broadcast) {
  failpoint::pass("slices_done");
  epoch_record record{.epoch = sealed.number, .now = sealed.now};
  if (first_of_life_) record.setup = setup_;
  if (timers_max_ != SIZE_MAX) record.timers_max = timers_max_;
  next_meta_.epoch = sealed.number;
  next_meta_.now = sealed.now;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    auto& committed = next_meta_.inputs[i];
    const auto& state = inputs_[i];
    const auto next = with_events_ ? state.next : committed.next;
    record.inputs.push_back({static_cast<std::uint32_t>(i), committed.next, next, with_events_ ? state.count : 0});
    committed.next = next;
  }
  if (with_events_) record.skipped = skipped_;
  write_outputs(sealed, outcomes, broadcast, record);
  write_policies();
  write_config_commands();
  write_rows(sealed.now, outcomes, record);
  write_journal(record);
  produce(rules_.outputs.changelog, partition_meta_key(), encode_partition_meta(next_meta_, false));
  failpoint::pass("produced");
  epoch_totals_.epochs = 1;
  epoch_totals_.records = with_events_ ? buffer_.records() : 0;
}

void partition_shard::write_outputs(const epoch& sealed, std::span<outcome> outcomes,
                                    const broadcast_outcome& broadcast, epoch_record& record) {
  dead_letters_.clear();
  refused_.clear();
  if (with_events_) buffer_.dead_letters(outcomes, dead_letters_, refused_);
  const auto& names = rules_.outputs;
  const std::string* topics[output_topic_count] = {&names.decisions, &names.notifications, &names.enforcement,
                                                   &names.review_requests, &names.dead_letters};
  const auto in_force = stored_from(broadcast.in_force);
  const bool controls_changed = not committed_once_ or in_force != meta_.controls;
  writer_.write(sealed.number, sealed.now, outcomes, broadcast, controls_changed, dead_letters_,
                [&](const output& each) {
                  outputs_digest_.add(to_text(each.to));
                  each.key ? outputs_digest_.add(*each.key) : outputs_digest_.add_null();
                  for (const auto& [name, value] : each.headers) {
                    outputs_digest_.add(name);
                    value ? outputs_digest_.add(*value) : outputs_digest_.add_null();
                  }
                  each.value ? outputs_digest_.add(*each.value) : outputs_digest_.add_null();
                  produce(*topics[static_cast<std::size_t>(each.to)], each.key, each.value, each.headers);
                  ++record.outputs;
                  epoch_totals_.decisions += each.to == output_topic::decisions ? 1 : 0;
                });
  record.outputs_digest = outputs_digest_.finish();
  record.refused = refused_;
  next_meta_.controls = in_force;
  for (const auto key : broadcast.new_ids)
    append_command_id(next_meta_.settings["command_ids"], key);
  epoch_totals_.outputs = record.outputs;
  epoch_totals_.dead_letters = dead_letters_.size();
}

// In the transaction of their first use.
void partition_shard::write_policies() {
  for (const auto& [digest, text] : new_policies_)
    produce(rules_.outputs.policies, digest, text);
}

// What the configuration says goes through the input like everybody's commands: ordered, audited, replayable.
void partition_shard::write_config_commands() {
  if (own_.lines.empty()) return;
  for (const auto& [subject, line] : own_.lines) {
    const bool mine =
        subject == "*" or rules_.partition_of == nullptr or rules_.partition_of(subject, partitions_) == partition_;
    if (mine) produce(rules_.inputs.front(), subject, line);
  }
  for (const auto& [key, value] : own_.settings)
    next_meta_.settings[key] = value;
}

void partition_shard::write_rows(time_ms now, std::span<outcome> outcomes, epoch_record& record) {
  for (auto& each : outcomes) {
    epoch_totals_.counts += each.wrote.counts;
    if (each.who != nullptr) store_->add_user(each.uid, *each.who);
  }
  // Not while timers are late: they look at older hours.
  if (with_events_) store_->expire(now, rules_.bounds.expiry_rows);
  store_->each_open_row([&](const state_row& row) {
    rows_digest_.add(row.key);
    row.value ? rows_digest_.add(*row.value) : rows_digest_.add_null();
    produce(rules_.outputs.changelog, row.key, row.value);
    ++record.rows;
  });
  record.rows_digest = rows_digest_.finish();
  epoch_totals_.rows = record.rows;
}

void partition_shard::write_journal(epoch_record& record) {
  const auto row = encode_epoch_record(record, meta_.chain);
  next_meta_.chain = record.chain;
  produce(rules_.outputs.journal, std::nullopt, row);
}

std::vector<committed_offset> partition_shard::offsets() const {
  const auto& meta = ran_ ? next_meta_ : meta_;
  std::vector<committed_offset> all;
  for (const auto& each : meta.inputs)
    all.push_back({{each.topic, partition_}, each.next, offset_metadata(meta.epoch)});
  return all;
}

void partition_shard::keep_rows(const transactional_producer& by) {
  next_meta_.changelog_next = by.delivered_next({rules_.outputs.changelog, partition_});
  store_->commit(next_meta_);
}

void partition_shard::confirm(const transactional_producer& by) {
  keep_rows(by);
  meta_ = next_meta_;
  totals_ += epoch_totals_;
  committed_once_ = true;
  first_of_life_ = false;
  ran_ = false;
  own_ = {};
  new_policies_.clear();
  if (with_events_) {
    buffer_.clear();
    skipped_.clear();
    for (auto& each : inputs_)
      each.count = 0;
  }
  if (actors_->active_users() > rules_.bounds.active_users) actors_->passivate();
}

void partition_shard::roll_back() {
  if (ran_) {
    actors_->roll_back();
    store_->drop_open();
    next_meta_ = first_of_life_ ? life_meta_ : meta_;
    ran_ = false;
  }
  forget_records();
}

void partition_shard::forget_records() {
  buffer_.clear();
  skipped_.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (not mutant::is_on("no seek after abort")) inputs_[i].next = meta_.inputs[i].next;
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
