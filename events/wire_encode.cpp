// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <tuple>

#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"

namespace fairuse {

namespace {

void write(json_members& to, const event& e, const speech_segments* spoken) {
  to.text("lane", to_text(e.from));
  if (spoken == nullptr) {
    to.integer("ms", e.ms);
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
    to.nano("confidence", answer.confidence_nano);
    auto& out = to.member("evidence");
    out.push_back('[');
    for (std::size_t i = 0; i < answer.evidence.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_json(out, answer.evidence[i]);
    }
    out.push_back(']');
  }
  to.optional_text("model", answer.model);
  to.optional_text("prompt_version", answer.prompt_version);
  to.optional_text("failed", answer.failed);
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
      to.integer("strike", command.strike);
      to.optional_text("notes", command.notes);
      break;
    case admin_verb::clear_strike:
      to.integer("strike", command.strike);
      break;
    case admin_verb::exempt:
    case admin_verb::enable:
    case admin_verb::kill_switch:
      to.truth("on", command.on);
      break;
    case admin_verb::promote_policy:
      to.text("policy", command.policy);
      break;
  }
  to.text("actor", command.actor);
  to.optional_text("reason", command.reason);
}

void write(json_members& to, const erasure_request& request) {
  to.text("actor", request.actor);
  to.optional_text("reason", request.reason);
}

void write_data(json_members& to, const event& e) {
  switch (e.kind) {
    case event_kind::speech:
      return write(to, e, e.detail == nullptr ? nullptr : std::get_if<speech_segments>(e.detail));
    case event_kind::stt:
      return to.integer("ms", e.ms);
    case event_kind::account:
      return write(to, detail_of<account_fact>(e));
    case event_kind::conversation:
      return write(to, detail_of<conversation_fact>(e));
    case event_kind::review:
      return write(to, detail_of<review_answer>(e));
    case event_kind::admin:
      return write(to, detail_of<admin_command>(e));
    case event_kind::erasure:
      return write(to, detail_of<erasure_request>(e));
  }
}

// Equality of details is a question of tests and captures, not of the rules, hence here.

bool same(const std::monostate&, const std::monostate&) { return true; }

bool same(const speech_segments& a, const speech_segments& b) {
  return std::equal(
      a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
      [](const segment& x, const segment& y) { return x.begin_ms == y.begin_ms and x.end_ms == y.end_ms; });
}

auto fields(const account_fact& x) { return std::tie(x.plan, x.credits_exhausted, x.time_zone); }

auto fields(const conversation_fact& x) {
  return std::tie(x.conversation, x.title, x.overview, x.category, x.duration_ms, x.from);
}

auto fields(const review_answer& x) {
  return std::tie(x.request, x.failed, x.score_nano, x.confidence_nano, x.type, x.model, x.prompt_version, x.evidence);
}

auto fields(const admin_command& x) {
  return std::tie(x.verb, x.actor, x.reason, x.to, x.on, x.strike, x.notes, x.policy);
}

auto fields(const erasure_request& x) { return std::tie(x.actor, x.reason); }

template <class Fact>
bool same(const Fact& a, const Fact& b) {
  return fields(a) == fields(b);
}

bool same_detail(const event_detail& a, const event_detail& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&b](const auto& x) { return same(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
}

} // namespace

void append_event(std::string& out, std::string_view subject, const event& e) {
  out.append(R"({"specversion":"1.0","id":)");
  if (e.text != nullptr)
    append_json(out, e.text->id);
  else
    append_json(out, event_id(e));
  out.append(R"(,"source":)");
  append_json(out, e.text != nullptr ? e.text->source : std::string_view("synthetic"));
  out.append(R"(,"type":"fairuse.)").append(to_text(e.kind)).append(R"(.v1","subject":)");
  append_json(out, subject);
  out.append(R"(,"time":")");
  append_time(out, e.time);
  out.append(R"(","datacontenttype":"application/json","data":{)");
  json_members to(out);
  write_data(to, e);
  out.append("}}");
}

bool wire_equal(const event& a, const event& b) {
  static const event_detail nothing;
  static constexpr event_text no_text;
  const auto& x = a.text != nullptr ? *a.text : no_text;
  const auto& y = b.text != nullptr ? *b.text : no_text;
  return std::tie(a.instant, a.time, a.key, a.ms, a.kind, a.from, x.source, x.id)
             == std::tie(b.instant, b.time, b.key, b.ms, b.kind, b.from, y.source, y.id)
         and same_detail(a.detail != nullptr ? *a.detail : nothing, b.detail != nullptr ? *b.detail : nothing);
}

} // namespace fairuse
