// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/outputs/output_values.hpp"

#include <algorithm>

#include "events/decision_json.hpp"
#include "events/json_text.hpp"

namespace fairuse::kafka {

namespace {

void append_epoch(std::string& out, json_members& to, std::uint64_t epoch) {
  to.integer("epoch", static_cast<std::int64_t>(epoch));
  out.push_back('}');
}

struct stage_actions {
  bool economy_stt = false;
  std::int32_t vad_threshold_nano = 0;
  bool hard_caps = false;
};

void append_actions(std::string& out, const stage_actions& what) {
  out.push_back('{');
  json_members to(out);
  if (what.economy_stt) to.text("stt_model", "economy");
  if (what.vad_threshold_nano != 0) to.nano("vad_threshold", what.vad_threshold_nano);
  if (what.hard_caps) to.text("caps", "hard");
  out.push_back('}');
}

/// The rules behind a decision's label: nullptr if a promotion of this very epoch has replaced them.
const slot_spec* spec_of(const decision& what, const policy_set& loaded) {
  const auto& slots = loaded.slots();
  const auto found = std::find_if(slots.begin(), slots.end(),
                                  [&](const slot_spec& each) { return each.label.digest == what.slot->digest; });
  return found == slots.end() ? nullptr : &*found;
}

void append_windows(std::string& out, const decision& what, const slot_spec* spec, std::string_view plan) {
  char separator = '[';
  for (std::size_t w = 0; w < what.sum_count; ++w) {
    if (((what.exceeded >> w) & 1U) == 0) continue;
    out.push_back(separator);
    separator = ',';
    out.push_back('{');
    json_members to(out);
    to.text("window", what.slot->windows[w]);
    to.integer("sum_ms", what.sums.at(w));
    if (spec != nullptr) to.integer("cap_ms", spec->rules.cap_ms(w, plan));
    out.push_back('}');
  }
  out.append(separator == '[' ? "[]" : "]");
}

void append_conversations(std::string& out, const user& who, time_ms from) {
  char separator = '[';
  if (who.conversations)
    for (const auto& talk : *who.conversations) {
      if (talk.at < from) continue;
      out.push_back(separator);
      separator = ',';
      out.push_back('{');
      json_members to(out);
      to.text("conversation", talk.id);
      to.time("at", talk.at);
      to.text("title", talk.title);
      to.text("overview", talk.overview);
      to.text("category", talk.category);
      to.integer("duration_ms", talk.duration_ms);
      to.text("lane", fairuse::to_text(talk.from));
      out.push_back('}');
    }
  out.append(separator == '[' ? "[]" : "]");
}

} // namespace

void append_notification(std::string& out, const decision& what, const user& who, std::string_view decision_id,
                         std::string_view case_reference, std::uint64_t epoch) {
  const bool of_stage = what.kind == decision_kind::notification;
  const bool of_budget = what.kind == decision_kind::budget_low or what.kind == decision_kind::budget_exhausted;
  out.push_back('{');
  json_members to(out);
  to.text("decision", decision_id);
  to.text("about", of_stage ? "stage" : to_text(what.kind));
  to.text("stage", to_text(what.to));
  to.optional_time("until", what.until);
  to.optional_text("case", case_reference);
  if (of_stage) to.text("wording", to_text(what.words));
  if (of_stage and what.type != usage_type::none) to.text("usage_type", to_text(what.type));
  append_sums(to.member("sums"), what);
  if (of_budget) {
    to.integer("used_ms", what.sum_ms);
    to.integer("budget_ms", what.cap_ms);
  }
  if (who.account) {
    to.optional_text("locale", who.account->locale);
    to.optional_text("time_zone", who.account->time_zone);
  }
  if (of_stage) to.text("message", notification_message(what));
  append_epoch(out, to, epoch);
}

void append_enforcement(std::string& out, const enforcement_row& row, const slot_label& live) {
  out.push_back('{');
  json_members to(out);
  to.text("stage", to_text(row.at));
  if (row.since != 0) to.time("since", row.since);
  to.optional_time("until", row.until);
  append_actions(to.member("actions"), {row.economy_stt, row.vad_threshold_nano, row.hard_caps});
  to.truth("hard_restricted", row.hard_restricted);
  to.truth("ceiling", row.ceiling);
  if (row.hard_restricted or row.ceiling) {
    to.integer("used_ms", row.used_ms);
    to.integer("limit_ms", row.limit_ms);
  }
  to.optional_time("retry_at", row.retry_at);
  to.truth("budget_exhausted", row.budget_exhausted);
  if (row.budget_exhausted) to.integer("budget_used_ms", row.budget_used_ms);
  if (row.budget_ms > 0) to.integer("budget_ms", row.budget_ms);
  if (row.budget_exhausted) to.optional_time("budget_resets_at", row.budget_resets_at);
  to.truth("content_locked", row.content_locked);
  to.truth("exempt", row.exempt);
  if (row.exempt) to.optional_time("exempt_until", row.exempt_until);
  append_policy_label(to.member("policy"), live.policy, live.digest);
  append_epoch(out, to, row.epoch);
}

void append_controls(std::string& out, const controls& in_force, std::uint64_t epoch) {
  const auto& live = in_force.policies->live();
  out.push_back('{');
  json_members to(out);
  to.truth("enabled", in_force.enabled);
  to.truth("kill_switch", in_force.killed);
  append_policy_label(to.member("policy"), live.label.policy, live.label.digest);
  to.member("stages").push_back('{');
  json_members stages(out);
  for (const auto& rule : live.rules.steps)
    append_actions(stages.member(to_text(rule.at)), {rule.economy_stt, rule.vad_threshold_nano, rule.hard_caps});
  out.push_back('}');
  append_epoch(out, to, epoch);
}

void append_review_request(std::string& out, const decision& what, const user& who, std::uint64_t epoch) {
  const auto* spec = spec_of(what, *who.sums.policies);
  out.push_back('{');
  json_members to(out);
  to.text("request", request_name(what.slot->slot, what.request));
  to.text("slot", what.slot->slot);
  append_policy_label(to.member("policy"), what.slot->policy, what.slot->digest);
  to.optional_time("answer_by", what.until);
  append_windows(to.member("windows"), what, spec, who.plan());
  append_recipes(to.member("recipes"), what.recipes);
  const auto from = spec != nullptr ? what.time - spec->rules.review.lookback_ms : INT64_MIN;
  append_conversations(to.member("conversations"), who, from);
  append_epoch(out, to, epoch);
}

} // namespace fairuse::kafka
