// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/takeover.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "streams/failpoint.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::size_t restore_rows = 10'000;
constexpr milliseconds restore_wait{5};
constexpr std::int64_t ask_again_ms = 100;

error not_answered(const char* what, const call_error& why) {
  return error{fmt::format("{}: {} ({})", what, why.text, why.code)};
}

} // namespace

std::string users_are_elsewhere(std::uint32_t written, std::int32_t there) {
  return fmt::format(
      "the changelog was written for {} partitions and the topics have {}: users are elsewhere now. Read the inputs "
      "again with another streams.app and new output topics",
      written, there);
}

takeover::takeover(const engine_rules& rules, cluster& brokers, group_consumer& group, std::int32_t partition,
                   std::int32_t partition_count, std::string cluster_id, std::unique_ptr<partition_store> store)
  : rules_(rules),
    brokers_(brokers),
    group_(group),
    partition_(partition),
    partition_count_(partition_count),
    cluster_id_(std::move(cluster_id)),
    folder_(folder_of(rules, partition)),
    store_(std::move(store)) {}

std::filesystem::path takeover::folder_of(const engine_rules& rules, std::int32_t partition) {
  return rules.state / fmt::format("p{:05}", partition);
}

takeover_state takeover::work() {
  if (state_ != takeover_state::working or rules_.environment.steady() < not_before_) return state_;
  switch (next_step_) {
    case protocol_step::open_store:
      return state_ = open_store();
    case protocol_step::read_offsets:
      return state_ = read_offsets();
    case protocol_step::read_end:
      return state_ = read_end();
    case protocol_step::check_store:
      return state_ = check_store();
    case protocol_step::read_changelog:
      return state_ = read_changelog();
    case protocol_step::compare:
      break;
  }
  return state_ = compare();
}

takeover_state takeover::again(std::string why) {
  reason_ = std::move(why);
  not_before_ = rules_.environment.steady() + ask_again_ms;
  return takeover_state::working;
}

takeover_state takeover::refuse(std::string why) {
  reason_ = std::move(why);
  return takeover_state::refused;
}

takeover_state takeover::fail(std::string why) {
  reason_ = std::move(why);
  return takeover_state::failed;
}

partition_store_options takeover::store_options() const {
  return {.case_key = rules_.case_key,
          .usage_retention_ms = rules_.usage_retention_ms,
          .decision_retention_ms = rules_.decision_retention_ms,
          .write_buffer_bytes = rules_.environment.store_buffer_bytes,
          .background = rules_.environment.background,
          .hurry = rules_.environment.hurry,
          .clock = rules_.environment.wall,
          .failpoint = [](std::string_view place) { failpoint::pass(place); }};
}

// S3.
takeover_state takeover::open_store() {
  if (store_ == nullptr) {
    auto opened = partition_store::open(folder_, store_options());
    if (not opened) {
      const auto& error = opened.error();
      if (error.fault == store_fault::damaged) return set_aside(error.message);
      if (error.fault == store_fault::locked) return again(error.message);
      if (error.fault == store_fault::newer) return refuse(error.message);
      return fail(error.message);
    }
    store_ = std::move(*opened);
  }
  failpoint::pass("store_opened");
  next_step_ = protocol_step::read_offsets;
  return takeover_state::working;
}

// Never repaired in place: the changelog has all rows.
takeover_state takeover::set_aside(const std::string& why) {
  rules_.environment.log(log_level::warning,
                         fmt::format("partition {}: {} It is set aside as {}.set-aside, and restored from {}",
                                     partition_, why, folder_.string(), rules_.outputs.changelog));
  store_.reset();
  if (auto status = partition_store::set_aside(folder_); not status) return fail(status.error().message);
  next_step_ = protocol_step::open_store;
  return takeover_state::working;
}

// S4. After it, S5: an epoch whose offsets are visible has its end in the changelog below H.
takeover_state takeover::read_offsets() {
  std::vector<topic_partition> inputs;
  for (const auto& topic : rules_.inputs)
    inputs.push_back({topic, partition_});
  auto committed = group_.committed(inputs);
  if (not committed) return again(not_answered("committed offsets", committed.error()).message);
  group_offsets_ = std::move(*committed);
  failpoint::pass("offsets_read");
  next_step_ = protocol_step::read_end;
  return takeover_state::working;
}

// S5.
takeover_state takeover::read_end() {
  const auto log = brokers_.range(changelog(), isolation::uncommitted);
  if (not log) return again(not_answered("end of the changelog", log.error()).message);
  log_ = *log;
  end_ = log_.high;
  failpoint::pass("end_known");
  next_step_ = protocol_step::check_store;
  return takeover_state::working;
}

// S6.
takeover_state takeover::check_store() {
  const auto& meta = store_->meta();
  if (meta) {
    if (meta->cluster != cluster_id_ and not meta->cluster.empty())
      return set_aside("The store belongs to another Kafka cluster.");
    if (meta->partitions != 0 and meta->partitions != static_cast<std::uint32_t>(partition_count_))
      return set_aside("The store was written for another number of partitions.");
    if (meta->partition and *meta->partition != static_cast<std::uint32_t>(partition_))
      return set_aside("The store is that of another partition.");
    if (meta->changelog_next > log_.high) return set_aside("The store is ahead of its changelog.");
    if (meta->changelog_next < log_.low) return set_aside("The changelog no longer reaches back to the store.");
    if (rules_.environment.wall() - meta->saved_at > rules_.bounds.tombstones_ms / 2)
      return set_aside("The store is older than the deletions that it may have missed.");
  }
  begin_ = meta ? meta->changelog_next : log_.low;
  reader_ = brokers_.make_reader(isolation::committed);
  const position from{changelog(), begin_};
  if (const auto started = reader_->start(std::span(&from, 1)); not started)
    return again(not_answered("start of the changelog", started.error()).message);
  next_step_ = protocol_step::read_changelog;
  reason_ = "reading the changelog";
  return takeover_state::working;
}

// Some of the changelog into the store. The batches are destroyed at the end: they must not outlive their reader.
result<std::int64_t, store_error> takeover::restore_some() {
  std::vector<std::unique_ptr<record_batch>> batches;
  std::vector<state_row> rows;
  while (rows.size() < restore_rows) {
    auto batch = reader_->poll(batches.empty() ? restore_wait : milliseconds{0});
    if (batch == nullptr) break;
    for (const auto& each : batch->records())
      rows.push_back({each.key.value_or(std::string_view()), each.value});
    batches.push_back(std::move(batch));
  }
  const auto reached = std::max(begin_, reader_->position_of(changelog()));
  if (rows.empty()) return reached;
  restored_ += static_cast<std::int64_t>(rows.size());
  if (auto status = store_->restore(rows, reached); not status) return std::move(status).error();
  failpoint::pass("restoring");
  return reached;
}

// S7.
takeover_state takeover::read_changelog() {
  const auto reached = restore_some();
  if (not reached) {
    const bool newer = reached.error().fault == store_fault::newer;
    return newer ? refuse(reached.error().message) : fail(reached.error().message);
  }
  if (const auto stuck = reader_->failure(); not stuck) {
    next_step_ = protocol_step::read_offsets;
    return again(stuck.error().text);
  }
  if (*reached < end_) return takeover_state::working;
  if (store_->meta() and (restored_ > 0 or store_->meta()->restoring or store_->meta()->changelog_next != *reached))
    if (auto status = store_->end_restore(*reached); not status) return fail(status.error().message);
  reader_.reset();
  next_step_ = protocol_step::compare;
  return takeover_state::working;
}

// What the changelog was written with. The store alone cannot tell: it may have been empty.
takeover_state takeover::check_deployment(const partition_meta& meta) {
  if (meta.partitions != 0 and meta.partitions != static_cast<std::uint32_t>(partition_count_))
    return refuse(users_are_elsewhere(meta.partitions, partition_count_));
  if (const auto known = store_->check_case_key(); not known) return refuse(known.error().message);
  return takeover_state::ready;
}

takeover_state takeover::agree_on_topics(const partition_meta& meta) {
  const auto adopted = [&](const std::string& topic) { return rules_.adopt_topics.count(topic) > 0; };
  for (const auto& each : meta.inputs) {
    const bool configured = std::find(rules_.inputs.begin(), rules_.inputs.end(), each.topic) != rules_.inputs.end();
    if (not configured and not adopted(each.topic))
      return refuse(
          fmt::format("input {} was read up to offset {} and is not configured any more. Name it again in "
                      "streams.inputs, or let it go with --adopt-topic {}",
                      each.topic, each.next, each.topic));
  }
  found_ = {.cluster = cluster_id_};
  for (const auto& topic : rules_.inputs) {
    const auto known = std::find_if(meta.inputs.begin(), meta.inputs.end(),
                                    [&](const input_next& each) { return each.topic == topic; });
    if (known != meta.inputs.end()) {
      found_.inputs.push_back(*known);
      continue;
    }
    if (not adopted(topic))
      return refuse(fmt::format("input {} is new to this partition. If that is meant, start once with --adopt-topic {}",
                                topic, topic));
    const auto from = first_offset(topic);
    if (not from) return again(from.error().message);
    found_.inputs.push_back({topic, *from});
  }
  return takeover_state::ready;
}

// The group's offsets, read before the changelog, may be old by now, because another process was still at work (seeds
// 337 and 656 of tests/protocol). Only an answer that both repeat is final.
takeover_state takeover::refuse_twice(const std::string& why) {
  auto seen = why;
  for (const auto& each : group_offsets_)
    seen += fmt::format(" {} {}", each.offset, each.metadata);
  if (std::exchange(compared_, seen) == seen) return refuse(why);
  next_step_ = protocol_step::read_offsets;
  return again("the group and the changelog do not agree: asking both again");
}

// S8.
takeover_state takeover::compare() {
  const bool group_has = std::any_of(group_offsets_.begin(), group_offsets_.end(),
                                     [](const committed_offset& each) { return each.offset >= 0; });
  const auto& meta = store_->meta();
  if (not meta and not group_has) return begin_anew();
  if (not meta)
    return refuse_twice(
        fmt::format("the group {} has committed offsets and the changelog has no state for them. If the "
                    "changelog was lost, start over with `fairuse state reseed --partition {}`",
                    rules_.app, partition_));
  if (not group_has)
    return refuse_twice(
        fmt::format("the changelog ends with epoch {} and the group {} has no offsets (they expired or were "
                    "deleted). Take the changelog's with `fairuse state adopt --partition {}`",
                    meta->epoch, rules_.app, partition_));
  if (meta->cluster.empty())
    return refuse(
        fmt::format("{} has rows and does not say of which epoch they are: it lost its end. Start over with "
                    "`fairuse state reseed --partition {}`",
                    rules_.outputs.changelog, partition_));
  if (const auto same = check_deployment(*meta); same != takeover_state::ready) return same;
  if (const auto topics = agree_on_topics(*meta); topics != takeover_state::ready) return topics;
  bool equal = true;
  bool behind = false;
  for (const auto& each : group_offsets_) {
    const auto ours = std::find_if(meta->inputs.begin(), meta->inputs.end(),
                                   [&](const input_next& one) { return one.topic == each.of.topic; });
    if (ours == meta->inputs.end()) continue;
    const auto epoch = epoch_of_metadata(each.metadata);
    equal = equal and each.offset == ours->next and epoch == meta->epoch;
    behind = behind or (epoch and *epoch > meta->epoch);
  }
  if (equal) {
    failpoint::pass("agreed");
    return takeover_state::ready;
  }
  const auto now = rules_.environment.steady();
  if (waiting_since_ == INT64_MIN) waiting_since_ = now;
  if (behind and now - waiting_since_ < rules_.bounds.takeover_patience.count()) {
    next_step_ = protocol_step::read_offsets;
    return again("the group is ahead of the changelog that can be read: waiting for its end");
  }
  const auto& first = group_offsets_.front();
  return refuse_twice(fmt::format(
      "the changelog ends with epoch {} and offset {} of {}, the group {} stands at offset {} ('{}'). Somebody moved "
      "the "
      "group's offsets, or the changelog lost its end. `fairuse state adopt --partition {}` goes on from the changelog",
      meta->epoch, meta->inputs.front().next, meta->inputs.front().topic, rules_.app, first.offset, first.metadata,
      partition_));
}

result<std::int64_t> takeover::first_offset(const std::string& topic) {
  const topic_partition input{topic, partition_};
  const auto log = brokers_.range(input, isolation::committed);
  if (not log) return not_answered("ends of the input", log.error());
  if (rules_.start.where != start_place::time) return rules_.start.where == start_place::latest ? log->high : log->low;
  const auto found = brokers_.offset_at(input, rules_.start.at);
  if (not found) return not_answered("offset of the start time", found.error());
  return *found;
}

// A new partition: the first epoch sets where the inputs begin.
takeover_state takeover::begin_anew() {
  found_ = {.is_new = true, .cluster = cluster_id_};
  for (const auto& topic : rules_.inputs) {
    const auto from = first_offset(topic);
    if (not from) return again(from.error().message);
    found_.inputs.push_back({topic, *from});
  }
  failpoint::pass("agreed");
  return takeover_state::ready;
}

// All of it or nothing: half a topic would miss policies that are there.
void takeover::read_policies() {
  const topic_partition topic{rules_.outputs.policies, partition_};
  const auto log = brokers_.range(topic, isolation::committed);
  if (not log) return;
  const auto from = brokers_.make_reader(isolation::committed);
  const position first{topic, log->low};
  if (not from->start(std::span(&first, 1))) return;
  std::map<std::string, std::string> read;
  const auto until = rules_.environment.steady() + rules_.bounds.takeover_patience.count();
  while (from->position_of(topic) < log->high) {
    if (rules_.environment.steady() >= until or not from->failure()) return;
    if (const auto batch = from->poll(restore_wait))
      for (const auto& each : batch->records())
        if (each.key and each.value) read.insert_or_assign(std::string(*each.key), std::string(*each.value));
  }
  policies_ = std::move(read);
}

std::optional<std::string> takeover::policy_text(const std::string& digest) {
  if (not policies_) read_policies();
  if (not policies_) return std::nullopt;
  const auto found = policies_->find(digest);
  return found == policies_->end() ? std::nullopt : std::optional(found->second);
}

} // namespace fairuse::kafka
