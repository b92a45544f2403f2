// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/kafka_requests.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/reviewer/request_json.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

/// A member must come back to its group, so nothing waits for long.
constexpr kafka::milliseconds poll_wait{5};
constexpr kafka::milliseconds catch_up_wait{200};
/// After a commit that failed.
constexpr std::int64_t pause_ms = 1'000;

} // namespace

kafka_requests::kafka_requests(const kafka_requests_options& options, kafka::cluster& brokers)
  : options_{options}, view_{brokers, options.enforcement} {}

result<std::unique_ptr<kafka_requests>> kafka_requests::open(const kafka_requests_options& options,
                                                             kafka::cluster& brokers) {
  std::unique_ptr<kafka_requests> made(new kafka_requests(options, brokers));
  auto* own = made.get();
  auto intake =
      kafka_intake::make({.group = options.group,
                          .instance = options.instance,
                          .topic = options.requests,
                          .outputs = {options.input},
                          .log = options.log},
                         brokers,
                         {.take = [own](std::uint64_t handle, const kafka::record& what,
                                        const std::vector<kafka::header>&) { return own->take(handle, what); },
                          .assigned =
                              [own](const std::vector<std::int32_t>& partitions) {
                                own->fresh_.clear();
                                own->asked_.clear();
                                own->finished_ = 0;
                                own->view_.follow(partitions);
                              }});
  if (not intake) return intake.error();
  made->intake_ = std::move(*intake);
  return made;
}

bool kafka_requests::take(std::uint64_t handle, const kafka::record& what) {
  has_news_ = true;
  waiting_request made{.handle = handle, .partition = what.partition};
  if (not what.key or not what.value or not read_request(*what.key, *what.value, made.what, made.epoch)) {
    passed_.push_back(not_asked::unreadable);
    options_.log(log_level::warning, fmt::format("{} [{}] offset {} is no review request, and is passed over",
                                                 options_.requests, what.partition, what.offset));
    return false;
  }
  fresh_.push_back(std::move(made));
  return true;
}

std::optional<not_asked> kafka_requests::why_not(const waiting_request& what, time_ms now) const {
  if (what.what.answer_by <= now) return not_asked::too_late;
  if (view_.is_erased_since(what.what.uid, what.epoch)) return not_asked::erased;
  if (const auto* known = view_.find(what.what.uid); known != nullptr and known->exempt) return not_asked::exempt;
  const auto switches = view_.switches_of(what.partition);
  if (switches and switches->killed) return not_asked::kill_switch;
  if (switches and not switches->enabled and what.what.request.starts_with("live-")) return not_asked::system_off;
  return std::nullopt;
}

void kafka_requests::pass_over(std::uint64_t handle, not_asked why) {
  passed_.push_back(why);
  intake_->finish(handle, {});
}

// A request is seen with all that was committed up to it: its user's row, an erasure, the switches. What has come later
// is seen by those that have waited for long, too, so the brokers are also asked where no request is new.
result<bool> kafka_requests::catch_up(time_ms now) {
  if (not has_news_ and view_.is_recent(now)) return true;
  const auto done = view_.catch_up(catch_up_wait, now);
  if (asks_for(done, kafka::next_action::broken))
    return error{fmt::format("{} ({})", done.error().text, done.error().code)};
  if (not done or not *done) return false;
  has_news_ = false;
  return true;
}

result<review_source::news> kafka_requests::poll(std::size_t most, time_ms now) {
  news out;
  if (auto polled = intake_->poll(poll_wait); not polled) return polled.error();
  if (most > 0 and not fresh_.empty()) {
    const auto caught_up = catch_up(now);
    if (not caught_up) return caught_up.error();
    if (not *caught_up) return out;
  }
  while (out.requests.size() < most and not fresh_.empty()) {
    auto next = std::move(fresh_.front());
    fresh_.pop_front();
    if (const auto why = why_not(next, now)) {
      pass_over(next.handle, *why);
      continue;
    }
    asked_.emplace(next.handle, next.what.uid);
    out.requests.push_back({next.handle, std::move(next.what)});
  }
  out.passed = std::exchange(passed_, {});
  return out;
}

void kafka_requests::finished(std::uint64_t handle, review_answer answer, time_ms now) {
  const auto found = asked_.find(handle);
  if (found == asked_.end()) return;
  const auto& uid = found->second;
  auto value = verdict_event(uid, std::move(answer), now);
  intake_->finish(handle, {{.topic = options_.input,
                            .key = uid,
                            .value = std::move(value),
                            .headers = {{"content-type", "application/cloudevents+json"}}}});
  asked_.erase(found);
  ++finished_;
}

result<void> kafka_requests::commit(time_ms now) {
  if (now < not_before_) return {};
  if (auto done = intake_->commit(); not done) return done;
  if (intake_->failures() > 0)
    not_before_ = now + pause_ms;
  else
    finished_ = 0;
  return {};
}

bool kafka_requests::at_end() { return fresh_.empty() and asked_.empty() and intake_->at_end(); }

} // namespace fairuse
