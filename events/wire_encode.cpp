// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <tuple>

#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"

namespace fairuse {

namespace {

void write(json_members& to, const event& what, const speech_segments* spoken) {
  to.text("lane", to_text(what.from));
  if (spoken == nullptr) {
    to.integer("ms", what.ms);
    return;
  }
  auto& out = to.member("segments");
  char separator = '[';
  for (const auto& [begin, end] : spoken->segments) {
    out.push_back(separator);
    out.push_back('[');
    append_json(out, std::int64_t{begin});
    out.push_back(',');
    append_json(out, std::int64_t{end});
    out.push_back(']');
    separator = ',';
  }
  out.append(spoken->segments.empty() ? "[]" : "]");
}

void write(json_members& to, const account_fact& fact) {
  if (fact.plan) to.text("plan", *fact.plan);
  if (fact.credits_exhausted) to.truth("credits_exhausted", *fact.credits_exhausted);
  if (fact.time_zone) to.text("time_zone", *fact.time_zone);
  if (fact.locale) to.text("locale", *fact.locale);
}

void write(json_members& to, const conversation_fact& fact) {
  to.text("conversation", fact.conversation);
  to.text("title", fact.title);
  to.text("overview", fact.overview);
  to.text("category", fact.category);
  to.integer("duration_ms", fact.duration_ms);
  to.text("lane", to_text(fact.from));
}

void write(json_members& to, const review_answer& answer) {
  to.text("request", answer.request);
  if (answer.failed.empty()) {
    to.nano("score", answer.score_nano);
    to.text("usage_type", to_text(answer.type));
    if (answer.confidence_nano) to.nano("confidence", *answer.confidence_nano);
    if (not answer.evidence.empty()) to.texts("evidence", answer.evidence);
  }
  to.optional_text("model", answer.model);
  to.optional_text("prompt_version", answer.prompt_version);
  to.optional_text("failed", answer.failed);
  if (answer.cost_micro) to.integer("cost_micro", *answer.cost_micro);
}

void write_strike(json_members& to, const admin_command& command) {
  if (command.reference.empty())
    to.integer("strike", command.strike);
  else
    to.text("strike", command.reference);
}

void write(json_members& to, const admin_command& command) {
  to.text("command", to_text(command.verb));
  switch (command.verb) {
    case admin_verb::set_stage:
      to.text("stage", to_text(command.to));
      break;
    case admin_verb::reset:
      break;
    case admin_verb::resolve:
    case admin_verb::reopen:
      write_strike(to, command);
      to.optional_text("notes", command.notes);
      break;
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
      write_strike(to, command);
      break;
    case admin_verb::appeal:
      write_strike(to, command);
      to.text("text", command.text);
      break;
    case admin_verb::exempt:
      to.truth("on", command.on);
      to.optional_time("until", command.until);
      break;
    case admin_verb::enable:
    case admin_verb::kill_switch:
      to.truth("on", command.on);
      break;
    case admin_verb::promote_policy:
      to.text("policy", command.policy);
      to.optional_text("digest", command.digest);
      break;
  }
  to.text("actor", command.actor);
  to.optional_text("reason", command.reason);
}

void write(json_members& to, const erasure_request& request) {
  to.text("actor", request.actor);
  to.optional_text("reason", request.reason);
}

void write_data(json_members& to, const event& what) {
  switch (what.kind) {
    case event_kind::speech:
      return write(to, what, what.detail == nullptr ? nullptr : std::get_if<speech_segments>(what.detail));
    case event_kind::stt:
      return to.integer("ms", what.ms);
    case event_kind::account:
      return write(to, detail_of<account_fact>(what));
    case event_kind::conversation:
      return write(to, detail_of<conversation_fact>(what));
    case event_kind::review:
      return write(to, detail_of<review_answer>(what));
    case event_kind::admin:
      return write(to, detail_of<admin_command>(what));
    case event_kind::erasure:
      return write(to, detail_of<erasure_request>(what));
  }
}

// Equality of details is a question of tests and captures, not of the rules, hence here.

bool same(const std::monostate&, const std::monostate&) { return true; }

bool same(const speech_segments& left, const speech_segments& right) {
  const auto equal = [](const segment& one, const segment& other) {
    return one.begin_ms == other.begin_ms and one.end_ms == other.end_ms;
  };
  return std::equal(left.segments.begin(), left.segments.end(), right.segments.begin(), right.segments.end(), equal);
}

auto fields(const account_fact& of) { return std::tie(of.plan, of.credits_exhausted, of.time_zone, of.locale); }

auto fields(const conversation_fact& of) {
  return std::tie(of.conversation, of.title, of.overview, of.category, of.duration_ms, of.from);
}

auto fields(const review_answer& of) {
  return std::tie(of.request, of.failed, of.score_nano, of.confidence_nano, of.type, of.model, of.prompt_version,
                  of.evidence, of.cost_micro);
}

auto fields(const admin_command& of) {
  return std::tie(of.verb, of.actor, of.reason, of.to, of.on, of.until, of.strike, of.reference, of.notes, of.policy);
}

auto fields(const erasure_request& of) { return std::tie(of.actor, of.reason); }

template <class Fact>
bool same(const Fact& left, const Fact& right) {
  return fields(left) == fields(right);
}

bool same_detail(const event_detail& left, const event_detail& right) {
  if (left.index() != right.index()) return false;
  return std::visit([&right](const auto& fact) { return same(fact, std::get<std::decay_t<decltype(fact)>>(right)); },
                    left);
}

} // namespace

void append_event(std::string& out, std::string_view subject, const event& what) {
  out.append(R"({"specversion":"1.0","id":)");
  if (what.text != nullptr)
    append_json(out, what.text->id);
  else
    append_json(out, event_id(what));
  out.append(R"(,"source":)");
  append_json(out, what.text != nullptr ? what.text->source : std::string_view("synthetic"));
  out.append(R"(,"type":")").append(event_type(what.kind)).append(R"(","subject":)");
  append_json(out, subject);
  out.append(R"(,"time":")");
  append_time(out, what.time);
  out.append(R"(","datacontenttype":"application/json","data":{)");
  json_members to(out);
  write_data(to, what);
  out.append("}}");
}

bool wire_equal(const event& left, const event& right) {
  static const event_detail nothing;
  static constexpr event_text no_text;
  const auto& text = left.text != nullptr ? *left.text : no_text;
  const auto& other = right.text != nullptr ? *right.text : no_text;
  return std::tie(left.instant, left.time, left.key, left.ms, left.kind, left.from, text.source, text.id)
             == std::tie(right.instant, right.time, right.key, right.ms, right.kind, right.from, other.source, other.id)
         and same_detail(left.detail != nullptr ? *left.detail : nothing,
                         right.detail != nullptr ? *right.detail : nothing);
}

} // namespace fairuse
