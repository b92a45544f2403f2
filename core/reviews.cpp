// SPDX-License-Identifier: Apache-2.0
#include "core/reviews.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/pure/numbers.hpp"
#include "core/facts.hpp"
#include "core/ladder.hpp"

namespace fairuse::detail {

namespace {

/// Sums of squared durations pass 64 bits.
__extension__ using wide = __int128;

/// Extra prompt recipes by the pattern of recent conversations: three over an hour, five of nearly equal length, twenty
/// in at most three categories, five of 25 to 90 minutes.
class recipe_finder {
public:
  void add(std::int64_t duration_ms, std::string_view category) {
    ++count_;
    over_hour_ += duration_ms > hour_ms;
    middling_ += duration_ms >= 25 * minute_ms and duration_ms <= 90 * minute_ms;
    sum_ += duration_ms;
    squares_ += static_cast<wide>(duration_ms) * duration_ms;
    if (std::find(categories_.begin(), categories_.end(), category) == categories_.end())
      categories_.emplace_back(category);
  }

  std::uint8_t found() const {
    // Coefficient of variation below 0.3, in integers: variance * 100 < 9 * mean^2.
    const bool near_equal = sum_ > 0 and (count_ * squares_ - sum_ * sum_) * 100 < 9 * sum_ * sum_;
    std::uint8_t recipes = 0;
    if (over_hour_ >= 3) recipes |= recipe_audiobook;
    if (count_ >= 5 and near_equal) recipes |= recipe_prerecorded;
    if (count_ >= 20 and categories_.size() <= 3) recipes |= recipe_commercial;
    if (middling_ >= 5) recipes |= recipe_podcast;
    return recipes;
  }

private:
  std::int64_t count_ = 0;
  std::int64_t over_hour_ = 0;
  std::int64_t middling_ = 0;
  wide sum_ = 0;
  wide squares_ = 0;
  std::vector<std::string_view> categories_;
};

/// Of the user's last conversations, those since `from`.
std::uint8_t recipes_since(slot_context& context, time_ms from) {
  recipe_finder recipes;
  auto& unread = context.out.conversations;
  if (outline_conversations(context.who, unread)) {
    const auto& all = unread.newest;
    for (auto i = all.size() - std::min(all.size(), conversations_max); i < all.size(); ++i)
      if (all[i].at >= from) recipes.add(all[i].what.duration_ms, all[i].what.category);
    return recipes.found();
  }
  read_conversations(context.who, unread);
  if (context.who.conversations)
    for (const auto& each : *context.who.conversations)
      if (each.at >= from) recipes.add(each.duration_ms, each.category);
  return recipes.found();
}

void request_review(slot_context& context, std::uint8_t exceeded) {
  auto& standing = context.touch();
  const auto& review = context.rules().review;
  standing.pending = ++standing.last_request;
  standing.asked_at = context.at;
  standing.pending_until = context.at + review.timeout_ms;
  standing.cooldown_until = context.at + review.cooldown_ms;
  ++context.tally().reviews;
  auto& written = context.write(decision_kind::review_requested, reason::cap_exceeded);
  written.request = standing.pending;
  written.exceeded = exceeded;
  written.until = standing.pending_until;
  written.recipes = recipes_since(context, context.at - review.lookback_ms);
}

/// A shadow without a live verdict tries again after this, also where failures may be retried at once: otherwise every
/// event of an excess would write review_unanswered.
constexpr std::int64_t unanswered_wait_ms = 5 * minute_ms;

/// Wait before the next try: `base`, doubled per failure in a row.
void back_off(standing& of, time_ms now, std::int64_t base) {
  if (base <= 0) {
    of.retry_until = INT64_MIN;
    return;
  }
  auto wait = base;
  for (std::uint32_t i = 0; i < of.failures and wait < retry_after_max_ms; ++i)
    wait *= 2;
  of.retry_until = now + std::min(wait, std::max(base, retry_after_max_ms));
  ++of.failures;
}

/// Writes the decision; what the reviewer said of the failure is the caller's to add.
decision& fail_review(slot_context& context, decision_kind kind, reason why, std::uint32_t request) {
  auto& standing = context.touch();
  context.who.sums.end_quiet(context.slot);
  standing.cooldown_until = INT64_MIN;
  back_off(standing, context.at, context.rules().review.retry_after_ms);
  auto& written = context.write(kind, why);
  written.request = request;
  if (standing.retry_until != INT64_MIN) written.until = standing.retry_until;
  return written;
}

/// The newest live verdict that a shadow may use: a real one, not older than the shadow's own cooldown.
const mark* borrowed_verdict(const slot_context& context) {
  const auto* live = context.in_slot(0).known();
  if (live == nullptr) return nullptr;
  const auto oldest = context.at - context.rules().review.cooldown_ms;
  for (auto each = live->marks.rbegin(); each != live->marks.rend(); ++each)
    if (each->kind == mark_kind::verdict and each->type != usage_type::free_exhausted)
      return each->at >= oldest ? &*each : nullptr;
  return nullptr;
}

void ask_as_shadow(slot_context& context, std::uint8_t exceeded) {
  if (const auto* borrowed = borrowed_verdict(context)) {
    context.touch().asked_at = context.at;
    finish_review(context, {borrowed->score_nano, borrowed->type, reason::verdict, 0, context.at, borrowed->said});
    return;
  }
  if (context.rules().review.shadow_asks) {
    request_review(context, exceeded);
    return;
  }
  auto& standing = context.touch();
  standing.asked_at = context.at;
  ++context.tally().unanswered;
  back_off(standing, context.at, std::max(context.rules().review.retry_after_ms, unanswered_wait_ms));
  context.write(decision_kind::review_unanswered, reason::no_live_verdict).exceeded = exceeded;
}

/// An exhausted free plan needs no model: the score is one.
void synthesise_verdict(slot_context& context) {
  context.touch().asked_at = context.at;
  ++context.tally().synthetic;
  finish_review(context, {one_nano, usage_type::free_exhausted, reason::credits_exhausted, 0, context.at, nullptr});
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
bool is_terminal(const slot_context& context) {
  const auto& rules = context.rules();
  return rules.review.last_stage == at_last_stage::skip and rules.step_after(context.current_stage()) == nullptr;
}

/// Why an answer is ignored in the state of this moment; `none`: it counts.
reason why_ignored(const slot_context& context) {
  if (context.who.exempt) return reason::exempt;
  if (context.in_force.killed) return reason::kill_switch;
  if (not context.judges()) return reason::system_off;
  return is_terminal(context) ? reason::last_stage : reason::none;
}

void ignore_answer(slot_context& context, reason why, std::uint32_t number) {
  context.write(decision_kind::review_ignored, why).request = number;
}

/// What was asked stays asked: the cooldown of the request runs.
void leave_unanswered(slot_context& context) {
  ++context.tally().unanswered;
  context.write(decision_kind::review_unanswered, reason::no_recorded_outcome).until = context.known()->cooldown_until;
}

void fail_answered(slot_context& context, const review_answer& answer, std::uint32_t number) {
  auto& written = fail_review(context, decision_kind::review_failed, reason::review_failed, number);
  written.who = answer.failed;
  written.said = details_of(answer);
}

void use_answer(slot_context& context, const review_answer& answer, std::uint32_t number) {
  auto& standing = context.touch();
  standing.pending = 0;
  standing.pending_until = never;
  context.who.sums.end_quiet(context.slot);
  if (const auto why = why_ignored(context); why != reason::none)
    ignore_answer(context, why, number);
  else if (answer.unanswered)
    leave_unanswered(context);
  else if (not answer.failed.empty())
    fail_answered(context, answer, number);
  else
    finish_review(context,
                  {answer.score_nano, answer.type, reason::verdict, number, standing.asked_at, details_of(answer)});
}

} // namespace

request_time next_request(const slot_context& context) {
  const auto* known = context.known();
  if (is_terminal(context)) return {review_block::terminal, never};
  if (known == nullptr) return {review_block::none, context.at};
  if (known->pending != 0) return {review_block::pending, never};
  auto until = std::max(known->cooldown_until, known->retry_until);
  if (const auto interval = context.rules().review.check_interval_ms; interval > 0 and known->asked_at != INT64_MIN)
    until = std::max(until, known->asked_at + interval);
  if (context.at <= until) return {review_block::cooldown, until + 1};
  return {review_block::none, context.at};
}

void count_review_block(counters& counts, review_block why) {
  counts.review_terminal += why == review_block::terminal;
  counts.review_pending += why == review_block::pending;
  counts.review_cooldown += why == review_block::cooldown;
}

void ask_review(slot_context& context, std::uint8_t exceeded) {
  const auto kind = context.spec().kind;
  if (const auto next = next_request(context); next.why_not_now != review_block::none) {
    if (kind == slot_kind::live) count_review_block(context.out.counts, next.why_not_now);
  } else if (context.on_free_plan() and context.who.credits_exhausted()) {
    synthesise_verdict(context);
  } else if (kind == slot_kind::shadow and context.policies().reviews() == review_mode::shared) {
    ask_as_shadow(context, exceeded);
  } else {
    request_review(context, exceeded);
  }
}

void time_out_review(slot_context& context) {
  auto& standing = context.touch();
  const auto number = standing.pending;
  standing.pending = 0;
  standing.pending_until = never;
  standing.timed_out.push_back(number);
  fail_review(context, decision_kind::review_timed_out, reason::review_timed_out, number);
}

applied apply_review(slot_context& live, const event& what) {
  const auto& answer = detail_of<review_answer>(what);
  const auto name = parse_request(answer.request);
  const auto slot = live.policies().slot_named(name.slot);
  auto context = live.in_slot(slot < 0 ? 0 : static_cast<std::size_t>(slot));
  auto* known = context.known();
  if (slot < 0 or known == nullptr or name.number == 0 or name.number > known->last_request) {
    // No request notes that this answer was seen, so its own id does.
    if (not is_first_use(context, {.key = what.key})) return applied::duplicate;
    ignore_answer(context, reason::unknown_request, slot < 0 ? 0 : name.number);
    return applied::accepted;
  }
  if (known->pending == name.number) {
    use_answer(context, answer, name.number);
    return applied::accepted;
  }
  auto& timed_out = known->timed_out;
  const auto late = std::find(timed_out.begin(), timed_out.end(), name.number);
  if (late == timed_out.end()) return applied::duplicate;
  context.touch();
  timed_out.erase(late);
  ignore_answer(context, reason::late_answer, name.number);
  return applied::accepted;
}

} // namespace fairuse::detail
