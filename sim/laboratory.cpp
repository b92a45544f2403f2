// SPDX-License-Identifier: Apache-2.0

#include "sim/laboratory.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "sim/fresh_users.hpp"
#include "sim/simulated_users.hpp"

namespace fairuse::sim {

namespace {

/// The worker threads of one run, and the sum of their tallies.
class worker_threads {
public:
  worker_threads(const run_rules& rules, const laboratory_options& how, const feed_maker& make_feed,
                 std::vector<std::uint32_t> ends)
    : rules_(rules),
      how_(how),
      make_feed_(make_feed),
      queue_(rules.of->users, std::move(ends), how.stop),
      total_(empty_tally()) {}

  run_tally run();

private:
  run_tally empty_tally() const { return {rules_.of->policies.size(), rules_.of->people.cohorts.size()}; }
  void work();
  void run_epochs(run_tally& mine);
  void report_progress();

  const run_rules& rules_;
  const laboratory_options& how_;
  const feed_maker& make_feed_;
  user_queue queue_;

  std::mutex mutex_;
  std::condition_variable ended_;
  unsigned running_ = 0;
  run_tally total_;
  std::exception_ptr failure_;
};

void worker_threads::run_epochs(run_tally& mine) {
  const auto feed = make_feed_();
  simulated_users users(rules_, *feed, queue_, mine, how_);
  const continuation rest = [&](const slice& given, const outcome& so_far) { return users.rest(given, so_far); };
  fresh_users store;
  worker own;
  const auto shard = own.open_shard(store, rules_.options());
  while (const auto sealed = users.seal()) {
    users.count(shard->run(*sealed, rest));
    if (how_.visit) how_.visit(*shard);
  }
  feed->check();
}

void worker_threads::work() {
  auto mine = empty_tally();
  std::exception_ptr failure;
  try {
    run_epochs(mine);
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  total_.merge(std::move(mine));
  if (failure) failure_ = failure;
  --running_;
  ended_.notify_one();
}

/// Returns when every thread has ended.
void worker_threads::report_progress() {
  constexpr std::chrono::milliseconds tick{100};
  std::unique_lock lock(mutex_);
  while (not ended_.wait_for(lock, tick, [this] { return running_ == 0; }))
    if (how_.progress) how_.progress(queue_.users_done, queue_.events_done);
}

run_tally worker_threads::run() {
  std::vector<std::thread> threads;
  running_ = std::max(1U, how_.workers);
  const auto count = running_;
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([this] { work(); });
  report_progress();
  for (auto& each : threads)
    each.join();
  if (failure_) std::rethrow_exception(failure_);
  return std::move(total_);
}

} // namespace

run_result run_experiment(const experiment& what, const laboratory_options& how) {
  const composition people(what.people, what.seed);
  const run_rules rules(what);
  return run_experiment(rules, how,
                        [&] { return std::make_unique<synthetic_feed>(people, what.days, rules.in_force, rules.end); });
}

run_result run_experiment(const run_rules& rules, const laboratory_options& how, const feed_maker& make_feed,
                          std::vector<std::uint32_t> ends) {
  run_result result;
  result.tally = worker_threads(rules, how, make_feed, std::move(ends)).run();
  result.partial = result.tally.users < rules.of->users;
  for (auto& each : result.tally.policies) {
    const auto by_uid = [](const auto& left, const auto& right) { return left.uid < right.uid; };
    std::sort(each.users.begin(), each.users.end(), by_uid);
    std::sort(each.changed.begin(), each.changed.end(), by_uid);
    for (auto& group : each.groups)
      for (auto& at : group.stages)
        std::sort(at.reached_after_ms.begin(), at.reached_after_ms.end());
    result.policy_digests.push_back(each.chains.finish());
  }
  result.digest = result.tally.chains.finish();
  std::sort(result.tally.decisions.begin(), result.tally.decisions.end(),
            [](const auto& left, const auto& right) { return left.uid < right.uid; });
  return result;
}

} // namespace fairuse::sim
