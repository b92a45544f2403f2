// SPDX-License-Identifier: Apache-2.0

#include "cli/status_report.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/pure/text.hpp"
#include "base/pure/text_table.hpp"
#include "events/decision_json.hpp"
#include "events/time_text.hpp"

namespace fairuse::cli {

namespace {

std::string budget_note(const standing_view& view) {
  if (not view.enforces_budget())
    return fmt::format("  counted, enforced in {} only", to_text(view.slot->rules.budget.at));
  return view.budget.exhausted ? "  exhausted" : "";
}

using json = nlohmann::ordered_json;

// 7384000 -> 2 h 03 min.
std::string span_text(std::int64_t ms) {
  const auto minutes = ms / minute_ms;
  if (ms < minute_ms) return fmt::format("{}.{:03} s", ms / second_ms, ms % second_ms);
  if (minutes < 60) return fmt::format("{} min {:02} s", minutes, ms % minute_ms / second_ms);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string until_text(time_ms value) { return value == never ? std::string{"no end"} : to_time_text(value); }

// A bar of 12 places; more than full shows as such.
std::string bar(std::int64_t part, std::int64_t whole) {
  constexpr std::int64_t width = 12;
  if (whole <= 0) return {};
  const auto filled = static_cast<std::size_t>(std::min(width, part * width / whole));
  return fmt::format("[{}{}] {} %", std::string(filled, '#'), std::string(width - filled, '.'), part * 100 / whole);
}

/// Empty: the slot's strikes have none, or the key is not known.
std::string case_of(const status_question& question, const slot_spec& slot, std::uint32_t strike) {
  if (question.names == nullptr or slot.kind != slot_kind::live) return {};
  return question.names->reference(question.uid, strike);
}

/// Lines with a name and a value.
class status_lines {
public:
  explicit status_lines(std::size_t width) : width_{width} {}
  void add(std::string_view name, const std::string& value) {
    text_ += wrapped(fmt::format("  {:<12}{}", name, without_control(value)), 14, width_) + '\n';
  }
  void add_head(const std::string& line) { text_ += wrapped(line, 2, width_) + '\n'; }
  std::string text() && { return std::move(text_); }

private:
  std::size_t width_;
  std::string text_;
};

/// At the instant of the question.
bool is_exempt(const status_question& question) { return question.who.is_exempt(question.at); }

/// Why nothing follows from a sum above its cap.
std::string_view idle_text(const status_question& question) { return is_exempt(question) ? "exempt" : "off"; }

std::string window_text(const status_question& question, const standing_view& view, const window_view& window) {
  const auto above = window.sum_ms <= window.cap_ms ? "" : view.judges ? "over the cap" : idle_text(question);
  return fmt::format("{:>12} of {:>11}  {}{}{}", span_text(window.sum_ms), span_text(window.cap_ms),
                     bar(window.sum_ms, window.cap_ms), above.empty() ? "" : "  ", above);
}

std::string due_text(const status_question& question, const standing_view& view) {
  const auto due = view.next_due;
  if (due == never) return "nothing";
  return to_time_text(due) + (due <= question.at ? " (due: happens with the next epoch)" : "");
}

/// What the reviewer said of a verdict besides score and type.
void add_said(status_lines& text, const review_details& said) {
  std::vector<std::string> parts;
  if (not said.model.empty()) parts.push_back(said.model);
  if (not said.prompt_version.empty()) parts.push_back("prompt " + said.prompt_version);
  if (said.confidence_nano) parts.push_back(fmt::format("confidence {:.3f}", *said.confidence_nano / 1e9));
  constexpr std::int64_t whole = 1'000'000;
  if (said.cost_micro)
    parts.push_back(fmt::format("cost {}.{:06}", *said.cost_micro / whole, *said.cost_micro % whole));
  if (not parts.empty()) text.add("reviewer", fmt::format("{}", fmt::join(parts, ", ")));
  for (const auto& line : said.evidence)
    text.add("evidence", line);
}

/// What people said of a strike.
void add_case(status_lines& text, const mark& strike) {
  if (strike.appeals != nullptr)
    for (const auto& each : *strike.appeals)
      text.add("appeal",
               fmt::format("{}, {}: {}", to_time_text(each.at),
                           each.closed_at == never ? "open" : "closed " + to_time_text(each.closed_at), each.text));
  if (not strike.notes.empty()) text.add(strike.resolved ? "resolved" : "reopened", strike.notes);
}

void add_marks(status_lines& text, const status_question& question, const standing_view& view) {
  if (view.details == nullptr) return;
  for (const auto& each : view.details->marks) {
    const bool moved = each.from != each.to;
    auto line = to_time_text(each.at);
    const auto reference = each.strike ? case_of(question, *view.slot, each.number) : std::string();
    if (not reference.empty()) line += " " + reference;
    if (each.kind == mark_kind::verdict)
      line += fmt::format(", {} with score {:.3f}", to_text(each.type), each.score_nano / 1e9);
    else
      line += each.kind == mark_kind::upgrade ? ", upgrade" : ", by an admin";
    if (moved) line += fmt::format(", {} -> {}", to_text(each.from), to_text(each.to));
    if (each.cleared != reason::none) line += fmt::format(", cleared: {}", to_text(each.cleared));
    text.add(each.strike ? fmt::format("strike {}", each.number) : "mark", line);
    if (each.said) add_said(text, *each.said);
    add_case(text, each);
  }
}

bool is_incomplete(const status_question& question, const standing_view& view) {
  const auto& slots = question.in_force.policies->slots();
  return question.in_force.policies->is_incomplete(static_cast<std::size_t>(view.slot - slots.data()), question.at);
}

/// The slots of this user. One that only keeps what stands there is told where something does.
std::vector<standing_view> views_of(const status_question& question) {
  std::vector<standing_view> views;
  for (std::size_t slot = 0; slot < question.in_force.policies->slots().size(); ++slot) {
    auto view = query_standing(question.who, question.in_force, slot, question.at);
    if (not view.slot->only_keeps() or view.details != nullptr) views.push_back(std::move(view));
  }
  return views;
}

void add_slot(status_lines& text, const status_question& question, const standing_view& view) {
  const auto& slot = *view.slot;
  text.add_head("");
  text.add_head(fmt::format(
      "{} · policy {} ({}){}{}{}", slot.label.slot, slot.rules.name, slot.label.digest.substr(0, 12),
      slot.label.enforced ? "" : " · measured, never enforced", view.judges or is_exempt(question) ? "" : " · off",
      is_incomplete(question, view) ? " · incomplete: metered for less than its longest window" : ""));
  auto stage = std::string{to_text(view.at)};
  if (view.at != stage::none)
    stage += fmt::format(" since {}, until {}", to_time_text(view.since), until_text(view.until));
  text.add("stage", stage);
  for (std::size_t i = 0; i < view.windows.size(); ++i) {
    const auto& window = view.windows[i];
    text.add(slot.rules.windows[i].name, window_text(question, view, window));
  }
  if (view.budget.limit_ms > 0 and view.budget.tracked)
    text.add("budget",
             fmt::format("{} of {} today, resets {}{}", span_text(view.budget.used_ms), span_text(view.budget.limit_ms),
                         until_text(view.budget.resets_at), budget_note(view)));
  if (view.hard_restricted)
    text.add("uploads",
             view.retry_at == never ? std::string{"refused"} : "refused until " + to_time_text(view.retry_at));
  if (view.ceiling) text.add("ceiling", "reached");
  if (view.content_locked) text.add("content", "locked until the user pays");
  text.add("strikes", fmt::format("{} in 7 days, {} in 30 days", view.strikes_7d, view.strikes_30d));
  add_marks(text, question, view);
  if (view.pending_request != 0)
    text.add("review", "waiting for an answer to " + request_name(slot.label.slot, view.pending_request));
  if (view.cooldown_until >= question.at and view.cooldown_until != never)
    text.add("no review", "before " + to_time_text(view.cooldown_until));
  text.add("next due", due_text(question, view));
}

json instant_json(time_ms value) {
  return value == never or value == INT64_MIN ? json{} : json{to_time_text(value)}.front();
}

/// Each where it was said.
void add_said(json& mark, const review_details& said) {
  if (said.confidence_nano) mark["confidence_nano"] = *said.confidence_nano;
  if (not said.evidence.empty()) mark["evidence"] = said.evidence;
  if (not said.model.empty()) mark["model"] = said.model;
  if (not said.prompt_version.empty()) mark["prompt_version"] = said.prompt_version;
  if (said.cost_micro) mark["cost_micro"] = *said.cost_micro;
}

json appeals_json(const std::vector<appeal>& appeals) {
  auto list = json::array();
  for (const auto& each : appeals)
    list.push_back({{"time", to_time_text(each.at)}, {"text", each.text}, {"closed_at", instant_json(each.closed_at)}});
  return list;
}

json marks_json(const status_question& question, const standing_view& view) {
  auto list = json::array();
  if (view.details == nullptr) return list;
  for (const auto& each : view.details->marks) {
    json mark = {{"time", to_time_text(each.at)}, {"strike", each.strike}, {"qualifying", each.qualifying}};
    if (each.number != 0) mark["number"] = each.number;
    const auto reference = each.strike ? case_of(question, *view.slot, each.number) : std::string();
    if (not reference.empty()) mark["case"] = reference;
    if (each.kind == mark_kind::verdict) {
      mark["usage_type"] = to_text(each.type);
      mark["score_nano"] = each.score_nano;
    }
    if (each.said) add_said(mark, *each.said);
    mark["from"] = to_text(each.from);
    mark["to"] = to_text(each.to);
    mark["until"] = instant_json(each.end);
    if (each.cleared != reason::none) mark["cleared"] = to_text(each.cleared);
    if (each.strike) mark["resolved"] = each.resolved;
    if (not each.notes.empty()) mark["notes"] = each.notes;
    if (each.appeals != nullptr) mark["appeals"] = appeals_json(*each.appeals);
    list.push_back(std::move(mark));
  }
  return list;
}

json slot_json(const status_question& question, const standing_view& view) {
  const auto& slot = *view.slot;
  json text = {{"slot", slot.label.slot},
               {"mode", slot.label.enforced ? "live" : "shadow"},
               {"policy", {{"name", slot.rules.name}, {"digest", slot.label.digest}}},
               {"incomplete", is_incomplete(question, view)},
               {"stage", to_text(view.at)}};
  text["since"] = view.at == stage::none ? json{} : instant_json(view.since);
  text["until"] = view.at == stage::none ? json{} : instant_json(view.until);
  auto windows = json::array();
  for (std::size_t i = 0; i < view.windows.size(); ++i)
    windows.push_back({{"window", slot.rules.windows[i].name},
                       {"sum_ms", view.windows[i].sum_ms},
                       {"cap_ms", view.windows[i].cap_ms},
                       {"exceeded", view.windows[i].exceeded}});
  text["windows"] = std::move(windows);
  text["budget"] = {{"tracked", view.budget.tracked},     {"used_ms", view.budget.used_ms},
                    {"limit_ms", view.budget.limit_ms},   {"exhausted", view.budget.exhausted},
                    {"enforced", view.enforces_budget()}, {"resets_at", instant_json(view.budget.resets_at)}};
  text["hard_restricted"] = view.hard_restricted;
  text["retry_at"] = instant_json(view.retry_at);
  text["ceiling"] = view.ceiling;
  text["content_locked"] = view.content_locked;
  text["strikes_7d"] = view.strikes_7d;
  text["strikes_30d"] = view.strikes_30d;
  text["marks"] = marks_json(question, view);
  text["pending_request"] =
      view.pending_request == 0 ? json{} : json(request_name(slot.label.slot, view.pending_request));
  text["cooldown_until"] = instant_json(view.cooldown_until);
  text["next_due"] = instant_json(view.next_due);
  text["due"] = view.next_due <= question.at;
  return text;
}

} // namespace

std::string status_text(const status_question& question, std::size_t width) {
  const auto& who = question.who;
  status_lines text{width};
  text.add_head(fmt::format("user {}", question.uid));
  text.add("as of", fmt::format("{}, epoch {}", to_time_text(question.at), question.epoch));
  if (not question.in_force.enabled or question.in_force.killed)
    text.add("system", question.in_force.killed ? "kill switch: nothing is enforced" : "off: nothing is enforced");
  if (who.erased_at != INT64_MIN) text.add("erased", to_time_text(who.erased_at));
  const bool is_free = question.in_force.policies->live().rules.is_free(who.plan());
  text.add("plan", fmt::format("{} ({}){}", who.plan(), is_free ? "free" : "paid",
                               who.credits_exhausted() ? ", credits exhausted" : ""));
  if (is_exempt(question))
    text.add("exempt",
             who.exempt_until == never ? "never evaluated" : "not evaluated until " + to_time_text(who.exempt_until));
  for (const auto& view : views_of(question))
    add_slot(text, question, view);
  return std::move(text).text();
}

std::string status_json(const status_question& question) {
  const auto& who = question.who;
  json text = {{"user", question.uid},
               {"at", to_time_text(question.at)},
               {"epoch", question.epoch},
               {"enabled", question.in_force.enabled},
               {"kill_switch", question.in_force.killed},
               {"plan", who.plan()},
               {"credits_exhausted", who.credits_exhausted()},
               {"exempt", is_exempt(question)},
               {"exempt_until", is_exempt(question) ? instant_json(who.exempt_until) : json{}},
               {"erased_at", instant_json(who.erased_at)}};
  auto slots = json::array();
  for (const auto& view : views_of(question))
    slots.push_back(slot_json(question, view));
  text["slots"] = std::move(slots);
  return text.dump();
}

} // namespace fairuse::cli
