// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/replay.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/keys.hpp"
#include "storage/partition_meta.hpp"
#include "storage/partition_store.hpp"
#include "streams/kafka/capture/capture_export.hpp"
#include "streams/kafka/capture/verify.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::protocol {

namespace {

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

kafka::captured_record kept(const simlog::log_entry& entry) {
  return {entry.offset, entry.timestamp, entry.what.key, entry.what.value, entry.what.headers};
}

kafka::replay_tools tools(fixture& in, const std::filesystem::path& folder) {
  const auto rules = in.rules_for("second", folder, 0);
  return {.folder = folder,
          .case_key = rules.case_key,
          .text_of = rules.configured.text_of,
          .parse = rules.configured.parse,
          .partitioner =
              [partition_of = rules.partition_of](const std::string& name) {
                return name == "murmur2" ? std::optional{partition_of} : std::nullopt;
              },
          .keep_rows = true};
}

class second_run {
public:
  second_run(fixture& in, const committed_log& of)
    : in_(in), of_(of), replay_(with_policies(in.fresh_folder()), in.topics, of.partition) {}

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

  kafka::replay_tools with_policies(const std::filesystem::path& folder) {
    auto made = tools(in_, folder);
    made.policy_text = [this](const std::string& digest) -> std::optional<std::string> {
      for (const auto& entry : there(in_.topics.policies))
        if (*entry.what.key == digest) return entry.what.value;
      return std::nullopt;
    };
    return made;
  }

  static void hold(const result<void, store_error>& done) {
    if (not done) fail("I7: {}", done.error().message);
  }

  void run(const committed_epoch& epoch) {
    const auto inputs = [this](const std::string& topic, const input_range& range) {
      std::vector<kafka::captured_record> some;
      for (const auto& entry : records_in(in_, topic, of_.partition, range.from, range.next))
        some.push_back(kept(entry));
      return some;
    };
    hold(replay_.run(epoch.record, inputs));
    for (const auto& topic : compared())
      compare_outputs(topic, epoch.record.epoch);
    compare_journal(epoch);
    compare_rows(epoch);
    hold(replay_.confirm());
  }

  void compare_outputs(const std::string& topic, std::uint64_t epoch) {
    const auto& real = there(topic);
    auto& at = reached_[topic];
    for (const auto& each : replay_.made().of(topic)) {
      if (at >= real.size()) fail("I7: {} [{}] misses a record of epoch {}", topic, of_.partition, epoch);
      const auto& is = real[at++].what;
      if (is.key != each.key or is.value != each.value or is.headers != each.headers)
        fail("I7: record {} of {} [{}], epoch {}, is\n    {}\n  and a replay makes\n    {}", at - 1, topic,
             of_.partition, epoch, is.value.value_or("null"), each.value.value_or("null"));
    }
  }

  void compare_journal(const committed_epoch& epoch) {
    auto mine = replay_.journal();
    // The journal's figures about rows are not compared: the rows are.
    mine.rows = epoch.record.rows;
    mine.rows_digest = epoch.record.rows_digest;
    mine.chain = epoch.record.chain;
    if (mine == epoch.record) return;
    const auto& is = epoch.record;
    fail("I7: the journal of epoch {} [{}] is not what a replay makes:{}{}{}{}{}{}", is.epoch, of_.partition,
         mine.now != is.now ? " now" : "", mine.inputs != is.inputs ? " inputs" : "",
         mine.refused != is.refused ? " refused" : "", mine.skipped != is.skipped ? " skipped" : "",
         mine.setup != is.setup ? " setup" : "", mine.outputs_digest != is.outputs_digest ? " outputs" : "");
  }

  // Repeated writes and deletions depend on which users were in memory; the rows afterwards do not.
  void compare_rows(const committed_epoch& epoch) {
    std::set<std::string> touched;
    const auto apply = [&touched](rows_by_key& to, const std::string& key, const std::optional<std::string>& value) {
      touched.insert(key);
      if (value)
        to[key] = *value;
      else
        to.erase(key);
    };
    for (const auto& each : replay_.made().of(in_.topics.changelog))
      if (*each.key != partition_meta_key()) apply(fold_, *each.key, each.value);
    if (in_.settings.compacts) return;
    for (const auto& [key, value] : epoch.rows)
      apply(committed_fold_, key, value);
    rows_by_key is;
    rows_by_key makes;
    for (const auto& key : touched) {
      if (const auto found = committed_fold_.find(key); found != committed_fold_.end()) is.insert(*found);
      if (const auto found = fold_.find(key); found != fold_.end()) makes.insert(*found);
    }
    const auto now = epoch.record.now;
    const auto differs = difference(without_old_hours(is, now), without_old_hours(makes, now));
    if (not differs.empty())
      fail("I5: rows of epoch {} [{}] are not what a replay makes: {}", epoch.record.epoch, of_.partition, differs);
  }

  void check_rows() {
    const auto now = of_.epochs.back().record.now;
    const auto differs = difference(without_old_hours(of_.fold, now), without_old_hours(fold_, now));
    if (not differs.empty()) fail("I5: changelog [{}] is not what a replay makes: {}", of_.partition, differs);
  }

  fixture& in_;
  const committed_log& of_;
  std::map<std::string, std::vector<simlog::log_entry>> there_;
  kafka::partition_replay replay_;
  rows_by_key fold_;
  rows_by_key committed_fold_;
  std::map<std::string, std::size_t> reached_;
};

} // namespace

void check_replay(fixture& in, const committed_log& of) { second_run(in, of).run(); }

kafka::export_wish wish_of(fixture& in) {
  return {.app = "fairuse",
          .cluster = "simulated",
          .outputs = in.topics,
          .partitions = in.settings.partitions,
          .patience = kafka::milliseconds{5'000}};
}

kafka::verify_result verify_file(fixture& in, const std::filesystem::path& file, unsigned workers) {
  const auto capture = kafka::capture_reader::open(file, {});
  if (not capture) fail("the capture does not open: {}", capture.error().message);
  const auto scratch = in.fresh_folder();
  std::filesystem::create_directories(scratch);
  return kafka::verify(**capture, {.with = tools(in, {}), .scratch = scratch, .workers = workers, .progress = {}});
}

void write_checkpoint(fixture& in, const std::filesystem::path& file, std::uint64_t epoch) {
  auto write = kafka::capture_writer::create(file, true);
  if (not write) fail("there is no checkpoint: {}", write.error().message);
  kafka::capture_contents all{.app = "fairuse",
                              .cluster = "simulated",
                              .partitions = in.settings.partitions,
                              .outputs = in.topics,
                              .is_checkpoint = true};
  for (std::int32_t p = 0; p < in.settings.partitions; ++p) {
    const auto log = read_committed_log(in, p);
    rows_by_key fold;
    epoch_record first;
    for (std::uint64_t e = 0; e <= epoch; ++e) {
      const auto& each = log.epochs.at(e);
      if (each.record.setup) first.setup = each.record.setup;
      for (const auto& [key, value] : each.rows)
        value ? void(fold[key] = *value) : void(fold.erase(key));
    }
    std::uint64_t at = 0;
    std::string meta;
    for (const auto& entry : in.log.records({in.topics.changelog, p}, kafka::isolation::committed))
      if (*entry.what.key == partition_meta_key() and at++ == epoch) meta = *entry.what.value;
    const auto section =
        (*write)->begin_section({.partition = p, .kind = kafka::section_kind::state, .topic = in.topics.changelog});
    for (const auto& [key, value] : fold)
      (*write)->add(section, {.key = key, .value = value});
    (*write)->add(section, {.key = std::string(partition_meta_key()), .value = meta});
    all.per_partition.push_back(
        {.partition = p, .first_epoch = epoch + 1, .state_meta = meta, .state_setup = encode_epoch_record(first, {})});
  }
  if (const auto done = (*write)->finish(std::move(all)); not done)
    fail("there is no checkpoint: {}", done.error().message);
}

void check_capture(fixture& in) {
  const auto folder = in.fresh_folder();
  std::filesystem::create_directories(folder);
  simlog::simulated_cluster brokers(in.log);
  const auto made = kafka::export_capture(brokers, wish_of(in), folder / "all");
  if (not made) fail("there is no capture: {}", made.error().message);
  const auto found = verify_file(in, folder / "all");
  if (found.what == kafka::verify_outcome::equal) return;
  fail("a capture is not equal: {}{}", found.message,
       found.where ? fmt::format(": {}: {} and {}", found.where->what, found.where->captured, found.where->replayed)
                   : "");
}

} // namespace fairuse::protocol
