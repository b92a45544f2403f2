// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/deliverer.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "api/retry_delay.hpp"
#include "base/pure/text.hpp"
#include "base/system/sha256.hpp"
#include "config/yaml.hpp"

namespace fairuse {

namespace {

/// How often the source is asked for more.
constexpr std::int64_t poll_every_ms = 250;
constexpr std::size_t answer_bytes_max = 64 << 10;
constexpr int gone = 410;
constexpr int too_many = 429;
constexpr int unavailable = 503;
/// Behind that nobody waits for the news, such as where a notifier begins beside an old store.
constexpr std::int64_t exemption_told_within_ms = 7 * day_ms;

prometheus::Counter& ended(process_metrics& all, const char* how) {
  return all.counter("fairuse_notifier_notices_total", "Notices that ended, by how.", {{"end", how}});
}

prometheus::Counter& attempted(process_metrics& all, const char* what) {
  return all.counter("fairuse_notifier_attempts_total", "Requests to the webhook, by answer.", {{"answer", what}});
}

// A webhook that took a notice has it, however long its answer is.
bool is_taken(const http_answer& answer) {
  return (answer.fault == http_fault::none or answer.fault == http_fault::too_large) and answer.status >= 200
         and answer.status <= 299;
}

std::string_view why_stage_dropped(const notice& what, const told_user& who, time_ms now) {
  if (what.until != never and now > what.until) return "the stage has ended";
  if (who.at < what.at) return "the user's stage is lower now";
  // It ended, or a higher one did and fell back to it: another notice, or none, tells of the present one.
  if (who.at == what.at and who.since > what.decided_at) return "the user came to the stage anew since";
  return "";
}

std::string answer_text(const http_answer& answer) {
  if (answer.fault != http_fault::none) return answer.error;
  return fmt::format("the webhook answered {}", answer.status);
}

} // namespace

std::string_view to_text(notice_end value) {
  switch (value) {
    case notice_end::sent:
      return "sent";
    case notice_end::gave_up:
      return "gave_up";
    case notice_end::dropped:
      break;
  }
  return "dropped";
}

notifier_figures::notifier_figures(process_metrics& all)
  : sent{ended(all, "sent")},
    gave_up{ended(all, "gave_up")},
    dropped{ended(all, "dropped")},
    taken{attempted(all, "2xx")},
    refused{attempted(all, "other")},
    unanswered{attempted(all, "none")},
    waiting{all.gauge("fairuse_notifier_waiting", "Notices in memory that have not ended.")},
    under_way{all.gauge("fairuse_notifier_requests", "Requests that are under way.")},
    held{all.gauge("fairuse_notifier_held", "1 while nothing is sent: kill switch on, or the system off.")},
    oldest_seconds{all.gauge("fairuse_notifier_oldest_seconds", "Age of the oldest decision whose notice waits.")} {}

std::string_view why_dropped(const notice& what, const told_user& who, time_ms now) {
  if (who.erased) return "the user was erased";
  if (who.exempt) return "the user is exempt";
  switch (what.about) {
    case notice_about::stage:
      return why_stage_dropped(what, who, now);
    case notice_about::budget_low:
    case notice_about::budget_exhausted:
      if (what.until != never and now > what.until) return "the day is over";
      return who.at == what.at ? "" : "the user is not at the budget's stage now";
    case notice_about::exemption_ended:
      break;
  }
  // Whatever the stage is since.
  return now > what.decided_at + exemption_told_within_ms ? "the exemption ended long ago" : "";
}

std::int64_t retry_wait_ms(const notifier_settings& settings, std::uint32_t attempts, std::string_view id) {
  // Spread over notices and attempts; nobody has to guess it.
  const auto chance = leading_number(as_bytes(sha256(fmt::format("{} {}", id, attempts))));
  return doubled_wait_ms(settings.retry_first_ms, settings.retry_most_ms, attempts, chance);
}

deliverer::deliverer(const notifier_settings& settings, const webhook_secrets& secrets, notice_source& from,
                     notifier_figures& figures, send_request send, log_function log)
  : settings_{settings},
    secrets_{secrets},
    from_{from},
    figures_{figures},
    send_{std::move(send)},
    log_{std::move(log)} {}

result<void> deliverer::turn(time_ms now) {
  const auto held = from_.is_held(now);
  if (not held) return held.error();
  if (held_ != *held)
    log_(log_level::info, *held ? "nothing is sent: the kill switch is on, the system is off, or this is not known yet"
                                : "notices are sent again");
  held_ = *held;
  if (auto taken = take_new(now); not taken) return taken;
  if (auto begun = begin_due(now); not begun) return begun;
  show(now);
  return from_.save(now);
}

result<void> deliverer::take_new(time_ms now) {
  if (stopped_ or waiting_ >= waiting_max()) return {};
  auto some = from_.poll(waiting_max() - waiting_, now);
  if (not some) return some.error();
  for (auto& each : *some) {
    auto& of_user = queues_[each.uid];
    if (of_user.empty()) due_.emplace(now, each.uid);
    of_user.push_back({.what = std::move(each)});
    ++waiting_;
  }
  return {};
}

result<void> deliverer::begin_due(time_ms now) {
  if (held_ or stopped_ or now < paused_until_) return {};
  while (tickets_.size() < settings_.concurrency and not due_.empty() and due_.begin()->first <= now) {
    const auto uid = due_.begin()->second;
    due_.erase(due_.begin());
    if (auto begun = begin(uid, now); not begun) return begun;
  }
  return {};
}

result<void> deliverer::begin(const std::string& uid, time_ms now) {
  auto& first = queues_.find(uid)->second.front();
  auto& what = first.what;
  const auto who = from_.user_of(what, now);
  if (not who) return who.error();
  if (const auto why = why_dropped(what, *who, now); not why.empty())
    return end_first(uid, notice_end::dropped, std::string{why}, now);
  if (first.body.empty()) {
    if (what.locale.empty()) what.locale = who->locale;
    if (what.time_zone.empty()) what.time_zone = who->time_zone;
    if (what.at == stage::none) what.at = who->at;
    first.body = webhook_body(what, text_of(what, settings_));
  }
  ++first.attempts;
  const auto ticket = send_({.url = settings_.url,
                             .headers = webhook_headers(what.id, now, first.body, secrets_),
                             .body = first.body,
                             .timeout_ms = settings_.timeout_ms,
                             .answer_bytes_max = answer_bytes_max});
  tickets_.emplace(ticket, uid);
  return {};
}

result<void> deliverer::answered(http_client::ticket ticket, const http_answer& answer, time_ms now) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return {};
  const auto uid = std::move(found->second);
  tickets_.erase(found);
  queues_.find(uid)->second.front().status = answer.status;
  if (not is_taken(answer)) return failed(uid, answer, now);
  figures_.taken.Increment();
  return end_first(uid, notice_end::sent, {}, now);
}

result<void> deliverer::failed(const std::string& uid, const http_answer& answer, time_ms now) {
  (answer.fault == http_fault::none ? figures_.refused : figures_.unanswered).Increment();
  if (answer.status == gone) return end_first(uid, notice_end::gave_up, "the webhook is gone (410)", now);
  tell_failing(answer);
  auto& first = queues_.find(uid)->second.front();
  auto& what = first.what;
  if (not std::exchange(first.has_failed, true)) ++failing_;
  if (what.tried_since == never) {
    what.tried_since = now;
    if (auto kept = from_.failing(what); not kept) return kept;
  }
  const auto last = what.tried_since + settings_.give_up_after_ms;
  if (now >= last) return end_first(uid, notice_end::gave_up, answer_text(answer), now);
  const auto asked_for = answer.retry_after_ms.value_or(0);
  const auto wait = std::max(retry_wait_ms(settings_, first.attempts, what.id), asked_for);
  // There is one more attempt at the end of its time, whatever was asked for.
  due_.emplace(std::min(now + wait, last), uid);
  if (answer.status == too_many or answer.status == unavailable)
    paused_until_ = std::max(paused_until_, now + std::min(asked_for, settings_.retry_most_ms));
  return {};
}

result<void> deliverer::end_first(const std::string& uid, notice_end how, std::string why, time_ms now) {
  const auto of_user = queues_.find(uid);
  auto first = std::move(of_user->second.front());
  of_user->second.pop_front();
  --waiting_;
  if (of_user->second.empty())
    queues_.erase(of_user);
  else
    due_.emplace(now, uid);
  auto& figure = how == notice_end::sent      ? figures_.sent
                 : how == notice_end::gave_up ? figures_.gave_up
                                              : figures_.dropped;
  figure.Increment();
  delivery end{.how = how, .at = now, .attempts = first.attempts, .status = first.status, .why = std::move(why)};
  if (how == notice_end::gave_up) {
    log_(log_level::error,
         fmt::format("gave up notice {} after {} attempts: {}", first.what.id, end.attempts, end.why));
    end.body = std::move(first.body);
  }
  if (first.has_failed) tell_ended(how);
  return from_.finished(first.what, end);
}

// Each kind of failure once, until no notice waits that has failed: one that is never taken among many that are must
// not fill the log.
void deliverer::tell_failing(const http_answer& answer) {
  if (not told_.emplace(answer.fault, answer.fault == http_fault::none ? answer.status : 0).second) return;
  log_(log_level::warning, fmt::format("a notice was not taken: {}; each is tried again for {}", answer_text(answer),
                                       yaml::format_duration(settings_.give_up_after_ms)));
}

void deliverer::tell_ended(notice_end how) {
  if (--failing_ > 0) return;
  told_.clear();
  if (how == notice_end::sent) log_(log_level::info, "the webhook takes notices again");
}

void deliverer::show(time_ms now) {
  auto oldest = now;
  for (const auto& [uid, of_user] : queues_)
    oldest = std::min(oldest, of_user.front().what.decided_at);
  figures_.waiting.Set(static_cast<double>(waiting_));
  figures_.under_way.Set(static_cast<double>(tickets_.size()));
  figures_.held.Set(held_ ? 1 : 0);
  figures_.oldest_seconds.Set(static_cast<double>(now - oldest) / 1'000);
}

time_ms deliverer::next_due() const {
  if (held_ or stopped_ or tickets_.size() >= settings_.concurrency or due_.empty()) return never;
  return std::max(due_.begin()->first, paused_until_);
}

std::int64_t deliverer::idle_ms(time_ms now) const {
  const auto due = next_due();
  return due == never ? poll_every_ms : std::clamp<std::int64_t>(due - now, 0, poll_every_ms);
}

} // namespace fairuse
