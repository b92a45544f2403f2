// SPDX-License-Identifier: Apache-2.0
#include "storage/history/contents.hpp"

#include <numeric>
#include <utility>

#include "storage/history/details.hpp"
#include "storage/history/history.pb.h"
#include "storage/message_bytes.hpp"

namespace fairuse::history {

namespace {

constexpr std::uint32_t contents_version_known = 0;

/// Counts that are not 0, with their place.
template <class Counts, class Field>
void put_counts(const Counts& from, Field* to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == 0) continue;
    auto& made = *to->Add();
    made.set_index(static_cast<std::uint32_t>(i));
    made.set_number(from[i]);
  }
}

template <class Field, class Counts>
bool take_counts(const Field& from, Counts& to) {
  for (const auto& each : from) {
    if (each.index() >= to.size()) return false;
    to[each.index()] = each.number();
  }
  return true;
}

void put_block(const block_entry& from, bool with_states, stored::block& to) {
  for (std::size_t i = 0; i < block_part_count - (with_states ? 0 : 1); ++i) {
    const auto& each = from.parts[i];
    auto& frame = *to.add_frames();
    frame.set_at(each.at);
    frame.set_stored_bytes(each.stored_bytes);
    frame.set_bytes(each.bytes);
    frame.set_checksum(each.checksum);
  }
  to.set_users(from.sizes.users);
  to.set_idle_users(from.sizes.idle_users);
  to.set_events(from.sizes.events);
  to.set_first_uid(from.first_uid);
  to.set_last_uid(from.last_uid);
}

bool take_block(const stored::block& from, block_entry& to) {
  // In version 2 there are no states, in version 1 no pieces of ids, either.
  const auto count = static_cast<std::size_t>(from.frames_size());
  if (count > block_part_count or count < block_part_count - 2) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& frame = from.frames(static_cast<int>(i));
    to.parts[i] = {frame.at(), frame.stored_bytes(), frame.bytes(), frame.checksum()};
  }
  for (auto i = count; i < block_part_count; ++i)
    to.parts[i] = {to.parts[i - 1].at + to.parts[i - 1].stored_bytes, 0, 0, 0};
  to.sizes = {from.users(), from.idle_users(), from.events()};
  to.first_uid = from.first_uid();
  to.last_uid = from.last_uid();
  return true;
}

void put_broadcast(const broadcast_command& from, stored::broadcast& to) {
  to.set_partition(from.partition);
  to.set_now(from.now);
  to.set_instant(from.instant);
  to.set_source(from.source);
  to.set_id(from.id);
  to.mutable_what()->ParseFromString(encode_command(from.what));
  to.set_epoch(from.epoch);
  if (from.previous_now != INT64_MIN) to.set_previous_now(from.previous_now);
}

bool take_broadcast(const stored::broadcast& from, broadcast_command& to) {
  auto command = decode_command(bytes_of(from.what()));
  if (not command) return false;
  to = {
      from.partition(), from.now(),          from.instant(), from.source(),
      from.id(),        std::move(*command), from.epoch(),   from.has_previous_now() ? from.previous_now() : INT64_MIN};
  return true;
}

void put_run(const history_run& from, stored::run& to) {
  to.set_partition(from.partition);
  to.set_epoch(from.epoch);
  to.set_now(from.now);
  if (from.previous_now != INT64_MIN) to.set_previous_now(from.previous_now);
  to.set_enabled(from.enabled);
  to.set_killed(from.killed);
  to.set_live(from.live);
  for (const auto& each : from.shadows)
    to.add_shadows(each);
  to.set_retention_ms(from.retention_ms);
  to.set_rules(from.rules);
  to.set_program(from.program);
}

history_run run_from(const stored::run& from) {
  return {.partition = from.partition(),
          .epoch = from.epoch(),
          .now = from.now(),
          .previous_now = from.has_previous_now() ? from.previous_now() : INT64_MIN,
          .enabled = from.enabled(),
          .killed = from.killed(),
          .live = from.live(),
          .shadows = {from.shadows().begin(), from.shadows().end()},
          .retention_ms = from.retention_ms(),
          .rules = from.rules(),
          .program = from.program()};
}

void put_checkpoint(const history_checkpoint& from, stored::checkpoint& to) {
  to.set_partition(from.partition);
  to.set_epoch(from.epoch);
  to.set_now(from.now);
  for (const auto& each : from.profiles) {
    auto& made = *to.add_profiles();
    made.set_bucket_s(each.profile.bucket_s);
    made.set_by_arrival(each.profile.basis == time_basis::arrival);
    made.set_fresh_within_ms(each.profile.fresh_within_ms);
    if (each.since != INT64_MIN) made.set_since(each.since);
    if (each.loaded != INT64_MIN) made.set_loaded(each.loaded);
  }
  if (not from.slots) return;
  to.set_slots_known(true);
  for (const auto& each : *from.slots) {
    auto& made = *to.add_slots();
    made.set_slot(each.slot);
    if (each.loaded != INT64_MIN) made.set_loaded(each.loaded);
  }
}

history_checkpoint checkpoint_from(const stored::checkpoint& from) {
  history_checkpoint to{.partition = from.partition(), .epoch = from.epoch(), .now = from.now()};
  for (const auto& each : from.profiles())
    to.profiles.push_back({{.bucket_s = each.bucket_s(),
                            .basis = each.by_arrival() ? time_basis::arrival : time_basis::event,
                            .fresh_within_ms = each.fresh_within_ms()},
                           each.has_since() ? each.since() : INT64_MIN,
                           each.has_loaded() ? each.loaded() : INT64_MIN});
  if (not from.slots_known()) return to;
  to.slots.emplace();
  for (const auto& each : from.slots())
    to.slots->push_back({each.slot(), each.has_loaded() ? each.loaded() : INT64_MIN});
  return to;
}

void put_counts_of(const history_counts& from, stored::contents& to) {
  to.set_users(from.users);
  to.set_idle_users(from.idle_users);
  put_counts(from.events, to.mutable_events());
  put_counts(from.lanes, to.mutable_lanes());
  put_counts(from.lateness, to.mutable_lateness());
  put_counts(from.reviews, to.mutable_reviews());
  put_counts(from.refused, to.mutable_refused());
  to.set_segments(from.segments);
  to.set_duplicates(from.duplicates);
  to.set_stale(from.stale);
  to.set_empty_lines(from.empty_lines);
  to.set_erased_users(from.erased_users);
}

bool take_counts_of(const stored::contents& from, history_counts& to) {
  to.users = from.users();
  to.idle_users = from.idle_users();
  to.segments = from.segments();
  to.duplicates = from.duplicates();
  to.stale = from.stale();
  to.empty_lines = from.empty_lines();
  to.erased_users = from.erased_users();
  return take_counts(from.events(), to.events) and take_counts(from.lanes(), to.lanes)
         and take_counts(from.lateness(), to.lateness) and take_counts(from.reviews(), to.reviews)
         and take_counts(from.refused(), to.refused);
}

void put_lists(const history_contents& from, stored::contents& to) {
  for (const auto& each : from.parts) {
    auto& part = *to.add_parts();
    part.set_partition(each.partition);
    part.set_first_now(each.first_now);
    part.set_last_now(each.last_now);
    part.set_last_epoch(each.last_epoch);
  }
  for (const auto& each : from.broadcasts)
    put_broadcast(each, *to.add_broadcasts());
  for (const auto& each : from.runs)
    put_run(each, *to.add_runs());
  for (const auto& each : from.timer_cuts) {
    auto& made = *to.add_timer_cuts();
    made.set_partition(each.partition);
    made.set_epoch(each.epoch);
    if (each.fired_now != INT64_MIN) made.set_fired_now(each.fired_now);
    made.set_last_uid(each.last_uid);
  }
  for (const auto& each : from.policies) {
    auto& made = *to.add_policies();
    made.set_digest(each.digest);
    made.set_text(each.text);
  }
  for (const auto& each : from.in_force) {
    auto& made = *to.add_in_force();
    made.set_partition(each.partition);
    made.set_from(each.from);
    made.set_slot(each.slot);
    made.set_digest(each.digest);
  }
  for (const auto& each : from.labels) {
    auto& made = *to.add_labels();
    made.set_name(each.name);
    made.set_truth(each.truth);
  }
  for (const auto& each : from.checkpoints)
    put_checkpoint(each, *to.add_checkpoints());
  for (const auto& each : from.blocks)
    put_block(each, from.holds_states(), *to.add_blocks());
}

bool take_lists(const stored::contents& from, history_contents& to) {
  for (const auto& each : from.parts())
    to.parts.push_back({each.partition(), each.first_now(), each.last_now(), each.last_epoch()});
  for (const auto& each : from.broadcasts())
    if (not take_broadcast(each, to.broadcasts.emplace_back())) return false;
  for (const auto& each : from.runs())
    to.runs.push_back(run_from(each));
  for (const auto& each : from.timer_cuts())
    to.timer_cuts.push_back(
        {each.partition(), each.epoch(), each.has_fired_now() ? each.fired_now() : INT64_MIN, each.last_uid()});
  for (const auto& each : from.policies())
    to.policies.push_back({each.digest(), each.text()});
  for (const auto& each : from.in_force())
    to.in_force.push_back({each.partition(), each.from(), each.slot(), each.digest()});
  for (const auto& each : from.labels())
    to.labels.push_back({each.name(), each.truth()});
  for (const auto& each : from.checkpoints())
    to.checkpoints.push_back(checkpoint_from(each));
  for (const auto& each : from.blocks())
    if (not take_block(each, to.blocks.emplace_back())) return false;
  return true;
}

} // namespace

std::string_view to_text(history_start value) {
  switch (value) {
    case history_start::cold:
      return "cold";
    case history_start::first_epoch:
      return "first epoch";
    case history_start::checkpoint:
      return "checkpoint";
  }
  return "";
}

std::uint64_t history_counts::all_events() const {
  return std::accumulate(events.begin(), events.end(), std::uint64_t{0});
}

std::string encode_contents(const history_contents& from) {
  stored::contents to;
  to.set_version(contents_version_known);
  to.set_program(from.program);
  to.set_start(static_cast<std::uint32_t>(from.start));
  to.set_arrivals_known(from.arrivals_known);
  to.set_pseudonymised(from.pseudonymised);
  to.set_kinds(from.kinds);
  to.set_retention_ms(from.retention_ms);
  to.set_horizon_ms(from.horizon_ms);
  to.set_first_instant(from.first_instant);
  to.set_last_instant(from.last_instant);
  put_lists(from, to);
  put_counts_of(from.counts, to);
  return bytes_of(to);
}

result<history_contents, store_error> decode_contents(std::string_view bytes) {
  stored::contents from;
  if (not parse(bytes, from) or from.start() > static_cast<std::uint32_t>(history_start::checkpoint))
    return damaged("its contents cannot be read");
  if (from.version() > contents_version_known)
    return store_error{store_fault::newer, "it was written by a newer version of fairuse"};
  history_contents to;
  to.program = from.program();
  to.start = static_cast<history_start>(from.start());
  to.arrivals_known = from.arrivals_known();
  to.pseudonymised = from.pseudonymised();
  to.kinds = from.kinds();
  to.retention_ms = from.retention_ms();
  to.horizon_ms = from.horizon_ms();
  to.first_instant = from.first_instant();
  to.last_instant = from.last_instant();
  if (not take_lists(from, to) or not take_counts_of(from, to.counts)) return damaged("its contents cannot be read");
  return to;
}

} // namespace fairuse::history
