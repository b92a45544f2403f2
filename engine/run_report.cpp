// SPDX-License-Identifier: Apache-2.0

#include "engine/run_report.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"
#include "events/decision.hpp"
#include "events/refusal.hpp"

namespace fairuse {

namespace {

using json = nlohmann::ordered_json;

/// Of the table of Kafka mode.
constexpr std::size_t row_width = 27;

std::string counted(std::string_view name, std::uint64_t value) {
  return fmt::format("{:<28}{:>15}\n", name, grouped(value));
}

double per_second(std::uint64_t count, double seconds) { return static_cast<double>(count) / std::max(seconds, 1e-6); }

// The last line of either table.
std::string cost_text(const run_report& report, std::uint64_t count, std::string_view unit) {
  return fmt::format("{:.2f} s, {:.0f} {}/s, {:.2f} CPU s, peak {} MiB\n", report.seconds,
                     per_second(count, report.seconds), unit, report.cpu_seconds, report.memory_peak_bytes >> 20U);
}

// The last members of either object.
void add_cost(json& to, const run_report& report, std::uint64_t count, const std::string& rate) {
  to["seconds"] = report.seconds;
  to[rate] = per_second(count, report.seconds);
  to["cpu_seconds"] = report.cpu_seconds;
  to["memory_peak_bytes"] = report.memory_peak_bytes;
}

// Of the events: what was neither a duplicate nor stale.
std::uint64_t accepted(const run_report& report, const local_figures& own) {
  return own.totals.events - report.duplicates - own.totals.counts.stale;
}

std::string text_of(const run_report& report, const local_figures& own) {
  const auto& totals = own.totals;
  auto text = counted("lines", totals.lines);
  if (totals.empty_lines > 0) text += counted("  empty, skipped", totals.empty_lines);
  text += counted("events", totals.events);
  text += counted("  accepted", accepted(report, own));
  if (totals.counts.moved_to_backfill > 0)
    text += counted("    moved to lane backfill", totals.counts.moved_to_backfill);
  text += counted("  duplicates", report.duplicates);
  if (totals.counts.reused_command_ids > 0) text += counted("    command ids reused", totals.counts.reused_command_ids);
  if (totals.counts.stale > 0) text += counted("  stale facts", totals.counts.stale);
  text += counted("dead letters", report.dead_letters);
  for (std::size_t i = 0; i < totals.dead_letters.size(); ++i)
    if (totals.dead_letters[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<refusal>(i))), totals.dead_letters[i]);
  text += counted("decisions", report.decisions);
  for (std::size_t i = 0; i < totals.decisions.size(); ++i)
    if (totals.decisions[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<decision_kind>(i))), totals.decisions[i]);
  text += counted("decisions of shadows",
                  std::accumulate(totals.shadow_decisions.begin(), totals.shadow_decisions.end(), std::uint64_t{0}));
  text += counted("users touched", totals.users);
  text += counted("  in memory", own.active_users);
  text += counted("epochs", report.epochs);
  text += counted("commits", totals.commits);
  return text + cost_text(report, totals.events, "events");
}

// Counters of an enumeration's values, without those at 0.
template <class Kind, class Counts>
json by_name(const Counts& counts) {
  auto object = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) object[std::string{to_text(static_cast<Kind>(i))}] = counts[i];
  return object;
}

std::string text_of(const run_report& report, const kafka_figures& own) {
  const auto row = [](std::string_view name, std::uint64_t value) {
    return fmt::format("{}{:>{}}\n", name, value, name.size() < row_width ? row_width - name.size() : 2);
  };
  auto text = row("records", own.totals.records) + row("  duplicates", report.duplicates);
  const auto reused = own.totals.counts.reused_command_ids;
  if (reused > 0) text += row("    reused id", reused);
  text += row("dead letters", report.dead_letters);
  for (std::size_t i = 0; i < refusal_count; ++i)
    if (own.totals.dead_letters[i] > 0)
      text += row(fmt::format("  {}", to_text(static_cast<refusal>(i))), own.totals.dead_letters[i]);
  text += row("decisions", report.decisions) + row("epochs", report.epochs) + row("transactions", own.transactions)
          + row("  aborted", own.aborts);
  return text + cost_text(report, own.totals.records, "records");
}

json json_of(const run_report& report, const local_figures& own) {
  const auto& totals = own.totals;
  json made = {{"lines", totals.lines},
               {"empty_lines", totals.empty_lines},
               {"bytes", totals.bytes},
               {"events", totals.events},
               {"accepted", accepted(report, own)},
               {"duplicates", report.duplicates},
               {"reused_command_ids", totals.counts.reused_command_ids},
               {"stale", totals.counts.stale},
               {"moved_to_backfill", totals.counts.moved_to_backfill},
               {"dead_letters", by_name<refusal>(totals.dead_letters)},
               {"decisions", by_name<decision_kind>(totals.decisions)},
               {"shadow_decisions", by_name<decision_kind>(totals.shadow_decisions)},
               {"users", totals.users},
               {"active_users", own.active_users},
               {"epochs", report.epochs},
               {"last_epoch", own.last_epoch},
               {"commits", totals.commits}};
  add_cost(made, report, totals.events, "events_per_second");
  return made;
}

json json_of(const run_report& report, const kafka_figures& own) {
  json made = {{"records", own.totals.records},
               {"duplicates", report.duplicates},
               {"reused_command_ids", own.totals.counts.reused_command_ids},
               {"dead_letters", report.dead_letters},
               {"dead_letter_reasons", by_name<refusal>(own.totals.dead_letters)},
               {"decisions", report.decisions},
               {"epochs", report.epochs},
               {"rows", own.totals.rows},
               {"outputs", own.totals.outputs},
               {"transactions", own.transactions},
               {"aborts", own.aborts},
               {"recycled", own.recycled},
               {"real_gaps", own.totals.real_gaps},
               {"refetches", own.totals.refetches}};
  add_cost(made, report, own.totals.records, "records_per_second");
  return made;
}

} // namespace

std::string report_text(const run_report& report) {
  return std::visit([&](const auto& own) { return text_of(report, own); }, report.of_mode);
}

std::string report_json(const run_report& report) {
  return std::visit([&](const auto& own) { return json_of(report, own).dump(); }, report.of_mode);
}

} // namespace fairuse
