// SPDX-License-Identifier: Apache-2.0
#include "storage/history/details.hpp"

#include <utility>

#include "storage/bytes.hpp"
#include "storage/history/history.pb.h"
#include "storage/message_bytes.hpp"

namespace fairuse::history {

namespace {

constexpr auto usage_type_last = static_cast<std::uint32_t>(usage_type::free_exhausted);
constexpr auto verb_last = static_cast<std::uint32_t>(admin_verb::appeal);

std::string encode_account(const account_fact& what) {
  stored::account out;
  if (what.plan) out.set_plan(*what.plan);
  if (what.credits_exhausted) out.set_credits_exhausted(*what.credits_exhausted);
  if (what.time_zone) out.set_time_zone(*what.time_zone);
  if (what.locale) out.set_locale(*what.locale);
  return bytes_of(out);
}

std::optional<event_detail> decode_account(std::string_view bytes) {
  stored::account from;
  if (not parse(bytes, from)) return std::nullopt;
  account_fact out;
  if (from.has_plan()) out.plan = from.plan();
  if (from.has_credits_exhausted()) out.credits_exhausted = from.credits_exhausted();
  if (from.has_time_zone()) out.time_zone = from.time_zone();
  if (from.has_locale()) out.locale = from.locale();
  return out;
}

void put(const review_answer& from, stored::answer& to) {
  to.set_request(from.request);
  to.set_failed(from.failed);
  to.set_score_nano(from.score_nano);
  if (from.confidence_nano) to.set_confidence_nano(*from.confidence_nano);
  to.set_type(static_cast<std::uint32_t>(from.type));
  to.set_model(from.model);
  to.set_prompt_version(from.prompt_version);
  for (const auto& line : from.evidence)
    to.add_evidence(line);
  if (from.cost_micro) to.set_cost_micro(*from.cost_micro);
}

std::optional<review_answer> take(const stored::answer& from) {
  if (from.type() > usage_type_last) return std::nullopt;
  review_answer to;
  to.request = from.request();
  to.failed = from.failed();
  to.score_nano = from.score_nano();
  if (from.has_confidence_nano()) to.confidence_nano = from.confidence_nano();
  to.type = static_cast<usage_type>(from.type());
  to.model = from.model();
  to.prompt_version = from.prompt_version();
  to.evidence.assign(from.evidence().begin(), from.evidence().end());
  if (from.has_cost_micro()) to.cost_micro = from.cost_micro();
  return to;
}

template <class Made>
std::optional<event_detail> as_detail(std::optional<Made> made) {
  if (not made) return std::nullopt;
  return event_detail{std::move(*made)};
}

std::optional<review_answer> decode_answer(std::string_view bytes) {
  stored::answer from;
  return parse(bytes, from) ? take(from) : std::nullopt;
}

std::optional<event_detail> decode_erasure(std::string_view bytes) {
  stored::erasure from;
  if (not parse(bytes, from)) return std::nullopt;
  return erasure_request{from.actor(), from.reason()};
}

} // namespace

std::uint32_t string_table::place_of(std::string_view text) {
  if (const auto known = places_.find(text); known != places_.end()) return known->second;
  const auto place = static_cast<std::uint32_t>(all_.size());
  all_.emplace_back(text);
  places_.emplace(text, place);
  return place;
}

void string_table::clear() {
  places_.clear();
  all_.clear();
}

std::string encode_detail(const event& what) {
  switch (what.kind) {
    case event_kind::account:
      return encode_account(detail_of<account_fact>(what));
    case event_kind::review: {
      stored::answer out;
      put(detail_of<review_answer>(what), out);
      return bytes_of(out);
    }
    case event_kind::admin:
      return encode_command(detail_of<admin_command>(what));
    case event_kind::erasure: {
      const auto& request = detail_of<erasure_request>(what);
      stored::erasure out;
      out.set_actor(request.actor);
      out.set_reason(request.reason);
      return bytes_of(out);
    }
    case event_kind::speech:
    case event_kind::stt:
    case event_kind::conversation:
      break;
  }
  return {};
}

std::optional<event_detail> decode_detail(event_kind kind, std::string_view bytes) {
  switch (kind) {
    case event_kind::account:
      return decode_account(bytes);
    case event_kind::review:
      return as_detail(decode_answer(bytes));
    case event_kind::admin:
      return as_detail(decode_command(bytes));
    case event_kind::erasure:
      return decode_erasure(bytes);
    case event_kind::speech:
    case event_kind::stt:
    case event_kind::conversation:
      break;
  }
  return std::nullopt;
}

std::string encode_conversation(const conversation_fact& what, string_table& strings) {
  stored::conversation out;
  out.set_id(what.conversation);
  out.set_category(strings.place_of(what.category));
  out.set_duration_ms(what.duration_ms);
  out.set_lane(static_cast<std::uint32_t>(what.from));
  return bytes_of(out);
}

namespace {

/// What a field of a message holds: a number, or bytes; nullopt: neither.
struct stored_field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};
std::optional<stored_field> take_field(std::string_view& from) {
  constexpr unsigned varint = 0;
  constexpr unsigned length_delimited = 2;
  std::uint64_t tag = 0;
  stored_field out;
  if (not take_varint(from, tag)) return std::nullopt;
  out.number = tag >> 3;
  const auto type = tag & 7;
  if (type == varint and take_varint(from, out.value)) return out;
  if (type == length_delimited and take_text(from, out.bytes)) return out;
  return std::nullopt;
}

} // namespace

// The message `conversation` of history.proto. Read by hand, because a review request reads thirty of them: the library
// takes five times as long.
std::optional<stored_conversation> decode_conversation(std::string_view bytes,
                                                       const std::vector<std::string>& strings) {
  stored_conversation out;
  std::uint64_t category = 0;
  std::uint64_t from = 0;
  while (not bytes.empty()) {
    const auto field = take_field(bytes);
    if (not field) return std::nullopt;
    if (field->number == stored::conversation::kIdFieldNumber) out.outline.id = field->bytes;
    if (field->number == stored::conversation::kCategoryFieldNumber) category = field->value;
    if (field->number == stored::conversation::kDurationMsFieldNumber)
      out.outline.duration_ms = static_cast<std::int64_t>(field->value);
    if (field->number == stored::conversation::kLaneFieldNumber) from = field->value;
  }
  if (from >= lane_count or category >= strings.size()) return std::nullopt;
  out.outline.category = strings[category];
  out.from = static_cast<lane>(from);
  return out;
}

std::string encode_text(const conversation_fact& what, string_table& strings) {
  stored::conversation_text out;
  out.set_title(strings.place_of(what.title));
  out.set_overview(strings.place_of(what.overview));
  return bytes_of(out);
}

bool decode_text(std::string_view bytes, const std::vector<std::string>& strings, conversation_fact& to) {
  stored::conversation_text from;
  if (not parse(bytes, from) or from.title() >= strings.size() or from.overview() >= strings.size()) return false;
  to.title = strings[from.title()];
  to.overview = strings[from.overview()];
  return true;
}

// The text of an appeal is the user's own, and no rule reads it: a history is without.
std::string encode_command(const admin_command& what) {
  stored::command out;
  out.set_verb(static_cast<std::uint32_t>(what.verb));
  out.set_actor(what.actor);
  out.set_reason(what.reason);
  out.set_to(static_cast<std::uint32_t>(what.to));
  out.set_on(what.on);
  if (what.until != never) out.set_until(what.until);
  out.set_strike(what.strike);
  out.set_reference(what.reference);
  out.set_notes(what.notes);
  out.set_policy(what.policy);
  out.set_digest(what.digest);
  return bytes_of(out);
}

std::optional<admin_command> decode_command(std::string_view bytes) {
  stored::command from;
  if (not parse(bytes, from) or from.verb() > verb_last or from.to() >= stage_count) return std::nullopt;
  return admin_command{.verb = static_cast<admin_verb>(from.verb()),
                       .actor = from.actor(),
                       .reason = from.reason(),
                       .to = static_cast<stage>(from.to()),
                       .on = from.on(),
                       .until = from.has_until() ? from.until() : never,
                       .strike = from.strike(),
                       .reference = from.reference(),
                       .notes = from.notes(),
                       .policy = from.policy(),
                       .digest = from.digest(),
                       .text = {}};
}

std::string encode_review(const recorded_review& what) {
  stored::review out;
  out.set_slot(what.slot);
  out.set_number(what.number);
  if (what.requested_at != never) out.set_requested_at(what.requested_at);
  out.set_ending(static_cast<std::uint32_t>(what.ended));
  out.set_ended_at(what.ended_at);
  put(what.said, *out.mutable_said());
  out.set_answer_source(what.answer_source);
  out.set_answer_id(what.answer_id);
  return bytes_of(out);
}

std::optional<recorded_review> decode_review(std::string_view bytes) {
  stored::review from;
  if (not parse(bytes, from) or from.ending() > static_cast<std::uint32_t>(recorded_review::ending::timed_out))
    return std::nullopt;
  auto said = take(from.said());
  if (not said) return std::nullopt;
  return recorded_review{.slot = from.slot(),
                         .number = from.number(),
                         .requested_at = from.has_requested_at() ? from.requested_at() : never,
                         .ended = static_cast<recorded_review::ending>(from.ending()),
                         .ended_at = from.ended_at(),
                         .said = std::move(*said),
                         .answer_source = from.answer_source(),
                         .answer_id = from.answer_id()};
}

} // namespace fairuse::history
