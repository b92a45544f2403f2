// SPDX-License-Identifier: Apache-2.0

#include "cli/kafka_session.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/system/files.hpp"
#include "cli/client_library.hpp"
#include "cli/command.hpp"
#include "cli/config_commands.hpp"
#include "cli/kafka_options.hpp"
#include "cli/process_figures.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "streams/kafka/broker/real_cluster.hpp"
#include "streams/kafka/worker/task_thread.hpp"

namespace fairuse::cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds step_wait{20};
constexpr milliseconds watch_every{100};
constexpr int status_every = 10;

time_ms steady_ms() { return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count(); }

// An epoch must end well within its transaction.
milliseconds backlog_epoch_of(const kafka_settings& from) {
  const auto fitting = std::min(milliseconds{from.transaction_timeout_ms / 3}, kafka::engine_bounds{}.backlog_epoch);
  return std::max(fitting, milliseconds{from.epoch_ms});
}

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

} // namespace

struct kafka_session::crew {
  kafka::task_thread writer;
  std::unique_ptr<kafka::kafka_worker> worker;
  std::string failure;
  std::thread thread;
};

kafka_session::kafka_session(const run_settings& settings, const loaded_deployment& all, std::string case_key)
  : settings_{settings}, all_{all}, case_key_{std::move(case_key)} {}

kafka_session::~kafka_session() = default;

int kafka_session::fail(int code, const std::string& sentence) const {
  spdlog::error("{}", sentence);
  return code;
}

bool kafka_session::find_instance() {
  const char* variable = std::getenv(instance_variable);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  instance_ = instance_of(all_.settings.kafka, variable == nullptr ? "" : variable, host.data());
  if (instance_.empty())
    fail(exit_usage, fmt::format("an instance needs a name that is stable over restarts: set streams.instance or {} to "
                                 "1 to 64 letters, digits, dots, hyphens or underscores",
                                 instance_variable));
  return not instance_.empty();
}

bool kafka_session::connect() {
  const auto& from = all_.settings.kafka;
  for (const auto& warning : transport_warnings(from, kafka_client_library()))
    spdlog::warn("{}", warning);
  auto made = kafka::make_real_cluster(cluster_options(from));
  if (not made) return fail(exit_usage, made.error().message);
  brokers_ = std::move(*made);
  return true;
}

kafka::configured_rules kafka_session::configured() const {
  const auto& settings = all_.settings;
  return {.live = all_.live,
          .shadows = all_.shadows,
          .enabled = settings.enabled,
          .killed = settings.kill_switch,
          .text_of = [](const policy& rules) { return canonical(rules); },
          .parse = [](const std::string& text) -> std::optional<policy> {
            yaml::diagnostics problems{"policy"};
            return parse_policy(text, problems);
          },
          .own =
              [settings](const std::map<std::string, std::string>& remembered) {
                auto made = make_config_commands(settings, remembered);
                return kafka::configured_rules::config_commands{std::move(made.lines), std::move(made.settings)};
              }};
}

kafka::engine_rules kafka_session::rules_for(std::uint32_t worker) const {
  const auto& settings = all_.settings;
  const auto& from = settings.kafka;
  auto& writer = crews_[worker]->writer;
  return {.app = from.app,
          .worker_name = worker_name(from, instance_, worker),
          .inputs = from.inputs,
          .outputs = from.outputs,
          .partition_of = partition_function_of(from.partitioner),
          .partitioner = std::string{fairuse::to_text(from.partitioner)},
          .start = from.start,
          .dead_letters = from.dead_letters,
          .dead_letter_bytes_max = from.record_bytes_max + kafka::dead_letter_room,
          .bounds = {.epoch = milliseconds{from.epoch_ms},
                     .backlog_epoch = backlog_epoch_of(from),
                     .epoch_events = from.epoch_events_max,
                     .write_every = milliseconds{from.pending.write_every_ms},
                     .pending_rows = from.pending.rows_max,
                     .pending_bytes = from.pending.bytes_max,
                     .active_users = settings_.max_active_users.value_or(settings.active_users_max),
                     .group_heartbeat = heartbeat_of(from)},
          .configured = configured(),
          .state = std::filesystem::path{settings_.state_folder} / fmt::format("worker-{}", worker),
          .source = settings.source,
          .case_key = case_key_,
          .usage_retention_ms = settings.retention.usage_ms,
          .adopt_topics = {settings_.adopt_topics.begin(), settings_.adopt_topics.end()},
          .program = FAIRUSE_VERSION,
          .around = {.wall = wall_clock_ms,
                     .steady = steady_ms,
                     .background = [&writer](std::function<void()> task) { writer.give(std::move(task)); },
                     .log = log_kafka_line}};
}

// Where the inputs end now: committed records only.
bool kafka_session::find_ends() {
  const auto& inputs = all_.settings.kafka.inputs;
  std::vector<std::int32_t> counts;
  auto asked = brokers_->partition_counts(inputs, counts);
  for (int i = 0; asked.what == kafka::next_action::again and i < 10 and not stop_; ++i)
    asked = brokers_->partition_counts(inputs, counts);
  if (not asked.ok()) {
    fail(exit_failed, fmt::format("cannot ask {} about topics: {} ({})", bootstrap_servers(all_.settings.kafka),
                                  asked.text, asked.code));
    return false;
  }
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    if (counts[t] == 0) {
      fail(exit_usage, fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", inputs[t]));
      return false;
    }
    partitions_ = counts[t];
    for (std::int32_t p = 0; settings_.until_end and p < counts[t]; ++p) {
      kafka::log_range log;
      if (const auto done = brokers_->range({inputs[t], p}, kafka::isolation::committed, log); not done.ok()) {
        fail(exit_failed, fmt::format("cannot ask where {} [{}] ends: {}", inputs[t], p, done.text));
        return false;
      }
      if (log.high > log.low) ends_.push_back({{inputs[t], p}, log.high});
    }
  }
  return true;
}

void kafka_session::work(crew& mine) {
  auto& worker = *mine.worker;
  while (not stop_ and worker.step(step_wait)) {
    if (not settings_.until_end) continue;
    // What was read to its end stays so, whoever owns it next.
    const std::lock_guard guard(finished_mutex_);
    for (const auto partition : worker.finished(ends_))
      finished_.insert(partition);
    if (static_cast<std::int32_t>(finished_.size()) == partitions_) stop_ = true;
  }
  worker.close();
  mine.failure = worker.failure();
  if (not mine.failure.empty()) stop_ = true;
  --working_;
}

void kafka_session::start_workers() {
  const auto count = all_.settings.kafka.workers;
  for (std::uint32_t i = 0; i < count; ++i)
    crews_.push_back(std::make_unique<crew>());
  working_ = count;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& mine = *crews_[i];
    mine.thread = std::thread([this, &mine, rules = rules_for(i)]() mutable {
      // Made where it lives: a worker belongs to one thread.
      mine.worker = std::make_unique<kafka::kafka_worker>(std::move(rules), *brokers_);
      work(mine);
    });
  }
}

kafka::worker_status kafka_session::total() const {
  kafka::worker_status all{.at = wall_clock_ms()};
  for (const auto& each : crews_) {
    if (each->worker == nullptr) continue;
    const auto one = each->worker->status();
    all.partitions.insert(all.partitions.end(), one.partitions.begin(), one.partitions.end());
    all.totals += one.totals;
    all.transactions += one.transactions;
    all.aborts += one.aborts;
    all.recycled += one.recycled;
    all.rebalances += one.rebalances;
    all.last_epoch_ms = std::max(all.last_epoch_ms, one.last_epoch_ms);
    all.at = std::min(all.at, one.at);
  }
  return all;
}

// For `fairuse partitions`, which runs beside. Replaced whole, so nobody reads half of it.
void kafka_session::leave_status(bool running) const {
  const auto all = total();
  nlohmann::ordered_json text = {{"instance", instance_},
                                 {"pid", ::getpid()},
                                 {"running", running},
                                 {"at", all.at},
                                 {"aborts", all.aborts},
                                 {"recycled", all.recycled},
                                 {"transactions", all.transactions},
                                 {"rebalances", all.rebalances}};
  auto list = nlohmann::ordered_json::array();
  for (const auto& each : all.partitions) {
    list.push_back({{"partition", each.partition},
                    {"state", to_text(each.state)},
                    {"epoch", each.epoch},
                    {"now", each.now},
                    {"lag", each.lag},
                    {"active_users", each.active_users},
                    {"pending_rows", each.pending_rows}});
    if (not each.says.empty()) list.back()["says"] = each.says;
    if (each.state == kafka::takeover_state::working)
      list.back().update({{"restored", each.restored}, {"to_restore", each.to_restore}});
  }
  text["partitions"] = std::move(list);
  const auto folder = std::filesystem::path{settings_.state_folder};
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  if (const auto written = replace_file(folder / "partitions.json", text.dump(1) + '\n'); not written)
    spdlog::warn("the state of the partitions: {}", written.error().message);
}

void kafka_session::watch() {
  std::uint64_t total_records = 0;
  for (const auto& each : ends_)
    total_records += static_cast<std::uint64_t>(each.offset);
  progress shown{total_records, "events"};
  for (int round = 0; working_ > 0; ++round) {
    std::this_thread::sleep_for(watch_every);
    const auto records = total().totals.records;
    shown.show(records, records);
    if (round % status_every == 0) leave_status(true);
  }
}

int kafka_session::run() {
  const auto begin = steady_clock::now();
  if (not find_instance()) return exit_usage;
  if (not connect()) return exit_usage;
  stop_signal signal{[this] { stop_ = true; }};
  if (not find_ends()) return exit_failed;
  spdlog::info("instance {} joins group {} at {}, {} worker{}, {} partitions, state in {}", instance_,
               all_.settings.kafka.app, bootstrap_servers(all_.settings.kafka), all_.settings.kafka.workers,
               all_.settings.kafka.workers == 1 ? "" : "s", partitions_, settings_.state_folder);
  start_workers();
  watch();
  for (const auto& each : crews_)
    each->thread.join();
  leave_status(false);
  const auto code = finish(std::chrono::duration<double>(steady_clock::now() - begin).count());
  if (code != exit_done or not signal.came()) return code;
  spdlog::info("stopped by {}", signal.was_interrupt() ? "Ctrl-C (SIGINT)" : "SIGTERM");
  return signal.was_interrupt() ? exit_interrupted : exit_done;
}

int kafka_session::finish(double seconds) {
  const auto all = total();
  const auto& totals = all.totals;
  const auto rate = static_cast<double>(totals.records) / std::max(seconds, 1e-6);
  fmt::print(stderr,
             "records      {:>14}\n  duplicates {:>14}\ndead letters {:>14}\ndecisions    {:>14}\nepochs       {:>14}\n"
             "transactions {:>14}\n  aborted    {:>14}\n{:.2f} s, {:.0f} records/s, {:.2f} CPU s, peak {} MiB\n",
             totals.records, totals.counts.duplicates, totals.dead_letters, totals.decisions, totals.epochs,
             all.transactions, all.aborts, seconds, rate, cpu_seconds(), memory_peak_bytes() >> 20U);
  if (settings_.json) {
    const nlohmann::ordered_json text = {{"records", totals.records},
                                         {"duplicates", totals.counts.duplicates},
                                         {"dead_letters", totals.dead_letters},
                                         {"decisions", totals.decisions},
                                         {"epochs", totals.epochs},
                                         {"rows", totals.rows},
                                         {"outputs", totals.outputs},
                                         {"transactions", all.transactions},
                                         {"aborts", all.aborts},
                                         {"recycled", all.recycled},
                                         {"real_gaps", totals.real_gaps},
                                         {"refetches", totals.refetches},
                                         {"seconds", seconds},
                                         {"records_per_second", rate},
                                         {"cpu_seconds", cpu_seconds()},
                                         {"memory_peak_bytes", memory_peak_bytes()}};
    fmt::print("{}\n", text.dump());
  }
  for (const auto& each : crews_)
    if (not each->failure.empty()) return fail(exit_failed, each->failure);
  return exit_done;
}

} // namespace fairuse::cli
