// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/traffic.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "events/wire.hpp"
#include "streams/kafka/broker/partitioner.hpp"

namespace fairuse::protocol {

namespace {

std::string request_in(const std::string& value) {
  constexpr std::string_view label = R"("request":")";
  const auto at = value.find(label);
  if (at == std::string::npos) throw broken_invariant("a review request without a name: " + value);
  const auto begin = at + label.size();
  return value.substr(begin, value.find('"', begin) - begin);
}

} // namespace

std::string traffic::some_user() { return "user-" + std::to_string(fixture_.draws.below(fixture_.settings.users)); }

event traffic::fact(event_kind kind, time_ms instant, event_detail detail) {
  event made{.instant = instant, .time = instant, .kind = kind};
  made.text = arena_.keep(serial_ % 3 == 0 ? "box" : "app", "e" + std::to_string(serial_));
  ++serial_;
  made.key = event_key(made.text->source, made.text->id);
  if (not std::holds_alternative<std::monostate>(detail)) made.detail = arena_.keep(std::move(detail));
  return made;
}

void traffic::put(const simlog::topic_partition& to, std::optional<std::string> key, std::optional<std::string> value) {
  auto& log = fixture_.log.log_of(to);
  if (upstream_ and upstream_->part == to)
    log.append(upstream_->by, fixture_.log.now(), {std::move(key), std::move(value), {}});
  else
    log.append_alone(fixture_.log.now(), {std::move(key), std::move(value), {}});
}

void traffic::send(const std::string& uid, const event& what) {
  line made{uid, {}};
  append_event(made.text, uid, what);
  const simlog::topic_partition to{fixture_.input(fixture_.draws.below(fixture_.settings.inputs)),
                                   kafka::partition_of(kafka::key_hash::murmur2, uid, fixture_.settings.partitions)};
  put(to, made.key, made.text);
  past_.emplace_back(to, std::move(made));
}

void traffic::speak(const std::string& uid) {
  auto& draws = fixture_.draws;
  const auto ago = draws.pick<time_ms>({0, 0, 0, 0, 0, 1, second_ms, minute_ms, hour_ms, 5 * hour_ms, day_ms + 1,
                                        3 * day_ms, 8 * day_ms + hour_ms, -6 * minute_ms});
  auto what = fact(event_kind::speech, fixture_.now() - ago, {});
  what.from = draws.pick({lane::realtime, lane::sync, lane::realtime, lane::backfill, lane::custom});
  what.ms = static_cast<std::int32_t>(
      draws.pick<std::int64_t>({0, minute_ms, 5 * minute_ms, 9 * minute_ms, 12 * minute_ms, 22 * minute_ms}));
  send(uid, what);
}

void traffic::change_account(const std::string& uid) {
  auto& draws = fixture_.draws;
  account_fact now;
  if (not draws.chance(250)) now.plan = draws.pick<std::string>({"basic", "unlimited", "pro"});
  if (draws.chance(300) or not now.plan) now.credits_exhausted = draws.chance(500);
  // By what was sent before: a seed draws what it always drew.
  if (serial_ % 3 == 0) now.locale = serial_ % 2 == 0 ? "de" : "pt-BR";
  send(uid, fact(event_kind::account, fixture_.now() - draws.pick<time_ms>({0, 0, 1, hour_ms}), now));
}

void traffic::converse(const std::string& uid) {
  auto& draws = fixture_.draws;
  conversation_fact talk;
  talk.conversation = "c" + std::to_string(draws.below(40));
  talk.title = "a title";
  talk.category = draws.chance(500) ? "work" : "play";
  talk.duration_ms = draws.pick<std::int64_t>({minute_ms, 25 * minute_ms, hour_ms + 1});
  send(uid, fact(event_kind::conversation, fixture_.now() - draws.pick<time_ms>({0, hour_ms}), talk));
}

/// Some exemptions have no end, and some are over before they are taken.
time_ms traffic::exempt_until() const {
  const auto choice = static_cast<std::size_t>(serial_) % 5;
  constexpr std::array after{second_ms, minute_ms, hour_ms, day_ms};
  return choice == after.size() ? never : fixture_.now() + after.at(choice);
}

void traffic::administrate(const std::string& uid) {
  auto& draws = fixture_.draws;
  if (draws.chance(120)) {
    send(uid, fact(event_kind::erasure, fixture_.now() - draws.pick<time_ms>({0, 1, hour_ms}),
                   erasure_request{"ada", "on request"}));
    return;
  }
  admin_command what;
  what.actor = "ada";
  what.reason = "because";
  what.verb = draws.pick({admin_verb::set_stage, admin_verb::reset, admin_verb::clear_strike, admin_verb::exempt,
                          admin_verb::set_stage, admin_verb::resolve, admin_verb::restore_strike, admin_verb::reopen,
                          admin_verb::appeal});
  what.to = draws.pick({stage::restrict, stage::throttle, stage::warning, stage::none});
  if (what.verb == admin_verb::appeal) what.text = "a lecture of mine";
  if (what.verb != admin_verb::set_stage and what.verb != admin_verb::reset and what.verb != admin_verb::exempt) {
    what.strike = 1 + draws.below(3U);
    // Every other one by its reference.
    if (serial_ % 2 == 0) what.reference = names_.reference(uid, std::exchange(what.strike, 0));
  }
  what.on = draws.chance(400);
  if (what.verb == admin_verb::exempt and what.on) what.until = exempt_until();
  send(uid, fact(event_kind::admin, fixture_.now(), what));
}

void traffic::command_all() {
  auto& draws = fixture_.draws;
  admin_command what;
  what.actor = "ada";
  what.reason = "because";
  what.verb = draws.pick({admin_verb::enable, admin_verb::kill_switch, admin_verb::enable});
  if (fixture_.settings.promotes and draws.chance(400)) what.verb = admin_verb::promote_policy;
  what.on = what.verb == admin_verb::enable ? draws.chance(800) : draws.chance(300);
  if (what.verb == admin_verb::promote_policy) what.policy = "a";
  const auto command = fact(event_kind::admin, fixture_.now(), what);
  std::string text;
  append_event(text, "*", command);
  for (std::int32_t p = 0; p < fixture_.settings.partitions; ++p)
    put({fixture_.input(0), p}, "*", text);
}

void traffic::write_invalid(const std::string& uid) {
  auto& draws = fixture_.draws;
  const simlog::topic_partition anywhere{fixture_.input(draws.below(fixture_.settings.inputs)),
                                         draws.below(fixture_.settings.partitions)};
  std::string text;
  append_event(text, uid, fact(event_kind::speech, fixture_.now(), {}));
  switch (draws.below(6)) {
    case 0:
      return put(anywhere, uid, "{ this is not JSON");
    case 1:
      return put(anywhere, uid, std::nullopt);
    case 2: // With the key of another user, or on another partition.
      return put(anywhere, "user-of-nobody", text);
    case 3:
      return put(anywhere, std::nullopt, text);
    default:
      if (past_.empty()) return;
      const auto [to, again] = draws.pick(past_);
      return put(to, again.key, again.text);
  }
}

void traffic::write_one() {
  const auto uid = some_user();
  const auto what = fixture_.draws.below(100);
  if (what < 62) return speak(uid);
  if (what < 68) {
    auto sent = fact(event_kind::stt, fixture_.now(), {});
    sent.ms = fixture_.draws.pick({60'000, 300'000, 1});
    return send(uid, sent);
  }
  if (what < 74) return change_account(uid);
  if (what < 79) return converse(uid);
  if (what < 88) return administrate(uid);
  if (what < 90) return command_all();
  write_invalid(uid);
}

void traffic::write() {
  const auto count = 1 + fixture_.draws.below(6);
  for (int i = 0; i < count; ++i)
    write_one();
}

void traffic::review() {
  for (std::int32_t p = 0; p < fixture_.settings.partitions; ++p) {
    const simlog::topic_partition part{fixture_.topics.review_requests, p};
    auto& next = questions_read_[part];
    for (const auto& each : fixture_.log.records(part, kafka::isolation::committed)) {
      if (each.offset < next) continue;
      next = each.offset + 1;
      open_questions_.emplace_back(*each.what.key, request_in(*each.what.value));
    }
  }
  auto& draws = fixture_.draws;
  while (not open_questions_.empty() and draws.chance(700)) {
    const auto which = draws.below(open_questions_.size());
    const auto [uid, request] = open_questions_[which];
    // Some are answered twice, some never.
    if (draws.chance(850)) open_questions_.erase(open_questions_.begin() + static_cast<std::ptrdiff_t>(which));
    if (draws.chance(100)) continue;
    review_answer says;
    says.request = request;
    says.model = "naive";
    if (serial_ % 2 == 0) says.cost_micro = serial_;
    if (draws.chance(120))
      says.failed = "no answer";
    else {
      says.score_nano = draws.pick({900'000'000, 700'000'000, 699'999'999, 200'000'000, 1'000'000'000});
      says.type = draws.pick({usage_type::audiobook, usage_type::podcast, usage_type::unknown});
      if (serial_ % 3 == 0) says.confidence_nano = serial_;
      if (serial_ % 5 == 0) says.evidence = {"c1", "c2"};
    }
    send(uid, fact(event_kind::review, fixture_.now(), says));
  }
}

void traffic::toggle_upstream() {
  if (not upstream_) {
    upstream_ = upstream{++upstreams_,
                         {fixture_.input(fixture_.draws.below(fixture_.settings.inputs)),
                          fixture_.draws.below(fixture_.settings.partitions)}};
    return;
  }
  fixture_.log.log_of(upstream_->part).end_transaction(upstream_->by, fixture_.log.now(), fixture_.draws.chance(700));
  upstream_.reset();
}

void traffic::finish() {
  if (upstream_) toggle_upstream();
}

} // namespace fairuse::protocol
