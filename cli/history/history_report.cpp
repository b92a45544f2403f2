// SPDX-License-Identifier: Apache-2.0

#include "cli/history/history_report.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "base/pure/text_table.hpp"
#include "cli/output.hpp"
#include "events/time_text.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using namespace history;

constexpr std::array<std::string_view, 4> ending_names{"open", "answered", "failed", "timed_out"};
constexpr std::array<std::string_view, lateness_bounds.size()> lateness_names{"1s", "1m", "1h", "24h", "7d", "more"};

std::string counted(std::string_view name, std::uint64_t value) {
  return fmt::format("{:<28}{:>15}\n", name, grouped(value));
}

std::string named(std::string_view name, const std::string& value) {
  return wrapped(fmt::format("{:<12}{}", name, value), 12, out_width()) + "\n";
}

// 7384000 -> 2 h 03 min.
std::string hours_text(std::int64_t ms) {
  const auto minutes = ms / minute_ms;
  return minutes < 60 ? fmt::format("{} min {:02} s", minutes, ms % minute_ms / second_ms)
                      : fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::uint64_t speech_of(const history_counts& counts) {
  return counts.events[static_cast<std::size_t>(event_kind::speech)];
}

std::uint64_t part_bytes(const history_contents& all, block_part which) {
  std::uint64_t sum = 0;
  for (const auto& each : all.blocks)
    sum += each.parts[static_cast<std::size_t>(which)].stored_bytes;
  return sum;
}

struct speech_cost {
  double whole = 0;
  double without_ids = 0;
};

/// Bytes of file per speech event, apart from states.
std::optional<speech_cost> cost_of(const history_reader& of) {
  const auto speech = static_cast<double>(speech_of(of.contents().counts));
  if (speech < 1) return std::nullopt;
  const auto ids = part_bytes(of.contents(), block_part::ids) + part_bytes(of.contents(), block_part::id_pieces);
  const auto without_states = of.size() - part_bytes(of.contents(), block_part::states);
  return speech_cost{static_cast<double>(without_states) / speech, static_cast<double>(without_states - ids) / speech};
}

// Text ---------------------------------------------------------------------------------------------------------------

std::string start_text(history_start value) {
  switch (value) {
    case history_start::cold:
      return "cold: what was before its first event is not known";
    case history_start::first_epoch:
      return "with epoch 0: there was nothing before";
    case history_start::checkpoint:
      return "with a checkpoint: the state before was known to the deployment";
  }
  return {};
}

std::string checkpoints_text(const history_contents& all) {
  std::string text;
  for (const auto& each : all.checkpoints) {
    const auto of = all.checkpoints.size() > 1 ? fmt::format(" of partition {}", each.partition) : std::string();
    text += named("checkpoint", fmt::format("after epoch {}{}, now {}", each.epoch, of, to_time_text(each.now)));
  }
  if (all.holds_states())
    text += named("idle users", fmt::format("{}: only their state is known", grouped(all.counts.idle_users)));
  return text;
}

json checkpoints_json(const history_contents& all) {
  auto made = json::array();
  for (const auto& each : all.checkpoints)
    made.push_back({{"partition", each.partition}, {"epoch", each.epoch}, {"now", to_time_text(each.now)}});
  return made;
}

std::string head_text(const history_report& report) {
  const auto& all = report.of.contents();
  auto text = fmt::format("{}: a history, {} bytes, {} blocks, made by {}\n", report.file, grouped(report.of.size()),
                          all.blocks.size(), all.program);
  if (report.survey) text += named("digest", report.of.digest());
  text += named("start", start_text(all.start)) + checkpoints_text(all);
  text += named("arrivals", all.arrivals_known ? "known" : "not known: now is the event's instant");
  if (all.pseudonymised)
    text += named("names", "pseudonymised: keyed hashes for uids, ids, sources and actors; no free text");
  if (all.counts.all_events() > 0) {
    text += named("from", to_time_text(all.first_instant));
    text += named("until", to_time_text(all.last_instant));
  }
  for (const auto& each : all.parts)
    if (all.parts.size() > 1)
      text += named(fmt::format("partition {}", each.partition),
                    fmt::format("now {} to {}", to_time_text(each.first_now), to_time_text(each.last_now)));
  for (const auto& each : all.in_force)
    text += named("policy", fmt::format("{} {} from {} on partition {}", each.slot,
                                        each.digest.empty() ? "none" : each.digest.substr(0, 12),
                                        to_time_text(each.from), each.partition));
  return text + "\n";
}

std::string events_text(const history_contents& all) {
  const auto& counts = all.counts;
  auto text = counted("users", counts.users) + counted("events", counts.all_events());
  // What no source could hold; 0 would claim more.
  std::string unknown;
  for (std::size_t i = 0; i < event_kind_count; ++i) {
    const auto kind = static_cast<event_kind>(i);
    if (not all.could_hold(kind)) unknown.append(unknown.empty() ? "" : ", ").append(to_text(kind));
    if (counts.events[i] > 0) text += counted(fmt::format("  {}", to_text(kind)), counts.events[i]);
    if (kind != event_kind::speech) continue;
    for (std::size_t at = 0; at < lane_count; ++at)
      if (counts.lanes[at] > 0)
        text += counted(fmt::format("    {}", to_text(static_cast<lane>(at))), counts.lanes[at]);
    if (counts.segments > 0) text += counted("    segments", counts.segments);
  }
  if (not unknown.empty()) text += wrapped("  not known: " + unknown, 4, out_width()) + "\n";
  if (not all.broadcasts.empty()) text += counted("commands to all users", all.broadcasts.size());
  return text;
}

std::string left_out_text(const history_counts& counts) {
  auto text = counted("left out: duplicates", counts.duplicates);
  if (counts.stale > 0) text += counted("left out: stale", counts.stale);
  text += counted("left out: refused", sum_of(counts.refused));
  for (std::size_t i = 0; i < refusal_count; ++i)
    if (counts.refused[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<refusal>(i))), counts.refused[i]);
  if (counts.erased_users > 0) text += counted("left out: erased users", counts.erased_users);
  if (counts.empty_lines > 0) text += counted("empty lines", counts.empty_lines);
  return text;
}

std::string lateness_text(const history_contents& all) {
  if (not all.arrivals_known) return {};
  std::string text = "speech and STT, late by at most\n";
  for (std::size_t i = 0; i < lateness_names.size(); ++i)
    if (all.counts.lateness[i] > 0) text += counted(fmt::format("  {}", lateness_names[i]), all.counts.lateness[i]);
  return text;
}

std::string reviews_text(const history_counts& counts) {
  const auto all = std::accumulate(counts.reviews.begin(), counts.reviews.end(), std::uint64_t{0});
  if (all == 0) return {};
  auto text = counted("reviews", all);
  for (std::size_t i = 0; i < ending_names.size(); ++i)
    if (counts.reviews[i] > 0) text += counted(fmt::format("  {}", ending_names[i]), counts.reviews[i]);
  const auto open = counts.reviews[static_cast<std::size_t>(recorded_review::ending::open)];
  return text
         + fmt::format("  with an outcome: {:.1f} %\n",
                       100.0 * static_cast<double>(all - open) / static_cast<double>(all));
}

std::string survey_text(const history_contents& all, const history_survey& survey) {
  std::string text;
  for (std::size_t i = 0; i < all.labels.size(); ++i)
    text += counted(fmt::format("labelled {}", all.labels[i].name), survey.labelled[i]);
  if (survey.user_days == 0) return text;
  text += counted("days of users with speech", survey.user_days);
  for (std::size_t i = 0; i < daily_percents.size(); ++i)
    text +=
        fmt::format("{:<28}{:>15}\n",
                    daily_percents.at(i) == 100 ? "  the most" : fmt::format("  {} % at most", daily_percents.at(i)),
                    hours_text(survey.daily_ms.at(i)));
  return text;
}

std::string read_text(const history_report& report) {
  const auto& read = *report.read;
  auto text = counted("lines read", read.lines);
  if (read.review_decisions > 0) text += counted("decisions about reviews", read.review_decisions);
  if (read.other_decisions > 0) text += counted("other decisions, not used", read.other_decisions);
  if (read.labels > 0)
    text += counted("labels", read.labels) + counted("  of users with events", report.labelled_users);
  return text;
}

// JSON ---------------------------------------------------------------------------------------------------------------

json counts_json(const history_contents& all) {
  auto events = json::object();
  for (std::size_t i = 0; i < event_kind_count; ++i) {
    const auto kind = static_cast<event_kind>(i);
    auto& each = events[std::string(to_text(kind))];
    if (all.could_hold(kind)) each = all.counts.events[i];
  }
  return events;
}

template <class Counts, class Name>
json named_counts(const Counts& counts, Name name, bool with_zeros) {
  auto made = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (with_zeros or counts[i] > 0) made[std::string(name(i))] = counts[i];
  return made;
}

json parts_json(const history_contents& all) {
  auto made = json::array();
  for (const auto& each : all.parts)
    made.push_back({{"partition", each.partition},
                    {"first_now", to_time_text(each.first_now)},
                    {"last_now", to_time_text(each.last_now)}});
  return made;
}

json policies_json(const history_contents& all) {
  auto made = json::array();
  for (const auto& each : all.in_force)
    made.push_back({{"partition", each.partition},
                    {"from", to_time_text(each.from)},
                    {"slot", each.slot},
                    {"digest", each.digest.empty() ? json() : json(each.digest)}});
  return made;
}

void add_counts(json& to, const history_contents& all) {
  const auto& counts = all.counts;
  to["users"] = counts.users;
  to["events"] = counts_json(all);
  to["lanes"] = named_counts(
      counts.lanes, [](std::size_t i) { return to_text(static_cast<lane>(i)); }, true);
  to["segments"] = counts.segments;
  to["commands_to_all"] = all.broadcasts.size();
  to["duplicates"] = counts.duplicates;
  to["stale"] = counts.stale;
  to["refused"] = named_counts(
      counts.refused, [](std::size_t i) { return to_text(static_cast<refusal>(i)); }, false);
  to["empty_lines"] = counts.empty_lines;
  to["erased_users"] = all.pseudonymised ? json(counts.erased_users) : json();
  to["lateness"] = nullptr;
  if (all.arrivals_known)
    to["lateness"] = named_counts(
        counts.lateness, [](std::size_t i) { return lateness_names[i]; }, true);
  to["reviews"] = named_counts(
      counts.reviews, [](std::size_t i) { return ending_names[i]; }, true);
}

void add_survey(json& to, const history_contents& all, const history_survey& survey) {
  auto labels = json::object();
  for (std::size_t i = 0; i < all.labels.size(); ++i)
    labels[all.labels[i].name] = survey.labelled[i];
  to["labelled_users"] = std::move(labels);
  to["user_days"] = survey.user_days;
  to["daily_speech_ms"] = nullptr;
  if (survey.user_days == 0) return;
  auto daily = json::object();
  for (std::size_t i = 0; i < daily_percents.size(); ++i)
    daily[fmt::format("p{}", daily_percents.at(i))] = survey.daily_ms.at(i);
  to["daily_speech_ms"] = std::move(daily);
}

} // namespace

std::string text_of(const history_report& report) {
  const auto& all = report.of.contents();
  auto text = head_text(report);
  if (report.read != nullptr) text += read_text(report);
  text += events_text(all) + left_out_text(all.counts) + lateness_text(all) + reviews_text(all.counts);
  if (report.survey) text += survey_text(all, *report.survey);
  if (const auto cost = cost_of(report.of))
    text += fmt::format("{:.1f} bytes a speech event, {:.1f} without the ids\n", cost->whole, cost->without_ids);
  return text;
}

json json_of(const history_report& report) {
  const auto& all = report.of.contents();
  json made = {{"file", report.file}, {"bytes", report.of.size()}, {"digest", report.of.digest()}};
  made["program"] = all.program;
  made["start"] = to_text(all.start);
  if (all.holds_states()) {
    made["checkpoints"] = checkpoints_json(all);
    made["idle_users"] = all.counts.idle_users;
  }
  made["arrivals_known"] = all.arrivals_known;
  made["pseudonymised"] = all.pseudonymised;
  const bool has_events = all.counts.all_events() > 0;
  made["from"] = has_events ? json(to_time_text(all.first_instant)) : json();
  made["until"] = has_events ? json(to_time_text(all.last_instant)) : json();
  made["partitions"] = parts_json(all);
  made["policies"] = policies_json(all);
  add_counts(made, all);
  made["blocks"] = all.blocks.size();
  if (const auto cost = cost_of(report.of)) {
    made["bytes_per_speech_event"] = cost->whole;
    made["bytes_per_speech_event_without_ids"] = cost->without_ids;
  }
  if (report.survey) add_survey(made, all, *report.survey);
  if (report.read != nullptr) {
    made["lines"] = report.read->lines;
    made["review_decisions"] = report.read->review_decisions;
    made["other_decisions"] = report.read->other_decisions;
    made["labels"] = report.read->labels;
    made["labels_of_users_with_events"] = report.labelled_users;
  }
  return made;
}

} // namespace fairuse::cli
