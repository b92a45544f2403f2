// SPDX-License-Identifier: Apache-2.0

#include "api/service/event_operation.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "api/service/replies.hpp"
#include "base/pure/trace_id.hpp"
#include "engine/clocks.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

constexpr std::array<std::string_view, event_outcome_count> event_outcome_texts{"accepted", "malformed", "duplicate",
                                                                                "conflict", "unwritten"};

/// Commands and erasures are the staff's (audited, with an actor), and no producer's.
bool may_send(const principal& who, event_kind kind) {
  switch (kind) {
    case event_kind::speech:
    case event_kind::stt:
    case event_kind::account:
    case event_kind::conversation:
      return who.roles.has(role::producer);
    case event_kind::review:
      return who.roles.has(role::reviewer);
    case event_kind::admin:
    case event_kind::erasure:
      break;
  }
  return false;
}

void append_event_outcome(std::string& out, const taken_event& event) {
  out.push_back('{');
  json_members to(out);
  to.text("outcome", to_text(event.became));
  to.optional_text("source", event.what.source);
  to.optional_text("id", event.what.id);
  if (event.what.wrong) {
    to.text("reason", to_text(event.what.wrong->why));
    to.text("place", event.what.wrong->place);
    to.text("remedy", remedy(event.what.wrong->why, event.what.wrong->place));
  }
  out.push_back('}');
}

http_reply reply_of(const std::vector<taken_event>& events) {
  std::string body = "{\"events\":[";
  for (const auto& each : events) {
    if (body.back() != '[') body.push_back(',');
    append_event_outcome(body, each);
  }
  body += "]}\n";
  return {.status = 202, .content_type = "application/json", .headers = {}, .body = std::move(body)};
}

bool is_batch(const http_request& request) { return request.media_type() == "application/cloudevents-batch+json"; }

/// One event that cannot be taken is the request's error.
std::optional<http_reply> problem_of_one(const taken_event& only) {
  if (only.became == event_outcome::conflict)
    return problem(409, "event_conflict", "another event of this user came under this `source` and `id` before");
  if (only.became != event_outcome::malformed) return std::nullopt;
  const auto& wrong = *only.what.wrong;
  return problem(400, to_text(wrong.why), fmt::format("{}: {}", wrong.place, remedy(wrong.why, wrong.place)),
                 {{"place", wrong.place}});
}

http_reply forbidden(const principal& who, event_kind kind) {
  const auto why =
      kind == event_kind::admin or kind == event_kind::erasure
          ? fmt::format("events of type {} are never taken over HTTP", event_type(kind))
          : fmt::format("events of type {} need another role than {}", event_type(kind), to_text(who.roles));
  return problem(403, "event_type_forbidden", why);
}

} // namespace

std::string_view to_text(event_outcome value) { return event_outcome_texts.at(static_cast<std::size_t>(value)); }

void event_intake::count(event_outcome what) {
  counts_.at(static_cast<std::size_t>(what)).fetch_add(1, std::memory_order_relaxed);
}

// Senders try again and again: a line a second is enough.
void event_intake::tell_refused(const std::string& why, const std::string& trace_id) {
  if (not refusals_told_.is_over(steady_clock_ms())) return;
  log_(log_level::warning, "events over HTTP were answered by 503: " + why + ", trace " + trace_id);
}

void event_intake::show(shown_metrics& to) const {
  for (std::size_t i = 0; i < event_outcome_count; ++i)
    to.counter("fairuse_http_events_total", "Events that came over HTTP, by what was answered.",
               static_cast<double>(counts_[i].load(std::memory_order_relaxed)),
               {{"outcome", std::string{event_outcome_texts[i]}}});
}

event_outcome event_intake::outcome_of(const incoming_event& event) {
  if (event.wrong) return event_outcome::malformed;
  const auto known = recent_.begin(event);
  if (known == known_as::fresh) return event_outcome::accepted;
  return known == known_as::duplicate ? event_outcome::duplicate : event_outcome::conflict;
}

// Those that were to be written.
void event_intake::settle(const std::vector<taken_event>& events, bool is_durable) {
  for (const auto& each : events)
    if (each.became == event_outcome::accepted) {
      recent_.settle(each.what, is_durable);
      count(is_durable ? event_outcome::accepted : event_outcome::unwritten);
    }
}

void event_intake::take(const http_request& request, const principal& who, http_responder respond) {
  auto rules = rules_;
  rules.now = wall_clock_ms();
  auto incoming = events_of(request, rules);
  if (not incoming) return respond(std::move(incoming.error()));
  for (const auto& each : *incoming)
    if (not each.line.empty() and not may_send(who, each.kind)) return respond(forbidden(who, each.kind));
  std::vector<taken_event> events;
  std::vector<incoming_event> fresh;
  for (auto& each : *incoming) {
    const auto became = outcome_of(each);
    if (became == event_outcome::accepted) fresh.push_back(each);
    events.push_back({std::move(each), became});
  }
  for (const auto& each : events)
    if (each.became != event_outcome::accepted) count(each.became);
  if (not is_batch(request))
    if (auto wrong = problem_of_one(events.front())) return respond(std::move(*wrong));
  if (fresh.empty()) return respond(reply_of(events));
  const auto answer = std::make_shared<http_responder>(std::move(respond));
  const auto trace_id = request.trace_id;
  auto traceparent = traceparent_for(trace_id, request.header("traceparent").value_or(""));
  const auto told = [this, answer, events, trace_id](const result<void, unwritten>& done) {
    settle(events, done.has_value());
    if (done) return (*answer)(reply_of(events));
    if (done.error().is_too_large)
      return (*answer)(
          problem(413, "event_too_large", "the input topic takes no record as large as one of the events"));
    tell_refused(done.error().why, trace_id);
    (*answer)(retry_later("not_durable", "the events could not be written; send them again"));
  };
  if (into_.put(std::move(fresh), std::move(traceparent), told)) return;
  settle(events, false);
  tell_refused("too many wait to be written", trace_id);
  (*answer)(retry_later("overloaded", "too many events wait to be written; send them again"));
}

} // namespace fairuse
