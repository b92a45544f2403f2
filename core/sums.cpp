// SPDX-License-Identifier: Apache-2.0
#include "core/sums.hpp"

#include <algorithm>

namespace fairuse::detail {

namespace {

constexpr std::int64_t seconds_of_hour = 3600;

void note_bucket(user& who, bucket_index bucket, std::int32_t bucket_s) {
  if (not who.changed.track) return;
  note_once(who.changed.bucket_hours, static_cast<hour_number>(bucket * bucket_s / seconds_of_hour));
}

/// Speech came for a bucket that has left some windows.
void add_late(user& who, const policy_set& policies, std::size_t profile, const added_speech& speech, lane from,
              bool while_off, std::uint32_t inserted) {
  for (std::size_t i = 0; i < policies.span_count(); ++i) {
    const auto& view = policies.view_of(policies.spans()[i]);
    auto& running = who.sums.span(i);
    if (view.profile != profile or speech.bucket >= running.first) continue;
    running.tail += inserted;
    if (view.counts(from, while_off)) running.left_ms += speech.ms;
  }
}

/// Buckets are kept by whole hours, as they are written down. Which buckets of an hour are in memory must follow from
/// `now` alone: with an edge that moved by buckets, an hour would be written without those that were pruned since the
/// user was loaded.
bucket_index first_kept(const policy_set& policies, std::int32_t bucket_s, time_ms now) {
  const auto hour_s = hour_of(now - policies.retention_ms()) * seconds_of_hour;
  return (hour_s + bucket_s - 1) / bucket_s;
}

/// Production keeps what every lookup reads (older hours are read from the store when needed). A simulation keeps all
/// hours of the retention: it has no store to read from.
hour_number first_kept_id_hour(const policy_set& policies, time_ms now) {
  const auto first = first_id_hour(now);
  if (policies.reviews() != review_mode::alone) return first;
  return std::min(first, hour_of(now - policies.retention_ms()));
}

/// Never below 0: an epoch before 1970 has no buckets.
std::uint32_t first_bucket(const policy_set& policies, const span_spec& span, time_ms at) {
  const auto first = first_counted(at, span.span_s, policies.bucket_s(span));
  return static_cast<std::uint32_t>(std::max<bucket_index>(0, first));
}

/// Speech of a view in the entries from `position` on.
std::int64_t sum_from(const bucket_log& log, const view_spec& view, std::uint32_t position) {
  std::int64_t sum = 0;
  for (; position < log.size(); ++position)
    if (log.counts(position, view)) sum += log.ms_at(position);
  return sum;
}

/// When `sum`, which counts the entries [position, last), is back at its limit.
time_ms drains_from(const user& who, const policy_set& policies, const sum_limit& limit, std::int64_t sum,
                    std::uint32_t position, std::uint32_t last, time_ms now) {
  const auto& span = policies.spans()[limit.span];
  const auto& view = policies.view_of(span);
  const auto& log = who.metered[view.profile];
  const auto bucket_s = policies.bucket_s(span);
  auto at = now;
  while (sum > limit.limit_ms and position < last) {
    const auto bucket = log.bucket_at(position);
    for (; position < log.size() and log.bucket_at(position) == bucket; ++position)
      if (log.counts(position, view)) sum -= log.ms_at(position);
    at = leaves_at(bucket, span.span_s, bucket_s);
  }
  return at;
}

} // namespace

std::int64_t sum_at(user& who, std::size_t span, time_ms at) {
  const auto& policies = *who.sums.policies;
  const auto& spec = policies.spans()[span];
  auto& running = who.sums.span(span);
  const auto first = first_bucket(policies, spec, at);
  if (first > running.first) {
    const auto& view = policies.view_of(spec);
    const auto& log = who.metered[view.profile];
    for (; running.tail < log.size() and log.bucket_at(running.tail) < first; ++running.tail)
      if (log.counts(running.tail, view)) running.left_ms += log.ms_at(running.tail);
    running.first = first;
    auto& in_all = who.sums.first_in_all(view.profile);
    in_all = std::max<std::int64_t>(in_all, first);
  }
  return who.sums.added_ms(spec.view) - running.left_ms;
}

std::int64_t bucket_sum(const user& who, const policy_set& policies, std::size_t span, time_ms at) {
  const auto& spec = policies.spans()[span];
  const auto& view = policies.view_of(spec);
  const auto& log = who.metered[view.profile];
  return sum_from(log, view, log.lower_bound(first_bucket(policies, spec, at)));
}

time_ms drains_at(const user& who, const policy_set& policies, std::span<const sum_limit> limits, time_ms now) {
  auto latest = now;
  for (const auto& limit : limits) {
    const auto& span = policies.spans()[limit.span];
    const auto& view = policies.view_of(span);
    const auto& log = who.metered[view.profile];
    const auto position = log.lower_bound(first_bucket(policies, span, now));
    const auto sum = sum_from(log, view, position);
    latest = std::max(latest, drains_from(who, policies, limit, sum, position, log.size(), now));
  }
  return latest;
}

time_ms drains_early(const user& who, const sum_limit& limit, time_ms now, std::uint32_t entries_max) {
  const auto& policies = *who.sums.policies;
  const auto& running = who.sums.span(limit.span);
  const auto size = who.metered[policies.view_of(policies.spans()[limit.span]).profile].size();
  const auto last = size - running.tail > entries_max ? running.tail + entries_max : size;
  const auto sum = who.sums.added_ms(policies.spans()[limit.span].view) - running.left_ms;
  return drains_from(who, policies, limit, sum, running.tail, last, now);
}

void add(user& who, const policy_set& policies, std::size_t profile, const added_speech& speech, lane from,
         bool while_off) {
  auto& log = who.metered[profile];
  const auto size_before = log.size();
  log.add(speech.bucket, from, while_off, speech.ms);
  if (speech.bucket < who.sums.first_in_all(profile))
    add_late(who, policies, profile, speech, from, while_off, log.size() - size_before);
  // A span, because the compiler must assume that writing a sum changes the size of a vector.
  const std::span<const view_spec> views = policies.views();
  for (std::size_t i = 0; i < views.size(); ++i)
    if (views[i].profile == profile and views[i].counts(from, while_off)) who.sums.added_ms(i) += speech.ms;
  note_bucket(who, speech.bucket, policies.profiles()[profile].bucket_s);
}

void meter(user& who, const controls& in_force, time_ms now, const event& what, step_output& out) {
  const auto& policies = *who.sums.policies;
  for (std::size_t profile = 0; profile < policies.profiles().size(); ++profile) {
    const auto from = out.speech.from(profile);
    const auto first = first_kept(policies, policies.profiles()[profile].bucket_s, now);
    for (const auto& speech : out.speech.added(profile))
      if (speech.bucket >= first) add(who, policies, profile, speech, from, not in_force.enabled);
  }
  // The live profile is the first one, and the one whose figures are reported.
  const auto from = out.speech.from(0);
  if (from != what.from) ++out.counts.moved_to_backfill;
  for (const auto& speech : out.speech.added(0))
    out.counts.metered_ms[static_cast<std::size_t>(from)] += speech.ms;
}

void prune(user& who, time_ms now) {
  const auto hour = hour_of(now);
  if (hour == who.pruned_hour) return;
  who.pruned_hour = hour;
  const auto& policies = *who.sums.policies;
  const auto& spans = policies.spans();
  // Tails must be behind the buckets that are pruned.
  for (std::size_t span = 0; span < spans.size(); ++span)
    sum_at(who, span, now);
  for (std::size_t profile = 0; profile < who.metered.size(); ++profile) {
    const auto gone = who.metered[profile].prune(first_kept(policies, policies.profiles()[profile].bucket_s, now));
    if (gone == 0) continue;
    for (std::size_t span = 0; span < spans.size(); ++span)
      if (policies.view_of(spans[span]).profile == profile) who.sums.span(span).tail -= gone;
  }
  // An hour that is not written yet must stay: the store lacks its newest ids.
  auto first = first_kept_id_hour(policies, now);
  for (const auto unwritten : who.changed.id_hours)
    first = std::min(first, unwritten);
  who.ids.prune(first);
}

void rebuild_sums(user& who, const policy_set& policies, time_ms now) {
  who.sums.reset(policies);
  for (std::size_t i = 0; i < policies.span_count(); ++i) {
    const auto& span = policies.spans()[i];
    const auto& view = policies.view_of(span);
    const auto& log = who.metered[view.profile];
    auto& running = who.sums.span(i);
    running.first = first_bucket(policies, span, now);
    running.tail = log.lower_bound(running.first);
    running.left_ms = -sum_from(log, view, running.tail);
    auto& in_all = who.sums.first_in_all(view.profile);
    in_all = std::max<std::int64_t>(in_all, running.first);
  }
}

} // namespace fairuse::detail
