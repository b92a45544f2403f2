// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/replay.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/keys.hpp"
#include "streams/kafka/partition_shard.hpp"

namespace fairuse::protocol {

namespace {

/// Keeps what a shard produces.
class recorder : public kafka::transactional_producer {
public:
  kafka::answer prepare(std::span<const std::string>) override { return {}; }
  kafka::answer begin() override { return {}; }
  void produce(const std::string& topic, std::int32_t, std::optional<std::string_view> key,
               std::optional<std::string_view> value, std::span<const kafka::header> headers) override {
    auto& made = produced[topic].emplace_back();
    made.key = key;
    made.value = value;
    for (const auto& each : headers)
      made.headers.emplace_back(each.name, each.value);
    ++next_;
  }
  kafka::answer flush() override { return {}; }
  std::int64_t delivered_next(const simlog::topic_partition&) const override { return next_; }
  kafka::answer send_offsets(std::span<const kafka::committed_offset>, kafka::group_consumer&) override { return {}; }
  kafka::answer commit() override { return {}; }
  kafka::answer abort() override { return {}; }
  bool troubled() const override { return false; }

  std::map<std::string, std::vector<simlog::stored_record>> produced;

private:
  std::int64_t next_ = 0;
};

class replayed_batch : public kafka::record_batch {
public:
  replayed_batch(const std::string& topic, std::int32_t partition, std::vector<simlog::log_entry> entries)
    : topic_(topic), entries_(std::move(entries)) {
    for (const auto& each : entries_)
      records_.push_back(
          {topic_, partition, each.offset, each.timestamp, view_of(each.what.key), view_of(each.what.value)});
  }
  std::vector<kafka::header> headers(std::size_t) const override { return {}; }
  bool has_headers(std::size_t) const override { return false; }

private:
  static std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  }
  std::string topic_;
  std::vector<simlog::log_entry> entries_;
};

bool is_hour_row(std::string_view key) {
  if (key.empty() or key.front() != keys::user_type) return false;
  const auto row = keys::parse_user_row(key);
  return row and row->kind == keys::user_row::hour;
}

// When an hour that nothing reaches any more leaves the store depends on when the writer wrote it.
rows_by_key without_old_hours(const rows_by_key& rows, time_ms now) {
  rows_by_key kept;
  const auto first = hour_of(now - 8 * day_ms - 2 * hour_ms);
  for (const auto& [key, value] : rows)
    if (not is_hour_row(key) or keys::parse_user_row(key)->hour >= first) kept.emplace(key, value);
  return kept;
}

class second_run {
public:
  second_run(world& in, const history& of)
    : in_(in), of_(of), folder_(in.fresh_folder()), rules_(in.rules_for("second", folder_, 0)) {
    rules_.bounds.active_users = 1'000;
  }

  void run() {
    for (const auto& each : of_.epochs)
      run(each);
    for (const auto& topic : compared())
      if (reached_[topic] != there(topic).size())
        fail("I7: {} [{}] holds {} records, a replay makes {}", topic, of_.partition, there(topic).size(),
             reached_[topic]);
    check_rows();
  }

private:
  std::vector<std::string> compared() const {
    return {in_.topics.decisions,       in_.topics.notifications, in_.topics.enforcement,
            in_.topics.review_requests, in_.topics.dead_letters,  in_.topics.policies};
  }
  const std::vector<simlog::log_entry>& there(const std::string& topic) {
    const auto found = there_.find(topic);
    if (found != there_.end()) return found->second;
    return there_[topic] = in_.log.records({topic, of_.partition}, kafka::isolation::committed);
  }

  void begin_life(const told_epoch& first) {
    auto store = shard_ ? shard_->give_up_store() : nullptr;
    shard_.reset();
    if (store == nullptr) {
      auto opened = partition_store::open(folder_, {.case_key = rules_.case_key});
      if (not opened) fail("the second run has no store: {}", opened.error().message);
      store = std::move(*opened);
    }
    kafka::beginning from{.founded = first.record.epoch == 0, .cluster = "simulated"};
    for (const auto& range : first.record.inputs)
      from.inputs.push_back({in_.inputs().at(range.topic), range.from});
    const auto read = [this](const std::string& digest) -> std::optional<policy> {
      for (const auto& entry : there(in_.topics.policies))
        if (*entry.what.key == digest) return rules_.configured.parse(*entry.what.value);
      return std::nullopt;
    };
    shard_ = std::make_unique<kafka::partition_shard>(rules_, of_.partition, in_.how.partitions, std::move(store), from,
                                                      actors_, read);
    if (not shard_->problem().empty()) fail("I7: {}", shard_->problem());
  }

  void feed(const epoch_record& record) {
    for (const auto& range : record.inputs) {
      const auto& topic = in_.inputs().at(range.topic);
      const auto batch = std::make_shared<replayed_batch>(
          topic, of_.partition, records_in(in_, topic, of_.partition, range.from, range.next));
      for (std::size_t i = 0; i < batch->records().size(); ++i)
        if (shard_->accept(batch, i) == kafka::partition_shard::intake::gap) shard_->accept(batch, i);
    }
  }

  void run(const told_epoch& told) {
    const auto& record = told.record;
    if (record.setup) begin_life(told);
    if (shard_ == nullptr) fail("I7: the journal of partition {} does not begin with a life", of_.partition);
    feed(record);
    made_.produced.clear();
    const auto timers = record.timers_max == UINT64_MAX ? SIZE_MAX : static_cast<std::size_t>(record.timers_max);
    if (not shard_->run(record.now, timers, made_)) fail("the second run's store failed");
    for (const auto& topic : compared())
      compare_outputs(topic, record.epoch);
    compare_journal(told);
    compare_rows(told);
    shard_->confirm(made_);
    if (record.epoch % 7 == 0 and not shard_->store().drain()) fail("the second run's store failed");
  }

  void compare_outputs(const std::string& topic, std::uint64_t epoch) {
    const auto& real = there(topic);
    auto& at = reached_[topic];
    for (const auto& each : made_.produced[topic]) {
      if (at >= real.size()) fail("I7: {} [{}] misses a record of epoch {}", topic, of_.partition, epoch);
      const auto& is = real[at++].what;
      if (is.key != each.key or is.value != each.value or is.headers != each.headers)
        fail("I7: record {} of {} [{}], epoch {}, is\n    {}\n  and a replay makes\n    {}", at - 1, topic,
             of_.partition, epoch, is.value.value_or("null"), each.value.value_or("null"));
    }
  }

  void compare_journal(const told_epoch& told) {
    const auto row = made_.produced[in_.topics.journal].at(0).value.value();
    auto mine = *decode_epoch_record(row);
    // What the row of the journal says of rows is compared row by row.
    mine.rows = told.record.rows;
    mine.rows_digest = told.record.rows_digest;
    mine.chain = told.record.chain;
    if (mine == told.record) return;
    const auto& is = told.record;
    fail("I7: the journal of epoch {} [{}] is not what a replay makes:{}{}{}{}{}{}", is.epoch, of_.partition,
         mine.now != is.now ? " now" : "", mine.inputs != is.inputs ? " inputs" : "",
         mine.refused != is.refused ? " refused" : "", mine.skipped != is.skipped ? " skipped" : "",
         mine.setup != is.setup ? " setup" : "", mine.outputs_digest != is.outputs_digest ? " outputs" : "");
  }

  // What is written again, or deleted twice, depends on who was in memory: what is there afterwards does not.
  void compare_rows(const told_epoch& told) {
    std::set<std::string> touched;
    const auto apply = [&touched](rows_by_key& to, const std::string& key, const std::optional<std::string>& value) {
      touched.insert(key);
      if (value)
        to[key] = *value;
      else
        to.erase(key);
    };
    for (const auto& each : made_.produced[in_.topics.changelog])
      if (*each.key != partition_meta_key()) apply(fold_, *each.key, each.value);
    if (in_.how.compacts) return;
    for (const auto& [key, value] : told.rows)
      apply(told_fold_, key, value);
    rows_by_key is;
    rows_by_key makes;
    for (const auto& key : touched) {
      if (const auto found = told_fold_.find(key); found != told_fold_.end()) is.insert(*found);
      if (const auto found = fold_.find(key); found != fold_.end()) makes.insert(*found);
    }
    const auto now = told.record.now;
    const auto differs = difference(without_old_hours(is, now), without_old_hours(makes, now));
    if (not differs.empty())
      fail("I5: rows of epoch {} [{}] are not what a replay makes: {}", told.record.epoch, of_.partition, differs);
  }

  void check_rows() {
    const auto now = of_.epochs.back().record.now;
    const auto differs = difference(without_old_hours(of_.fold, now), without_old_hours(fold_, now));
    if (not differs.empty()) fail("I5: changelog [{}] is not what a replay makes: {}", of_.partition, differs);
  }

  world& in_;
  const history& of_;
  std::filesystem::path folder_;
  kafka::engine_rules rules_;
  worker actors_;
  std::unique_ptr<kafka::partition_shard> shard_;
  recorder made_;
  rows_by_key fold_;
  rows_by_key told_fold_;
  std::map<std::string, std::vector<simlog::log_entry>> there_;
  std::map<std::string, std::size_t> reached_;
};

} // namespace

void check_replay(world& in, const history& of) { second_run(in, of).run(); }

} // namespace fairuse::protocol
