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
  f_said = 1U << 9,   ///< each of its fields, if
  f_type = 1U << 10,  ///< usage_type alone; if there is one
  f_qualifying = 1U << 11,
  f_from_to = 1U << 12,
  f_to = 1U << 13,
  f_prior = 1U << 14,
  f_until = 1U << 15,   ///< if
  f_words = 1U << 16,   ///< wording, message
  f_failure = 1U << 17, ///< `who`, if
  f_actor = 1U << 18,   ///< `who`, if
  f_promoted = 1U << 19,
  f_note = 1U << 20, ///< `note`, if
};

constexpr std::uint32_t admin_fields = f_actor | f_note;

constexpr std::uint32_t fields_of(decision_kind kind) {
  switch (kind) {
    case decision_kind::cap_crossed:
      return f_window;
    case decision_kind::review_requested:
      return f_request | f_windows | f_recipes | f_until;
    case decision_kind::review_cleared:
      return f_request | f_score | f_said | f_prior | f_until;
    case decision_kind::review_failed:
      return f_request | f_said | f_failure | f_until;
    case decision_kind::review_timed_out:
      return f_request | f_until;
    case decision_kind::review_unanswered:
      return f_windows | f_until;
    case decision_kind::review_ignored:
      return f_request | f_score;
    case decision_kind::strike_added:
      return f_request | f_strike | f_score | f_said | f_qualifying | f_from_to | f_prior | f_until;
    case decision_kind::strike_cleared:
    case decision_kind::strike_restored:
    case decision_kind::appeal_opened:
    case decision_kind::appeal_closed:
      return f_strike | admin_fields;
    case decision_kind::stage_changed:
      return f_strike | f_from_to | f_until | admin_fields;
    case decision_kind::budget_low:
    case decision_kind::budget_exhausted:
      return f_used | f_until;
    case decision_kind::budget_reset:
      return f_used;
    case decision_kind::restriction_engaged:
      return f_sum | f_restriction | f_until;
    case decision_kind::restriction_lifted:
      return f_restriction;
    case decision_kind::content_locked:
    case decision_kind::content_unlocked:
      return 0;
    case decision_kind::notification:
      return f_strike | f_type | f_to | f_until | f_words;
    case decision_kind::policy_promoted:
      return f_promoted | admin_fields;
    case decision_kind::user_erased:
      return admin_fields;
    case decision_kind::exemption_ended:
      return f_to | f_until;
  }
  return 0;
}

constexpr std::string_view text_of(restriction_kind value) {
  return value == restriction_kind::hard ? "hard" : "ceiling";
}

std::string_view window_name(const decision& what, std::size_t i) {
  return what.slot != nullptr and i < what.slot->windows.size() ? std::string_view(what.slot->windows[i])
                                                                : std::string_view();
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
void write_common(std::string& out, json_members& to, const decision& what) {
  to.text("decision", to_text(what.kind));
  if (what.slot != nullptr) {
    append_policy_label(to.member("policy"), what.slot->policy, what.slot->digest);
    to.text("mode", what.slot->enforced ? "live" : "shadow");
    to.text("slot", what.slot->slot);
  }
  to.member("cause").push_back('{');
  if (not what.cause.empty()) {
    out.append("\"event\":");
    append_json(out, what.cause);
    out.push_back(',');
  }
  out.append("\"reason\":");
  append_json(out, to_text(what.why));
  out.push_back('}');
  if (what.sum_count > 0) append_sums(to.member("sums"), what);
}

/// Caps, budgets and reviews.
void write_usage(json_members& to, std::uint32_t fields, const decision& what) {
  if ((fields & f_window) != 0) to.text("window", window_name(what, what.window));
  if ((fields & (f_window | f_sum)) != 0) {
    to.integer("sum_ms", what.sum_ms);
    to.integer("cap_ms", what.cap_ms);
  }
  if ((fields & f_used) != 0) {
    to.integer("used_ms", what.sum_ms);
    to.integer("limit_ms", what.cap_ms);
  }
  if ((fields & f_restriction) != 0) to.text("restriction", text_of(what.restriction));
  if ((fields & f_request) != 0 and what.request != 0)
    to.text("request", request_name(what.slot != nullptr ? std::string_view(what.slot->slot) : "live", what.request));
  if ((fields & f_windows) != 0)
    write_names(to.member("windows"), what.exceeded, windows_max, [&](std::size_t i) { return window_name(what, i); });
  if ((fields & f_recipes) != 0) append_recipes(to.member("recipes"), what.recipes);
}

void write_said(json_members& to, const review_details& said) {
  if (said.confidence_nano) to.nano("confidence", *said.confidence_nano);
  if (not said.evidence.empty()) to.texts("evidence", said.evidence);
  to.optional_text("model", said.model);
  to.optional_text("prompt_version", said.prompt_version);
  if (said.cost_micro) to.integer("cost_micro", *said.cost_micro);
}

/// Strikes and stages.
void write_standing(json_members& to, std::uint32_t fields, const decision& what, std::string_view case_reference) {
  if ((fields & f_strike) != 0 and what.strike != 0) {
    to.integer("strike", what.strike);
    if (not case_reference.empty()) to.text("case", case_reference);
  }
  if ((fields & f_score) != 0 and what.scored) {
    append_json_nano(to.member("score"), what.score_nano);
    to.text("usage_type", to_text(what.type));
  }
  if ((fields & f_said) != 0 and what.said) write_said(to, *what.said);
  if ((fields & f_type) != 0 and what.type != usage_type::none) to.text("usage_type", to_text(what.type));
  if ((fields & f_qualifying) != 0) to.truth("qualifying", what.qualifying);
  if ((fields & f_from_to) != 0) to.text("from", to_text(what.from));
  if ((fields & (f_from_to | f_to)) != 0) to.text("to", to_text(what.to));
  if ((fields & f_prior) != 0) {
    to.integer("prior_7d", what.prior_7d);
    to.integer("prior_30d", what.prior_30d);
  }
  if ((fields & f_until) != 0 and what.until != never) to.time("until", what.until);
}

/// Texts to the user, and texts of the actor.
void write_words(json_members& to, std::uint32_t fields, const decision& what) {
  if ((fields & f_words) != 0) {
    to.text("wording", to_text(what.words));
    to.text("message", notification_message(what));
  }
  if ((fields & f_failure) != 0 and not what.who.empty()) to.text("failure", what.who);
  if ((fields & f_actor) != 0 and not what.who.empty()) to.text("actor", what.who);
  if ((fields & f_promoted) != 0) to.text("promoted", what.promoted);
  if ((fields & f_note) != 0 and not what.note.empty()) to.text("note", what.note);
}

/// `chain`: without the fields of the commit.
void write_data(std::string& out, const decision& what, const decision_envelope& envelope, bool chain) {
  out.push_back('{');
  json_members to(out);
  const auto fields = fields_of(what.kind);
  const bool enforced = what.slot != nullptr and what.slot->enforced;
  write_common(out, to, what);
  write_usage(to, fields, what);
  // Only enforced decisions have a case, which the user sees.
  write_standing(to, fields, what, enforced and not chain ? envelope.case_reference : std::string_view());
  write_words(to, fields, what);
  if (not chain and envelope.epoch) to.integer("epoch", static_cast<std::int64_t>(*envelope.epoch));
  out.push_back('}');
}

void write_decision(std::string& out, const decision& what, const decision_envelope& envelope, bool chain) {
  out.push_back('{');
  json_members to(out);
  to.text("specversion", "1.0");
  if (not chain) {
    to.text("id", envelope.id);
    to.text("source", envelope.source);
  }
  to.text("type", "fairuse.decision.v1");
  to.text("subject", envelope.uid);
  to.time("time", what.time);
  to.text("datacontenttype", "application/json");
  to.member("data");
  write_data(out, what, envelope, chain);
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

void append_decision(std::string& out, const decision& what, const decision_envelope& envelope) {
  write_decision(out, what, envelope, false);
}

void append_decision_data(std::string& out, const decision& what, const decision_envelope& envelope) {
  write_data(out, what, envelope, false);
}

void append_policy_label(std::string& out, std::string_view name, std::string_view digest) {
  out.push_back('{');
  json_members to(out);
  to.text("name", name);
  to.text("digest", digest);
  out.push_back('}');
}

void append_recipes(std::string& out, std::uint8_t recipes) {
  write_names(out, recipes, recipe_names.size(), [](std::size_t i) { return recipe_names.at(i); });
}

void append_decision_chain(std::string& out, const decision& what, std::string_view uid) {
  write_decision(out, what, {.id = {}, .source = {}, .uid = uid, .case_reference = {}, .epoch = {}}, true);
}

void append_sums(std::string& out, const decision& what) {
  out.push_back('{');
  for (std::size_t i = 0; i < what.sum_count and i < what.sums.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json(out, window_name(what, i));
    out.push_back(':');
    append_json(out, what.sums[i]);
  }
  out.push_back('}');
}

std::string notification_message(const decision& what) {
  std::string text(what.to == stage::none ? std::string_view() : reason_sentence(what.words));
  text.append(stage_sentence(what.to));
  if (what.to != stage::none and what.until != never) {
    text.append(what.to == stage::warning ? " It ends at " : " This stage ends at ");
    append_time(text, what.until);
    text.push_back('.');
  }
  return text;
}

std::string request_name(std::string_view slot, std::uint32_t request) {
  return std::string(slot).append("-").append(std::to_string(request));
}

} // namespace fairuse
