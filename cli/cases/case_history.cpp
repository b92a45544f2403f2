// SPDX-License-Identifier: Apache-2.0

#include "cli/cases/case_history.hpp"

#include <utility>

#include <fmt/format.h>

#include "cli/program.hpp"
#include "core/rules.hpp"
#include "streams/history/history_target.hpp"
#include "streams/history/pack_files.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::cli {

namespace {

history::history_contents contents_of() {
  history::history_contents all;
  all.program = program_text;
  all.start = history::history_start::first_epoch;
  all.arrivals_known = true;
  all.horizon_ms = horizon_wall_ms;
  return all;
}

result<void, store_error> pack_sentences(const sim::policy_case& of, const std::filesystem::path& to) {
  auto target = history::history_target::open(to, true);
  if (not target) return target.error();
  history::packer pack({.scratch = target->scratch(), .judges_lateness = true});
  sim::case_traffic traffic;
  for (std::size_t i = 0; i < of.sentences.size(); ++i)
    add_events(of.sentences[i], of.start.value_or(0), i, traffic);
  std::uint32_t place = 0;
  for (const auto& each : traffic.events) {
    history::incoming_event row;
    row.uid = each.uid;
    row.what = each.what;
    row.epoch = static_cast<std::uint64_t>(each.now);
    row.place = place++;
    row.now = each.now;
    if (auto done = pack.add(row); not done) return done;
  }
  auto all = pack.finish(target->writer(), contents_of());
  if (not all) return all.error();
  return target->finish(*all);
}

result<void> pack_named_files(const sim::policy_case& of, const std::filesystem::path& to) {
  history::pack_files_wish wish;
  wish.files = of.files;
  wish.to = to;
  wish.replace = true;
  wish.program = program_text;
  const auto packed = pack_files(wish);
  if (not packed) return error{packed.error().message};
  return {};
}

} // namespace

result<std::unique_ptr<history::history_reader>> open_case_history(const sim::policy_case& of,
                                                                   const std::filesystem::path& folder) {
  const auto made = folder / "case.history";
  if (not of.sentences.empty()) {
    if (const auto done = pack_sentences(of, made); not done) return error{done.error().message};
  } else if (not of.files.empty()) {
    if (const auto done = pack_named_files(of, made); not done) return done.error();
  }
  const auto file = of.history.empty() ? made : std::filesystem::path(of.history);
  auto opened = history::history_reader::open(file);
  if (not opened) return error{fmt::format("{}: {}", file.string(), opened.error().message)};
  return std::move(*opened);
}

} // namespace fairuse::cli
