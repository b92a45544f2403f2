// SPDX-License-Identifier: Apache-2.0

#include "cli/history/written_history.hpp"

#include <string>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "core/rules.hpp"
#include "sim/traffic.hpp"
#include "streams/history/history_target.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::cli {

namespace {

history::history_contents contents_of(const sim::experiment& what) {
  history::history_contents all;
  all.program = program_text;
  all.start = history::history_start::first_epoch;
  all.arrivals_known = true;
  all.retention_ms = what.retention_ms;
  all.horizon_ms = horizon_wall_ms;
  all.parts.push_back({0, what.people.start, what.end()});
  for (const auto& each : what.people.cohorts)
    all.labels.push_back({each.name, std::string(to_text(each.label))});
  return all;
}

/// All users; a signal ends it early with the error of a pack that was stopped.
result<void, store_error> add_users(const sim::experiment& what, history::packer& to, const stop_signal& stop,
                                    progress& shown) {
  const sim::composition people(what.people, what.seed);
  sim::traffic_writer writer(people, what.days);
  sim::user_traffic traffic;
  for (std::uint32_t user = 0; user < what.users; ++user) {
    if (stop.came()) return store_error{store_fault::misuse, std::string(history::pack_stopped)};
    writer.write(user, traffic);
    const auto uid = sim::uid_of(user);
    if (auto done = to.add_label(uid, traffic.traits.cohort); not done) return done;
    for (const auto& each : traffic.arrivals) {
      if (each.at > what.end()) break;
      history::incoming_event row;
      row.uid = uid;
      row.what = each.what;
      row.epoch = static_cast<std::uint64_t>(each.at);
      row.now = each.at;
      if (auto done = to.add(row); not done) return done;
    }
    if (user % 64 == 0) shown.show(user, to.rows());
  }
  return {};
}

} // namespace

int write_history(const sim::experiment& what, const std::filesystem::path& to, bool replace) {
  const stop_signal stop{[] {}};
  auto target = history::history_target::open(to, replace);
  if (not target)
    return fail(target.error().fault == store_fault::misuse ? exit_usage : exit_failed, target.error().message);
  progress shown{what.users, "events"};
  history::pack_options options;
  options.scratch = target->scratch();
  options.judges_lateness = true;
  options.progress = [&shown](std::uint64_t users, std::uint64_t events) { shown.show(users, events); };
  options.stopped = [&stop] { return stop.came(); };
  history::packer pack(std::move(options));
  std::uint64_t events = 0;
  auto done = add_users(what, pack, stop, shown);
  if (done) {
    auto all = pack.finish(target->writer(), contents_of(what));
    done = all ? target->finish(*all) : result<void, store_error>(all.error());
    if (all) events = all->counts.all_events();
  }
  shown.clear();
  if (not done and stop.came()) return fail(exit_interrupted, "interrupted; nothing was written");
  if (not done) return fail(exit_failed, done.error().message);
  tell("history: {} ({} events)\n", to.string(), events);
  return exit_done;
}

} // namespace fairuse::cli
