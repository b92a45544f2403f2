// SPDX-License-Identifier: Apache-2.0

#include "api/service/gate_operation.hpp"

#include <algorithm>

#include "api/service/replies.hpp"
#include "api/service/request_json.hpp"
#include "engine/clocks.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

constexpr std::int64_t planned_max_ms = day_ms;
constexpr std::size_t session_bytes_max = 128;

/// What a gateway does first.
enum class gate_outcome : std::uint8_t { allow, allow_degraded, allow_locked, refuse };
constexpr std::array<std::string_view, 4> outcome_texts{"allow", "allow_degraded", "allow_locked", "refuse"};

gate_outcome outcome_of(const gate_answer& answer) {
  if (not answer.allowed) return gate_outcome::refuse;
  if (answer.locked) return gate_outcome::allow_locked;
  return answer.economy_stt or answer.vad_threshold_nano != 0 ? gate_outcome::allow_degraded : gate_outcome::allow;
}

std::string_view to_text(gate_outcome value) { return outcome_texts.at(static_cast<std::size_t>(value)); }

void append_refusal(json_members& to, const gate_answer& answer, time_ms now) {
  to.integer("limit_ms", answer.limit_ms);
  to.integer("used_ms", answer.used_ms);
  if (answer.resets_at == never) return;
  to.time("resets_at", answer.resets_at);
  to.integer("retry_after_s", std::max<std::int64_t>(1, (answer.resets_at - now + 999) / 1'000));
}

} // namespace

void gate_counts::add(const gate_answer& what) {
  auto& of_answer = counts_.at(static_cast<std::size_t>(outcome_of(what)));
  of_answer.at(static_cast<std::size_t>(what.why)).fetch_add(1, std::memory_order_relaxed);
}

void gate_counts::show(shown_metrics& to) const {
  for (std::size_t outcome = 0; outcome < answers; ++outcome)
    for (std::size_t i = 0; i < gate_reason_count; ++i) {
      const auto why = static_cast<gate_reason>(i);
      const auto count = counts_[outcome][i].load(std::memory_order_relaxed);
      if (count > 0 or (is_fault(why) and static_cast<gate_outcome>(outcome) == gate_outcome::allow))
        to.counter("fairuse_gate_answers_total", "Answers of the gate; degraded: a fault made it.",
                   static_cast<double>(count),
                   {{"answer", std::string{outcome_texts[outcome]}},
                    {"reason", std::string{fairuse::to_text(why)}},
                    {"degraded", is_fault(why) ? "true" : "false"}});
    }
}

result<gate_question, http_reply> gate_question_from(const http_request& request) {
  request_json from{request};
  gate_question asked;
  from.uid("uid", asked.uid);
  from.one_of<gate_purpose>("purpose", gate_purpose_from, "stream or upload", asked.purpose);
  from.optional_count("planned_ms", planned_max_ms, asked.planned_ms);
  from.optional_text("session", session_bytes_max, asked.session);
  if (auto wrong = from.finish()) return std::move(*wrong);
  if (asked.purpose == gate_purpose::upload and not asked.session.empty() and asked.planned_ms == 0)
    return invalid_body("`planned_ms` is missing: an upload with a `session` reserves all of it");
  return asked;
}

gate_facts gate_facts_of(const gate_source& from, const std::string& uid) {
  const auto caught_up_at = from.view.caught_up_at();
  std::int64_t age_ms = -1;
  if (caught_up_at != INT64_MIN)
    age_ms = from.is_local ? 0 : std::max<std::int64_t>(0, steady_clock_ms() - caught_up_at);
  return {.row = from.view.find(uid),
          .controls = from.view.controls(),
          .now = from.now(),
          .age_ms = age_ms,
          .age_max_ms = from.age_max_ms};
}

std::string gate_answer_json(const gate_answer& answer, const gate_facts& facts, const lease* reserved) {
  std::string out = "{";
  json_members to(out);
  to.text("answer", to_text(outcome_of(answer)));
  to.text("reason", to_text(answer.why));
  to.truth("degraded", answer.degraded);
  to.truth("locked", answer.locked);
  to.member("actions").push_back('{');
  json_members actions(out);
  if (answer.economy_stt) actions.text("stt_model", "economy");
  if (answer.vad_threshold_nano != 0) actions.nano("vad_threshold", answer.vad_threshold_nano);
  out.push_back('}');
  if (not answer.allowed) append_refusal(to, answer, facts.now);
  if (reserved != nullptr) {
    to.member("lease").push_back('{');
    json_members in(out);
    in.text("id", reserved->id);
    in.integer("granted_ms", reserved->granted_ms);
    in.integer("valid_for_ms", reserved->valid_for_ms);
    in.time("valid_until", facts.now + reserved->valid_for_ms);
    out.push_back('}');
  }
  if (facts.row) {
    to.integer("epoch", static_cast<std::int64_t>(facts.row->epoch));
    to.integer("partition", facts.row->partition);
  }
  if (facts.age_ms >= 0) to.integer("age_ms", facts.age_ms);
  out += "}\n";
  return out;
}

} // namespace fairuse
