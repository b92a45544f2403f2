// SPDX-License-Identifier: Apache-2.0
#include "actors/shard_actor.hpp"

#include <algorithm>

#include "actors/promotion_refusal.hpp"
#include "actors/user_actor.hpp"
#include "core/rules.hpp"

namespace fairuse {

void shard_state::start(shard_actor::pointer self, user_store& store, const shard_options& options) {
  self_ = self;
  store_ = &store;
  options_ = options;
  last_now_ = options.last_now;
  in_force_.push_back(options.start);
  policy_sets_.push_back(options.policies);
  command_ids_ = options.command_ids;
  std::sort(command_ids_.begin(), command_ids_.end(),
            [](const permanent_id& left, const permanent_id& right) { return left.key < right.key; });
  if (options_.fires_timers)
    for (const auto& [due, uid] : store.due_users())
      timers_.set(uid, due);
}

// What the configuration says when a store begins is its beginning, and no change.
bool shard_state::begins_store(const event& command) const {
  return last_now_ == INT64_MIN and command.text != nullptr and command.text->source == config_source;
}

const controls* shard_state::obey(const event& command, time_ms now) {
  const auto& what = detail_of<admin_command>(command);
  const permanent_id id{command.key, command_content(what)};
  const auto use = note_permanent_id(command_ids_, id);
  if (use != id_use::first) {
    broadcast_.duplicates.push_back(&command);
    if (use == id_use::reused) ++broadcast_.reused_ids;
    return nullptr;
  }
  broadcast_.new_ids.push_back(id);
  auto next = in_force();
  if (what.verb == admin_verb::enable)
    next.enabled = what.on;
  else if (what.verb == admin_verb::kill_switch)
    next.killed = what.on;
  else if (what.verb == admin_verb::promote_policy) {
    const auto after = may_promote(*next.policies, what, now) ? next.policies->promoted(what.policy) : nullptr;
    if (after == nullptr) {
      broadcast_.impossible.push_back({&command, why_not_promoted(*next.policies, what, now)});
      return nullptr;
    }
    policy_sets_.push_back(after);
    next.policies = after.get();
    broadcast_.decisions.push_back(promotion(*after, command, now));
  }
  if (next == in_force()) return nullptr;
  if (what.verb != admin_verb::promote_policy and not begins_store(command))
    broadcast_.decisions.push_back(switched(*next.policies, command, now));
  in_force_.push_back(next);
  return &in_force_.back();
}

void shard_state::obey_commands(const epoch& sealed) {
  // The steps of the last epoch are done: nothing points at earlier controls any more.
  while (in_force_.size() > 1)
    in_force_.pop_front();
  broadcast_.duplicates.clear();
  broadcast_.reused_ids = 0;
  broadcast_.impossible.clear();
  broadcast_.new_ids.clear();
  broadcast_.decisions.clear();
  periods_.assign(1, {nullptr, &in_force()});
  std::vector<const event*> commands;
  for (const auto& command : sealed.commands)
    commands.push_back(&command);
  std::sort(commands.begin(), commands.end(),
            [](const event* left, const event* right) { return before(*left, *right); });
  for (const auto* command : commands)
    if (const auto* changed = obey(*command, sealed.now)) periods_.push_back({command, changed});
  broadcast_.in_force = in_force();
}

void shard_state::cut_slices(const epoch& sealed) {
  if (not sealed.slices.empty()) {
    slices_.assign(sealed.slices.begin(), sealed.slices.end());
    return;
  }
  // A promotion gives every user with a timer a slice: the new rules may lift a restriction.
  const bool promoted = in_force().policies != periods_.front().in_force->policies;
  const auto until = promoted ? never - 1 : sealed.now;
  const auto due = options_.fires_timers ? timers_.due(until, sealed.timers_max) : std::vector<std::string_view>();
  const auto cut = cutter_.cut(sealed, periods_, due, last_now_);
  slices_.assign(cut.begin(), cut.end());
}

void shard_state::add_active(std::string_view uid, std::unique_ptr<user> who) {
  who->changed.track = options_.track_changes;
  if (spare_.empty()) {
    auto* raw = who.release();
    auto actor = self_->spawn<caf::hidden + caf::lazy_init>(run_user, raw, &options_);
    by_recency_.push_front({std::string(uid), std::move(actor), raw});
  } else {
    by_recency_.splice(by_recency_.begin(), spare_, spare_.begin());
    by_recency_.front().uid = uid;
    replace(*by_recency_.front().who, std::move(*who));
  }
  active_.emplace(by_recency_.front().uid, by_recency_.begin());
}

void shard_state::load_absent(std::span<slice> slices) {
  std::vector<std::string_view> absent;
  // A user is loaded under the rules from before the epoch, at a `now` no later than that of its first step.
  auto first = never;
  for (const auto& each : slices) {
    first = std::min(first, each.steps.front().now);
    const auto found = active_.find(each.uid);
    if (found == active_.end())
      absent.push_back(each.uid);
    else if (found->second != by_recency_.begin())
      by_recency_.splice(by_recency_.begin(), by_recency_, found->second);
  }
  if (not absent.empty()) {
    auto users = store_->load(absent, *periods_.front().in_force->policies, first);
    for (std::size_t i = 0; i < absent.size(); ++i)
      add_active(absent[i], std::move(users[i]));
  }
  // The uid is the shard's own text from here on: an outcome is read after the epoch's memory and timers have changed.
  for (auto& each : slices)
    each.uid = active_.find(each.uid)->second->uid;
}

void shard_state::read_older_ids(std::span<slice> slices) {
  older_.clear();
  for (auto& each : slices) {
    std::vector<hour_number> hours;
    for (const auto& taken : each.steps)
      for (const auto& what : each.events.subspan(taken.first, taken.count))
        if (needs_older_ids(what, taken.now)) hours.push_back(hour_of(what.instant));
    if (hours.empty()) continue;
    std::sort(hours.begin(), hours.end());
    hours.erase(std::unique(hours.begin(), hours.end()), hours.end());
    auto& read = older_.emplace_back();
    // Also hours that are in memory now: advance() forgets them when the step begins.
    for (const auto hour : hours)
      read.push_back(store_->load_ids(each.uid, hour));
    each.older = read;
  }
}

void shard_state::hand_out(std::span<const slice> slices) {
  if (outcomes_.size() < slices.size()) outcomes_.resize(slices.size());
  outstanding_ = slices.size();
  for (std::size_t i = 0; i < slices.size(); ++i) {
    auto& result = outcomes_[i];
    result.uid = slices[i].uid;
    result.refused.clear();
    result.unused.clear();
    result.wrote.clear();
    self_->send(active_.find(slices[i].uid)->second->actor, take_slice{&slices[i], &result});
  }
}

// Simulation keeps a user only as long as its result is valid, and gives the actor to another one.
void shard_state::drop_finished() {
  if (options_.track_changes) return;
  for (const auto& each : slices_) {
    const auto gone = active_.find(each.uid);
    spare_.splice(spare_.begin(), by_recency_, gone->second);
    active_.erase(gone);
  }
}

void shard_state::run(const epoch& sealed, const continuation& rest, epoch_result& result) {
  drop_finished();
  sealed_ = &sealed;
  rest_ = &rest;
  result_ = &result;
  earlier_now_ = last_now_;
  timers_.remember();
  obey_commands(sealed);
  cut_slices(sealed);
  load_absent(slices_);
  if (options_.track_changes) read_older_ids(slices_);
  hand_out(slices_);
  if (slices_.empty()) close_epoch();
}

void shard_state::collect(outcome& result) {
  auto& given = slices_[static_cast<std::size_t>(&result - outcomes_.data())];
  const auto rest = (*rest_)(given, result);
  if (not rest.steps.empty()) {
    given = rest;
    self_->send(active_.find(given.uid)->second->actor, take_slice{&given, &result});
    return;
  }
  if (--outstanding_ == 0) close_epoch();
}

void shard_state::close_epoch() {
  const std::span<outcome> outcomes(outcomes_.data(), slices_.size());
  if (options_.fires_timers)
    for (const auto& result : outcomes)
      timers_.set(result.uid, result.next_due);
  last_now_ = std::max(last_now_, sealed_->now);
  *result_ = {outcomes, &broadcast_};
}

void shard_state::drop_user(recency::iterator whom) {
  active_.erase(whom->uid);
  by_recency_.erase(whom);
}

void shard_state::roll_back() {
  for (const auto& each : slices_)
    if (const auto found = active_.find(each.uid); found != active_.end()) drop_user(found->second);
  slices_.clear();
  timers_.roll_back();
  last_now_ = earlier_now_;
  // obey_commands() left the controls from before the epoch at the front.
  while (in_force_.size() > 1)
    in_force_.pop_back();
  for (const auto& id : broadcast_.new_ids)
    std::erase(command_ids_, id);
  broadcast_.new_ids.clear();
}

void shard_state::passivate() {
  auto oldest = by_recency_.end();
  while (active_.size() > options_.max_active_users and oldest != by_recency_.begin()) {
    --oldest;
    if (oldest->who->changed.any()) continue;
    const auto gone = oldest++;
    drop_user(gone);
  }
}

const user* shard_state::find(std::string_view uid) const {
  const auto found = active_.find(uid);
  return found == active_.end() ? nullptr : found->second->who;
}

shard_actor::behavior_type run_shard(shard_actor::stateful_pointer<shard_state> self, user_store* store,
                                     const shard_options* options, shard_state** state) {
  *state = &self->state;
  self->state.start(self, *store, *options);
  return {[self](run_epoch what) { self->state.run(*what.sealed, *what.rest, *what.result); },
          [self](slice_taken what) { self->state.collect(*what.result); }};
}

} // namespace fairuse
