// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "events/time_text.hpp"
#include "sim/report.hpp"

namespace fairuse::sim {

namespace {

constexpr std::size_t legitimate = 0;
constexpr std::size_t misuse = 1;
constexpr std::size_t exhausted = 2;
/// Columns of policies in one cohort table.
constexpr std::size_t policies_per_row = 4;

std::string grouped(std::uint64_t value) {
  auto text = std::to_string(value);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

std::string percent(double share) {
  if (share > 0 and share < 0.1) return fmt::format("{:.2f} %", share * 100);
  return fmt::format("{:.1f} %", share * 100);
}

std::string share_text(const proportion& of) {
  const auto rate = of.rate();
  if (not rate) return "-";
  return fmt::format("{:>7}  {:>7} [{}, {}]", grouped(of.hits), percent(*rate), percent(of.between.lower),
                     percent(of.between.upper));
}

std::string hours(std::int64_t ms) {
  const double value = static_cast<double>(ms) / static_cast<double>(hour_ms);
  return value >= 100 or ms == 0 ? grouped(static_cast<std::uint64_t>(std::llround(value))) + " h"
                                 : fmt::format("{:.1f} h", value);
}

std::string after(const stage_tally& of) {
  if (of.reached_after_ms.empty()) return "-";
  const auto ms = of.reached_after_ms[(of.reached_after_ms.size() + 1) / 2 - 1];
  return fmt::format("{:.1f} d", static_cast<double>(ms) / static_cast<double>(day_ms));
}

std::size_t name_width(const run_figures& figures) {
  std::size_t width = 6;
  for (const auto& each : figures.policies)
    width = std::max(width, each.rules->name.size());
  return width;
}

void write_head(std::string& out, const experiment& what, const run_result& result) {
  const auto at = std::back_inserter(out);
  if (result.partial)
    fmt::format_to(at, "PARTIAL: stopped after {} of {} users; what follows is about these\n",
                   grouped(result.tally.users), grouped(what.users));
  fmt::format_to(at, "{}: {} users, {} days from {}, seed {}, {} events\ndigest {}\n", what.name,
                 grouped(result.tally.users), what.days, to_time_text(what.people.start).substr(0, 10), what.seed,
                 grouped(result.tally.events), result.digest);
}

void write_stages(std::string& out, const run_figures& figures) {
  const auto at = std::back_inserter(out);
  const auto width = name_width(figures);
  const auto& groups = figures.policies.front().groups;
  fmt::format_to(at, "\nUsers hit, with exact 95 % intervals\n{:<9} {:<{}}  {:<36} {:<36} {}\n", "stage", "policy",
                 width, fmt::format("of {} legitimate", grouped(groups[legitimate].users)),
                 fmt::format("of {} misusing", grouped(groups[misuse].users)), "legitimate among these");
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    for (const auto& each : figures.policies) {
      const auto& stage = each.stages[i];
      fmt::format_to(at, "{:<9} {:<{}}  {:<36} {:<36} {}\n",
                     &each == &figures.policies.front() ? to_text(counted_stages[i]) : "", each.rules->name, width,
                     share_text(stage.hit[legitimate]), share_text(stage.hit[misuse]),
                     share_text(stage.false_discovery));
    }
  for (const auto& each : figures.policies)
    for (std::size_t i = 0; i < counted_stage_count; ++i) {
      const auto& of = each.stages[i].hit[legitimate];
      if (each.stages[i].below_bar == evidence::not_enough)
        fmt::format_to(at,
                       "{}: too little data to say whether {} hits fewer than 1 % of legitimate users; with {} hit it "
                       "takes {} users\n",
                       each.rules->name, to_text(counted_stages[i]), of.hits,
                       grouped(trials_needed(false_positive_bar, of.hits)));
    }
}

void write_cohorts(std::string& out, const experiment& what, const run_figures& figures) {
  const auto at = std::back_inserter(out);
  std::size_t width = 8;
  for (const auto& each : what.people.cohorts)
    width = std::max(width, each.name.size());
  for (std::size_t from = 0; from < figures.policies.size(); from += policies_per_row) {
    const auto until = std::min(from + policies_per_row, figures.policies.size());
    fmt::format_to(at, "\nUsers at warning / throttle / restrict, by cohort\n{:<{}}  {:<10} {:>8}", "cohort", width,
                   "truth", "users");
    for (auto index = from; index < until; ++index)
      fmt::format_to(at, " {:>21}", figures.policies[index].rules->name);
    out.push_back('\n');
    for (std::size_t group = 0; group < what.people.cohorts.size(); ++group) {
      const auto& cohort = what.people.cohorts[group];
      fmt::format_to(at, "{:<{}}  {:<10} {:>8}", cohort.name, width, to_text(cohort.label),
                     grouped((*figures.policies.front().cohorts)[group].users));
      for (auto index = from; index < until; ++index) {
        const auto& stages = (*figures.policies[index].cohorts)[group].stages;
        fmt::format_to(at, " {:>21}", fmt::format("{} / {} / {}", stages[0].hits, stages[1].hits, stages[2].hits));
      }
      out.push_back('\n');
    }
  }
}

void write_effects(std::string& out, const experiment& what, const run_figures& figures) {
  const auto at = std::back_inserter(out);
  const auto width = name_width(figures);
  const auto& all = figures.policies.front();
  fmt::format_to(at, "\nEffects on {} of STT\n{:<{}} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>12} {:>9}\n",
                 hours(all.stt_ms), "policy", width, "reviews", "saved", "harm", "economy", "to warning", "to restrict",
                 "restrict", "missed");
  fmt::format_to(at, "{:<{}} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>12} {:>9}\n", "", width, "", "misuse", "legit.",
                 "all", "misuse", "misuse", "legit. days", "misuse");
  for (const auto& each : figures.policies) {
    std::int64_t economy_ms = 0;
    for (const auto& group : each.groups)
      economy_ms += group.audio.stt_economy_ms;
    fmt::format_to(at, "{:<{}} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>12.1f} {:>9}\n", each.rules->name, width,
                   grouped(each.reviews), hours(each.saved_ms), hours(each.harm_ms), hours(economy_ms),
                   after(each.groups[misuse].stages[0]), after(each.groups[misuse].stages[2]),
                   static_cast<double>(each.groups[legitimate].stages[2].held_ms) / static_cast<double>(day_ms),
                   grouped(each.missed.hits));
  }
  if (what.prices)
    for (const auto& each : figures.policies) {
      const auto amount = [](std::int64_t micro) { return fmt::format("{:.2f}", static_cast<double>(micro) / 1e6); };
      fmt::format_to(at, "{:<{}} {} {}: saved {}, by the cheaper model {}, reviews cost {}\n", each.rules->name, width,
                     what.prices->currency, amount(each.money->stt), amount(each.money->saved),
                     amount(each.money->saved_by_economy), amount(each.money->reviews));
    }
  const auto& free = all.groups[exhausted];
  if (free.users > 0)
    fmt::format_to(at, "Free plans used up are reported apart: {} users, of whom {} reached {} under {}.\n",
                   grouped(free.users), grouped(free.stages[2].hits), to_text(counted_stages[2]), all.rules->name);
}

void write_comparisons(std::string& out, const run_figures& figures) {
  if (figures.policies.size() < 2) return;
  const auto at = std::back_inserter(out);
  const auto width = name_width(figures);
  fmt::format_to(at, "\nAgainst {}, on the same users: newly hit / newly spared (p of an exact McNemar test)\n{:<{}}",
                 figures.policies.front().rules->name, "policy", width);
  for (const auto stage : counted_stages)
    for (const char* who : {"legitimate", "misuse"})
      fmt::format_to(at, " {:>19}",
                     fmt::format("{} {}", to_text(stage), who == std::string_view("misuse") ? who : "legit."));
  out.push_back('\n');
  for (std::size_t index = 1; index < figures.policies.size(); ++index) {
    fmt::format_to(at, "{:<{}}", figures.policies[index].rules->name, width);
    for (const auto& stage : figures.policies[index].stages)
      for (const auto who : {legitimate, misuse}) {
        const auto& against = stage.against_first[who];
        fmt::format_to(
            at, " {:>19}",
            fmt::format("{} / {} ({})", against.newly_hit, against.newly_spared,
                        against.p_value < 0.001 ? std::string("<0.001") : fmt::format("{:.3f}", against.p_value)));
      }
    out.push_back('\n');
  }
}

void write_guards(std::string& out, const run_figures& figures) {
  if (figures.guards.empty()) return;
  const auto at = std::back_inserter(out);
  out += "\nGuards\n";
  for (const auto& each : figures.guards)
    fmt::format_to(at, "{:<16} {} ({})\n", to_text(each.outcome), each.of->text, each.policy);
}

} // namespace

std::string report_table(const experiment& what, const run_result& result, const run_figures& figures) {
  std::string out;
  write_head(out, what, result);
  write_stages(out, figures);
  write_cohorts(out, what, figures);
  write_effects(out, what, figures);
  write_comparisons(out, figures);
  write_guards(out, figures);
  return out;
}

} // namespace fairuse::sim
