// SPDX-License-Identifier: Apache-2.0
#include "storage/rows.hpp"

#include <algorithm>

#include "base/pure/hex.hpp"
#include "storage/bytes.hpp"
#include "storage/message_bytes.hpp"
#include "storage/rows.pb.h"

namespace fairuse {

namespace {

constexpr std::uint32_t row_version_known = 0;
constexpr std::int64_t seconds_of_hour = 3600;
/// A bucket holds at most what every minute of the retention could, and a flipped bit must not overflow a sum.
constexpr std::uint64_t bucket_ms_max = std::uint64_t{1} << 40;
constexpr std::size_t digest_hex = 64;

template <class Message>
void write(const Message& message, std::string& out) {
  out.clear();
  message.SerializeToString(&out);
}

template <class Message>
bool parse_row(std::string_view row, Message& message) {
  return parse(row, message) and message.version() <= row_version_known;
}

/// A persistent enum whose largest value is `last`.
template <class Enum>
bool to_enum(std::uint32_t value, Enum last, Enum& out) {
  if (value > static_cast<std::uint32_t>(last)) return false;
  out = static_cast<Enum>(value);
  return true;
}

/// A policy digest is 64 hex digits; 32 bytes hold the same. Anything else stays as it is.
std::string pack_digest(const std::string& digest) {
  return digest.size() == digest_hex ? from_hex(digest).value_or(digest) : digest;
}

std::string unpack_digest(const std::string& packed) {
  return packed.size() == digest_hex / 2 ? to_hex(packed) : packed;
}

void write_stamp(const fact_stamp& from, row::stamp& to) {
  if (from.time != INT64_MIN) to.set_time(from.time);
  to.set_source(from.source);
  to.set_id(from.id);
}

fact_stamp read_stamp(const row::stamp& from) {
  return {from.has_time() ? from.time() : INT64_MIN, from.source(), from.id()};
}

template <class Message>
void write_ids(const std::vector<permanent_id>& from, Message& to) {
  const auto is_known = [](const permanent_id& id) { return id.content != 0; };
  const bool any_known = std::any_of(from.begin(), from.end(), is_known);
  for (const auto& id : from) {
    to.add_admin_ids(id.key);
    if (any_known) to.add_admin_contents(id.content);
  }
}

template <class Message>
bool read_ids(const Message& from, std::vector<permanent_id>& to) {
  const auto count = from.admin_ids_size();
  const auto contents = from.admin_contents_size();
  if (contents != 0 and contents != count) return false;
  to.clear();
  for (int i = 0; i < count; ++i)
    to.push_back({from.admin_ids(i), contents == 0 ? 0 : from.admin_contents(i)});
  return std::is_sorted(to.begin(), to.end(),
                        [](const permanent_id& left, const permanent_id& right) { return left.key < right.key; });
}

void write_account(const account_state& from, row::account& to) {
  if (from.plan != "basic") to.set_plan(from.plan);
  to.set_credits_exhausted(from.credits_exhausted);
  to.set_time_zone(from.time_zone);
  const fact_stamp unset;
  if (from.plan_stamp != unset) write_stamp(from.plan_stamp, *to.mutable_plan_stamp());
  if (from.credits_stamp != unset) write_stamp(from.credits_stamp, *to.mutable_credits_stamp());
  if (from.time_zone_stamp != unset) write_stamp(from.time_zone_stamp, *to.mutable_time_zone_stamp());
  to.set_locale(from.locale);
  if (from.locale_stamp != unset) write_stamp(from.locale_stamp, *to.mutable_locale_stamp());
}

void read_account(const row::account& from, account_state& to) {
  if (from.has_plan()) to.plan = from.plan();
  to.credits_exhausted = from.credits_exhausted();
  to.time_zone = from.time_zone();
  to.plan_stamp = read_stamp(from.plan_stamp());
  to.credits_stamp = read_stamp(from.credits_stamp());
  to.time_zone_stamp = read_stamp(from.time_zone_stamp());
  to.locale = from.locale();
  to.locale_stamp = read_stamp(from.locale_stamp());
}

void write_said(const review_details& from, row::mark& to) {
  if (from.confidence_nano) to.set_confidence_nano(*from.confidence_nano);
  for (const auto& line : from.evidence)
    to.add_evidence(line);
  to.set_model(from.model);
  to.set_prompt_version(from.prompt_version);
  if (from.cost_micro) to.set_cost_micro(*from.cost_micro);
}

shared_details read_said(const row::mark& from) {
  review_details said;
  if (from.has_confidence_nano()) said.confidence_nano = from.confidence_nano();
  said.evidence.assign(from.evidence().begin(), from.evidence().end());
  said.model = from.model();
  said.prompt_version = from.prompt_version();
  if (from.has_cost_micro()) said.cost_micro = from.cost_micro();
  return said == review_details{} ? nullptr : std::make_shared<const review_details>(std::move(said));
}

void write_appeals(const std::vector<appeal>& from, row::mark& to) {
  for (const auto& each : from) {
    auto& made = *to.add_appeals();
    made.set_at(each.at);
    made.set_text(each.text);
    if (each.closed_at != never) made.set_closed_at(each.closed_at);
  }
}

shared_appeals read_appeals(const row::mark& from) {
  if (from.appeals().empty()) return nullptr;
  std::vector<appeal> all;
  for (const auto& each : from.appeals())
    all.push_back({each.at(), each.text(), each.has_closed_at() ? each.closed_at() : never});
  return std::make_shared<const std::vector<appeal>>(std::move(all));
}

void write_mark(const mark& from, row::mark& to) {
  to.set_at(from.at);
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_strike(from.strike);
  to.set_qualifying(from.qualifying);
  to.set_cleared(static_cast<std::uint32_t>(from.cleared));
  to.set_resolved(from.resolved);
  to.set_type(static_cast<std::uint32_t>(from.type));
  to.set_score_nano(from.score_nano);
  to.set_from(static_cast<std::uint32_t>(from.from));
  to.set_to(static_cast<std::uint32_t>(from.to));
  if (from.end != never) to.set_end(from.end);
  to.set_number(from.number);
  to.set_request(from.request);
  to.set_cause(from.cause);
  to.set_policy_digest(pack_digest(from.policy_digest));
  to.set_notes(from.notes);
  if (from.said) write_said(*from.said, to);
  if (from.appeals) write_appeals(*from.appeals, to);
}

bool read_mark(const row::mark& from, mark& to) {
  to.at = from.at();
  to.strike = from.strike();
  to.qualifying = from.qualifying();
  to.resolved = from.resolved();
  to.score_nano = from.score_nano();
  to.end = from.has_end() ? from.end() : never;
  to.number = from.number();
  to.request = from.request();
  to.cause = from.cause();
  to.policy_digest = unpack_digest(from.policy_digest());
  to.notes = from.notes();
  to.said = read_said(from);
  to.appeals = read_appeals(from);
  return to_enum(from.kind(), mark_kind::upgrade, to.kind)
         and to_enum(from.cleared(), reason::stage_reached, to.cleared)
         and to_enum(from.type(), usage_type::free_exhausted, to.type)
         and to_enum(from.from(), stage::restrict, to.from) and to_enum(from.to(), stage::restrict, to.to);
}

/// The buckets that begin in an hour: [first, end).
struct hour_span {
  bucket_index first;
  bucket_index end;
};

hour_span buckets_of(hour_number hour, std::int32_t bucket_s) {
  const auto ceiling = [bucket_s](std::int64_t second) { return (second + bucket_s - 1) / bucket_s; };
  return {ceiling(hour * seconds_of_hour), ceiling((hour + std::int64_t{1}) * seconds_of_hour)};
}

/// How an entry's ms are written. Persistent: never renumber.
enum class amount_form : std::uint8_t { full = 0, two_bytes = 1, varint = 2 };

amount_form form_of(std::int64_t ms, std::int32_t bucket_s) {
  if (ms == bucket_s * second_ms) return amount_form::full;
  return ms <= UINT16_MAX ? amount_form::two_bytes : amount_form::varint;
}

bool take_amount(std::string_view& from, std::uint64_t form, std::int32_t bucket_s, std::uint64_t& ms) {
  switch (static_cast<amount_form>(form)) {
    case amount_form::full:
      ms = static_cast<std::uint64_t>(bucket_s) * second_ms;
      return true;
    case amount_form::two_bytes:
      if (from.size() < sizeof(std::uint16_t)) return false;
      ms = big_endian<std::uint16_t>(from.data());
      from.remove_prefix(sizeof(std::uint16_t));
      return true;
    case amount_form::varint:
      return take_varint(from, ms) and ms <= bucket_ms_max;
  }
  return false;
}

bool write_entries(const bucket_log& log, const hour_span& span, std::int32_t bucket_s, std::string& out) {
  const auto size = log.size();
  auto before = span.first;
  for (auto i = log.lower_bound(span.first); i < size; ++i) {
    const auto entry = log.at(i);
    if (entry.bucket >= span.end) break;
    const auto form = form_of(entry.ms, bucket_s);
    append_varint(out, static_cast<std::uint64_t>(entry.bucket - before) << 5 | static_cast<std::uint64_t>(form) << 3
                           | (entry.while_off ? 4U : 0U) | static_cast<std::uint64_t>(entry.from));
    if (form == amount_form::two_bytes)
      append_big_endian(out, static_cast<std::uint16_t>(entry.ms));
    else if (form == amount_form::varint)
      append_varint(out, static_cast<std::uint64_t>(entry.ms));
    before = entry.bucket;
  }
  return not out.empty();
}

bool read_entries(std::string_view from, const hour_span& span, std::int32_t bucket_s, bucket_log* to) {
  auto bucket = span.first;
  while (not from.empty()) {
    std::uint64_t head = 0;
    std::uint64_t ms = 0;
    if (not take_varint(from, head) or head >> 5 >= static_cast<std::uint64_t>(span.end - bucket)) return false;
    bucket += static_cast<bucket_index>(head >> 5);
    if (not take_amount(from, head >> 3 & 3, bucket_s, ms)) return false;
    if (to != nullptr) to->add(bucket, static_cast<lane>(head & 3), (head & 4) != 0, static_cast<std::int64_t>(ms));
  }
  return true;
}

const metering_profile usual_profile;

} // namespace

struct row_codec::scratch {
  row::user_core core;
  row::bucket_hour buckets;
  row::id_hour ids;
  row::standing standing;
  row::conversations conversations;
  row::tombstone tombstone;
};

row_codec::row_codec() : scratch_(std::make_unique<scratch>()) {}
row_codec::~row_codec() = default;
row_codec::row_codec(row_codec&&) noexcept = default;
row_codec& row_codec::operator=(row_codec&&) noexcept = default;

void row_codec::write_core(const user& from, std::string& out) {
  auto& message = scratch_->core;
  message.Clear();
  if (from.account) write_account(*from.account, *message.mutable_account());
  message.set_exempt(from.exempt);
  if (from.exempt_until != never) message.set_exempt_until(from.exempt_until);
  write_ids(from.admin_ids, message);
  if (from.erased_at != INT64_MIN) message.set_erased_at(from.erased_at);
  write(message, out);
}

bool row_codec::read_core(std::string_view row, user& to) {
  auto& message = scratch_->core;
  if (not parse_row(row, message)) return false;
  if (message.has_account()) {
    to.account = std::make_unique<account_state>();
    read_account(message.account(), *to.account);
  }
  to.exempt = message.exempt();
  to.exempt_until = message.has_exempt_until() ? message.exempt_until() : never;
  to.erased_at = message.has_erased_at() ? message.erased_at() : INT64_MIN;
  return read_ids(message, to.admin_ids);
}

bool row_codec::write_bucket_hour(const user& from, const policy_set& policies, hour_number hour, std::string& out) {
  auto& message = scratch_->buckets;
  message.Clear();
  for (std::size_t number = 0; number < from.metered.size(); ++number) {
    const auto& profile = policies.profiles()[number];
    auto& to = *message.add_profiles();
    const auto span = buckets_of(hour, profile.bucket_s);
    if (not write_entries(from.metered[number], span, profile.bucket_s, *to.mutable_entries())) {
      message.mutable_profiles()->RemoveLast();
      continue;
    }
    if (profile.bucket_s != usual_profile.bucket_s) to.set_bucket_s(static_cast<std::uint32_t>(profile.bucket_s));
    to.set_basis(static_cast<std::uint32_t>(profile.basis));
    if (profile.fresh_within_ms != usual_profile.fresh_within_ms) to.set_fresh_within_ms(profile.fresh_within_ms);
    if (const auto loaded = policies.loaded(number); loaded != INT64_MIN) to.set_loaded(loaded);
  }
  if (message.profiles().empty()) return false;
  write(message, out);
  return true;
}

bool row_codec::read_bucket_hour(std::string_view row, const policy_set& policies, hour_number hour, user& to) {
  auto& message = scratch_->buckets;
  if (not parse_row(row, message)) return false;
  for (const auto& from : message.profiles()) {
    metering_profile profile;
    if (from.has_bucket_s()) profile.bucket_s = static_cast<std::int32_t>(from.bucket_s());
    if (from.has_fresh_within_ms()) profile.fresh_within_ms = from.fresh_within_ms();
    if (profile.bucket_s <= 0 or not to_enum(from.basis(), time_basis::arrival, profile.basis)) return false;
    const auto& known = policies.profiles();
    const auto at = static_cast<std::size_t>(std::find(known.begin(), known.end(), profile) - known.begin());
    const auto loaded = from.has_loaded() ? from.loaded() : INT64_MIN;
    auto* log = at < known.size() and policies.loaded(at) == loaded ? &to.metered[at] : nullptr;
    if (not read_entries(from.entries(), buckets_of(hour, profile.bucket_s), profile.bucket_s, log)) return false;
  }
  return true;
}

bool row_codec::write_id_hour(const user& from, hour_number hour, std::string& out) {
  const auto keys = from.ids.keys(hour);
  if (keys.empty()) return false;
  auto& message = scratch_->ids;
  message.mutable_keys()->Assign(keys.begin(), keys.end());
  // Their order in memory depends on when the user was passivated; the bytes of a row must not.
  std::sort(message.mutable_keys()->begin(), message.mutable_keys()->end());
  write(message, out);
  return true;
}

bool row_codec::read_id_hour(std::string_view row, std::vector<std::uint64_t>& keys) {
  auto& message = scratch_->ids;
  if (not parse_row(row, message)) return false;
  keys.assign(message.keys().begin(), message.keys().end());
  return true;
}

void row_codec::write_standing(const standing& from, time_ms loaded, std::string& out) {
  auto& message = scratch_->standing;
  message.Clear();
  for (const auto& each : from.marks)
    write_mark(each, *message.add_marks());
  message.set_at(static_cast<std::uint32_t>(from.at));
  message.set_since(from.since);
  if (from.until != never) message.set_until(from.until);
  message.set_last_strike(from.last_strike);
  message.set_last_request(from.last_request);
  message.set_pending(from.pending);
  if (from.asked_at != INT64_MIN) message.set_asked_at(from.asked_at);
  if (from.pending_until != never) message.set_pending_until(from.pending_until);
  if (from.cooldown_until != INT64_MIN) message.set_cooldown_until(from.cooldown_until);
  if (from.retry_until != INT64_MIN) message.set_retry_until(from.retry_until);
  message.set_failures(from.failures);
  message.mutable_timed_out()->Assign(from.timed_out.begin(), from.timed_out.end());
  message.set_last_change_free(from.last_change_free);
  message.set_utc_day(from.utc_day);
  message.set_used_ms(from.used_ms);
  message.set_exhausted(from.exhausted);
  message.set_low(from.low);
  message.set_hard(from.hard);
  message.set_ceiling(from.ceiling);
  message.set_locked(from.locked);
  if (from.drain_due != never) message.set_drain_due(from.drain_due);
  if (loaded != INT64_MIN) message.set_loaded(loaded);
  write(message, out);
}

bool row_codec::read_standing(std::string_view row, standing& to, time_ms& loaded) {
  auto& message = scratch_->standing;
  if (not parse_row(row, message) or not to_enum(message.at(), stage::restrict, to.at)) return false;
  to.marks.resize(static_cast<std::size_t>(message.marks_size()));
  for (std::size_t i = 0; i < to.marks.size(); ++i)
    if (not read_mark(message.marks(static_cast<int>(i)), to.marks[i])) return false;
  to.since = message.since();
  to.until = message.has_until() ? message.until() : never;
  to.last_strike = message.last_strike();
  to.last_request = message.last_request();
  to.pending = message.pending();
  to.asked_at = message.has_asked_at() ? message.asked_at() : INT64_MIN;
  to.pending_until = message.has_pending_until() ? message.pending_until() : never;
  to.cooldown_until = message.has_cooldown_until() ? message.cooldown_until() : INT64_MIN;
  to.retry_until = message.has_retry_until() ? message.retry_until() : INT64_MIN;
  to.failures = message.failures();
  to.timed_out.assign(message.timed_out().begin(), message.timed_out().end());
  to.last_change_free = message.last_change_free();
  loaded = message.has_loaded() ? message.loaded() : INT64_MIN;
  to.utc_day = message.utc_day();
  to.used_ms = message.used_ms();
  to.exhausted = message.exhausted();
  to.low = message.low();
  to.hard = message.hard();
  to.ceiling = message.ceiling();
  to.locked = message.locked();
  to.drain_due = message.has_drain_due() ? message.drain_due() : never;
  return true;
}

void row_codec::write_conversations(const std::vector<conversation>& from, std::string& out) {
  auto& message = scratch_->conversations;
  message.Clear();
  for (const auto& each : from) {
    auto& to = *message.add_all();
    to.set_id(each.id);
    to.set_at(each.at);
    write_stamp(each.stamp, *to.mutable_stamp());
    to.set_title(each.title);
    to.set_overview(each.overview);
    to.set_category(each.category);
    to.set_duration_ms(each.duration_ms);
    to.set_from(static_cast<std::uint32_t>(each.from));
  }
  write(message, out);
}

bool row_codec::read_conversations(std::string_view row, std::vector<conversation>& to) {
  auto& message = scratch_->conversations;
  if (not parse_row(row, message)) return false;
  for (const auto& each : message.all()) {
    auto& made = to.emplace_back();
    made.id = each.id();
    made.at = each.at();
    made.stamp = read_stamp(each.stamp());
    made.title = each.title();
    made.overview = each.overview();
    made.category = each.category();
    made.duration_ms = each.duration_ms();
    if (not to_enum(each.from(), lane::custom, made.from)) return false;
  }
  return true;
}

void row_codec::write_tombstone(const tombstone& from, std::string& out) {
  auto& message = scratch_->tombstone;
  message.Clear();
  message.set_erased_at(from.erased_at);
  for (const auto& each : from.slots) {
    auto& to = *message.add_slots();
    to.set_slot(each.slot);
    to.set_last_strike(each.last_strike);
    to.set_last_request(each.last_request);
  }
  write_ids(from.admin_ids, message);
  write(message, out);
}

bool row_codec::read_tombstone(std::string_view row, tombstone& to) {
  auto& message = scratch_->tombstone;
  if (not parse_row(row, message)) return false;
  to.erased_at = message.erased_at();
  for (const auto& each : message.slots())
    to.slots.push_back({each.slot(), each.last_strike(), each.last_request()});
  return read_ids(message, to.admin_ids);
}

void join_hour(std::string_view buckets, std::string_view ids, std::string& out) {
  out.clear();
  append_varint(out, buckets.size());
  out.append(buckets).append(ids);
}

bool split_hour(std::string_view row, std::string_view& buckets, std::string_view& ids) {
  std::uint64_t size = 0;
  if (not take_varint(row, size) or size > row.size()) return false;
  buckets = row.substr(0, size);
  ids = row.substr(size);
  return true;
}

std::vector<hour_number> bucket_hours(const user& from, const policy_set& policies) {
  std::vector<hour_number> hours;
  for (std::size_t number = 0; number < from.metered.size(); ++number)
    for (std::uint32_t i = 0; i < from.metered[number].size(); ++i) {
      const auto start_s = from.metered[number].bucket_at(i) * policies.profiles()[number].bucket_s;
      hours.push_back(static_cast<hour_number>(start_s / seconds_of_hour));
    }
  std::sort(hours.begin(), hours.end());
  hours.erase(std::unique(hours.begin(), hours.end()), hours.end());
  return hours;
}

} // namespace fairuse
