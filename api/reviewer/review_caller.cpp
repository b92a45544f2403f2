// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/review_caller.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "api/retry_delay.hpp"
#include "api/reviewer/call_limits.hpp"
#include "api/reviewer/chat_answer.hpp"
#include "api/reviewer/chat_request.hpp"
#include "api/reviewer/circuit_breaker.hpp"
#include "api/reviewer/failure_notes.hpp"
#include "api/reviewer/recordings.hpp"
#include "config/yaml.hpp"

namespace fairuse {
namespace {

using asked_id = std::uint64_t;

/// Tokens of a call before it is made: three bytes each, and a longer answer than the schema asks for.
constexpr std::int64_t bytes_per_token = 3;
constexpr std::int64_t answer_tokens = 1'000;

struct asked_review {
  review_request request;
  finished_review so_far;
  /// Of the next call.
  answer_format format = answer_format::json_schema;
  std::uint32_t retries = 0;
  review_failure last = review_failure::none;
  /// While it waits: from when it may be made.
  time_ms due = 0;
  /// Of recordings; empty: they are not used.
  std::string name;
  /// Its answer is a recording, which costs nothing.
  bool is_played = false;
  /// The call under way.
  std::string sent;
  std::int64_t minute = 0;
  std::int64_t estimate_micro = 0;
};

/// The endpoint is not well, or is none.
bool counts_for_breaker(review_failure why) {
  switch (why) {
    case review_failure::unreachable:
    case review_failure::tls:
    case review_failure::timed_out:
    case review_failure::broken_off:
    case review_failure::redirected:
    case review_failure::key_refused:
    case review_failure::not_there:
    case review_failure::server_fault:
      return true;
    default:
      return false;
  }
}

/// The model may have worked on a call of which no answer arrived.
bool may_have_cost(const http_answer& answer) {
  switch (answer.fault) {
    case http_fault::none:
      return answer.status >= 200 and answer.status < 300;
    case http_fault::unreachable:
    case http_fault::tls:
      return false;
    default:
      return true;
  }
}

/// For people; nothing that the endpoint wrote: it may repeat the request or the key.
std::string cause_of(const http_answer& answer) {
  return answer.fault == http_fault::none ? fmt::format("it answered {}", answer.status) : answer.error;
}

answer_format next_format(answer_format from) {
  return from == answer_format::json_schema ? answer_format::json_object : answer_format::text;
}

std::vector<std::string_view> ids_of(const review_request& request) {
  std::vector<std::string_view> ids;
  for (const auto& each : request.conversations)
    ids.push_back(each.id);
  return ids;
}

std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

} // namespace

struct review_caller::body {
  review_caller_options options;
  std::unique_ptr<http_client> client;
  call_limits limits;
  circuit_breaker breaker;
  failure_notes notes;
  review_figures sums;
  std::optional<error> record_problem;
  std::uint64_t chance;

  std::map<asked_id, asked_review> all;
  asked_id last_id = 0;
  /// Wait for a call, by the instant from which it may be made, and by their end.
  std::set<std::pair<time_ms, asked_id>> ready;
  std::set<std::pair<time_ms, asked_id>> ends;
  /// Begin to wait, so long from the next instant that is known.
  std::vector<std::pair<asked_id, std::int64_t>> delayed;
  std::map<http_client::ticket, asked_id> calls;
  std::vector<finished_review> ended;
  /// Why no call is made now.
  review_failure obstacle = review_failure::none;
  time_ms limit_told_at = -hour_ms;
  bool adds_calls = true;

  void wait_from(asked_id id, time_ms due);
  void end_late(time_ms now);
  void place_delayed(time_ms now);
  time_ms start_calls(time_ms now);
  std::optional<time_ms> count_unless_blocked(asked_review& one, time_ms now);
  void tell_limit(time_ms now);
  void start(asked_id id, time_ms now);
  bool is_recorded(asked_review& one) const;
  void play(asked_id id, asked_review& one, const std::filesystem::path& folder);
  void take(asked_id id, const http_answer& answer, time_ms now);
  void take_verdict(asked_id id, asked_review& one, const http_answer& answer);
  void take_failure(asked_id id, asked_review& one, const http_answer& answer, review_failure why, time_ms now);
  void settle(asked_review& one, const http_answer& answer, const std::optional<token_count>& tokens);
  void record(const asked_review& one, const http_answer& answer);
  void finish(asked_id id, review_failure why);
  void tell_breaker(review_failure why, time_ms now);
  std::string body_of(asked_review& one) const;
};

void review_caller::body::wait_from(asked_id id, time_ms due) {
  auto& one = all.at(id);
  one.due = due;
  ready.emplace(due, id);
  ends.emplace(one.request.answer_by, id);
}

void review_caller::body::finish(asked_id id, review_failure why) {
  auto found = all.find(id);
  auto done = std::move(found->second.so_far);
  done.why = why;
  done.answer.failed = to_text(why);
  done.answer.cost_micro = done.cost_micro;
  if (why == review_failure::none)
    notes.has_verdict();
  else
    notes.failed(why);
  ++sums.ended[static_cast<std::size_t>(why)];
  ended.push_back(std::move(done));
  all.erase(found);
}

void review_caller::body::end_late(time_ms now) {
  while (not ends.empty() and ends.begin()->first <= now) {
    const auto id = ends.begin()->second;
    ends.erase(ends.begin());
    const auto& one = all.at(id);
    ready.erase({one.due, id});
    const auto last = one.last;
    finish(id, last != review_failure::none       ? last
               : obstacle != review_failure::none ? obstacle
                                                  : review_failure::late);
  }
}

void review_caller::body::place_delayed(time_ms now) {
  for (const auto& [id, delay] : std::exchange(delayed, {})) {
    const auto& one = all.at(id);
    if (now + delay >= one.request.answer_by)
      finish(id, one.last);
    else
      wait_from(id, now + delay);
  }
}

std::string review_caller::body::body_of(asked_review& one) const {
  const auto messages = make_messages(options.prompts, one.request);
  if (not options.record.empty() or not options.play.empty()) one.name = recording_name(options.settings, messages);
  return chat_body(options.settings, messages, one.format);
}

/// nullopt: a call may be made, and is counted.
std::optional<time_ms> review_caller::body::count_unless_blocked(asked_review& one, time_ms now) {
  obstacle = review_failure::none;
  if (calls.size() >= options.settings.concurrency) return never;
  if (not options.play.empty()) return {};
  if (not breaker.may_call(calls.size(), now)) {
    obstacle = review_failure::paused;
    return calls.empty() ? breaker.paused_until() : never;
  }
  one.format = std::max(one.format, sums.format);
  one.sent = body_of(one);
  const token_count tokens{static_cast<std::int64_t>(one.sent.size()) / bytes_per_token, answer_tokens};
  one.estimate_micro = cost_of(tokens, options.settings.price).value_or(0);
  const auto state = limits.check(one.estimate_micro, now);
  if (state == limit_state::free) {
    if (const auto counted = limits.count(one.estimate_micro, now)) {
      one.minute = *counted;
      return {};
    }
    // The next poll() tries again.
    obstacle = review_failure::not_counted;
    return never;
  }
  obstacle = state == limit_state::requests_used_up ? review_failure::requests_used_up : review_failure::money_used_up;
  tell_limit(now);
  return limits.next_change();
}

/// Once an hour: calls become free one by one, and are used up again.
void review_caller::body::tell_limit(time_ms now) {
  if (now < limit_told_at + hour_ms and limit_told_at <= now) return;
  limit_told_at = now;
  options.log(log_level::warning, fmt::format("calls wait: {}", to_text(obstacle)));
}

/// Makes every call that may be made; returns when the next one may be, if nothing ends before.
time_ms review_caller::body::start_calls(time_ms now) {
  while (adds_calls and not ready.empty()) {
    const auto [due, id] = *ready.begin();
    if (due > now) return due;
    auto& one = all.at(id);
    if (options.goes_on and is_recorded(one)) {
      ready.erase(ready.begin());
      ends.erase({one.request.answer_by, id});
      play(id, one, options.record);
      continue;
    }
    if (const auto until = count_unless_blocked(one, now)) return *until;
    ready.erase(ready.begin());
    ends.erase({one.request.answer_by, id});
    if (options.play.empty())
      start(id, now);
    else
      play(id, one, options.play);
  }
  return never;
}

void review_caller::body::start(asked_id id, time_ms now) {
  auto& one = all.at(id);
  auto call = chat_request(options.settings, options.key, one.sent);
  call.timeout_ms = std::min(options.settings.timeout_ms, one.request.answer_by - now);
  if (options.record.empty()) one.sent.clear();
  ++one.so_far.attempts;
  ++sums.calls;
  calls.emplace(client->send(std::move(call)), id);
}

/// A file that is no recording is replaced by one.
bool review_caller::body::is_recorded(asked_review& one) const {
  body_of(one);
  const auto found = read_recording(options.record, one.name);
  return found and *found;
}

void review_caller::body::play(asked_id id, asked_review& one, const std::filesystem::path& folder) {
  body_of(one);
  one.is_played = true;
  auto found = read_recording(folder, one.name);
  if (not found) {
    record_problem = found.error();
    return finish(id, review_failure::not_recorded);
  }
  if (not *found) return finish(id, review_failure::not_recorded);
  http_answer answer;
  answer.status = 200;
  answer.body = std::move((*found)->text);
  one.so_far.calls_ms += (*found)->took_ms;
  ++one.so_far.attempts;
  take_verdict(id, one, answer);
}

void review_caller::body::settle(asked_review& one, const http_answer& answer,
                                 const std::optional<token_count>& tokens) {
  const auto cost = cost_of(tokens, options.settings.price);
  limits.settle(one.minute, one.estimate_micro, cost.value_or(may_have_cost(answer) ? one.estimate_micro : 0));
  if (tokens) {
    sums.input_tokens += tokens->input;
    sums.output_tokens += tokens->output;
  }
  if (not cost) return;
  one.so_far.cost_micro = one.so_far.cost_micro.value_or(0) + *cost;
  sums.cost_micro += *cost;
}

void review_caller::body::record(const asked_review& one, const http_answer& answer) {
  if (options.record.empty()) return;
  if (const auto written = write_recording(options.record, one.name, one.sent, {answer.body, answer.took_ms});
      not written)
    record_problem = written.error();
}

void review_caller::body::take_verdict(asked_id id, asked_review& one, const http_answer& answer) {
  auto verdict = read_verdict(answer.body, ids_of(one.request), options.settings.evidence_max);
  if (not one.is_played) {
    settle(one, answer, verdict.tokens);
    record(one, answer);
  } else {
    one.so_far.cost_micro = cost_of(verdict.tokens, options.settings.price);
  }
  if (verdict.failed == review_failure::none) {
    one.so_far.answer.score_nano = verdict.score_nano;
    one.so_far.answer.confidence_nano = verdict.confidence_nano;
    one.so_far.answer.type = verdict.type;
    one.so_far.answer.evidence = std::move(verdict.evidence);
  }
  finish(id, verdict.failed);
}

void review_caller::body::take_failure(asked_id id, asked_review& one, const http_answer& answer, review_failure why,
                                       time_ms now) {
  one.last = why;
  if (refuses_format(answer) and one.format != answer_format::text) {
    one.format = next_format(one.format);
    // Before those that came later, which then need not find out the same.
    return wait_from(id, one.due);
  }
  notes.failed(why, cause_of(answer));
  if (not may_retry(why) or one.retries == options.settings.retries) return finish(id, why);
  ++one.retries;
  ++sums.retries;
  chance += 0x9e3779b97f4a7c15U;
  const auto delay = retry_delay_ms(one.retries, answer.retry_after_ms, mixed(chance));
  if (delay >= one.request.answer_by - now) return finish(id, why);
  delayed.emplace_back(id, delay);
}

void review_caller::body::tell_breaker(review_failure why, time_ms now) {
  const bool was_open = breaker.is_open();
  if (counts_for_breaker(why))
    breaker.failed(now);
  else if (why != review_failure::rate_limited)
    breaker.succeeded();
  if (breaker.is_open() == was_open) return;
  const auto& rule = options.settings.breaker;
  if (was_open)
    options.log(log_level::info, "calls are made again");
  else
    options.log(log_level::warning, fmt::format("{} calls failed in a row: none is made for {}, then one at a time",
                                                rule.failures, yaml::format_duration(rule.pause_ms)));
}

void review_caller::body::take(asked_id id, const http_answer& answer, time_ms now) {
  auto& one = all.at(id);
  one.so_far.calls_ms += answer.took_ms;
  const auto why = call_failure(answer);
  tell_breaker(why, now);
  if (why != review_failure::none) {
    settle(one, answer, {});
    return take_failure(id, one, answer, why, now);
  }
  // Only now it is known that this form is taken.
  sums.format = std::max(sums.format, one.format);
  take_verdict(id, one, answer);
}

result<std::unique_ptr<review_caller>> review_caller::make(review_caller_options options, time_ms now) {
  const auto& settings = options.settings;
  assert(not settings.endpoint.empty() or not options.play.empty());
  auto client = http_client::make({settings.proxy, settings.ca_file});
  if (not client) return client.error();
  auto limits = call_limits::open(settings.per_hour, options.limits_file, now);
  if (not limits) return limits.error();
  if (not options.record.empty()) {
    if (const auto made = make_recordings(options.record); not made) return made.error();
  }
  std::error_code failed;
  if (not options.play.empty() and not std::filesystem::is_directory(options.play, failed))
    return error{options.play.string() + " is no folder"};
  review_figures none;
  none.format = settings.format;
  const auto chance = options.seed;
  const circuit_breaker breaker{settings.breaker};
  failure_notes notes{options.log};
  std::unique_ptr<body> all{new body{
      std::move(options), std::move(*client), std::move(*limits), breaker, std::move(notes), none, {}, chance}};
  return std::unique_ptr<review_caller>{new review_caller{std::move(all)}};
}

review_caller::review_caller(std::unique_ptr<body> all) : body_{std::move(all)} {}

review_caller::~review_caller() = default;

void review_caller::ask(review_request request, std::uint64_t handle, time_ms now) {
  auto& all = *body_;
  assert(room() > 0);
  all.notes.at(now);
  const auto id = ++all.last_id;
  auto& one = all.all[id];
  one.so_far.handle = handle;
  one.so_far.uid = request.uid;
  one.so_far.answer.request = request.request;
  one.so_far.answer.model = all.options.settings.model;
  one.so_far.answer.prompt_version = all.options.prompts.version;
  one.format = all.options.settings.format;
  one.request = std::move(request);
  // A verdict about nothing would be a strike for nothing.
  if (one.request.conversations.empty())
    all.finish(id, review_failure::no_conversation);
  else if (one.request.answer_by <= now)
    all.finish(id, review_failure::late);
  else
    all.wait_from(id, now);
}

std::vector<finished_review> review_caller::poll(time_ms now, std::int64_t wait_ms) {
  auto& all = *body_;
  all.notes.at(now);
  all.place_delayed(now);
  all.end_late(now);
  auto until = all.start_calls(now);
  if (not all.ends.empty()) until = std::min(until, all.ends.begin()->first);
  if (not all.ended.empty()) until = now;
  const auto longest = std::max<std::int64_t>(until - now, 0);
  for (const auto& [ticket, answer] : all.client->poll(std::min(wait_ms, longest))) {
    const auto found = all.calls.find(ticket);
    const auto id = found->second;
    all.calls.erase(found);
    all.take(id, answer, now);
  }
  return std::exchange(all.ended, {});
}

void review_caller::add_no_call() { body_->adds_calls = false; }

std::size_t review_caller::room() const {
  const auto& settings = body_->options.settings;
  const std::size_t most = std::size_t{settings.concurrency} + settings.waiting_max;
  return most - std::min(most, open());
}

std::size_t review_caller::open() const { return body_->all.size() + body_->ended.size(); }

review_figures review_caller::figures() const {
  auto figures = body_->sums;
  figures.under_way = body_->calls.size();
  figures.waiting = body_->all.size() - body_->calls.size();
  figures.is_paused = body_->breaker.is_open();
  return figures;
}

std::optional<error> review_caller::problem() const {
  return body_->record_problem ? body_->record_problem : body_->limits.problem();
}

void review_caller::wake() { body_->client->wake(); }

} // namespace fairuse
