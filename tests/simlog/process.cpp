// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/process.hpp"

namespace fairuse::simlog {

using kafka::call_result;
using kafka::next_action;

void process::die(point where, bool before) {
  dead_ = true;
  throw simulated_crash(where, before);
}

void process::arrive() {
  log.arrive();
  if (!log.reachable()) return;
  for (heartbeat_sender* each : members_)
    each->beat();
}

fault process::pass_quietly(point where) {
  arrive();
  const fault what = faults.next(where);
  dead_ = dead_ || what == fault::crash_before;
  return what;
}

fault process::pass(point where) {
  arrive();
  const fault what = faults.next(where);
  if (what == fault::crash_before) die(where, true);
  return what;
}

kafka::call_error process::again(const std::string& code) {
  log.waited();
  return {next_action::again, code, "no answer yet"};
}

call_result<> process::ask(const request& what, bool& had_errors) {
  if (dead_) return gone();
  const fault how = pass(what.where);
  if (!log.reachable()) {
    had_errors = true;
    return again("_TRANSPORT");
  }
  if (how == fault::none || how == fault::crash_after) {
    call_result<> seen = what.send({});
    leave(what.where, how);
    return seen;
  }
  if (how != fault::late_markers) had_errors = true;
  return struck(what, how);
}

call_result<> process::struck(const request& what, fault how) {
  switch (how) {
    case fault::loading:
      return again("COORDINATOR_LOAD_IN_PROGRESS");
    case fault::late_markers:
      return what.send([this]() -> std::optional<delay> {
        if (faults.below(3) == 0) return std::nullopt;
        return draw_delay();
      });
    case fault::reply_lost:
      (void)what.send({});
      return after_loss(what);
    case fault::delayed:
      if (what.copy) log.later(draw_delay(), what.copy);
      return after_loss(what);
    case fault::duplicated: {
      call_result<> seen = what.send({});
      if (what.copy) log.later(draw_delay(), what.copy);
      return seen;
    }
    default:
      return after_loss(what);
  }
}

call_result<> process::after_loss(const request& what) {
  const auto drawn = [this] {
    const std::uint64_t draw = faults.below(10);
    return draw < 6 ? outcome::settles : draw < 9 ? outcome::repeats : outcome::breaks;
  };
  const outcome next = options.after_loss ? *options.after_loss : drawn();
  if (next == outcome::settles) return what.send({});
  const bool ends = what.where == point::commit || what.where == point::abort;
  if (next == outcome::breaks && ends)
    return kafka::call_error{next_action::broken, "_TIMED_OUT", "the outcome is not known"};
  return again("_TIMED_OUT");
}

delay process::draw_delay() {
  if (options.lateness) return *options.lateness;
  return {1 + faults.below(60), 1 + static_cast<time_ms>(faults.below(3'000))};
}

} // namespace fairuse::simlog
