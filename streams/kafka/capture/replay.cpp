// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/replay.hpp"

#include <utility>

#include <fmt/format.h>

#include "storage/case_reference.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::size_t rows_at_once = 10'000;
/// Users in memory: more than production keeps would change nothing.
constexpr std::size_t users_in_memory = 200'000;
/// More than production: a row that waits is written again in memory, and most captures need no disk at all.
constexpr std::size_t rows_that_wait = 1'000'000;
constexpr std::size_t bytes_that_wait = std::size_t{128} << 20;

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

} // namespace

void recorder::produce(const std::string& topic, std::int32_t, std::optional<std::string_view> key,
                       std::optional<std::string_view> value, std::span<const header> headers) {
  ++next_;
  if (topic == without_) return;
  auto& made = produced_[topic].emplace_back();
  if (key) made.key = std::string(*key);
  if (value) made.value = std::string(*value);
  for (const auto& each : headers)
    made.headers.emplace_back(each.name, each.value ? std::optional<std::string>(*each.value) : std::nullopt);
}

const std::vector<captured_record>& recorder::of(const std::string& topic) const {
  static const std::vector<captured_record> none;
  const auto found = produced_.find(topic);
  return found == produced_.end() ? none : found->second;
}

void recorder::clear() {
  for (auto& [topic, records] : produced_)
    records.clear();
}

replayed_batch::replayed_batch(std::string topic, std::int32_t partition, std::vector<captured_record> records)
  : topic_(std::move(topic)), kept_(std::move(records)) {
  records_.reserve(kept_.size());
  for (const auto& each : kept_)
    records_.push_back({topic_, partition, each.offset, each.timestamp, view_of(each.key), view_of(each.value)});
}

std::vector<header> replayed_batch::headers(std::size_t i) const {
  std::vector<header> all;
  for (const auto& [name, value] : kept_[i].headers)
    all.push_back({name, view_of(value)});
  return all;
}

partition_replay::partition_replay(replay_tools with, const topic_names& outputs, std::int32_t partition)
  : with_(std::move(with)),
    outputs_(outputs),
    partition_(partition),
    made_(with_.keep_rows ? std::string() : outputs.changelog) {}

// Nothing reads the store again: what waits is not written.
partition_replay::~partition_replay() {
  if (shard_) store_ = shard_->give_up_store();
  if (store_) store_->abandon();
}

result<void, store_error> partition_replay::open_store(const partition_setup& setup) {
  const std::pair retention{setup.usage_retention_ms, setup.decision_retention_ms};
  if (store_ != nullptr and store_retention_ms_ == retention) return {};
  if (auto done = close_store(); not done) return done;
  auto opened = partition_store::open(
      with_.folder,
      {.case_key = with_.case_key, .usage_retention_ms = retention.first, .decision_retention_ms = retention.second});
  if (not opened) return opened.error();
  store_ = std::move(*opened);
  store_retention_ms_ = retention;
  return {};
}

result<void, store_error> partition_replay::close_store() {
  if (store_ == nullptr) return {};
  auto drained = store_->drain();
  store_.reset();
  return drained;
}

std::optional<policy> partition_replay::read_policy(const std::string& digest) const {
  const auto text = with_.policy_text(digest);
  if (not text) return std::nullopt;
  auto read = with_.parse(*text);
  return read and read->digest == digest ? std::move(read) : std::nullopt;
}

// The loaded policies follow from the journal alone: its setup includes promotions in force.
result<void, store_error> partition_replay::set_rules(const partition_setup& setup, const stored_controls& controls) {
  if (case_namer(with_.case_key).check() != setup.key_check)
    return store_error{store_fault::wrong_key,
                       "it was made with another case key: give the one that production runs with (FAIRUSE_CASE_KEY)"};
  auto rules = std::make_unique<engine_rules>();
  auto partition_of = with_.partitioner(setup.partitioner);
  if (not partition_of) return damaged(fmt::format("its partitioner '{}' is not known here", setup.partitioner));
  rules->partition_of = *partition_of;
  auto& configured = rules->configured;
  const auto load = [this](const std::string& digest, policy& into) {
    auto read = read_policy(digest);
    if (read) into = std::move(*read);
    return read.has_value();
  };
  const auto lacks = [](const std::string& digest) {
    return damaged(fmt::format("policy {} is not there, or its text is not what its digest says", digest));
  };
  if (not load(controls.live, configured.live)) return lacks(controls.live);
  for (const auto& digest : controls.shadows)
    if (not load(digest, configured.shadows.emplace_back())) return lacks(digest);
  configured.enabled = controls.enabled;
  configured.killed = controls.killed;
  configured.text_of = with_.text_of;
  configured.parse = with_.parse;
  // The engine's own commands are among the captured inputs.
  configured.commands_for = [](const auto&, const auto&) { return configured_rules::config_commands{}; };
  configured.profiles_of_journal = setup.profiles;
  rules->inputs = setup.topics;
  rules->outputs = outputs_;
  rules->partitioner = setup.partitioner;
  if (setup.dead_letter_bytes_max != 0) rules->dead_letter_bytes_max = setup.dead_letter_bytes_max;
  rules->source = setup.source;
  rules->case_key = with_.case_key;
  rules->usage_retention_ms = setup.usage_retention_ms;
  rules->decision_retention_ms = setup.decision_retention_ms;
  rules->horizon_ms = setup.horizon_ms;
  rules->program = setup.program;
  rules->bounds.active_users = users_in_memory;
  rules->bounds.pending_rows = rows_that_wait;
  rules->bounds.pending_bytes = bytes_that_wait;
  shard_.reset();
  rules_ = std::move(rules);
  return {};
}

result<void, store_error> partition_replay::restore(const partition_setup& setup,
                                                    const std::function<bool(captured_record&)>& next_row) {
  if (auto done = open_store(setup); not done) return done;
  std::vector<captured_record> kept;
  std::int64_t next = 0;
  const auto write = [&] {
    std::vector<state_row> rows;
    rows.reserve(kept.size());
    for (const auto& each : kept)
      rows.push_back({*each.key, view_of(each.value)});
    next += static_cast<std::int64_t>(rows.size());
    auto done = store_->restore(rows, next);
    kept.clear();
    return done;
  };
  captured_record row;
  while (next_row(row)) {
    if (not row.key) return damaged("its state holds a row without a key");
    kept.push_back(std::move(row));
    if (kept.size() < rows_at_once) continue;
    if (auto done = write(); not done) return done;
  }
  if (auto done = write(); not done) return done;
  if (auto done = store_->end_restore(next); not done) return done;
  if (not store_->meta()) return damaged("its state says nothing about itself");
  restored_ = setup;
  return {};
}

result<void, store_error> partition_replay::begin_run(const partition_setup& setup, const epoch_record& first) {
  if (shard_) store_ = shard_->give_up_store();
  shard_.reset();
  if (setup.partition != partition_ or setup.partitions == 0 or setup.usage_retention_ms <= 0)
    return damaged("its setup is of another partition, or of none");
  if (setup.topics.size() != first.inputs.size()) return damaged("its journal tells of other inputs than its setup");
  if (auto done = open_store(setup); not done) return done;
  const bool is_new = first.epoch == 0;
  if (is_new == store_->meta().has_value())
    return damaged(is_new ? "it begins anew in the middle" : "its first epoch needs a state that is not there");
  if (auto done = set_rules(setup, setup.controls); not done) return done;
  takeover_result from{.is_new = is_new, .cluster = "replay"};
  for (std::size_t i = 0; i < first.inputs.size(); ++i) {
    if (first.inputs[i].topic != i) return damaged("its journal does not list every input once");
    from.inputs.push_back({setup.topics[i], first.inputs[i].from});
  }
  auto opened = partition_shard::open(*rules_, partition_, static_cast<std::int32_t>(setup.partitions), store_, from,
                                      actors_, [this](const std::string& digest) { return read_policy(digest); });
  if (not opened) return damaged(opened.error().message);
  shard_ = std::move(*opened);
  return {};
}

result<void, store_error> partition_replay::feed(const epoch_record& record, const take_inputs& inputs) {
  for (const auto& range : record.inputs) {
    if (range.topic >= rules_->inputs.size())
      return damaged("its journal tells of an input that its setup does not have");
    if (range.count == 0) continue;
    const auto& topic = rules_->inputs[range.topic];
    auto taken = inputs(topic, range);
    if (not taken) return taken.error();
    const auto batch = std::make_shared<replayed_batch>(topic, partition_, std::move(*taken));
    for (std::size_t i = 0; i < batch->records().size(); ++i)
      // Production missed the records of a gap, too: the shard accepts it the second time.
      if (shard_->accept(batch, i) == partition_shard::accept_result::gap) shard_->accept(batch, i);
  }
  return {};
}

result<void, store_error> partition_replay::run(const epoch_record& told, const take_inputs& inputs) {
  made_.clear();
  if (told.setup) {
    if (auto done = begin_run(*told.setup, told); not done) return done;
  } else if (shard_ == nullptr and restored_) {
    auto setup = *restored_;
    setup.controls = store_->meta()->controls;
    if (auto done = begin_run(setup, told); not done) return done;
  }
  if (shard_ == nullptr) return damaged("its journal does not begin with a setup");
  if (auto done = feed(told, inputs); not done) return done;
  const auto timers = told.timers_max == UINT64_MAX ? SIZE_MAX : static_cast<std::size_t>(told.timers_max);
  const auto sealed = shard_->seal(told.now, timers);
  return shard_->write(sealed, shard_->run(sealed), made_);
}

epoch_record partition_replay::journal() const {
  return *decode_epoch_record(made_.of(outputs_.journal).back().value.value());
}

result<void, store_error> partition_replay::confirm() {
  shard_->confirm(made_);
  const auto& bounds = rules_->bounds;
  auto& store = shard_->store();
  if (store.pending_rows() < bounds.pending_rows and store.pending_bytes() < bounds.pending_bytes) return {};
  return store.drain();
}

} // namespace fairuse::kafka
