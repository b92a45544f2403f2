// SPDX-License-Identifier: Apache-2.0
#include "events/decision_json.hpp"

#include <array>

#include "events/json_text.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

/// What a kind may write, as bits. The order of the enum is the order on the wire. A field marked "if" in
/// docs/decisions-format.md is left out where the decision does not have it.
enum field : std::uint32_t {
  f_window = 1U << 0, ///< window, sum_ms, cap_ms
  f_sum = 1U << 1,    ///< sum_ms, cap_ms
  f_used = 1U << 2,   ///< used_ms, limit_ms
  f_restriction = 1U << 3,
  f_request = 1U << 4, ///< if
  f_windows = 1U << 5,
  f_recipes = 1U << 6,
  f_strike = 1U << 7, ///< if; with the case
  f_score = 1U << 8,  ///< score, usage_type; if
  f_qualifying = 1U << 9,
  f_from_to = 1U << 10,
  f_to = 1U << 11,
  f_prior = 1U << 12,
  f_until = 1U << 13,    ///< if
  f_words = 1U << 14,    ///< wording, message
  f_failure = 1U << 15,  ///< `who`, if
  f_actor = 1U << 16,    ///< `who`, if
  f_promoted = 1U << 17, ///< `note`
  f_note = 1U << 18,     ///< `note`, if
};

constexpr std::uint32_t admin_fields = f_actor | f_note;

constexpr std::array<std::uint32_t, decision_kind_count> fields_of{
    /* cap_crossed */ f_window,
    /* review_requested */ f_request | f_windows | f_recipes | f_until,
    /* review_cleared */ f_request | f_score | f_prior | f_until,
    /* review_failed */ f_request | f_failure | f_until,
    /* review_timed_out */ f_request | f_until,
    /* review_unanswered */ f_windows | f_until,
    /* review_ignored */ f_request | f_score,
    /* strike_added */ f_request | f_strike | f_score | f_qualifying | f_from_to | f_prior | f_until,
    /* strike_cleared */ f_strike | admin_fields,
    /* stage_changed */ f_strike | f_from_to | f_until | admin_fields,
    /* budget_exhausted */ f_used | f_until,
    /* budget_reset */ f_used,
    /* restriction_engaged */ f_sum | f_restriction | f_until,
    /* restriction_lifted */ f_restriction,
    /* content_locked */ 0,
    /* content_unlocked */ 0,
    /* notification */ f_strike | f_to | f_until | f_words,
    /* policy_promoted */ f_actor | f_promoted,
    /* user_erased */ admin_fields,
};

constexpr std::string_view text_of(restriction_kind value) {
  return value == restriction_kind::hard ? "hard" : "ceiling";
}

constexpr std::array<std::pair<std::uint8_t, std::string_view>, 4> recipe_names{{
    {recipe_audiobook, "audiobook"},
    {recipe_prerecorded, "prerecorded"},
    {recipe_commercial, "commercial"},
    {recipe_podcast, "podcast"},
}};

std::string_view window_name(const decision& d, std::size_t i) {
  return d.slot != nullptr and i < d.slot->windows.size() ? std::string_view(d.slot->windows[i]) : std::string_view();
}

/// The names whose bit is set, as an array.
template <class Name>
void write_names(std::string& out, unsigned bits, std::size_t count, Name name) {
  out.push_back('[');
  bool first = true;
  for (std::size_t i = 0; i < count; ++i) {
    if (((bits >> i) & 1U) == 0) continue;
    if (not first) out.push_back(',');
    first = false;
    append_json(out, name(i));
  }
  out.push_back(']');
}

/// What every kind has: decision, policy, mode, slot, cause, sums.
void write_common(std::string& out, json_members& to, const decision& d) {
  to.text("decision", to_text(d.kind));
  if (d.slot != nullptr) {
    append_policy_label(to.member("policy"), d.slot->policy, d.slot->digest);
    to.text("mode", d.slot->enforced ? "live" : "shadow");
    to.text("slot", d.slot->slot);
  }
  to.member("cause").push_back('{');
  if (not d.cause.empty()) {
    out.append("\"event\":");
    append_json(out, d.cause);
    out.push_back(',');
  }
  out.append("\"reason\":");
  append_json(out, to_text(d.why));
  out.push_back('}');
  if (d.sum_count == 0) return;
  to.member("sums").push_back('{');
  for (std::size_t i = 0; i < d.sum_count and i < d.sums.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json(out, window_name(d, i));
    out.push_back(':');
    append_json(out, d.sums[i]);
  }
  out.push_back('}');
}

/// Caps, budgets and reviews.
void write_usage(json_members& to, std::uint32_t fields, const decision& d) {
  if ((fields & f_window) != 0) to.text("window", window_name(d, d.window));
  if ((fields & (f_window | f_sum)) != 0) {
    to.integer("sum_ms", d.sum_ms);
    to.integer("cap_ms", d.cap_ms);
  }
  if ((fields & f_used) != 0) {
    to.integer("used_ms", d.sum_ms);
    to.integer("limit_ms", d.cap_ms);
  }
  if ((fields & f_restriction) != 0) to.text("restriction", text_of(d.restriction));
  if ((fields & f_request) != 0 and d.request != 0)
    to.text("request", request_name(d.slot != nullptr ? std::string_view(d.slot->slot) : "live", d.request));
  if ((fields & f_windows) != 0)
    write_names(to.member("windows"), d.exceeded, windows_max, [&](std::size_t i) { return window_name(d, i); });
  if ((fields & f_recipes) != 0) append_recipes(to.member("recipes"), d.recipes);
}

/// Strikes and stages.
void write_standing(json_members& to, std::uint32_t fields, const decision& d, std::string_view case_reference) {
  if ((fields & f_strike) != 0 and d.strike != 0) {
    to.integer("strike", d.strike);
    if (not case_reference.empty()) to.text("case", case_reference);
  }
  if ((fields & f_score) != 0 and d.scored) {
    append_json_nano(to.member("score"), d.score_nano);
    to.text("usage_type", to_text(d.type));
  }
  if ((fields & f_qualifying) != 0) to.truth("qualifying", d.qualifying);
  if ((fields & f_from_to) != 0) to.text("from", to_text(d.from));
  if ((fields & (f_from_to | f_to)) != 0) to.text("to", to_text(d.to));
  if ((fields & f_prior) != 0) {
    to.integer("prior_7d", d.prior_7d);
    to.integer("prior_30d", d.prior_30d);
  }
  if ((fields & f_until) != 0 and d.until != never) to.time("until", d.until);
}

/// Words: to the user, and of whoever acted.
void write_words(json_members& to, std::uint32_t fields, const decision& d) {
  if ((fields & f_words) != 0) {
    to.text("wording", to_text(d.words));
    to.text("message", notification_message(d));
  }
  if ((fields & f_failure) != 0 and not d.who.empty()) to.text("failure", d.who);
  if ((fields & f_actor) != 0 and not d.who.empty()) to.text("actor", d.who);
  if ((fields & f_promoted) != 0) to.text("promoted", d.note);
  if ((fields & f_note) != 0 and not d.note.empty()) to.text("note", d.note);
}

/// `chain`: without what only the commit knows.
void write_data(std::string& out, const decision& d, const decision_envelope& envelope, bool chain) {
  out.push_back('{');
  json_members to(out);
  const auto fields = fields_of.at(static_cast<std::size_t>(d.kind));
  const bool enforced = d.slot != nullptr and d.slot->enforced;
  write_common(out, to, d);
  write_usage(to, fields, d);
  // A case is what the user can be told: only of what is enforced.
  write_standing(to, fields, d, enforced and not chain ? envelope.case_reference : std::string_view());
  write_words(to, fields, d);
  if (not chain and envelope.epoch) to.integer("epoch", static_cast<std::int64_t>(*envelope.epoch));
  out.push_back('}');
}

void write_decision(std::string& out, const decision& d, const decision_envelope& envelope, bool chain) {
  out.push_back('{');
  json_members to(out);
  to.text("specversion", "1.0");
  if (not chain) {
    to.text("id", envelope.id);
    to.text("source", envelope.source);
  }
  to.text("type", "fairuse.decision.v1");
  to.text("subject", envelope.uid);
  to.time("time", d.time);
  to.text("datacontenttype", "application/json");
  to.member("data");
  write_data(out, d, envelope, chain);
  out.push_back('}');
}

/// What a stage means. Policies differ in what a stage does and in what an upgrade clears, so neither is promised.
std::string_view stage_sentence(stage at) {
  switch (at) {
    case stage::none:
      return "Your account is back at its normal state.";
    case stage::warning:
      return "This is a warning.";
    case stage::throttle:
      return "Your account is now throttled.";
    case stage::restrict:
      return "Your account is now restricted.";
  }
  return {};
}

std::string_view reason_sentence(wording words) {
  return words == wording::credits ? "The free minutes of your plan are used up; a paid plan is not bound to them. "
                                   : "Your recent use is well above what fair use of your plan covers. ";
}

} // namespace

void append_decision(std::string& out, const decision& d, const decision_envelope& envelope) {
  write_decision(out, d, envelope, false);
}

void append_decision_data(std::string& out, const decision& d, const decision_envelope& envelope) {
  write_data(out, d, envelope, false);
}

void append_policy_label(std::string& out, std::string_view name, std::string_view digest) {
  out.push_back('{');
  json_members to(out);
  to.text("name", name);
  to.text("digest", digest);
  out.push_back('}');
}

void append_recipes(std::string& out, std::uint8_t recipes) {
  write_names(out, recipes, recipe_names.size(), [](std::size_t i) { return recipe_names.at(i).second; });
}

void append_decision_chain(std::string& out, const decision& d, std::string_view uid) {
  write_decision(out, d, {.id = {}, .source = {}, .uid = uid, .case_reference = {}, .epoch = {}}, true);
}

std::string notification_message(const decision& d) {
  std::string text(d.to == stage::none ? std::string_view() : reason_sentence(d.words));
  text.append(stage_sentence(d.to));
  if (d.to != stage::none and d.until != never) {
    text.append(d.to == stage::warning ? " It ends at " : " This stage ends at ");
    append_time(text, d.until);
    text.push_back('.');
  }
  return text;
}

std::string request_name(std::string_view slot, std::uint32_t request) {
  return std::string(slot).append("-").append(std::to_string(request));
}

} // namespace fairuse
