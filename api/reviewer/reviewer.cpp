// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/reviewer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace fairuse {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// An idle source is asked so often.
constexpr milliseconds turn_wait{20};
/// A poll of the calls; a new request wakes it.
constexpr std::int64_t calls_wait_ms = 100;
/// Verdicts are committed together for so long.
constexpr std::int64_t commit_interval_ms = 100;
/// Calls under way at a stop.
constexpr milliseconds leave_max{5'000};

prometheus::Counter& reviews_that(process_metrics& in, review_failure end) {
  const auto [result, reason] =
      end == review_failure::none ? std::pair{"verdict", ""} : std::pair{"failed", label_of(end).data()};
  return in.counter("fairuse_reviewer_reviews_total", "Reviews that ended.", {{"result", result}, {"reason", reason}});
}

} // namespace

/// What /metrics shows. Counters of prometheus only grow, so differences are added.
struct reviewer::figures {
  explicit figures(process_metrics& in)
    : calls{in.counter("fairuse_reviewer_calls_total", "Calls of the model.")},
      retries{in.counter("fairuse_reviewer_retries_total", "Calls that were made again.")},
      cost{in.counter("fairuse_reviewer_cost_micro_total", "What calls cost, in micro-units of money.")},
      input_tokens{in.counter("fairuse_reviewer_tokens_total", "Tokens.", {{"direction", "input"}})},
      output_tokens{in.counter("fairuse_reviewer_tokens_total", "Tokens.", {{"direction", "output"}})},
      under_way{in.gauge("fairuse_reviewer_calls_under_way", "Calls under way.")},
      waiting{in.gauge("fairuse_reviewer_requests_waiting", "Requests that wait for a call.")},
      paused{in.gauge("fairuse_reviewer_paused", "1: the endpoint is left alone for a while.")} {
    for (std::size_t i = 0; i < review_failure_count; ++i)
      ended.push_back(&reviews_that(in, static_cast<review_failure>(i)));
    for (std::size_t i = 0; i < not_asked_count; ++i)
      passed.push_back(&in.counter("fairuse_reviewer_passed_over_total", "Requests that nobody was asked about.",
                                   {{"reason", std::string{to_text(static_cast<not_asked>(i))}}}));
  }

  void show(const review_figures& now) {
    const auto add = [](prometheus::Counter& to, auto before, auto after) {
      if (after > before) to.Increment(static_cast<double>(after - before));
    };
    add(calls, last.calls, now.calls);
    add(retries, last.retries, now.retries);
    add(cost, last.cost_micro, now.cost_micro);
    add(input_tokens, last.input_tokens, now.input_tokens);
    add(output_tokens, last.output_tokens, now.output_tokens);
    under_way.Set(static_cast<double>(now.under_way));
    waiting.Set(static_cast<double>(now.waiting));
    paused.Set(now.is_paused ? 1 : 0);
    last = now;
  }

  prometheus::Counter& calls;
  prometheus::Counter& retries;
  prometheus::Counter& cost;
  prometheus::Counter& input_tokens;
  prometheus::Counter& output_tokens;
  prometheus::Gauge& under_way;
  prometheus::Gauge& waiting;
  prometheus::Gauge& paused;
  /// By review_failure.
  std::vector<prometheus::Counter*> ended;
  std::vector<prometheus::Counter*> passed;
  review_figures last;
};

reviewer::reviewer(reviewer_options options, std::unique_ptr<review_source> source)
  : options_{std::move(options)}, source_{std::move(source)}, figures_{std::make_unique<figures>(metrics_)} {}

reviewer::~reviewer() = default;

run_result<std::unique_ptr<reviewer>> reviewer::make(reviewer_options options, std::unique_ptr<review_source> source) {
  std::unique_ptr<reviewer> made(new reviewer(std::move(options), std::move(source)));
  auto caller = review_caller::make(made->options_.calling, made->options_.clock());
  if (not caller) return run_error{run_fault::refused, caller.error().message};
  made->caller_ = std::move(*caller);
  made->room_ = made->caller_->room();
  if (const auto& at = made->options_.listen; not at.empty()) {
    made->beat_.wait();
    auto listener = status_listener::start(at, made->metrics_, made->beat_);
    if (not listener) return run_error{run_fault::failed, listener.error().message};
    made->listener_ = std::move(*listener);
    made->options_.log(log_level::info,
                       fmt::format("/livez, /readyz and /metrics on port {}", made->listener_->port()));
  }
  return made;
}

result<void> reviewer::run() {
  std::thread calls{[this] { make_calls(); }};
  auto done = serve();
  {
    const std::lock_guard lock{mutex_};
    calls_end_ = true;
  }
  caller_->wake();
  calls.join();
  report_.calls = caller_->figures();
  return done;
}

reviewer_report reviewer::report() const { return report_; }

// The thread of the calls.
void reviewer::make_calls() {
  std::string told;
  for (;;) {
    const auto now = options_.clock();
    const bool stops = stop_;
    if (stops) caller_->add_no_call();
    {
      const std::lock_guard lock{mutex_};
      if (calls_end_) return;
      while (not asked_.empty() and caller_->room() > 0) {
        auto& next = asked_.front();
        caller_->ask(std::move(next.what), next.handle, now);
        asked_.pop_front();
      }
    }
    auto ended = caller_->poll(now, calls_wait_ms);
    figures_->show(caller_->figures());
    const auto problem = caller_->problem();
    if (auto text = problem ? problem->message : ""; text != told) {
      told = std::move(text);
      if (not told.empty()) options_.log(log_level::warning, told);
    }
    const std::lock_guard lock{mutex_};
    under_way_ = caller_->figures().under_way;
    sees_stop_ = stops;
    const auto room = caller_->room();
    room_ = room - std::min(room, asked_.size());
    if (ended.empty()) continue;
    std::move(ended.begin(), ended.end(), std::back_inserter(finished_));
    ended_.notify_one();
  }
}

result<void> reviewer::serve() {
  while (not stop_) {
    if (auto done = turn(true); not done) return done;
    if (options_.until_end and open_ == 0 and source_->waiting() == 0 and source_->at_end()) return {};
    wait();
  }
  return leave();
}

// Requests without a call are handed out again at the next start.
result<void> reviewer::leave() {
  if (open_ > 0)
    options_.log(log_level::info,
                 fmt::format("no call is added; those under way have {} s", leave_max.count() / 1'000));
  const auto until = steady_clock::now() + leave_max;
  while (calls_go_on() and steady_clock::now() < until) {
    if (auto done = turn(false); not done) return done;
    wait();
  }
  take_back();
  std::size_t broken_off = 0;
  {
    const std::lock_guard lock{mutex_};
    broken_off = under_way_;
  }
  if (broken_off > 0)
    options_.log(log_level::warning,
                 fmt::format("calls are broken off: {}; they are made, and paid, again at the next start", broken_off));
  return source_->commit(options_.clock());
}

bool reviewer::calls_go_on() {
  const std::lock_guard lock{mutex_};
  return not sees_stop_ or under_way_ > 0;
}

// Take requests, hand them over, take reviews back, commit.
result<void> reviewer::turn(bool takes_more) {
  beat_.touch();
  std::size_t room = 0;
  if (takes_more) {
    const std::lock_guard lock{mutex_};
    room = room_;
  }
  auto news = source_->poll(room, options_.clock());
  if (not news) return news.error();
  for (const auto each : news->passed) {
    const auto why = static_cast<std::size_t>(each);
    ++report_.passed.at(why);
    figures_->passed[why]->Increment();
  }
  hand_over(std::move(news->requests));
  take_back();
  return commit_if_due();
}

void reviewer::hand_over(std::vector<offered_request> requests) {
  if (requests.empty()) return;
  open_ += requests.size();
  {
    const std::lock_guard lock{mutex_};
    room_ -= std::min(room_, requests.size());
    std::move(requests.begin(), requests.end(), std::back_inserter(asked_));
  }
  caller_->wake();
}

void reviewer::take_back() {
  std::vector<finished_review> ended;
  {
    const std::lock_guard lock{mutex_};
    ended.swap(finished_);
  }
  open_ -= ended.size();
  for (auto& each : ended) {
    const auto why = static_cast<std::size_t>(each.why);
    figures_->ended[why]->Increment();
    ++(each.why == review_failure::none ? report_.verdicts : report_.failed);
    if (each.why != review_failure::none) ++report_.failures.at(why);
    source_->finished(each.handle, std::move(each.answer), options_.clock());
  }
}

result<void> reviewer::commit_if_due() {
  const auto now = options_.clock();
  if (now - committed_at_ < commit_interval_ms and now >= committed_at_) return {};
  committed_at_ = now;
  return source_->commit(now);
}

void reviewer::wait() {
  std::unique_lock lock{mutex_};
  ended_.wait_for(lock, turn_wait, [this] { return not finished_.empty(); });
}

} // namespace fairuse
