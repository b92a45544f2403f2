// SPDX-License-Identifier: Apache-2.0

#include "engine/run_report.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairuse {

namespace {

using json = nlohmann::ordered_json;

// 1234567 -> 1,234,567.
std::string grouped(std::uint64_t value) {
  auto text = std::to_string(value);
  for (auto i = static_cast<int>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

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

std::string text_of(const run_report& report, const local_figures& own) {
  auto text = counted("lines", own.lines);
  if (own.empty_lines > 0) text += counted("  empty, skipped", own.empty_lines);
  text += counted("events", own.events);
  text += counted("  duplicates", report.duplicates);
  if (report.counts.stale > 0) text += counted("  stale facts", report.counts.stale);
  if (report.counts.moved_to_backfill > 0) text += counted("  moved to lane backfill", report.counts.moved_to_backfill);
  text += counted("dead letters", report.dead_letters);
  for (std::size_t i = 0; i < own.dead_letters.size(); ++i)
    if (own.dead_letters[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<refusal>(i))), own.dead_letters[i]);
  text += counted("decisions", report.decisions);
  for (std::size_t i = 0; i < own.decisions.size(); ++i)
    if (own.decisions[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<decision_kind>(i))), own.decisions[i]);
  text += counted("decisions of shadows",
                  std::accumulate(own.shadow_decisions.begin(), own.shadow_decisions.end(), std::uint64_t{0}));
  text += counted("users touched", own.users);
  text += counted("  in memory", own.active_users);
  text += counted("epochs", report.epochs);
  text += counted("commits", own.commits);
  return text + cost_text(report, own.events, "events");
}

std::string text_of(const run_report& report, const kafka_figures& own) {
  return fmt::format(
             "records      {:>14}\n  duplicates {:>14}\ndead letters {:>14}\ndecisions    {:>14}\n"
             "epochs       {:>14}\ntransactions {:>14}\n  aborted    {:>14}\n",
             own.records, report.duplicates, report.dead_letters, report.decisions, report.epochs, own.transactions,
             own.aborts)
         + cost_text(report, own.records, "records");
}

json json_of(const run_report& report, const local_figures& own) {
  const auto by_name = [](const auto& values, auto kind) {
    auto object = json::object();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] > 0) object[std::string{to_text(static_cast<decltype(kind)>(i))}] = values[i];
    return object;
  };
  json made = {{"lines", own.lines},
               {"empty_lines", own.empty_lines},
               {"bytes", own.bytes},
               {"events", own.events},
               {"duplicates", report.duplicates},
               {"stale", report.counts.stale},
               {"moved_to_backfill", report.counts.moved_to_backfill},
               {"dead_letters", by_name(own.dead_letters, refusal{})},
               {"decisions", by_name(own.decisions, decision_kind{})},
               {"shadow_decisions", by_name(own.shadow_decisions, decision_kind{})},
               {"users", own.users},
               {"active_users", own.active_users},
               {"epochs", report.epochs},
               {"last_epoch", own.last_epoch},
               {"commits", own.commits}};
  add_cost(made, report, own.events, "events_per_second");
  return made;
}

json json_of(const run_report& report, const kafka_figures& own) {
  json made = {
      {"records", own.records},        {"duplicates", report.duplicates},  {"dead_letters", report.dead_letters},
      {"decisions", report.decisions}, {"epochs", report.epochs},          {"rows", own.rows},
      {"outputs", own.outputs},        {"transactions", own.transactions}, {"aborts", own.aborts},
      {"recycled", own.recycled},      {"real_gaps", own.real_gaps},       {"refetches", own.refetches}};
  add_cost(made, report, own.records, "records_per_second");
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
