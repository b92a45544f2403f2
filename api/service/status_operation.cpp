// SPDX-License-Identifier: Apache-2.0

#include "api/service/status_operation.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "api/notifier/message_text.hpp"
#include "api/service/accept_language.hpp"
#include "core/query.hpp"
#include "events/json_text.hpp"
#include "storage/case_reference.hpp"

namespace fairuse {

namespace {

/// The windows that clients of older services know, by their spans.
struct known_window {
  std::string_view name;
  std::int64_t span_ms;
};
constexpr known_window known_windows[] = {
    {"speech_hours_today", day_ms}, {"speech_hours_3day", 3 * day_ms}, {"speech_hours_weekly", 7 * day_ms}};

/// What can end a stage before its end.
constexpr std::string_view by_appeal = "appeal";
constexpr std::string_view by_upgrade = "upgrade";

constexpr std::size_t history_max = 50;

bool is_told_in_history(std::string_view decision) {
  static constexpr std::string_view told[] = {
      "strike_added",   "strike_cleared",   "strike_restored", "appeal_opened",       "appeal_closed",
      "stage_changed",  "budget_exhausted", "budget_reset",    "restriction_engaged", "restriction_lifted",
      "content_locked", "content_unlocked", "exemption_ended"};
  return std::ranges::find(told, decision) != std::end(told);
}

class status_answer {
public:
  status_answer(const committed_user& user, const status_question& asked, const status_words& words)
    : user_{user},
      asked_{asked},
      words_{words},
      view_{query_standing(user.who, user.in_force, 0, asked.at)},
      named_zone_{time_zone::find(account().time_zone)},
      zone_{named_zone_.value_or(time_zone{})},
      locale_{account().locale.empty() ? accepted_locale(words.settings.messages, asked.accept_language)
                                       : account().locale},
      language_{language_for(words.settings.messages, locale_, words.settings.default_locale)} {}

  std::string json() {
    out_ = "{";
    json_members to{out_};
    add_stage(to);
    add_windows(to);
    add_budget(to);
    add_uploads(to);
    to.truth("locked", view_.content_locked);
    to.truth("exempt", user_.who.is_exempt(asked_.at));
    add_history(to);
    add_messages(to);
    to.text("locale", language_.locale);
    if (named_zone_) to.text("time_zone", account().time_zone);
    to.integer("epoch", static_cast<std::int64_t>(user_.epoch));
    to.integer("partition", user_.partition);
    to.time("as_of", user_.now);
    out_ += "}\n";
    return std::move(out_);
  }

private:
  const account_state& account() const {
    static const account_state unknown;
    return user_.who.account ? *user_.who.account : unknown;
  }

  /// The verdict that the stage rests on; nullptr: there is none.
  const mark* last_strike() const {
    if (view_.details == nullptr) return nullptr;
    const auto& marks = view_.details->marks;
    const auto found = std::find_if(marks.rbegin(), marks.rend(),
                                    [](const mark& each) { return each.strike and each.cleared == reason::none; });
    return found == marks.rend() ? nullptr : &*found;
  }

  bool budget_is_over() const { return view_.enforces_budget() and view_.budget.exhausted; }

  notice as_notice() const {
    notice made{.uid = asked_.uid, .at = view_.at, .until = view_.until};
    made.locale = locale_;
    made.time_zone = account().time_zone;
    for (std::size_t i = 0; i < view_.windows.size(); ++i)
      made.sums_ms.emplace_back(view_.slot->rules.windows[i].name, view_.windows[i].sum_ms);
    if (const auto* strike = last_strike(); strike != nullptr) {
      made.words = strike->type == usage_type::free_exhausted ? wording::credits : wording::misuse;
      made.case_reference = case_namer{words_.case_key}.reference(asked_.uid, strike->number);
    }
    if (not budget_is_over()) return made;
    made.about = notice_about::budget_exhausted;
    made.until = view_.budget.resets_at - 1;
    made.used_ms = view_.budget.used_ms;
    made.budget_ms = view_.budget.limit_ms;
    return made;
  }

  void add_stage(json_members& to) const {
    to.text("stage", to_text(view_.at));
    // What the system, or an exemption, leaves without effect is not told of.
    const bool is_told = view_.judges and view_.at != stage::none;
    const auto about = as_notice();
    const auto text = is_told ? text_of(about, words_.settings) : notice_text{};
    to.text("message", text.subject);
    to.optional_text("text", text.text);
    to.truth("enforced", view_.judges);
    if (view_.at == stage::none) return;
    to.time("since", view_.since);
    to.optional_time("ends_at", view_.until);
    if (view_.until != never) to.text("ends_text", date_text(view_.until, zone_, language_));
    add_earlier_ends(to, about.words);
    to.optional_text("case", about.case_reference);
  }

  void add_earlier_ends(json_members& to, wording words) const {
    const auto& rules = view_.slot->rules;
    std::vector<std::string> ends{std::string{by_appeal}};
    const bool lifts = rules.on_upgrade != upgrade_rule::nothing and words == wording::credits;
    if (lifts and rules.is_free(user_.who.plan())) ends.emplace_back(by_upgrade);
    to.texts("ends_earlier_by", ends);
  }

  void add_windows(json_members& to) {
    const auto& rules = view_.slot->rules.windows;
    for (const auto& known : known_windows)
      for (std::size_t i = 0; i < view_.windows.size(); ++i)
        if (rules[i].span_ms == known.span_ms) {
          const auto hundredths = (view_.windows[i].sum_ms + hour_ms / 200) / (hour_ms / 100);
          to.member(known.name).append(fmt::format("{}.{:02}", hundredths / 100, hundredths % 100));
          break;
        }
    to.member("windows").push_back('[');
    for (std::size_t i = 0; i < view_.windows.size(); ++i) {
      out_ += i == 0 ? "{" : ",{";
      json_members one{out_};
      const auto& window = view_.windows[i];
      one.text("name", rules[i].name);
      one.integer("span_ms", rules[i].span_ms);
      one.integer("used_ms", window.sum_ms);
      one.integer("limit_ms", window.cap_ms);
      if (window.cap_ms > 0) one.integer("percent", window.sum_ms * 100 / window.cap_ms);
      one.truth("exceeded", window.exceeded);
      out_.push_back('}');
    }
    out_.push_back(']');
  }

  void add_budget(json_members& to) {
    if (not view_.enforces_budget()) return;
    const auto& budget = view_.budget;
    to.member("budget").push_back('{');
    json_members in{out_};
    in.integer("daily_limit_ms", budget.limit_ms);
    in.integer("used_ms", budget.used_ms);
    in.integer("remaining_ms", std::max<std::int64_t>(0, budget.limit_ms - budget.used_ms));
    in.truth("exhausted", budget.exhausted);
    in.time("resets_at", budget.resets_at);
    in.text("resets_text", date_text(budget.resets_at - 1, zone_, language_));
    out_.push_back('}');
  }

  // What changed for the user; why, and what was only measured, is for staff.
  void add_history(json_members& to) {
    to.member("history").push_back('[');
    bool first = true;
    for (const auto& row : user_.log(history_max)) {
      const auto all = nlohmann::json::parse(row, nullptr, false);
      const auto data = all.is_object() ? all.find("data") : all.end();
      if (data == all.end() or not is_told_in_history(text_in(*data, "decision"))) continue;
      out_ += std::exchange(first, false) ? "{" : ",{";
      json_members one{out_};
      one.text("at", text_in(all, "time"));
      one.text("what", text_in(*data, "decision"));
      for (const auto* name : {"from", "to", "case"})
        one.optional_text(name, text_in(*data, name));
      out_.push_back('}');
    }
    out_.push_back(']');
  }

  void add_messages(json_members& to) {
    if (words_.sent == nullptr) return;
    to.member("messages").push_back('[');
    bool first = true;
    for (const auto& each : words_.sent->of(asked_.uid)) {
      out_ += std::exchange(first, false) ? "{" : ",{";
      json_members one{out_};
      one.text("about", to_text(each.about));
      if (each.at != stage::none) one.text("stage", to_text(each.at));
      one.time("sent_at", each.sent_at);
      out_.push_back('}');
    }
    out_.push_back(']');
  }

  void add_uploads(json_members& to) {
    to.member("uploads").push_back('{');
    json_members in{out_};
    const bool refused = view_.hard_restricted or view_.ceiling;
    in.truth("refused", refused or (view_.judges and budget_is_over()));
    if (refused) {
      in.integer("used_ms", view_.refused_sum_ms);
      in.integer("limit_ms", view_.refused_cap_ms);
      in.optional_time("retry_at", view_.retry_at);
      if (view_.retry_at != never) in.text("retry_text", date_text(view_.retry_at - 1, zone_, language_));
    }
    out_.push_back('}');
  }

  const committed_user& user_;
  const status_question& asked_;
  const status_words& words_;
  const standing_view view_;
  /// Of the account; nullopt: it names none that is known.
  const std::optional<time_zone> named_zone_;
  const time_zone zone_;
  const std::string locale_;
  const language& language_;
  std::string out_;
};

} // namespace

std::string status_json(const committed_user& user, const status_question& asked, const status_words& words) {
  return status_answer{user, asked, words}.json();
}

} // namespace fairuse
