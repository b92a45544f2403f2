// SPDX-License-Identifier: Apache-2.0
//
// `data` of each event type.
#include "events/wire_fields.hpp"

namespace fairuse::wire {

namespace {

constexpr std::string_view data_prefix = "data.";

template <std::size_t N>
using names = std::array<std::string_view, N>;

/// Unknown members of `data` are refused: a misspelt one would otherwise lose a fact unnoticed.
template <std::size_t N>
bool read_data_members(line_reading& in, dom::object data, members<N>& out) {
  return read_members(in, data, out, [&](std::string_view name) {
    return in.refuse(refusal::unknown_field, data_prefix, cut_code_points(name, place_name_bytes_max));
  });
}

/// The place of a repeated member has its position.
bool refuse_item(line_reading& in, refusal why, std::string_view name, std::size_t position) {
  in.refuse(why, data_prefix, name);
  in.problem.place.append("[").append(std::to_string(position)).append("]");
  return false;
}

/// One [start, end).
bool read_segment(line_reading& in, dom::element from, std::size_t position, segment& out) {
  dom::array pair;
  if (from.get(pair) != simdjson::SUCCESS) return refuse_item(in, refusal::wrong_type, "segments", position);
  std::array<std::int64_t, 2> bounds{};
  std::size_t count = 0;
  for (const auto bound : pair) {
    if (count == bounds.size()) return refuse_item(in, refusal::bad_value, "segments", position);
    const auto ms = duration_from(bound);
    if (not ms) return refuse_item(in, why_no_duration(bound), "segments", position);
    bounds[count++] = *ms;
  }
  if (count != bounds.size()) return refuse_item(in, refusal::bad_value, "segments", position);
  if (bounds[1] < bounds[0]) return refuse_item(in, refusal::segment_end_before_start, "segments", position);
  out = {static_cast<std::uint32_t>(bounds[0]), static_cast<std::uint32_t>(bounds[1])};
  return true;
}

bool read_segments(line_reading& in, dom::element from, event& made, event_detail& detail) {
  dom::array list;
  if (from.get(list) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, data_prefix, "segments");
  speech_segments out;
  // The parser counts elements only up to 2^24 - 1, which is enough to detect too many.
  if (list.size() > wire_segments_max) return in.refuse(refusal::too_many, data_prefix, "segments");
  out.segments.reserve(list.size());
  std::uint32_t last_end = 0;
  for (const auto item : list) {
    segment one{};
    if (not read_segment(in, item, out.segments.size(), one)) return false;
    last_end = std::max(last_end, one.end_ms);
    out.segments.push_back(one);
  }
  made.instant = made.time + last_end;
  // No segment is a heartbeat, like `ms` of 0.
  if (not out.segments.empty()) detail = std::move(out);
  return true;
}

bool read_speech(line_reading& in, dom::object data, event& made, event_detail& detail) {
  enum : std::size_t { lane_at, ms_at, segments_at };
  static constexpr names<3> known{"lane", "ms", "segments"};
  members from{data_prefix, known};
  if (not read_data_members(in, data, from) or not need_one_of(in, from, lane_at, lane_from, made.from)) return false;
  if (from.has(segments_at)) {
    if (from.has(ms_at)) return in.refuse(refusal::conflicting_fields, data_prefix, "segments");
    return read_segments(in, from.value[segments_at], made, detail);
  }
  std::int64_t ms = 0;
  if (not need_duration(in, from, ms_at, ms)) return false;
  made.ms = static_cast<std::int32_t>(ms);
  return true;
}

bool read_stt(line_reading& in, dom::object data, event& made) {
  enum : std::size_t { ms_at, provider_at, lease_at };
  static constexpr names<3> known{"ms", "provider", "lease"};
  members from{data_prefix, known};
  std::int64_t ms = 0;
  // The budget is one for all providers: the name is for people who read the input log, and may be absent.
  std::string_view provider;
  if (not read_data_members(in, data, from) or not need_duration(in, from, ms_at, ms)
      or not read_text(in, from, provider_at, wire_name_bytes_max, provider)
      or not read_text(in, from, lease_at, wire_name_bytes_max, in.lease))
    return false;
  made.ms = static_cast<std::int32_t>(ms);
  return true;
}

template <std::size_t N>
bool read_locale(line_reading& in, const members<N>& from, std::size_t i, std::string& out) {
  std::string_view text;
  if (not read_any_text(in, from, i, text)) return false;
  out.assign(text);
  return is_locale(text) or in.refuse(refusal::bad_value, from.prefix, from.names[i]);
}

bool read_account(line_reading& in, dom::object data, event_detail& detail) {
  enum : std::size_t { plan_at, credits_at, zone_at, locale_at };
  static constexpr names<4> known{"plan", "credits_exhausted", "time_zone", "locale"};
  members from{data_prefix, known};
  if (not read_data_members(in, data, from)) return false;
  if (from.seen == 0) return in.refuse(refusal::missing_field, data_prefix, "plan");
  account_fact out;
  if (from.has(plan_at) and not need_name(in, from, plan_at, out.plan.emplace())) return false;
  if (from.has(credits_at) and not read_bool(in, from, credits_at, out.credits_exhausted.emplace())) return false;
  if (from.has(zone_at) and not need_name(in, from, zone_at, out.time_zone.emplace())) return false;
  if (from.has(locale_at) and not read_locale(in, from, locale_at, out.locale.emplace())) return false;
  detail = std::move(out);
  return true;
}

bool read_conversation(line_reading& in, dom::object data, event_detail& detail) {
  enum : std::size_t { conversation_at, title_at, overview_at, category_at, duration_at, lane_at };
  static constexpr names<6> known{"conversation", "title", "overview", "category", "duration_ms", "lane"};
  members from{data_prefix, known};
  conversation_fact out;
  std::string_view overview;
  if (not read_data_members(in, data, from) or not need_name(in, from, conversation_at, out.conversation)
      or not read_text(in, from, title_at, wire_text_bytes_max, out.title)
      or not read_text(in, from, overview_at, in.line.size(), overview)
      or not read_text(in, from, category_at, wire_name_bytes_max, out.category)
      or not need_duration(in, from, duration_at, out.duration_ms)
      or not need_one_of(in, from, lane_at, lane_from, out.from))
    return false;
  out.overview = cut_code_points(overview, wire_overview_points_max);
  detail = std::move(out);
  return true;
}

/// A number in 0..1, as it was written: the double nearest to 0.7 would do, the one nearest to 0.69999999999999999 not.
template <std::size_t N>
bool read_share(line_reading& in, const members<N>& from, std::size_t i, std::int32_t& out) {
  if (not from.value[i].is_number()) return in.refuse(refusal::wrong_type, from.prefix, from.names[i]);
  const auto written = raw_member(in.data_text(), from.index[i]);
  const auto nano = nano_from(written);
  if (not nano) return in.refuse(refusal::bad_value, from.prefix, from.names[i]);
  out = *nano;
  return true;
}

/// A whole number >= 0; absent leaves `out` as it is.
template <std::size_t N>
bool read_amount(line_reading& in, const members<N>& from, std::size_t i, std::optional<std::int64_t>& out) {
  if (not from.has(i)) return true;
  const auto number = read_integer(from.value[i]);
  if (not number) return in.refuse(number.error(), from.prefix, from.names[i]);
  if (*number < 0) return in.refuse(refusal::bad_value, from.prefix, from.names[i]);
  out = *number;
  return true;
}

bool read_evidence(line_reading& in, dom::element from, std::vector<std::string>& out) {
  dom::array list;
  if (from.get(list) != simdjson::SUCCESS) return in.refuse(refusal::wrong_type, data_prefix, "evidence");
  for (const auto item : list) {
    std::string_view text;
    if (out.size() == wire_evidence_max) return in.refuse(refusal::too_many, data_prefix, "evidence");
    if (item.get(text) != simdjson::SUCCESS) return refuse_item(in, refusal::wrong_type, "evidence", out.size());
    if (text.size() > wire_text_bytes_max) return refuse_item(in, refusal::text_too_long, "evidence", out.size());
    out.emplace_back(text);
  }
  return true;
}

/// What a reviewer may answer: free_exhausted is a fact of the account, never of a classifier.
std::optional<usage_type> review_type_from(std::string_view text) {
  const auto type = usage_type_from(text);
  return type == usage_type::free_exhausted ? std::nullopt : type;
}

bool read_review(line_reading& in, dom::object data, event_detail& detail) {
  enum : std::size_t {
    request_at,
    score_at,
    type_at,
    confidence_at,
    evidence_at,
    model_at,
    prompt_at,
    failed_at,
    cost_at,
  };
  static constexpr names<9> known{"request", "score",          "usage_type", "confidence", "evidence",
                                  "model",   "prompt_version", "failed",     "cost_micro"};
  members from{data_prefix, known};
  review_answer out;
  if (not read_data_members(in, data, from) or not need_name(in, from, request_at, out.request)
      or not read_text(in, from, model_at, wire_name_bytes_max, out.model)
      or not read_text(in, from, prompt_at, wire_name_bytes_max, out.prompt_version)
      or not read_amount(in, from, cost_at, out.cost_micro))
    return false;
  if (from.has(failed_at)) {
    for (const std::size_t each : {score_at, type_at, confidence_at, evidence_at})
      if (from.has(each)) return in.refuse(refusal::conflicting_fields, data_prefix, known[each]);
    if (not read_text(in, from, failed_at, wire_text_bytes_max, out.failed)) return false;
    if (out.failed.empty()) return in.refuse(refusal::bad_value, data_prefix, "failed");
  } else {
    if (not need(in, from, score_at) or not read_share(in, from, score_at, out.score_nano)
        or not need_one_of(in, from, type_at, review_type_from, out.type))
      return false;
    if (from.has(confidence_at) and not read_share(in, from, confidence_at, out.confidence_nano.emplace()))
      return false;
    if (from.has(evidence_at) and not read_evidence(in, from.value[evidence_at], out.evidence)) return false;
  }
  detail = std::move(out);
  return true;
}

enum admin_member : std::size_t {
  command_at,
  actor_at,
  reason_at,
  stage_at,
  on_at,
  strike_at,
  notes_at,
  policy_at,
  until_at,
  digest_at,
  text_at,
};
constexpr names<11> admin_names{"command", "actor",  "reason", "stage",  "on",  "strike",
                                "notes",   "policy", "until",  "digest", "text"};
using admin_members = members<admin_names.size()>;

constexpr std::uint32_t bit(std::size_t i) { return 1U << i; }

constexpr std::uint32_t arguments_of(admin_verb verb) {
  switch (verb) {
    case admin_verb::set_stage:
      return bit(stage_at);
    case admin_verb::reset:
      return 0;
    case admin_verb::resolve:
    case admin_verb::reopen:
      return bit(strike_at) | bit(notes_at);
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
      return bit(strike_at);
    case admin_verb::appeal:
      return bit(strike_at) | bit(text_at);
    case admin_verb::exempt:
      return bit(on_at) | bit(until_at);
    case admin_verb::enable:
    case admin_verb::kill_switch:
      return bit(on_at);
    case admin_verb::promote_policy:
      return bit(policy_at) | bit(digest_at);
  }
  return 0;
}

/// By its number or its case reference.
bool need_strike(line_reading& in, const admin_members& from, admin_command& out) {
  if (not need(in, from, strike_at)) return false;
  std::string_view text;
  if (from.value[strike_at].get(text) == simdjson::SUCCESS) {
    out.reference.assign(text);
    return is_case_reference(text) or in.refuse(refusal::bad_value, data_prefix, "strike");
  }
  const auto number = read_integer(from.value[strike_at]);
  if (not number) return in.refuse(number.error(), data_prefix, "strike");
  if (*number < 1) return in.refuse(refusal::bad_value, data_prefix, "strike");
  if (*number > UINT32_MAX) return in.refuse(refusal::integer_overflow, data_prefix, "strike");
  out.strike = static_cast<std::uint32_t>(*number);
  return true;
}

/// When an exemption ends; absent: not by itself. The end of one has none.
bool read_until(line_reading& in, const admin_members& from, admin_command& out) {
  if (not from.has(until_at)) return true;
  if (not out.on) return in.refuse(refusal::conflicting_fields, data_prefix, "until");
  std::string_view text;
  if (not read_any_text(in, from, until_at, text)) return false;
  const auto instant = time_from(text);
  if (not instant or *instant < wire_time_min or *instant >= wire_time_end)
    return in.refuse(refusal::time_out_of_range, data_prefix, "until");
  out.until = *instant;
  return true;
}

/// Of the policy that is meant; absent: whatever has the name.
bool read_digest(line_reading& in, const admin_members& from, admin_command& out) {
  return read_text(in, from, digest_at, wire_name_bytes_max, out.digest)
         and (not from.has(digest_at) or is_digest_prefix(out.digest)
              or in.refuse(refusal::bad_value, data_prefix, "digest"));
}

bool need_words(line_reading& in, const admin_members& from, std::string& out) {
  return need(in, from, text_at) and read_text(in, from, text_at, wire_text_bytes_max, out)
         and (not out.empty() or in.refuse(refusal::bad_value, data_prefix, "text"));
}

/// What `arguments` names, in the order of admin_member.
bool read_admin_arguments(line_reading& in, const admin_members& from, std::uint32_t arguments, admin_command& out) {
  const auto takes = [arguments](admin_member each) { return (arguments & bit(each)) != 0; };
  if (takes(stage_at) and not need_one_of(in, from, stage_at, stage_from, out.to)) return false;
  if (takes(on_at) and not(need(in, from, on_at) and read_bool(in, from, on_at, out.on))) return false;
  if (takes(until_at) and not read_until(in, from, out)) return false;
  if (takes(strike_at) and not need_strike(in, from, out)) return false;
  if (takes(notes_at) and not read_text(in, from, notes_at, wire_text_bytes_max, out.notes)) return false;
  if (takes(policy_at) and not need_name(in, from, policy_at, out.policy)) return false;
  if (takes(digest_at) and not read_digest(in, from, out)) return false;
  return not takes(text_at) or need_words(in, from, out.text);
}

bool read_admin(line_reading& in, dom::object data, std::string_view subject, event_detail& detail) {
  members from{data_prefix, admin_names};
  admin_command out;
  if (not read_data_members(in, data, from) or not need_one_of(in, from, command_at, admin_verb_from, out.verb)
      or not need_name(in, from, actor_at, out.actor)
      or not read_text(in, from, reason_at, wire_text_bytes_max, out.reason))
    return false;
  if (is_broadcast(out.verb) != (subject == "*"))
    return in.refuse(refusal::star_subject, in.attribute_prefix(), "subject");
  const auto arguments = arguments_of(out.verb);
  const auto allowed = bit(command_at) | bit(actor_at) | bit(reason_at) | arguments;
  for (std::size_t i = 0; i < admin_names.size(); ++i)
    if ((from.seen & ~allowed & bit(i)) != 0) return in.refuse(refusal::unknown_field, data_prefix, admin_names[i]);
  if (not read_admin_arguments(in, from, arguments, out)) return false;
  detail = std::move(out);
  return true;
}

bool read_erasure(line_reading& in, dom::object data, event_detail& detail) {
  enum : std::size_t { who_at, why_at };
  static constexpr names<2> known{"actor", "reason"};
  members from{data_prefix, known};
  erasure_request out;
  if (not read_data_members(in, data, from) or not need_name(in, from, who_at, out.actor)
      or not read_text(in, from, why_at, wire_text_bytes_max, out.reason))
    return false;
  detail = std::move(out);
  return true;
}

} // namespace

bool read_data(line_reading& in, dom::object data, std::string_view subject, event& made, event_detail& detail) {
  made.instant = made.time;
  if (made.kind != event_kind::admin and subject == "*")
    return in.refuse(refusal::star_subject, in.attribute_prefix(), "subject");
  switch (made.kind) {
    case event_kind::speech:
      return read_speech(in, data, made, detail);
    case event_kind::stt:
      return read_stt(in, data, made);
    case event_kind::account:
      return read_account(in, data, detail);
    case event_kind::conversation:
      return read_conversation(in, data, detail);
    case event_kind::review:
      return read_review(in, data, detail);
    case event_kind::admin:
      return read_admin(in, data, subject, detail);
    case event_kind::erasure:
      return read_erasure(in, data, detail);
  }
  return false;
}

} // namespace fairuse::wire
