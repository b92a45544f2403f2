// SPDX-License-Identifier: Apache-2.0
#include "actors/user_actor.hpp"

#include <algorithm>

namespace fairuse {

namespace {

void take_step(user& who, const slice& what, const step& taken, std::int64_t horizon_ms, outcome& result) {
  advance(who, *taken.in_force, taken.now, result.wrote);
  // After advance, which forgets hours that memory does not keep.
  for (const auto& hour : what.older)
    who.ids.load(hour.hour, hour.keys);
  for (const auto& each : what.events.subspan(taken.first, taken.count)) {
    const auto how = apply(who, *taken.in_force, taken.now, each, horizon_ms, result.wrote);
    if (how == applied::too_old or how == applied::future or how == applied::erased)
      result.refused.push_back({&each, how});
  }
}

} // namespace

void take_steps(user& who, const slice& what, std::int64_t horizon_ms, outcome& result) {
  result.steps_taken = 0;
  result.asked = false;
  auto read = result.wrote.decisions.size();
  for (const auto& each : what.steps) {
    take_step(who, what, each, horizon_ms, result);
    ++result.steps_taken;
    const auto& written = result.wrote.decisions;
    result.asked = std::any_of(written.begin() + static_cast<std::ptrdiff_t>(read), written.end(),
                               [](const decision& one) { return one.kind == decision_kind::review_requested; });
    if (result.asked) break;
    read = written.size();
  }
  result.who = &who;
  result.next_due = who.next_due;
}

user_actor::behavior_type run_user(user_actor::stateful_pointer<user_state> self, user* who, std::int64_t horizon_ms) {
  self->state.who.reset(who);
  self->state.horizon_ms = horizon_ms;
  // The shard is the sender. It holds a handle of this actor, so a handle of the shard here would be a cycle.
  return {[self](take_slice request) {
    take_steps(*self->state.who, *request.what, self->state.horizon_ms, *request.result);
    self->send(caf::actor_cast<shard_actor>(self->current_sender()), slice_taken{request.result});
  }};
}

} // namespace fairuse
