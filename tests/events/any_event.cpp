// SPDX-License-Identifier: Apache-2.0
#include "tests/events/any_event.hpp"

#include <algorithm>
#include <vector>

#include <rapidcheck.h>

#include "events/wire.hpp"

namespace fairuse {

namespace {

/// Text of code points from every length of UTF-8, zero and the surrogates' neighbours included.
rc::Gen<std::string> any_text(std::size_t points_max) {
  const auto point =
      rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0x800),
                     rc::gen::inRange<std::uint32_t>(0x800, 0xd800), rc::gen::inRange<std::uint32_t>(0xe000, 0x10000),
                     rc::gen::inRange<std::uint32_t>(0x10000, 0x110000));
  return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(point), [points_max](const auto& points) {
    std::string text;
    for (std::size_t i = 0; i < points.size() and i < points_max; ++i) {
      const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
      const auto c = points[i];
      if (c < 0x80) {
        put(c);
      } else if (c < 0x800) {
        put(0xc0 | c >> 6);
        put(0x80 | (c & 0x3f));
      } else if (c < 0x10000) {
        put(0xe0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
      } else {
        put(0xf0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3f));
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
      }
    }
    return text;
  });
}

/// Not empty, at most 256 bytes.
std::string some_name() { return *rc::gen::nonEmpty(any_text(64)); }

template <class Enum>
Enum one_of_first(std::uint8_t count) {
  return static_cast<Enum>(*rc::gen::inRange<int>(0, count));
}

std::int64_t some_duration() {
  return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, day_ms + 1), rc::gen::element<std::int64_t>(0, 1, day_ms));
}

std::int32_t some_nano() {
  return *rc::gen::oneOf(rc::gen::inRange<std::int32_t>(0, 1'000'000'001),
                         rc::gen::element<std::int32_t>(0, 1, 700'000'000, 999'999'999, 1'000'000'000));
}

void fill_speech(sample& s) {
  s.what.from = one_of_first<lane>(lane_count);
  speech_segments spoken;
  const auto count = *rc::gen::inRange<std::size_t>(0, 20);
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto a = static_cast<std::uint32_t>(some_duration());
    auto b = static_cast<std::uint32_t>(some_duration());
    if (b < a) std::swap(a, b);
    last = std::max(last, b);
    spoken.segments.push_back({a, b});
  }
  s.what.instant += last;
  if (count == 0)
    s.what.ms = static_cast<std::int32_t>(some_duration());
  else
    s.what.detail = s.arena.keep(std::move(spoken));
}

void fill_account(sample& s) {
  account_fact fact;
  const auto which = *rc::gen::inRange(1, 16);
  if ((which & 1) != 0) fact.plan = some_name();
  if ((which & 2) != 0) fact.credits_exhausted = *rc::gen::arbitrary<bool>();
  if ((which & 4) != 0) fact.time_zone = some_name();
  if ((which & 8) != 0) fact.locale = *rc::gen::element<std::string>("de", "pt-BR", "zh-Hant-TW", "x1");
  s.what.detail = s.arena.keep(std::move(fact));
}

void fill_conversation(sample& s) {
  conversation_fact fact;
  fact.conversation = some_name();
  fact.title = some_text();
  fact.overview = some_text();
  fact.category = *any_text(64);
  fact.duration_ms = some_duration();
  fact.from = one_of_first<lane>(lane_count);
  s.what.detail = s.arena.keep(std::move(fact));
}

void fill_review(sample& s) {
  review_answer answer;
  answer.request = some_name();
  answer.model = *any_text(64);
  answer.prompt_version = *any_text(64);
  if (*rc::gen::arbitrary<bool>())
    answer.cost_micro =
        *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 1'000'000), rc::gen::element<std::int64_t>(0, INT64_MAX));
  if (*rc::gen::arbitrary<bool>()) {
    answer.failed = some_name();
  } else {
    answer.score_nano = some_nano();
    if (*rc::gen::arbitrary<bool>()) answer.confidence_nano = some_nano();
    answer.type = one_of_first<usage_type>(static_cast<std::uint8_t>(usage_type::free_exhausted));
    const auto count = *rc::gen::inRange<std::size_t>(0, wire_evidence_max + 1);
    for (std::size_t i = 0; i < count; ++i)
      answer.evidence.push_back(some_text());
  }
  s.what.detail = s.arena.keep(std::move(answer));
}

void name_strike(admin_command& command) {
  if (*rc::gen::arbitrary<bool>())
    command.reference = "FU-0123456789AB";
  else
    command.strike = *rc::gen::inRange<std::uint32_t>(1, UINT32_MAX);
}

void fill_admin(sample& s) {
  admin_command command;
  command.verb = one_of_first<admin_verb>(11);
  command.actor = some_name();
  command.reason = some_text();
  switch (command.verb) {
    case admin_verb::set_stage:
      command.to = one_of_first<stage>(stage_count);
      break;
    case admin_verb::reset:
      break;
    case admin_verb::appeal:
      command.text = some_name();
      name_strike(command);
      break;
    case admin_verb::resolve:
    case admin_verb::reopen:
      command.notes = some_text();
      [[fallthrough]];
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
      name_strike(command);
      break;
    case admin_verb::promote_policy:
      command.policy = some_name();
      if (*rc::gen::arbitrary<bool>()) command.digest = "0123456789abcdef";
      s.subject = "*";
      break;
    case admin_verb::enable:
    case admin_verb::kill_switch:
      s.subject = "*";
      [[fallthrough]];
    case admin_verb::exempt:
      command.on = *rc::gen::arbitrary<bool>();
      if (command.verb == admin_verb::exempt and command.on and *rc::gen::arbitrary<bool>())
        command.until = *rc::gen::inRange<time_ms>(wire_time_min, wire_time_end);
      break;
  }
  s.what.detail = s.arena.keep(std::move(command));
}

} // namespace

std::string some_id() {
  auto text = some_name();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 or c == 0x7f) c = '.';
  return text == "*" ? "**" : text;
}

std::string some_text() { return *any_text(200); }

void fill(sample& s) {
  s.subject = some_id();
  auto& e = s.what;
  e.kind = one_of_first<event_kind>(event_kind_count);
  e.time = e.instant = *rc::gen::inRange<time_ms>(wire_time_min, wire_time_end);
  e.text = s.arena.keep(some_id(), some_id());
  e.key = event_key(e.text->source, e.text->id);
  switch (e.kind) {
    case event_kind::speech:
      return fill_speech(s);
    case event_kind::stt:
      e.ms = static_cast<std::int32_t>(some_duration());
      return;
    case event_kind::account:
      return fill_account(s);
    case event_kind::conversation:
      return fill_conversation(s);
    case event_kind::review:
      return fill_review(s);
    case event_kind::admin:
      return fill_admin(s);
    case event_kind::erasure:
      e.detail = s.arena.keep(erasure_request{some_name(), some_text()});
      return;
  }
}

} // namespace fairuse
