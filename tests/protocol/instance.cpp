// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/instance.hpp"

#include <set>
#include <utility>

namespace fairuse::protocol {

namespace {

simlog::fault_rates rates_of(const run_settings& settings) {
  return settings.calls_per_fault == 0 ? simlog::fault_rates{} : simlog::stormy(settings.calls_per_fault);
}

} // namespace

instance::instance(fixture& in, const std::string& name, const std::filesystem::path& state, std::uint64_t fault_seed)
  : fixture_(in), name_(name), state_(state), faults_(fault_seed, rates_of(in.settings)) {
  faults_.observer = [this](simlog::point where, simlog::fault what) {
    if (what != simlog::fault::short_batch)
      fixture_.note(name_ + "! " + simlog::name_of(what) + " at " + simlog::name_of(where));
  };
  const simlog::client_options options{.session = simlog::milliseconds{3'000},
                                       .transaction = simlog::milliseconds{1'500},
                                       .batch = 15,
                                       .after_loss = in.settings.after_loss,
                                       .lateness = in.settings.lateness};
  cluster_ = std::make_unique<simlog::simulated_cluster>(fixture_.log, options, faults_);
  // Clocks of machines differ a little, and sometimes a lot.
  auto skew = fixture_.draws.pick<time_ms>({0, 0, 0, 1'500, -1'500, hour_ms, -hour_ms});
  auto rules = fixture_.rules_for(name, state, skew);
  rules.environment.store_buffer_bytes = store_buffer_bytes;
  if (fixture_.settings.lazy_writer) {
    rules.environment.background = [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
    rules.environment.hurry = [this] { write(); };
  }
  worker_ = std::make_unique<kafka::kafka_worker>(std::move(rules), *cluster_);
}

bool caught_up(const fixture& in, std::span<const instance* const> all) {
  const auto ends = in.input_ends();
  std::set<std::int32_t> finished;
  for (const auto* each : all)
    for (const auto partition : each->finished(ends))
      finished.insert(partition);
  return finished.size() == static_cast<std::size_t>(in.settings.partitions);
}

instance::~instance() { kill(); }

instance::progress instance::work() {
  try {
    if (not worker_->work(kafka::milliseconds{0})) return progress::over;
  } catch (const simlog::simulated_crash&) {
    return progress::crashed;
  }
  return cluster_->dead() ? progress::crashed : progress::running;
}

void instance::write() {
  while (not tasks_.empty()) {
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
}

void instance::kill() {
  if (worker_ == nullptr) return;
  worker_->abandon();
  worker_.reset();
  cluster_.reset();
}

void instance::close() {
  try {
    worker_->close();
  } catch (const simlog::simulated_crash&) {
    return kill();
  }
  worker_.reset();
  cluster_.reset();
}

} // namespace fairuse::protocol
