// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/kafka_worker.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "streams/failpoint.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::int64_t retry_ms = 200;
constexpr int commit_calls_max = 1'000;
constexpr milliseconds takeover_wait{2};
/// So far behind the end, nobody waits for the newest record.
constexpr std::int64_t backlog_records = 10'000;

} // namespace

kafka_worker::kafka_worker(engine_rules rules, cluster& brokers)
  : rules_(std::move(rules)),
    brokers_(brokers),
    clock_(rules_.around.wall, rules_.around.steady),
    epoch_size_(rules_.bounds.epoch_events, rules_.bounds.backlog_epoch.count()),
    dead_letters_(rules_.dead_letters) {}

kafka_worker::~kafka_worker() { close(); }

void kafka_worker::go_over(std::string why) {
  failure_ = std::move(why);
  phase_ = phase::over;
}

bool kafka_worker::step(milliseconds wait) {
  if (rules_.around.steady() < not_before_) wait = std::min(wait, milliseconds{retry_ms});
  switch (phase_) {
    case phase::starting:
      if (rules_.around.steady() >= not_before_) start();
      break;
    case phase::running:
      poll(take_over() ? std::min(wait, takeover_wait) : wait);
      if (phase_ == phase::running) run_epoch();
      break;
    case phase::fenced:
      watch_fence();
      break;
    case phase::recycling:
      recycle();
      break;
    case phase::over:
      return false;
  }
  write_behind();
  publish();
  return phase_ != phase::over;
}

// Outputs, then inputs: the engine writes its own commands there.
std::vector<std::string> kafka_worker::all_topics() const {
  auto topics = rules_.outputs.all();
  topics.insert(topics.end(), rules_.inputs.begin(), rules_.inputs.end());
  return topics;
}

std::unique_ptr<takeover> kafka_worker::begin_takeover(std::int32_t partition, std::unique_ptr<partition_store> store) {
  return std::make_unique<takeover>(rules_, brokers_, *group_, partition, partitions_, cluster_id_, std::move(store));
}

// S1 and S2.
void kafka_worker::start() {
  const auto later = [this](const call_result& given, const char* what) {
    if (given.ok()) return false;
    rules_.around.log(log_level::warning, fmt::format("{}: {} ({})", what, given.text, given.code));
    not_before_ = rules_.around.steady() + retry_ms;
    return true;
  };
  const auto topics = all_topics();
  std::vector<std::int32_t> counts;
  if (later(brokers_.id(cluster_id_), "asking the brokers who they are")
      or later(brokers_.partition_counts(topics, counts), "asking for partitions"))
    return;
  partitions_ = counts.back();
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (counts[i] == 0)
      return go_over(fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", topics[i]));
    if (counts[i] != partitions_)
      return go_over(
          fmt::format("topic {} has {} partitions and {} has {}: all of them must have the same number. "
                      "`fairuse topics check` shows the differences",
                      topics[i], counts[i], topics.back(), partitions_));
  }
  producer_ = brokers_.make_producer(rules_.worker_name);
  if (later(producer_->prepare(topics), "preparing the producer")) {
    producer_.reset();
    return;
  }
  if (group_ == nullptr) group_ = brokers_.join({rules_.app, rules_.worker_name, rules_.inputs}, *this);
  failpoint::pass("group_joined");
  phase_ = phase::running;
}

void kafka_worker::assigned(std::span<const topic_partition> parts) {
  ++counts_.rebalances;
  std::map<std::int32_t, std::size_t> topics;
  for (const auto& each : parts)
    ++topics[each.partition];
  for (const auto& [partition, count] : topics) {
    if (count != rules_.inputs.size()) {
      rules_.around.log(log_level::error, fmt::format("partition {} came with {} of {} inputs: they are not assigned "
                                                      "together, so it is left alone",
                                                      partition, count, rules_.inputs.size()));
      continue;
    }
    parts_[partition].taking = begin_takeover(partition, nullptr);
  }
  rules_.around.log(log_level::info, fmt::format("the group assigned {} partitions", topics.size()));
}

void kafka_worker::revoked(bool lost) {
  ++counts_.rebalances;
  if (not parts_.empty())
    rules_.around.log(lost ? log_level::warning : log_level::info,
                      fmt::format("{} partitions {}", parts_.size(), lost ? "are lost" : "go back to the group"));
  for (auto& [partition, each] : parts_)
    if (each.shard) counts_.totals += each.shard->totals();
  // Stores write what is pending as they close.
  parts_.clear();
  fetch_again_ = false;
}

bool kafka_worker::take_over() {
  bool working = false;
  bool changed = false;
  for (auto& [partition, each] : parts_) {
    if (not each.taking) continue;
    const auto before = each.taking->state();
    const auto state = each.taking->step();
    working = working or state == takeover_state::working;
    if (state == takeover_state::failed) {
      go_over(fmt::format("partition {}: {}", partition, each.taking->says()));
      return false;
    }
    if (state == takeover_state::refused and before != state)
      rules_.around.log(log_level::error, fmt::format("partition {} is refused: {}", partition, each.taking->says()));
    if (state != takeover_state::ready) continue;
    begin_shard(each);
    changed = true;
  }
  if (changed) fetch_again_ = true;
  return working;
}

void kafka_worker::begin_shard(part& of) {
  auto& from = *of.taking;
  const auto read_policy = [&](const std::string& digest) -> std::optional<policy> {
    const auto text = from.policy_text(digest);
    return text ? rules_.configured.parse(*text) : std::nullopt;
  };
  const auto restored = from.restored();
  auto made = std::make_unique<partition_shard>(rules_, from.partition(), partitions_, from.take_store(), from.found(),
                                                actors_, read_policy);
  if (not made->problem().empty()) return hold_back(of, *made);
  rules_.around.log(log_level::info, fmt::format("partition {} is ready at epoch {}, {} changelog records read",
                                                 made->partition(), made->last_epoch(), restored));
  of.shard = std::move(made);
  of.taking.reset();
  of.last_commit = rules_.around.steady();
}

// Nobody but this partition suffers from it, and a topic that cannot be read now may be read in a while.
void kafka_worker::hold_back(part& of, partition_shard& made) {
  if (of.taking->policies_read()) {
    of.refused = made.problem();
    of.taking.reset();
    rules_.around.log(log_level::error, fmt::format("partition {} is refused: {}", made.partition(), of.refused));
    return;
  }
  of.taking = begin_takeover(made.partition(), made.give_up_store());
}

std::vector<partition_shard*> kafka_worker::ready() const {
  std::vector<partition_shard*> all;
  for (const auto& [partition, each] : parts_)
    if (each.shard) all.push_back(each.shard.get());
  return all;
}

void kafka_worker::fetch_all() {
  fetch_again_ = false;
  silent_since_ = INT64_MIN;
  std::vector<position> from;
  for (const auto* each : ready()) {
    // Where it begins is committed before the first record is read.
    if (not each->founded()) continue;
    const auto places = each->read_from();
    from.insert(from.end(), places.begin(), places.end());
  }
  if (const auto done = group_->fetch(from); not done.ok()) {
    rules_.around.log(log_level::warning, fmt::format("fetching: {} ({})", done.text, done.code));
    fetch_again_ = true;
  }
}

void kafka_worker::poll(milliseconds wait) {
  if (fetch_again_) fetch_all();
  const auto now = clock_.now();
  if (const auto jump = clock_.take_jump())
    rules_.around.log(log_level::error, fmt::format("the wall clock is {} ms off: {}", *jump,
                                                    *jump > 0 ? "the engine's time jumps ahead with it"
                                                              : "the engine's time does not go back"));
  // Nobody waits longer than something is due.
  auto until = std::int64_t{wait.count()};
  for (const auto* each : ready()) {
    if (each->records() > 0) until = std::min(until, std::max<std::int64_t>(0, epoch_left()));
    if (each->next_due() != never) until = std::min(until, std::max<std::int64_t>(0, each->next_due() - now));
  }
  auto batch = group_->poll(milliseconds{until});
  if (batch) backlog_ = behind() >= backlog_records;
  if (batch or silent_since_ == INT64_MIN) silent_since_ = batch ? INT64_MIN : rules_.around.steady();
  if (batch) sort_in(std::move(batch));
  if (const auto fatal = group_->failure(); not fatal.ok())
    go_over(fmt::format("this member of the group is no longer one: {} ({}). Does another process run as instance {}?",
                        fatal.text, fatal.code, rules_.worker_name));
}

void kafka_worker::sort_in(std::shared_ptr<const record_batch> batch) {
  // Partitions that a gap was found in take nothing more of this batch.
  std::vector<std::int32_t> gaps;
  partition_shard* last = nullptr;
  bool any = false;
  for (std::size_t i = 0; i < batch->records().size(); ++i) {
    const auto partition = batch->records()[i].partition;
    if (last == nullptr or last->partition() != partition) {
      const auto found = parts_.find(partition);
      last = found == parts_.end() ? nullptr : found->second.shard.get();
    }
    if (last == nullptr or (not gaps.empty() and std::find(gaps.begin(), gaps.end(), partition) != gaps.end()))
      continue;
    const auto how = last->accept(batch, i);
    any = any or how == partition_shard::intake::taken;
    if (how != partition_shard::intake::gap) continue;
    gaps.push_back(partition);
    fetch_again_ = true;
  }
  if (any and epoch_since_ == INT64_MIN) epoch_since_ = rules_.around.steady();
}

// An epoch ends so long after the last one was sealed: what came during its commit has waited already. One that may
// grow begins with its first record.
std::int64_t kafka_worker::epoch_left() const {
  const auto steady = rules_.around.steady();
  return backlog_ ? rules_.bounds.backlog_epoch.count() - (steady - epoch_since_)
                  : rules_.bounds.epoch.count() - (steady - sealed_at_);
}

// Records between here and the ends that the brokers told last. Those are a little old, so at the end it is none.
std::int64_t kafka_worker::behind() const {
  std::int64_t all = 0;
  for (const auto* each : ready())
    for (const auto& at : each->read_from())
      all += std::max<std::int64_t>(0, lag_of(at));
  return all;
}

bool kafka_worker::epoch_is_due(time_ms now) {
  const auto steady = rules_.around.steady();
  if (epoch_since_ != INT64_MIN and epoch_left() <= 0) return true;
  std::size_t records = 0;
  std::size_t bytes = 0;
  for (const auto& [partition, each] : parts_) {
    if (not each.shard) continue;
    records += each.shard->records();
    bytes += each.shard->bytes();
    if (each.shard->records() == 0 and each.shard->has_work(now)) return true;
    if (steady - each.last_commit >= rules_.bounds.heartbeat.count()) return true;
  }
  return records >= epoch_size_.records() or bytes >= rules_.bounds.epoch_bytes;
}

void kafka_worker::run_epoch() {
  auto now = clock_.now();
  if (not epoch_is_due(now)) return;
  refuse_foreign_keys();
  // One `now` for all, and it goes back for nobody.
  for (const auto* each : ready())
    now = std::max(now, each->last_now());
  if (not run_overdue_timers(now)) return;
  const auto steady = rules_.around.steady();
  std::vector<partition_shard*> which;
  bool first = false;
  for (auto& [partition, each] : parts_) {
    if (not each.shard) continue;
    if (not each.shard->has_work(now) and steady - each.last_commit < rules_.bounds.heartbeat.count()) continue;
    which.push_back(each.shard.get());
    first = first or not each.shard->founded();
  }
  epoch_since_ = INT64_MIN;
  sealed_at_ = steady;
  if (which.empty() or not run_shards(which, now, SIZE_MAX)) return;
  if (first) fetch_again_ = true;
  watch_dead_letters();
}

// Before anything of it becomes a dead letter that was none.
void kafka_worker::refuse_foreign_keys() {
  for (auto& [partition, each] : parts_) {
    if (not each.shard or not each.shard->has_foreign_keys()) continue;
    each.refused = fmt::format(
        "most of its records have keys that belong to other partitions: the producers use "
        "another partitioner than {}. Set streams.partitioner to theirs and start again",
        rules_.partitioner);
    rules_.around.log(log_level::error, fmt::format("partition {} is refused: {}", partition, each.refused));
    counts_.totals += each.shard->totals();
    each.shard.reset();
    fetch_again_ = true;
  }
}

void kafka_worker::watch_dead_letters() {
  std::uint64_t records = counts_.totals.records;
  std::uint64_t dead_letters = counts_.totals.dead_letters;
  for (const auto* each : ready()) {
    records += each->totals().records;
    dead_letters += each->totals().dead_letters;
  }
  const auto verdict = dead_letters_.look(records, dead_letters, rules_.around.steady());
  if (verdict == dead_letter_watch::verdict::fine) return;
  const auto text = fmt::format("{:.1f} % of the records became dead letters: {} says why, record by record",
                                dead_letters_.percent(), rules_.outputs.dead_letters);
  if (verdict == dead_letter_watch::verdict::stop)
    return go_over(text + ". Stopped, as streams.dead_letter_share.stop says");
  rules_.around.log(log_level::error, text);
}

// An overfull set of timers is fired in epochs of its own, all at the same `now`; what is left goes with the events.
bool kafka_worker::run_overdue_timers(time_ms now) {
  const auto most = rules_.bounds.epoch_timers;
  while (true) {
    std::vector<partition_shard*> full;
    for (auto* each : ready())
      if (each->founded() and each->due_users(now, most + 1) > most) full.push_back(each);
    if (full.empty()) return true;
    // A commit that went through may still have cost the producer.
    if (not run_shards(full, now, most) or phase_ != phase::running) return false;
  }
}

bool kafka_worker::run_shards(const std::vector<partition_shard*>& which, time_ms now, std::size_t timers_max) {
  const auto began = rules_.around.steady();
  std::size_t records = 0;
  for (const auto* each : which)
    records += each->records();
  if (const auto done = producer_->begin(); not done.ok()) {
    recover(done, which);
    return false;
  }
  for (auto* each : which) {
    const auto sealed = each->seal(now, timers_max);
    const auto decided = each->run(sealed);
    if (auto status = each->write(sealed, decided, *producer_); not status) {
      go_over(fmt::format("partition {}: {}", each->partition(), status.error().message));
      return false;
    }
  }
  if (not commit_epoch(which)) return false;
  counts_.last_epoch_ms = rules_.around.steady() - began;
  if (timers_max == SIZE_MAX) epoch_size_.took(records, counts_.last_epoch_ms);
  return true;
}

// E6 to E8.
call_result kafka_worker::try_commit(const std::vector<partition_shard*>& which) {
  if (auto done = producer_->flush(); not done.ok()) return done;
  failpoint::pass("flushed");
  std::vector<committed_offset> offsets;
  for (const auto* each : ready()) {
    const bool runs = std::find(which.begin(), which.end(), each) != which.end();
    if (not runs and not each->founded()) continue;
    const auto mine = each->offsets();
    offsets.insert(offsets.end(), mine.begin(), mine.end());
  }
  auto done = producer_->send_offsets(offsets, *group_);
  for (int i = 0; done.what == next_action::again and i < commit_calls_max; ++i)
    done = producer_->send_offsets(offsets, *group_);
  if (not done.ok()) return done;
  failpoint::pass("offsets_sent");
  done = producer_->commit();
  for (int i = 0; done.what == next_action::again and i < commit_calls_max; ++i)
    done = producer_->commit();
  return done;
}

bool kafka_worker::commit_epoch(const std::vector<partition_shard*>& which) {
  const auto began = rules_.around.steady();
  const auto done = try_commit(which);
  if (not done.ok()) {
    recover(done, which);
    return false;
  }
  failpoint::pass("committed");
  const auto steady = rules_.around.steady();
  for (auto* each : which) {
    each->confirm(*producer_);
    parts_[each->partition()].last_commit = steady;
  }
  failpoint::pass("pending");
  ++counts_.transactions;
  // A request of this transaction may still be under way and must not meet the next one.
  const bool doubtful = producer_->troubled() or steady - began > rules_.bounds.slow_commit.count();
  if (doubtful) {
    rules_.around.log(log_level::warning, "the commit did not go through at once: taking a new producer");
    phase_ = phase::recycling;
    producer_.reset();
  }
  failpoint::pass("published");
  return true;
}

void kafka_worker::roll_back(const std::vector<partition_shard*>& which) {
  for (auto* each : which)
    each->roll_back();
  for (auto* each : ready())
    each->forget_records();
  epoch_since_ = INT64_MIN;
  fetch_again_ = true;
}

void kafka_worker::recover(const call_result& from, const std::vector<partition_shard*>& which) {
  ++counts_.aborts;
  epoch_size_.failed();
  rules_.around.log(log_level::warning, fmt::format("an epoch was not committed: {} ({})", from.text, from.code));
  if (from.what == next_action::abort) {
    const auto aborted = producer_->abort();
    roll_back(which);
    // Whatever went wrong may still be on its way.
    if (not aborted.ok() or producer_->troubled()) {
      phase_ = phase::recycling;
      producer_.reset();
    }
    return;
  }
  roll_back(which);
  producer_.reset();
  const bool fenced = from.code == "_FENCED";
  phase_ = fenced ? phase::fenced : phase::recycling;
  fenced_at_ = rules_.around.steady();
}

// Two heartbeats long: is there still a place in the group? Never fence back before that is known.
void kafka_worker::watch_fence() {
  // Nothing that comes is taken: it will be fetched again.
  group_->poll(milliseconds{50});
  if (const auto fatal = group_->failure(); not fatal.ok())
    return go_over(
        fmt::format("another process took over as instance {}: {} ({})", rules_.worker_name, fatal.text, fatal.code));
  if (rules_.around.steady() - fenced_at_ < 2 * rules_.bounds.group_heartbeat.count()) return;
  if (group_->assignment_lost()) revoked(true);
  phase_ = phase::recycling;
}

// A new producer ends what the old one left open; then the group says what became of the last epoch.
void kafka_worker::recycle() {
  if (rules_.around.steady() < not_before_) {
    group_->poll(milliseconds{10});
    return;
  }
  const auto topics = all_topics();
  producer_ = brokers_.make_producer(rules_.worker_name);
  const auto done = producer_->prepare(topics);
  if (not done.ok()) {
    rules_.around.log(log_level::warning, fmt::format("preparing the producer: {} ({})", done.text, done.code));
    producer_.reset();
    not_before_ = rules_.around.steady() + retry_ms;
    return;
  }
  ++counts_.recycled;
  phase_ = phase::running;
  if (not still_agrees()) restart_takeovers();
  fetch_again_ = true;
}

// The short way through S4 to S8: the group's epochs are ours.
bool kafka_worker::still_agrees() {
  for (const auto* each : ready()) {
    if (not each->founded()) return false;
    const auto mine = each->offsets();
    std::vector<topic_partition> parts;
    for (const auto& one : mine)
      parts.push_back(one.of);
    std::vector<committed_offset> theirs;
    if (not group_->committed(parts, theirs).ok()) return false;
    for (std::size_t i = 0; i < mine.size(); ++i)
      if (theirs[i].offset != mine[i].offset or theirs[i].metadata != mine[i].metadata) return false;
  }
  return true;
}

void kafka_worker::restart_takeovers() {
  for (auto& [partition, each] : parts_) {
    std::unique_ptr<partition_store> store;
    if (each.shard) {
      counts_.totals += each.shard->totals();
      store = each.shard->give_up_store();
      each.shard.reset();
      if (auto status = store->drain(); not status) return go_over(status.error().message);
    }
    each.taking = begin_takeover(partition, std::move(store));
  }
}

void kafka_worker::write_behind() {
  const auto steady = rules_.around.steady();
  const auto& bounds = rules_.bounds;
  for (auto& [partition, each] : parts_) {
    if (not each.shard) continue;
    auto& store = each.shard->store();
    const bool full = store.pending_rows() > bounds.pending_rows or store.pending_bytes() > bounds.pending_bytes;
    if (not full and steady - each.last_write < bounds.write_every.count()) continue;
    each.last_write = steady;
    store.write_behind();
    const bool over =
        store.pending_rows() > 2 * bounds.pending_rows or store.pending_bytes() > 2 * bounds.pending_bytes;
    auto status = over ? store.drain() : store.failure();
    if (not status) go_over(fmt::format("partition {}: {}", partition, status.error().message));
  }
}

void kafka_worker::close() {
  if (phase_ == phase::over and group_ == nullptr) return;
  for (auto& [partition, each] : parts_) {
    if (not each.shard) continue;
    if (auto status = each.shard->store().drain(); not status and failure_.empty()) failure_ = status.error().message;
    counts_.totals += each.shard->totals();
  }
  // Batches go before the member that they came from.
  parts_.clear();
  producer_.reset();
  if (group_) group_->close();
  group_.reset();
  phase_ = phase::over;
  published_at_ = INT64_MIN;
  publish();
}

void kafka_worker::abandon() {
  for (auto& [partition, each] : parts_)
    if (each.shard) each.shard->store().abandon();
  parts_.clear();
  producer_.reset();
  group_.reset();
  phase_ = phase::over;
}

} // namespace fairuse::kafka
