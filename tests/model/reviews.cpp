// SPDX-License-Identifier: Apache-2.0
//
// The model's reviews: what a slot waits for is computed from all its earlier reviews.
#include <algorithm>

#include "base/pure/numbers.hpp"
#include "tests/model/naive_user.hpp"

namespace fairuse::model {

namespace {

constexpr std::int64_t longest_wait_ms = 12 * hour_ms;
constexpr std::int64_t unanswered_wait_ms = 5 * minute_ms;

} // namespace

shared_details said_by(const review_answer& of) {
  const bool nothing = not of.confidence_nano and of.evidence.empty() and of.model.empty() and of.prompt_version.empty()
                       and not of.cost_micro;
  if (nothing) return nullptr;
  return std::make_shared<review_details>(
      review_details{of.confidence_nano, of.evidence, of.model, of.prompt_version, of.cost_micro});
}

naive_user::waiting naive_user::waits(std::size_t slot) const {
  waiting result;
  int failures = 0;
  const auto back_off = [&](const review_note& note, std::int64_t base) {
    result.retry_until = INT64_MIN;
    if (base <= 0) return;
    auto wait = base;
    for (int i = 0; i < failures; ++i)
      wait = std::min(2 * wait, std::max(base, longest_wait_ms));
    result.retry_until = note.at + wait;
    ++failures;
  };
  for (const auto& note : history_[slot].reviews) {
    const auto& rule = note.rules->review;
    if (note.what == review_step::asked) {
      result.asked_at = note.at;
      result.cooldown_until = note.at + rule.cooldown_ms;
    } else if (note.what == review_step::finished) {
      result.asked_at = note.asked_at;
      const bool cleared = rule.cleared_below_nano > 0 and note.score_nano < rule.cleared_below_nano;
      result.cooldown_until = note.asked_at + (cleared ? rule.cleared_cooldown_ms : rule.cooldown_ms);
      result.retry_until = INT64_MIN;
      failures = 0;
    } else if (note.what == review_step::failed) {
      result.cooldown_until = INT64_MIN;
      back_off(note, rule.retry_after_ms);
    } else {
      result.asked_at = note.at;
      back_off(note, std::max(rule.retry_after_ms, unanswered_wait_ms));
    }
  }
  return result;
}

bool naive_user::terminal(std::size_t slot) const {
  const auto& slot_rules = rules(slot);
  return slot_rules.review.last_stage == at_last_stage::skip and slot_rules.step_after(now_at(slot).at) == nullptr;
}

void naive_user::ask(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  const auto& slot_rules = rules(slot);
  const auto wait = waits(slot);
  const auto over = [now](time_ms last) { return last == INT64_MIN or now > last; };
  const auto interval = slot_rules.review.check_interval_ms;
  const bool checked = interval > 0 and wait.asked_at != INT64_MIN and now <= wait.asked_at + interval;
  std::uint64_t* count = nullptr;
  if (terminal(slot))
    count = &terminal_count;
  else if (history_[slot].pending != 0)
    count = &pending_count;
  else if (not over(wait.cooldown_until) or not over(wait.retry_until) or checked)
    count = &cooldown_count;
  if (count != nullptr) {
    *count += slot == 0;
    return;
  }
  if (slot_rules.is_free(plan()) and credits_exhausted())
    finish_review(slot, now, cause, 1'000'000'000, usage_type::free_exhausted, reason::credits_exhausted, 0, now,
                  nullptr);
  else if (slots_[slot]->kind == slot_kind::shadow and reviews_ == review_mode::shared)
    ask_as_shadow(slot, now, cause, bits);
  else
    request(slot, now, cause, bits);
}

void naive_user::request(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  auto& history = history_[slot];
  const auto& rule = rules(slot).review;
  history.pending = ++history.last_request;
  history.pending_asked = now;
  history.pending_until = now + rule.timeout_ms;
  history.reviews.push_back({review_step::asked, now, now, 0, &rules(slot)});
  auto& written = write(slot, decision_kind::review_requested, reason::cap_exceeded, now, cause);
  written.request = history.pending;
  written.exceeded = bits;
  written.until = history.pending_until;
  written.recipes = recipes(now - rule.lookback_ms);
}

void naive_user::ask_as_shadow(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  const ladder_entry* newest = nullptr;
  for (const auto& entry : history_.front().ladder)
    if (entry.kind == mark_kind::verdict and entry.type != usage_type::free_exhausted) newest = &entry;
  if (newest != nullptr and now - newest->at <= rules(slot).review.cooldown_ms) {
    finish_review(slot, now, cause, newest->score_nano, newest->type, reason::verdict, 0, now, newest->of);
    return;
  }
  if (rules(slot).review.shadow_asks) {
    request(slot, now, cause, bits);
    return;
  }
  history_[slot].reviews.push_back({review_step::unanswered, now, now, 0, &rules(slot)});
  write(slot, decision_kind::review_unanswered, reason::no_live_verdict, now, cause).exceeded = bits;
}

std::uint8_t naive_user::recipes(time_ms from) const {
  std::vector<const event*> newest;
  for (const auto& each : conversations_) {
    const auto& name = detail_of<conversation_fact>(each).conversation;
    // They were kept in the order of their stamps, so a later one replaces.
    std::erase_if(newest,
                  [&](const event* other) { return detail_of<conversation_fact>(*other).conversation == name; });
    newest.push_back(&each);
  }
  std::sort(newest.begin(), newest.end(), [](const event* left, const event* right) {
    return std::pair(left->time, detail_of<conversation_fact>(*left).conversation)
           > std::pair(right->time, detail_of<conversation_fact>(*right).conversation);
  });
  if (newest.size() > 30) newest.resize(30);
  std::vector<double> durations;
  std::set<std::string> categories;
  for (const auto* each : newest)
    if (each->time >= from) {
      durations.push_back(static_cast<double>(detail_of<conversation_fact>(*each).duration_ms));
      categories.insert(detail_of<conversation_fact>(*each).category);
    }
  const auto between = [&](double low, double high) {
    return std::count_if(durations.begin(), durations.end(),
                         [&](double duration) { return duration >= low and duration <= high; });
  };
  double mean = 0;
  for (const auto duration : durations)
    mean += duration / static_cast<double>(durations.size());
  double variance = 0;
  for (const auto duration : durations)
    variance += (duration - mean) * (duration - mean) / static_cast<double>(durations.size());
  unsigned found = 0;
  if (between(3'600'001, 1e15) >= 3) found |= recipe_audiobook;
  if (durations.size() >= 5 and mean > 0 and variance < 0.09 * mean * mean) found |= recipe_prerecorded;
  if (durations.size() >= 20 and categories.size() <= 3) found |= recipe_commercial;
  if (between(25 * 60'000, 90 * 60'000) >= 5) found |= recipe_podcast;
  return static_cast<std::uint8_t>(found);
}

void naive_user::ignore(std::size_t slot, time_ms now, const std::string& cause, reason why, std::uint32_t number) {
  write(slot, decision_kind::review_ignored, why, now, cause).request = number;
}

void naive_user::fail(std::size_t slot, time_ms at, const std::string& cause, decision_kind kind, reason why,
                      const review_answer* of, std::uint32_t number) {
  history_[slot].reviews.push_back({review_step::failed, at, at, 0, &rules(slot)});
  auto& written = write(slot, kind, why, at, cause);
  written.request = number;
  if (of != nullptr) {
    written.who = of->failed;
    written.said = said_by(*of);
  }
  if (const auto retry = waits(slot).retry_until; retry != INT64_MIN) written.until = retry;
}

applied naive_user::answer(time_ms now, const event& given) {
  const auto& answered = detail_of<review_answer>(given);
  const auto cause = event_id(given);
  std::size_t slot = 0;
  std::uint32_t number = 0;
  const auto dash = answered.request.rfind('-');
  const auto name = dash == std::string::npos ? std::string() : answered.request.substr(0, dash);
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](auto* each) { return each->label.slot == name; });
  if (found != slots_.end()) {
    slot = static_cast<std::size_t>(found - slots_.begin());
    number = parse_number<std::uint32_t>(std::string_view(answered.request).substr(dash + 1)).value_or(0);
  }
  auto& history = history_[slot];
  if (number == 0 or number > history.last_request) {
    const auto source = given.text != nullptr ? std::string(given.text->source) : std::string();
    if (not ids_for_ever_.insert({source, cause}).second) return applied::duplicate;
    ignore(slot, now, cause, reason::unknown_request, number);
    return applied::accepted;
  }
  if (history.timed_out.erase(number) != 0) {
    ignore(slot, now, cause, reason::late_answer, number);
    return applied::accepted;
  }
  if (history.pending != number) return applied::duplicate;
  history.pending = 0;
  if (exempt_)
    ignore(slot, now, cause, reason::exempt, number);
  else if (killed_)
    ignore(slot, now, cause, reason::kill_switch, number);
  else if (not judges(slot))
    ignore(slot, now, cause, reason::system_off, number);
  else if (terminal(slot))
    ignore(slot, now, cause, reason::last_stage, number);
  else if (not answered.failed.empty())
    fail(slot, now, cause, decision_kind::review_failed, reason::review_failed, &answered, number);
  else
    finish_review(slot, now, cause, answered.score_nano, answered.type, reason::verdict, number, history.pending_asked,
                  &answered);
  return applied::accepted;
}

} // namespace fairuse::model
