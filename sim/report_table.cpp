// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/pure/quantile.hpp"
#include "base/pure/text_table.hpp"
#include "events/time_text.hpp"
#include "sim/report.hpp"

namespace fairuse::sim {

namespace {

constexpr std::size_t legitimate = 0;
constexpr std::size_t misuse = 1;
constexpr std::size_t exhausted = 2;
constexpr std::size_t unlabelled = 3;
constexpr auto at_left = text_table::align::left;
/// Users whom the table names; report.json has all of them.
constexpr std::uint64_t named_max = 3;

std::string percent(double share) {
  if (share > 0 and share < 0.1) return fmt::format("{:.2f} %", share * 100);
  return fmt::format("{:.1f} %", share * 100);
}

std::string share_text(const proportion& of, std::size_t hits_width) {
  const auto rate = of.rate();
  if (not rate) return "-";
  return fmt::format("{:>{}} {:>7} [{}, {}]", grouped(of.hits), hits_width, percent(*rate), percent(of.between.lower),
                     percent(of.between.upper));
}

std::string hours(std::int64_t ms) {
  const double value = static_cast<double>(ms) / static_cast<double>(hour_ms);
  return value >= 100 or ms == 0 ? grouped(static_cast<std::uint64_t>(std::llround(value))) + " h"
                                 : fmt::format("{:.1f} h", value);
}

std::string hours(known_ms ms) { return ms ? hours(*ms) : "-"; }

std::string after(const stage_tally& of) {
  if (of.reached_after_ms.empty()) return "-";
  const auto ms = quantile_of(of.reached_after_ms, 50);
  return fmt::format("{:.1f} d", static_cast<double>(ms) / static_cast<double>(day_ms));
}

/// The report as it grows.
struct page {
  std::size_t width = text_width;
  std::string text;

  void add(const text_table& table) { text += table.text(width); }
  /// A sentence; what does not fit goes on below.
  void add_line(const std::string& line) { text += wrapped(line, 2, width) + '\n'; }
};

void write_head(page& out, const experiment& what, const run_result& result) {
  if (result.partial)
    out.add_line(fmt::format("PARTIAL: stopped after {} of {} users; what follows is about these",
                             grouped(result.tally.users), grouped(what.users)));
  out.add_line(fmt::format("{}: {} users, {} days from {}, {}{} events", what.name, grouped(result.tally.users),
                           what.days, to_time_text(what.people.start).substr(0, 10),
                           what.captured ? std::string() : fmt::format("seed {}, ", what.seed),
                           grouped(result.tally.events)));
  out.add_line(fmt::format("digest {}", result.digest));
}

/// One share per stage and policy, in the order of the table's rows.
template <class ShareOf>
std::vector<std::string> share_column(const run_figures& figures, ShareOf share_of) {
  std::size_t width = 1;
  for (const auto& each : figures.policies)
    for (const auto& stage : each.stages)
      width = std::max(width, grouped(share_of(stage).hits).size());
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    for (const auto& each : figures.policies)
      cells.push_back(share_text(share_of(each.stages[i]), width));
  return cells;
}

/// A column of the table of users hit.
struct hit_column {
  std::string title;
  std::vector<std::string> cells;
};

std::vector<hit_column> hit_columns(const experiment& what, const run_figures& figures) {
  const auto& groups = figures.policies.front().groups;
  const auto column = [&](std::size_t group, std::string_view name) {
    return hit_column{fmt::format("of {} {}", grouped(groups[group].users), name),
                      share_column(
                          figures, [group](const auto& stage) -> auto& { return stage.hit[group]; })};
  };
  std::vector<hit_column> columns;
  if (not what.captured or groups[legitimate].users + groups[misuse].users > 0) {
    columns.push_back(column(legitimate, "legitimate"));
    columns.push_back(column(misuse, "misusing"));
    columns.push_back(
        {"legitimate among these", share_column(
                                       figures, [](const auto& stage) -> auto& { return stage.false_discovery; })});
  }
  if (what.captured and groups[unlabelled].users > 0) columns.push_back(column(unlabelled, "unlabelled"));
  return columns;
}

void write_evidence(page& out, const policy_figures& of) {
  for (std::size_t i = 0; i < counted_stage_count; ++i) {
    const auto& hit = of.stages[i].hit[legitimate];
    if (of.stages[i].below_bar == evidence::not_enough)
      out.add_line(fmt::format(
          "{}: too little data to say whether {} hits fewer than 1 % of legitimate users; with "
          "{} hit it takes {} users",
          of.rules->name, to_text(counted_stages[i]), hit.hits, grouped(trials_needed(false_positive_bar, hit.hits))));
  }
}

std::string bracket_text(const bracket& of) {
  return of.lower and of.upper ? fmt::format("{} to {}", percent(*of.lower), percent(*of.upper)) : "-";
}

/// Rates are of labelled users alone.
void write_coverage(page& out, const run_figures& figures) {
  const auto& labels = figures.labels;
  if (labels.labelled == labels.users) return;
  out.add_line(
      fmt::format("{} of {} users are labelled; what is true of the others is not known, so rates leave them "
                  "out (--labels names a file)",
                  grouped(labels.labelled), grouped(labels.users)));
  if (figures.policies.front().groups[legitimate].users == 0) return;
  for (const auto& each : figures.policies)
    out.add_line(fmt::format("{}: whatever they are, false positives at warning / throttle / restrict are {} / {} / {}",
                             each.rules->name, bracket_text(each.stages[0].fpr_of_all),
                             bracket_text(each.stages[1].fpr_of_all), bracket_text(each.stages[2].fpr_of_all)));
}

void write_stages(page& out, const experiment& what, const run_figures& figures) {
  const auto columns = hit_columns(what, figures);
  std::vector<text_table::column> heads{{"stage", at_left}, {"policy", at_left}};
  for (const auto& each : columns)
    heads.push_back({each.title, at_left});
  text_table table{std::move(heads), 2};
  std::size_t row = 0;
  for (const auto stage : counted_stages)
    for (const auto& each : figures.policies) {
      const bool first = &each == &figures.policies.front();
      std::vector<std::string> cells{std::string{first ? to_text(stage) : ""}, each.rules->name};
      for (const auto& column : columns)
        cells.push_back(column.cells[row]);
      table.add(std::move(cells));
      ++row;
    }
  out.text += "\nUsers hit, with exact 95 % intervals\n";
  out.add(table);
  if (what.captured) write_coverage(out, figures);
  if (what.captured and figures.policies.front().groups[legitimate].users == 0) return;
  for (const auto& each : figures.policies)
    write_evidence(out, each);
}

void write_cohorts(page& out, const experiment& what, const run_figures& figures) {
  // Of a history without labels: the table of users hit says it.
  if (what.captured and what.people.cohorts.size() < 2) return;
  std::vector<text_table::column> columns{{"cohort", at_left}, {"truth", at_left}, {"users"}};
  for (const auto& each : figures.policies)
    columns.push_back({each.rules->name});
  text_table table{std::move(columns)};
  for (std::size_t group = 0; group < what.people.cohorts.size(); ++group) {
    const auto& cohort = what.people.cohorts[group];
    std::vector<std::string> cells{cohort.name, std::string{to_text(cohort.label)},
                                   grouped((*figures.policies.front().cohorts)[group].users)};
    for (const auto& each : figures.policies) {
      const auto& stages = (*each.cohorts)[group].stages;
      cells.push_back(fmt::format("{} / {} / {}", stages[0].hits, stages[1].hits, stages[2].hits));
    }
    table.add(std::move(cells));
  }
  out.text += "\nUsers at warning / throttle / restrict, by cohort\n";
  out.add(table);
}

void write_money(page& out, const experiment& what, const run_figures& figures) {
  if (not what.prices) return;
  const auto amount = [](std::optional<std::int64_t> micro) {
    return micro ? fmt::format("{:.2f}", static_cast<double>(*micro) / 1e6) : "-";
  };
  for (const auto& each : figures.policies)
    out.add_line(fmt::format("{} {} {}: saved {}, by the cheaper model {}, reviews cost {}", each.rules->name,
                             what.prices->currency, amount(each.money->stt), amount(each.money->saved),
                             amount(each.money->saved_by_economy), amount(each.money->reviews)));
}

/// Requests on the day with the most of them.
std::uint64_t busiest_day(const decision_tally& of) {
  std::uint64_t most = 0;
  for (const auto& [day, counted] : of.days)
    most = std::max(most, counted.reviews);
  return most;
}

void write_effects(page& out, const experiment& what, const run_figures& figures) {
  const auto& all = figures.policies.front();
  text_table table{{{"policy", at_left},
                    {"caps\ncrossed"},
                    {"reviews\nall"},
                    {"reviews\nbusiest day"},
                    {"STT\nrefused"},
                    {"uploads\nrefused"},
                    {"saved\nmisuse"},
                    {"harm\nlegit."},
                    {"economy\nall"},
                    {"to warning\nmisuse"},
                    {"to restrict\nmisuse"},
                    {"restrict\nlegit. days"},
                    {"missed\nmisuse"}}};
  for (const auto& each : figures.policies) {
    const auto& honest = each.groups[legitimate];
    const auto held_days = static_cast<double>(honest.stages[2].held_ms) / static_cast<double>(day_ms);
    table.add({each.rules->name, grouped(each.crossings()), grouped(each.reviews),
               grouped(busiest_day(each.tally->decided)), hours(each.stt_blocked_ms), hours(each.upload_refused_ms),
               hours(each.saved_ms), hours(each.harm_ms), hours(each.stt_economy_ms),
               after(each.groups[misuse].stages[0]), after(each.groups[misuse].stages[2]),
               honest.users > 0 ? fmt::format("{:.1f}", held_days) : "-",
               each.missed.users > 0 ? grouped(each.missed.hits) : "-"});
  }
  out.text += all.stt_ms ? fmt::format("\nEffects on {} of STT\n", hours(*all.stt_ms))
                         : std::string("\nEffects (STT is not known)\n");
  out.add(table);
  write_money(out, what, figures);
  const auto& free = all.groups[exhausted];
  if (free.users > 0)
    out.add_line(fmt::format("Free plans used up are reported apart: {} users, of whom {} reached {} under {}.",
                             grouped(free.users), grouped(free.stages[2].hits), to_text(counted_stages[2]),
                             all.rules->name));
}

std::string change_text(const stage_figures::difference& against) {
  return fmt::format("{} / {} ({})", against.newly_hit, against.newly_spared,
                     against.p_value < 0.001 ? std::string("<0.001") : fmt::format("{:.3f}", against.p_value));
}

/// The groups that two policies are compared on.
std::vector<std::pair<std::size_t, const char*>> compared_groups(const experiment& what, const run_figures& figures) {
  const auto& groups = figures.policies.front().groups;
  std::vector<std::pair<std::size_t, const char*>> out;
  if (not what.captured or groups[legitimate].users > 0) out.emplace_back(legitimate, "legit.");
  if (not what.captured or groups[misuse].users > 0) out.emplace_back(misuse, "misuse");
  if (groups[unlabelled].users > 0) out.emplace_back(unlabelled, "unlabelled");
  return out;
}

void write_comparisons(page& out, const experiment& what, const run_figures& figures) {
  if (figures.policies.size() < 2) return;
  const auto groups = compared_groups(what, figures);
  std::vector<text_table::column> columns{{"policy", at_left}};
  for (const auto stage : counted_stages)
    for (const auto& [group, name] : groups)
      columns.push_back({fmt::format("{}\n{}", to_text(stage), name)});
  text_table table{std::move(columns)};
  for (std::size_t index = 1; index < figures.policies.size(); ++index) {
    std::vector<std::string> cells{figures.policies[index].rules->name};
    for (const auto& stage : figures.policies[index].stages)
      for (const auto& [group, name] : groups)
        cells.push_back(change_text(stage.against_first[group]));
    table.add(std::move(cells));
  }
  out.text += '\n';
  out.add_line(fmt::format("Against {}, on the same users: newly hit / newly spared (p of an exact McNemar test)",
                           figures.policies.front().rules->name));
  out.add(table);
}

/// How many users each pair of stages has.
void write_transitions(page& out, const policy_figures& base, const policy_figures& candidate) {
  text_table table{{{"", at_left}, {"none"}, {"warning"}, {"throttle"}, {"restrict"}}};
  for (std::size_t from = 0; from < stage_count; ++from) {
    std::vector<std::string> cells{std::string(to_text(static_cast<stage>(from)))};
    for (const auto users : candidate.tally->moved.at(from))
      cells.push_back(grouped(users));
    table.add(std::move(cells));
  }
  out.text += '\n';
  out.add_line(fmt::format("Users by their highest stage: under {} (lines) and under {} (columns)", base.rules->name,
                           candidate.rules->name));
  out.add(table);
}

std::string with_score(std::string_view what, std::optional<std::int32_t> nano) {
  return nano ? fmt::format("{} with score {:.3f}", what, static_cast<double>(*nano) / 1e9) : std::string(what);
}

/// Who, and why: what led to the stage under the policy that went further, and what the other one decided instead.
std::string changed_text(const policy& hits, const policy& spares, const changed_user& who) {
  const auto& hit = who.why.hit;
  auto over = hit.window ? hits.windows[*hit.window].name + " " : std::string();
  if (hit.window and hit.cap_ms) over += fmt::format("over {}, ", hours(*hit.cap_ms));
  return fmt::format("- {}, {} instead of {}: {}{} under {}; {} under {}", who.uid, to_text(who.candidate),
                     to_text(who.base), over, with_score(to_text(hit.why), hit.score_nano), hits.name,
                     with_score(to_text(who.why.spared.by), who.why.spared.score_nano), spares.name);
}

/// Users who are newly hit, or newly spared, by what spared them under the other policy; the first ones by name.
void write_reasons(page& out, const policy_figures& base, const policy_figures& candidate, bool hit) {
  std::map<std::string_view, std::uint64_t> reasons;
  const auto& hits = *(hit ? candidate : base).rules;
  const auto& spares = *(hit ? base : candidate).rules;
  std::vector<std::string> named;
  std::uint64_t users = 0;
  for (const auto& each : candidate.tally->changed) {
    if ((each.candidate > each.base) != hit) continue;
    ++reasons[to_text(each.why.spared.by)];
    if (++users <= named_max) named.push_back(changed_text(hits, spares, each));
  }
  if (users == 0) return;
  auto line =
      fmt::format("newly {}: {}; what {} decided instead:", hit ? "hit" : "spared", grouped(users), spares.name);
  for (const auto& [name, count] : reasons)
    line += fmt::format(" {} {},", name, grouped(count));
  line.back() = '.';
  out.add_line(line);
  for (const auto& each : named)
    out.add_line(each);
  if (users > named.size()) out.add_line(fmt::format("- {} more: report.json", grouped(users - named.size())));
}

void write_against_base(page& out, const run_figures& figures) {
  for (std::size_t index = 1; index < figures.policies.size(); ++index) {
    write_transitions(out, figures.policies.front(), figures.policies[index]);
    for (const bool hit : {true, false})
      write_reasons(out, figures.policies.front(), figures.policies[index], hit);
  }
}

void write_review_sources(page& out, const experiment& what, const run_result& result, const run_figures& figures) {
  out.text += "\nReviews, by where their outcome came from\n";
  text_table table{{{"policy", at_left}, {"requests"}, {"recorded"}, {"model"}, {"none"}}};
  for (const auto& each : figures.policies)
    table.add({each.rules->name, grouped(each.reviews), grouped(each.answers.recorded), grouped(each.answers.modelled),
               grouped(each.answers.missing)});
  out.add(table);
  for (const auto& each : figures.policies)
    if (each.hits_if_misuse)
      out.add_line(
          fmt::format("{}: without an outcome {} requests; users at warning / throttle / restrict are {} / {} "
                      "/ {} if none of them qualifies, {} / {} / {} if all do",
                      each.rules->name, grouped(each.answers.missing), each.hits(0), each.hits(1), each.hits(2),
                      (*each.hits_if_misuse)[0], (*each.hits_if_misuse)[1], (*each.hits_if_misuse)[2]));
  if (const auto skipped = skipped_commands(what, result); skipped > 0)
    out.add_line(fmt::format("{} commands of staff were left out: they answered what other policies had decided",
                             grouped(skipped)));
}

void write_guards(page& out, const run_figures& figures) {
  if (figures.guards.empty()) return;
  out.text += "\nGuards\n";
  for (const auto& each : figures.guards)
    out.add_line(fmt::format("{:<16} {} ({})", to_text(each.outcome), each.of->text, each.policy));
}

} // namespace

std::string report_table(const experiment& what, const run_result& result, const run_figures& figures,
                         std::size_t width) {
  page out{.width = width, .text = {}};
  write_head(out, what, result);
  write_stages(out, what, figures);
  write_cohorts(out, what, figures);
  write_effects(out, what, figures);
  write_comparisons(out, what, figures);
  write_against_base(out, figures);
  if (what.captured) write_review_sources(out, what, result, figures);
  write_guards(out, figures);
  return std::move(out.text);
}

} // namespace fairuse::sim
