// SPDX-License-Identifier: Apache-2.0

#include "engine/kafka_engine.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/pure/result.hpp"
#include "base/system/files.hpp"
#include "engine/clocks.hpp"
#include "engine/instance_view.hpp"
#include "engine/kafka_options.hpp"
#include "engine/process_figures.hpp"
#include "streams/kafka/worker/task_thread.hpp"
#include "streams/notices.hpp"

namespace fairuse {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds work_wait{20};
constexpr milliseconds watch_every{100};
constexpr int status_every = 10;
/// A client that has not closed after so long is left behind: once, one of librdkafka 2.0 never did.
constexpr milliseconds leave_max{30'000};

std::string_view to_text(kafka::takeover_state state) {
  switch (state) {
    case kafka::takeover_state::working:
      return "restoring";
    case kafka::takeover_state::ready:
      return "ready";
    case kafka::takeover_state::refused:
      return "refused";
    case kafka::takeover_state::failed:
      break;
  }
  return "failed";
}

partition_view view_of(const kafka::partition_status& from) {
  return {.partition = from.partition,
          .state = std::string{to_text(from.state)},
          .says = from.reason,
          .epoch = from.epoch,
          .now = from.now,
          .lag = from.lag,
          .active_users = from.active_users,
          .pending_rows = from.pending_rows,
          .restored = from.restored,
          .to_restore = from.to_restore,
          .rules = from.rules};
}

partition_figures figures_of(const kafka::partition_status& from) {
  partition_figures made{.partition = from.partition,
                         .state = std::string{to_text(from.state)},
                         .says = from.reason,
                         .epoch = from.epoch,
                         .lag_records = from.lag,
                         .users = from.active_users,
                         .pending_rows = from.pending_rows};
  const auto wall = wall_clock_ms();
  if (from.now > 0) made.epoch_age_ms = std::max<std::int64_t>(0, wall - from.now);
  if (from.lag == 0 or from.is_quiet)
    made.lag_ms = 0;
  else if (from.lag > 0 and from.newest_event != INT64_MIN)
    made.lag_ms = std::max<std::int64_t>(0, wall - from.newest_event);
  return made;
}

} // namespace

struct kafka_engine::worker_thread {
  kafka::task_thread writer;
  std::unique_ptr<kafka::kafka_worker> worker;
  /// `worker`, as soon as other threads may ask for its status.
  std::atomic<kafka::kafka_worker*> shown = nullptr;
  /// The thread is done.
  std::atomic<bool> ended = false;
  /// When watch() saw that it only leaves (steady); 0: it does not.
  std::int64_t leaving_since = 0;
  std::thread thread;
};

kafka_engine::kafka_engine(run_settings settings, loaded_deployment all, std::string case_key, engine_callbacks told)
  : settings_{std::move(settings)}, all_{std::move(all)}, case_key_{std::move(case_key)}, told_{std::move(told)} {}

kafka_engine::~kafka_engine() = default;

run_result<void> kafka_engine::open() {
  const auto& from = all_.settings.kafka;
  auto instance = instance_of(from, settings_.instance, host_name());
  if (not instance) return run_error{run_fault::refused, std::move(instance.error().message)};
  instance_ = std::move(*instance);
  if (auto done = folder_.choose(settings_.state_folder, stream_kind::kafka); not done) return done;
  if (auto done = told_.folder_taken(); not done) return done;
  auto brokers = open_brokers(from, told_.log);
  if (not brokers) return std::move(brokers.error());
  brokers_ = std::move(*brokers);
  return {};
}

run_result<void> kafka_engine::run() {
  const auto begin = steady_now();
  if (auto found = find_ends(); not found) return found;
  const auto& from = all_.settings.kafka;
  told_.log(log_level::info, fmt::format("instance {} joins group {} at {}, {} worker{}, {} partitions, state in {}",
                                         instance_, from.app, bootstrap_servers(from), from.workers,
                                         from.workers == 1 ? "" : "s", partitions_, settings_.state_folder));
  start_workers();
  watch();
  write_status(false);
  report_ = make_report(seconds_since(begin));
  run_result<void> outcome;
  for (const auto& each : workers_)
    if (const auto& one = each->worker->outcome(); outcome and not one)
      outcome = run_error{run_fault::failed, one.error().message};
  end_workers();
  return outcome;
}

// What hangs is never destroyed: its thread may still use it, and the client.
void kafka_engine::end_workers() {
  const std::lock_guard guard{workers_mutex_};
  bool all_ended = true;
  for (auto& each : workers_) {
    if (each->ended) {
      each->thread.join();
      continue;
    }
    all_ended = false;
    each->thread.detach();
    static_cast<void>(each.release());
  }
  if (all_ended) return;
  static_cast<void>(brokers_.release());
  told_.log(
      log_level::warning,
      fmt::format("a Kafka client does not close after {} s and is left behind; what was sealed is committed, and "
                  "the group gives its partitions away when its session times out",
                  leave_max.count() / 1'000));
}

// Where the inputs end now: committed records only.
run_result<void> kafka_engine::find_ends() {
  const auto& inputs = all_.settings.kafka.inputs;
  auto asked = brokers_->partition_counts(inputs);
  for (int i = 0; asks_for(asked, kafka::next_action::again) and i < 10 and not stop_; ++i)
    asked = brokers_->partition_counts(inputs);
  if (not asked)
    return run_error{run_fault::failed,
                     fmt::format("cannot ask {} about topics: {} ({})", bootstrap_servers(all_.settings.kafka),
                                 asked.error().text, asked.error().code)};
  const auto& counts = *asked;
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    if (counts[t] == 0)
      return run_error{run_fault::failed,
                       fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", inputs[t])};
    partitions_ = counts[t];
    for (std::int32_t p = 0; settings_.until_end and p < counts[t]; ++p) {
      const auto log = brokers_->range({inputs[t], p}, kafka::isolation::committed);
      if (not log)
        return run_error{run_fault::failed,
                         fmt::format("cannot ask where {} [{}] ends: {}", inputs[t], p, log.error().text)};
      if (log->high > log->low) ends_.push_back({{inputs[t], p}, log->high});
    }
  }
  return {};
}

void kafka_engine::start_workers() {
  const std::lock_guard guard{workers_mutex_};
  const auto count = all_.settings.kafka.workers;
  for (std::uint32_t i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<worker_thread>());
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& own = *workers_[i];
    own.thread = std::thread([this, &own, rules = rules_for(i)]() mutable {
      // Made on this thread: a worker belongs to one thread.
      own.worker = std::make_unique<kafka::kafka_worker>(std::move(rules), *brokers_);
      own.shown = own.worker.get();
      drive(own);
    });
  }
}

kafka::engine_rules kafka_engine::rules_for(std::uint32_t worker) {
  auto rules = engine_rules_of(settings_, all_);
  rules.worker_name = worker_name(all_.settings.kafka, instance_, worker);
  rules.state = std::filesystem::path{settings_.state_folder} / fmt::format("worker-{}", worker);
  rules.case_key = case_key_;
  auto& writer = workers_[worker]->writer;
  rules.environment = {
      .wall = wall_clock_ms,
      .steady = steady_clock_ms,
      .background = [&writer](std::function<void()> task) { writer.give(std::move(task)); },
      .log = told_.log,
      .dead_letter = [this](const std::string& topic, std::int32_t partition, const refused_input& what,
                            const std::string& trace_id) { tell_dead_letter(topic, partition, what, trace_id); },
      .leases_used = told_.leases_used};
  return rules;
}

void kafka_engine::drive(worker_thread& own) {
  auto& worker = *own.worker;
  while (not stop_ and worker.work(work_wait)) {
    if (not settings_.until_end) continue;
    // A partition that was read to its end stays so under its next owner.
    const std::lock_guard guard(finished_mutex_);
    for (const auto partition : worker.finished(ends_))
      finished_.insert(partition);
    if (static_cast<std::int32_t>(finished_.size()) == partitions_) stop_ = true;
  }
  worker.close();
  // Nothing of the engine behind this: it may be gone.
  own.ended = true;
}

bool kafka_engine::hangs(const worker_thread& of, std::int64_t now) const {
  return of.leaving_since != 0 and now - of.leaving_since > leave_max.count();
}

void kafka_engine::watch() {
  std::uint64_t total_records = 0;
  for (const auto& each : ends_)
    total_records += static_cast<std::uint64_t>(each.offset);
  const auto is_over = [this](const auto& each) { return each->ended or hangs(*each, steady_clock_ms()); };
  for (int round = 0; not std::all_of(workers_.begin(), workers_.end(), is_over); ++round) {
    std::this_thread::sleep_for(watch_every);
    for (const auto& each : workers_) {
      const auto* worker = each->shown.load();
      if (worker == nullptr or not worker->is_leaving()) continue;
      if (each->leaving_since == 0) each->leaving_since = steady_clock_ms();
      if (not worker->outcome()) stop_ = true;
    }
    const auto all = total();
    const auto records = all.totals.records;
    told_.progress({.done = records, .total = total_records, .events = records});
    if (told_.figures) tell_figures(all);
    if (round % status_every == 0) write_status(true);
  }
}

void kafka_engine::ask(user_question question) {
  const std::lock_guard guard{workers_mutex_};
  const auto partition_of = own_partition_function(all_.settings.kafka.partitioner);
  for (const auto& each : workers_) {
    auto* worker = each == nullptr ? nullptr : each->shown.load();
    if (worker == nullptr) continue;
    const auto partition = partition_of(question.uid, partitions_);
    if (worker->decides_on(partition)) return worker->ask(partition, std::move(question));
  }
  question.told(nullptr);
}

std::vector<owned_partition> kafka_engine::owned() const {
  const std::lock_guard guard{workers_mutex_};
  std::vector<owned_partition> all;
  for (const auto& each : workers_) {
    const auto* worker = each == nullptr ? nullptr : each->shown.load();
    if (worker == nullptr) continue;
    for (const auto& one : worker->status().partitions)
      if (one.state == kafka::takeover_state::ready) all.push_back({one.partition, one.epoch});
  }
  return all;
}

kafka::worker_status kafka_engine::total() const {
  kafka::worker_status all{.at = wall_clock_ms()};
  for (const auto& each : workers_) {
    const auto* worker = each->shown.load();
    if (worker == nullptr) continue;
    const auto one = worker->status();
    all.partitions.insert(all.partitions.end(), one.partitions.begin(), one.partitions.end());
    all.totals += one.totals;
    all.transactions += one.transactions;
    all.aborts += one.aborts;
    all.recycled += one.recycled;
    all.rebalances += one.rebalances;
    all.last_epoch_ms = std::max(all.last_epoch_ms, one.last_epoch_ms);
    all.epoch_times += one.epoch_times;
    all.commit_times += one.commit_times;
    all.at = std::min(all.at, one.at);
  }
  return all;
}

void kafka_engine::tell_figures(const kafka::worker_status& all) const {
  const auto& totals = all.totals;
  engine_figures made{.mode = stream_kind::kafka,
                      .at = all.at,
                      .events = totals.by_kind,
                      .decisions = totals.by_slot,
                      .dead_letters = totals.dead_letters,
                      .moved_to_backfill = totals.counts.moved_to_backfill,
                      .reused_command_ids = totals.counts.reused_command_ids,
                      .epochs = totals.epochs,
                      .commits = all.transactions,
                      .epoch_times = all.epoch_times,
                      .commit_times = all.commit_times,
                      .broker = {all.aborts, all.recycled, all.rebalances},
                      .partitions = {}};
  for (const auto& each : all.partitions)
    made.partitions.push_back(figures_of(each));
  told_.figures(std::move(made));
}

// The engine does not need this file, so a failure is logged once and nothing stops.
void kafka_engine::write_status(bool running) {
  const auto all = total();
  instance_view view{.instance = instance_,
                     .pid = ::getpid(),
                     .running = running,
                     .at = all.at,
                     .bootstrap = bootstrap_servers(all_.settings.kafka),
                     .decisions_topic = all_.settings.kafka.outputs.decisions,
                     .dead_letters_topic = all_.settings.kafka.outputs.dead_letters,
                     .enforcement_topic = all_.settings.kafka.outputs.enforcement,
                     .aborts = all.aborts,
                     .recycled = all.recycled,
                     .transactions = all.transactions,
                     .rebalances = all.rebalances,
                     .dead_letters = all.totals.dead_letters,
                     .partitions = {}};
  for (const auto& each : all.partitions)
    view.partitions.push_back(view_of(each));
  const auto written = replace_file(instance_view_file(settings_.state_folder), to_text(view), durability::status);
  if (not written and not std::exchange(status_failed_, true))
    told_.log(log_level::warning,
              fmt::format("`fairuse partitions` does not see this engine: {}", written.error().message));
}

// Others of its reason say the same.
void kafka_engine::tell_dead_letter(const std::string& topic, std::int32_t partition, const refused_input& what,
                                    const std::string& trace_id) {
  if (told_reasons_[static_cast<std::size_t>(what.why)].exchange(true)) return;
  const auto& from = all_.settings.kafka;
  told_.log(log_level::warning,
            first_dead_letter_text(fmt::format("{} [{}] at offset {}{}{}", topic, partition, what.offset,
                                               trace_id.empty() ? "" : ", trace ", trace_id),
                                   what.why, what.place,
                                   reader_command(bootstrap_servers(from), from.outputs.dead_letters, headers_format)));
}

run_report kafka_engine::make_report(double seconds) const {
  const auto all = total();
  const auto& totals = all.totals;
  return {.seconds = seconds,
          .cpu_seconds = cpu_seconds(),
          .memory_peak_bytes = memory_peak_bytes(),
          .epochs = totals.epochs,
          .duplicates = totals.counts.duplicates,
          .dead_letters = sum_of(totals.dead_letters),
          .decisions = totals.decisions,
          .of_mode = kafka_figures{
              .totals = totals, .transactions = all.transactions, .aborts = all.aborts, .recycled = all.recycled}};
}

} // namespace fairuse
