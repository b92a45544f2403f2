// SPDX-License-Identifier: Apache-2.0
//
// The model's reviews: what is being waited for is worked out from all that ever happened to reviews.
#include <algorithm>

#include "base/pure/numbers.hpp"
#include "tests/model/naive_user.hpp"

namespace fairuse::model {

namespace {

constexpr std::int64_t longest_wait_ms = 12 * hour_ms;
constexpr std::int64_t unanswered_wait_ms = 5 * minute_ms;

} // namespace

naive_user::waiting naive_user::waits(std::size_t slot) const {
  waiting w;
  int failures = 0;
  const auto back_off = [&](const review_note& n, std::int64_t base) {
    w.retry_until = INT64_MIN;
    if (base <= 0) return;
    auto wait = base;
    for (int i = 0; i < failures; ++i)
      wait = std::min(2 * wait, std::max(base, longest_wait_ms));
    w.retry_until = n.at + wait;
    ++failures;
  };
  for (const auto& n : history_[slot].reviews) {
    const auto& rule = n.rules->review;
    if (n.what == review_step::asked) {
      w.asked_at = n.at;
      w.cooldown_until = n.at + rule.cooldown_ms;
    } else if (n.what == review_step::finished) {
      w.asked_at = n.asked_at;
      const bool cleared = rule.cleared_below_nano > 0 and n.score_nano < rule.cleared_below_nano;
      w.cooldown_until = n.asked_at + (cleared ? rule.cleared_cooldown_ms : rule.cooldown_ms);
      w.retry_until = INT64_MIN;
      failures = 0;
    } else if (n.what == review_step::failed) {
      w.cooldown_until = INT64_MIN;
      back_off(n, rule.retry_after_ms);
    } else {
      w.asked_at = n.at;
      back_off(n, std::max(rule.retry_after_ms, unanswered_wait_ms));
    }
  }
  return w;
}

bool naive_user::terminal(std::size_t slot) const {
  const auto& r = rules(slot);
  return r.review.last_stage == at_last_stage::skip and r.step_after(now_at(slot).at) == nullptr;
}

void naive_user::ask(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  const auto& r = rules(slot);
  const auto w = waits(slot);
  const auto over = [now](time_ms last) { return last == INT64_MIN or now > last; };
  const auto interval = r.review.check_interval_ms;
  const bool checked = interval > 0 and w.asked_at != INT64_MIN and now <= w.asked_at + interval;
  std::uint64_t* quiet = nullptr;
  if (terminal(slot))
    quiet = &terminal_count;
  else if (history_[slot].pending != 0)
    quiet = &pending_count;
  else if (not over(w.cooldown_until) or not over(w.retry_until) or checked)
    quiet = &cooldown_count;
  if (quiet != nullptr) {
    *quiet += slot == 0;
    return;
  }
  if (r.is_free(plan()) and credits_exhausted())
    finish_review(slot, now, cause, 1'000'000'000, usage_type::free_exhausted, reason::credits_exhausted, 0, now);
  else if (slots_[slot]->kind == slot_kind::shadow and reviews_ == review_mode::shared)
    ask_as_shadow(slot, now, cause, bits);
  else
    request(slot, now, cause, bits);
}

void naive_user::request(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  auto& h = history_[slot];
  const auto& rule = rules(slot).review;
  h.pending = ++h.last_request;
  h.pending_asked = now;
  h.pending_until = now + rule.timeout_ms;
  h.reviews.push_back({review_step::asked, now, now, 0, &rules(slot)});
  auto& d = write(slot, decision_kind::review_requested, reason::cap_exceeded, now, cause);
  d.request = h.pending;
  d.exceeded = bits;
  d.until = h.pending_until;
  d.recipes = recipes(now - rule.lookback_ms);
}

void naive_user::ask_as_shadow(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t bits) {
  const ladder_entry* newest = nullptr;
  for (const auto& m : history_.front().ladder)
    if (m.kind == mark_kind::verdict and m.type != usage_type::free_exhausted) newest = &m;
  if (newest != nullptr and now - newest->at <= rules(slot).review.cooldown_ms) {
    finish_review(slot, now, cause, newest->score_nano, newest->type, reason::verdict, 0, now);
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
  for (const auto& e : conversations_) {
    const auto& name = detail_of<conversation_fact>(e).conversation;
    // They were kept in the order of their stamps, so a later one replaces.
    std::erase_if(newest, [&](const event* o) { return detail_of<conversation_fact>(*o).conversation == name; });
    newest.push_back(&e);
  }
  std::sort(newest.begin(), newest.end(), [](const event* a, const event* b) {
    return std::pair(a->time, detail_of<conversation_fact>(*a).conversation)
           > std::pair(b->time, detail_of<conversation_fact>(*b).conversation);
  });
  if (newest.size() > 30) newest.resize(30);
  std::vector<double> durations;
  std::set<std::string> categories;
  for (const auto* e : newest)
    if (e->time >= from) {
      durations.push_back(static_cast<double>(detail_of<conversation_fact>(*e).duration_ms));
      categories.insert(detail_of<conversation_fact>(*e).category);
    }
  const auto between = [&](double low, double high) {
    return std::count_if(durations.begin(), durations.end(), [&](double d) { return d >= low and d <= high; });
  };
  double mean = 0;
  for (const auto d : durations)
    mean += d / static_cast<double>(durations.size());
  double variance = 0;
  for (const auto d : durations)
    variance += (d - mean) * (d - mean) / static_cast<double>(durations.size());
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
                      const std::string& who, std::uint32_t number) {
  history_[slot].reviews.push_back({review_step::failed, at, at, 0, &rules(slot)});
  auto& d = write(slot, kind, why, at, cause);
  d.request = number;
  d.who = who;
  if (const auto retry = waits(slot).retry_until; retry != INT64_MIN) d.until = retry;
}

applied naive_user::answer(time_ms now, const event& e) {
  const auto& a = detail_of<review_answer>(e);
  const auto cause = event_id(e);
  std::size_t slot = 0;
  std::uint32_t number = 0;
  const auto dash = a.request.rfind('-');
  const auto name = dash == std::string::npos ? std::string() : a.request.substr(0, dash);
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](auto* p) { return p->label.slot == name; });
  if (found != slots_.end()) {
    slot = static_cast<std::size_t>(found - slots_.begin());
    number = parse_number<std::uint32_t>(std::string_view(a.request).substr(dash + 1)).value_or(0);
  }
  auto& h = history_[slot];
  if (number == 0 or number > h.last_request) {
    const auto source = e.text != nullptr ? std::string(e.text->source) : std::string();
    if (not ids_for_ever_.insert({source, cause}).second) return applied::duplicate;
    ignore(slot, now, cause, reason::unknown_request, number);
    return applied::accepted;
  }
  if (h.timed_out.erase(number) != 0) {
    ignore(slot, now, cause, reason::late_answer, number);
    return applied::accepted;
  }
  if (h.pending != number) return applied::duplicate;
  h.pending = 0;
  if (exempt_)
    ignore(slot, now, cause, reason::exempt, number);
  else if (killed_)
    ignore(slot, now, cause, reason::kill_switch, number);
  else if (not judges(slot))
    ignore(slot, now, cause, reason::system_off, number);
  else if (terminal(slot))
    ignore(slot, now, cause, reason::last_stage, number);
  else if (not a.failed.empty())
    fail(slot, now, cause, decision_kind::review_failed, reason::review_failed, a.failed, number);
  else
    finish_review(slot, now, cause, a.score_nano, a.type, reason::verdict, number, h.pending_asked);
  return applied::accepted;
}

} // namespace fairuse::model
