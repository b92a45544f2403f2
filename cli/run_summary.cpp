// SPDX-License-Identifier: Apache-2.0

#include "cli/run_summary.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fairuse::cli {

namespace {

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

std::uint64_t sum(const auto& values) { return std::accumulate(values.begin(), values.end(), std::uint64_t{0}); }

double rate(std::uint64_t count, double seconds) { return static_cast<double>(count) / std::max(seconds, 1e-6); }

std::uint64_t duplicates(const run_totals& totals) { return totals.counts.duplicates + totals.duplicate_commands; }

} // namespace

std::uint64_t dead_letter_count(const run_totals& totals) { return sum(totals.dead_letters); }

std::string summary_text(const run_totals& totals, const run_figures& figures) {
  auto text = counted("lines", totals.lines);
  if (totals.empty_lines > 0) text += counted("  empty, skipped", totals.empty_lines);
  text += counted("events", totals.events);
  text += counted("  duplicates", duplicates(totals));
  if (totals.counts.stale > 0) text += counted("  stale facts", totals.counts.stale);
  if (totals.counts.moved_to_backfill > 0) text += counted("  moved to lane backfill", totals.counts.moved_to_backfill);
  text += counted("dead letters", dead_letter_count(totals));
  for (std::size_t i = 0; i < totals.dead_letters.size(); ++i)
    if (totals.dead_letters[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<refusal>(i))), totals.dead_letters[i]);
  text += counted("decisions", sum(totals.decisions));
  for (std::size_t i = 0; i < totals.decisions.size(); ++i)
    if (totals.decisions[i] > 0)
      text += counted(fmt::format("  {}", to_text(static_cast<decision_kind>(i))), totals.decisions[i]);
  text += counted("decisions of shadows", sum(totals.shadow_decisions));
  text += counted("users touched", totals.users);
  text += counted("  in memory", figures.active_users);
  text += counted("epochs", totals.epochs);
  text += counted("commits", totals.commits);
  text += fmt::format("{:.2f} s, {:.0f} events/s, {:.2f} CPU s, peak {} MiB\n", figures.seconds,
                      rate(totals.events, figures.seconds), figures.cpu_seconds, figures.memory_peak_bytes >> 20U);
  return text;
}

std::string summary_json(const run_totals& totals, const run_figures& figures) {
  nlohmann::ordered_json text = {{"lines", totals.lines},
                                 {"empty_lines", totals.empty_lines},
                                 {"bytes", figures.bytes},
                                 {"events", totals.events},
                                 {"duplicates", duplicates(totals)},
                                 {"stale", totals.counts.stale},
                                 {"moved_to_backfill", totals.counts.moved_to_backfill}};
  const auto by_name = [](const auto& values, auto kind) {
    auto object = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] > 0) object[std::string{to_text(static_cast<decltype(kind)>(i))}] = values[i];
    return object;
  };
  text["dead_letters"] = by_name(totals.dead_letters, refusal{});
  text["decisions"] = by_name(totals.decisions, decision_kind{});
  text["shadow_decisions"] = by_name(totals.shadow_decisions, decision_kind{});
  text["users"] = totals.users;
  text["active_users"] = figures.active_users;
  text["epochs"] = totals.epochs;
  text["last_epoch"] = figures.last_epoch;
  text["commits"] = totals.commits;
  text["seconds"] = figures.seconds;
  text["events_per_second"] = rate(totals.events, figures.seconds);
  text["cpu_seconds"] = figures.cpu_seconds;
  text["memory_peak_bytes"] = figures.memory_peak_bytes;
  return text.dump();
}

} // namespace fairuse::cli
