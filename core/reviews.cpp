// SPDX-License-Identifier: Apache-2.0
//
// Asking for purpose classifications and living with the answers. Order of outcomes: terminal, cooldown, synthetic,
// failed, scored; terminal and cooldown are counters.
#include <algorithm>
#include <cstdlib>

#include "base/pure/numbers.hpp"
#include "core/context.hpp"

namespace fairuse::detail {

namespace {

/// Sums of squared durations pass 64 bits.
__extension__ using wide = __int128;

/// Prompt recipes by the pattern of recent conversations (MISSION.md, 3).
std::uint8_t recipes_of(const user& u, time_ms from) {
  if (not u.conversations) return 0;
  std::int64_t count = 0;
  std::int64_t over_hour = 0;
  std::int64_t middling = 0;
  wide sum = 0;
  wide squares = 0;
  std::vector<std::string_view> categories;
  for (const auto& talk : *u.conversations) {
    if (talk.at < from) continue;
    ++count;
    over_hour += talk.duration_ms > hour_ms;
    middling += talk.duration_ms >= 25 * minute_ms and talk.duration_ms <= 90 * minute_ms;
    sum += talk.duration_ms;
    squares += static_cast<wide>(talk.duration_ms) * talk.duration_ms;
    if (std::find(categories.begin(), categories.end(), talk.category) == categories.end())
      categories.emplace_back(talk.category);
  }
  // Coefficient of variation below 0.3, in integers: variance * 100 < 9 * mean^2.
  const bool near_equal = sum > 0 and (count * squares - sum * sum) * 100 < 9 * sum * sum;
  std::uint8_t found = 0;
  if (over_hour >= 3) found |= recipe_audiobook;
  if (count >= 5 and near_equal) found |= recipe_prerecorded;
  if (count >= 20 and categories.size() <= 3) found |= recipe_commercial;
  if (middling >= 5) found |= recipe_podcast;
  return found;
}

void request_review(context& x, std::uint8_t exceeded) {
  auto& s = x.touch();
  const auto& review = x.rules().review;
  s.pending = ++s.last_request;
  s.asked_at = x.at;
  s.pending_until = x.at + review.timeout_ms;
  s.cooldown_until = x.at + review.cooldown_ms;
  ++x.tally().reviews;
  auto& d = x.write(decision_kind::review_requested, reason::cap_exceeded);
  d.request = s.pending;
  d.exceeded = exceeded;
  d.until = s.pending_until;
  d.recipes = recipes_of(x.u, x.at - review.lookback_ms);
}

/// A shadow without a verdict to borrow looks again after this, also where failures may be retried at once: otherwise
/// every event of an excess would say so.
constexpr std::int64_t unanswered_wait_ms = 5 * minute_ms;

/// Wait before the next try: `base`, doubled per failure in a row.
void back_off(context& x, std::int64_t base) {
  auto& s = x.touch();
  if (base <= 0) {
    s.retry_until = INT64_MIN;
    return;
  }
  auto wait = base;
  for (std::uint32_t i = 0; i < s.failures and wait < retry_after_max_ms; ++i)
    wait *= 2;
  s.retry_until = x.at + std::min(wait, std::max(base, retry_after_max_ms));
  ++s.failures;
}

void fail_review(context& x, decision_kind kind, reason why, std::string_view who, std::uint32_t request) {
  auto& s = x.touch();
  x.u.sums.wake(x.slot);
  s.cooldown_until = INT64_MIN;
  back_off(x, x.rules().review.retry_after_ms);
  auto& d = x.write(kind, why);
  d.request = request;
  d.who = who;
  if (s.retry_until != INT64_MIN) d.until = s.retry_until;
}

/// The newest live verdict that a shadow may use: a real one, not older than the shadow's own cooldown.
const mark* borrowed(const context& x) {
  const auto* live = x.u.standings.empty() ? nullptr : x.u.standings.front().get();
  if (live == nullptr) return nullptr;
  const auto oldest = x.at - x.rules().review.cooldown_ms;
  for (auto m = live->marks.rbegin(); m != live->marks.rend(); ++m)
    if (m->kind == mark_kind::verdict and m->type != usage_type::free_exhausted) return m->at >= oldest ? &*m : nullptr;
  return nullptr;
}

void ask_as_shadow(context& x, std::uint8_t exceeded) {
  if (const auto* m = borrowed(x)) {
    auto& s = x.touch();
    s.asked_at = x.at;
    finish_review(x, {m->score_nano, m->type, reason::verdict, 0, x.at});
    return;
  }
  if (x.rules().review.shadow_asks) {
    request_review(x, exceeded);
    return;
  }
  auto& s = x.touch();
  s.asked_at = x.at;
  ++x.tally().unanswered;
  back_off(x, std::max(x.rules().review.retry_after_ms, unanswered_wait_ms));
  auto& d = x.write(decision_kind::review_unanswered, reason::no_live_verdict);
  d.exceeded = exceeded;
}

struct request_name {
  std::string_view slot;
  std::uint32_t number = 0;
};

/// `<slot>-<number>`; slot names may hold dashes.
request_name parse_request(std::string_view text) {
  const auto dash = text.rfind('-');
  request_name name;
  if (dash == std::string_view::npos) return name;
  if (const auto number = parse_number<std::uint32_t>(text.substr(dash + 1))) name = {text.substr(0, dash), *number};
  return name;
}

/// No answer can change anything.
bool is_terminal(const context& x) {
  return x.rules().review.last_stage == at_last_stage::skip and x.rules().step_after(x.current_stage()) == nullptr;
}

reason why_ignored(const context& x) {
  if (x.u.exempt) return reason::exempt;
  if (x.in_force.killed) return reason::kill_switch;
  if (not x.judges()) return reason::system_off;
  return is_terminal(x) ? reason::last_stage : reason::none;
}

void ignore_answer(context& x, reason why, std::uint32_t number) {
  auto& d = x.write(decision_kind::review_ignored, why);
  d.request = number;
}

void use_answer(context& x, const review_answer& answer, std::uint32_t number) {
  auto& s = x.touch();
  s.pending = 0;
  s.pending_until = never;
  x.u.sums.wake(x.slot);
  if (const auto why = why_ignored(x); why != reason::none)
    ignore_answer(x, why, number);
  else if (not answer.failed.empty())
    fail_review(x, decision_kind::review_failed, reason::review_failed, answer.failed, number);
  else
    finish_review(x, {answer.score_nano, answer.type, reason::verdict, number, s.asked_at});
}

} // namespace

asking_state may_ask(const context& x) {
  const auto* s = x.known();
  if (is_terminal(x)) return {quiet_reason::terminal, never};
  if (s == nullptr) return {quiet_reason::none, x.at};
  if (s->pending != 0) return {quiet_reason::pending, never};
  auto held_back = std::max(s->cooldown_until, s->retry_until);
  if (const auto interval = x.rules().review.check_interval_ms; interval > 0 and s->asked_at != INT64_MIN)
    held_back = std::max(held_back, s->asked_at + interval);
  if (x.at <= held_back) return {quiet_reason::cooldown, held_back + 1};
  return {quiet_reason::none, x.at};
}

void count_quiet(counters& counts, quiet_reason why) {
  counts.review_terminal += why == quiet_reason::terminal;
  counts.review_pending += why == quiet_reason::pending;
  counts.review_cooldown += why == quiet_reason::cooldown;
}

void ask_review(context& x, std::uint8_t exceeded) {
  if (const auto asking = may_ask(x); asking.held_back != quiet_reason::none) {
    if (x.spec().kind == slot_kind::live) count_quiet(x.out.counts, asking.held_back);
    return;
  }
  if (x.rules().is_free(x.u.plan()) and x.u.credits_exhausted()) {
    auto& mine = x.touch();
    mine.asked_at = x.at;
    ++x.tally().synthetic;
    finish_review(x, {one_nano, usage_type::free_exhausted, reason::credits_exhausted, 0, x.at});
    return;
  }
  if (x.spec().kind == slot_kind::shadow and x.set().reviews() == review_mode::shared)
    ask_as_shadow(x, exceeded);
  else
    request_review(x, exceeded);
}

void time_out_review(context& x) {
  auto& s = x.touch();
  const auto number = s.pending;
  s.pending = 0;
  s.pending_until = never;
  s.timed_out.push_back(number);
  fail_review(x, decision_kind::review_timed_out, reason::review_timed_out, {}, number);
}

void answer_review(user& u, const controls& in_force, time_ms now, const event& e, step_output& out, applied& how) {
  const auto& answer = detail_of<review_answer>(e);
  const auto name = parse_request(answer.request);
  const auto slot = u.sums.policies->slot_named(name.slot);
  const auto cause = event_id(e);
  context x{u, in_force, out, now, cause, slot < 0 ? 0U : static_cast<std::size_t>(slot)};
  const auto* s = x.known();
  how = applied::accepted;
  if (slot < 0 or s == nullptr or name.number == 0 or name.number > s->last_request) {
    // Nothing of ours says that this answer was seen, so its own id must.
    if (remember_for_ever(u, e.key))
      ignore_answer(x, reason::unknown_request, slot < 0 ? 0 : name.number);
    else
      how = applied::duplicate;
    return;
  }
  if (s->pending == name.number) {
    use_answer(x, answer, name.number);
    return;
  }
  const auto late = std::find(s->timed_out.begin(), s->timed_out.end(), name.number);
  if (late == s->timed_out.end()) {
    how = applied::duplicate;
    return;
  }
  auto& mine = x.touch();
  mine.timed_out.erase(mine.timed_out.begin() + (late - s->timed_out.begin()));
  ignore_answer(x, reason::late_answer, name.number);
}

} // namespace fairuse::detail
