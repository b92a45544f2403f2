// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_controls.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "events/decision_json.hpp"

namespace fairuse::sim {

namespace {

using history::history_contents;
using history::history_run;
using history::history_start;

/// Empty: all of it was decided as this program decides.
std::string other_rules(const history_contents& of) {
  std::string text;
  bool is_other = false;
  for (const auto& each : of.runs) {
    is_other = is_other or not decide_as_now(each.rules);
    const auto program = each.program.empty() ? std::string() : fmt::format(" (fairuse {})", each.program);
    text += fmt::format("{} epoch {} of partition {} on by rules {}{}", text.empty() ? "from" : ", from", each.epoch,
                        each.partition, each.rules, program);
  }
  if (not is_other) return {};
  return fmt::format(
      "it was decided {}, and this build has rules {}: a build replays as recorded only what its own "
      "rules decided. Take one of those builds, or replay it under a policy (--policy)",
      text, decision_rules);
}

/// Empty: it can be replayed.
std::string obstacle_in(const history_contents& of) {
  if (of.start == history_start::cold)
    return "it begins cold: what was before its first event, such as stages and pending reviews, is not known. A store "
           "keeps its input for `retention.input`; within that time pack it from its first epoch on, or replay it "
           "under "
           "a policy (--policy)";
  if (of.start == history_start::checkpoint and not of.holds_states())
    return "it begins with a checkpoint, whose state it does not hold: an earlier build packed it. Pack it again";
  if (of.runs.empty() and of.counts.all_events() == 0) return "its deployment has decided nothing yet";
  if (of.runs.empty())
    return "it does not say which policies and switches were in force. Pack it from the deployment: `fairuse history "
           "pack --state DIR`, or from a capture";
  return other_rules(of);
}

std::vector<std::string> shadows_of(const policy_set& from) {
  std::vector<std::string> digests;
  for (const auto& slot : from.slots())
    if (slot.kind == slot_kind::shadow) digests.push_back(slot.label.digest);
  return digests;
}

/// Of what was known before: profiles go on with what they have metered, slots with what stands there; one that comes
/// back begins anew. nullopt: all slots always were loaded.
policy_ages ages_after(const std::vector<profile_age>& profiles, const std::optional<std::vector<slot_age>>& slots,
                       const std::vector<const policy*>& loaded, time_ms now) {
  policy_ages ages;
  if (slots) ages.slots = slots_after(*slots, loaded, now);
  for (const auto* each : loaded) {
    profile_age age{each->metering, INT64_MIN, now};
    for (const auto& known : profiles)
      if (known.profile == each->metering) age.loaded = known.loaded;
    ages.profiles.push_back(age);
  }
  return ages;
}

} // namespace

result<std::unique_ptr<recorded_controls>> recorded_controls::make(const history_contents& of, policy_parser parse) {
  if (auto why = obstacle_in(of); not why.empty()) return error{std::move(why)};
  std::unique_ptr<recorded_controls> made(new recorded_controls(of, std::move(parse)));
  std::set<std::int32_t> partitions;
  for (const auto& each : of.runs)
    partitions.insert(each.partition);
  for (const auto each : partitions)
    if (auto done = made->add_partition(each); not done) return done.error();
  return made;
}

const partition_controls* recorded_controls::of(std::int32_t partition) const {
  const auto found = std::find_if(partitions_.begin(), partitions_.end(),
                                  [partition](const auto& each) { return each.partition == partition; });
  return found == partitions_.end() ? nullptr : &*found;
}

result<void> recorded_controls::add_partition(std::int32_t partition) {
  auto& made = partitions_.emplace_back();
  made.partition = partition;
  in_force_ = nullptr;
  const auto change_of = [&made](const auto& from) -> controls_change& {
    if (made.changes.empty() or made.changes.back().epoch != from.epoch)
      made.changes.push_back({.epoch = from.epoch, .now = from.now, .previous_now = from.previous_now});
    return made.changes.back();
  };
  std::size_t run = 0;
  const auto begin_runs = [&](std::uint64_t until) -> result<void> {
    for (; run < contents_.runs.size(); ++run) {
      const auto& each = contents_.runs[run];
      if (each.partition != partition) continue;
      if (each.epoch > until) break;
      if (auto done = begin_run(run, change_of(each)); not done) return done;
    }
    return {};
  };
  for (std::size_t i = 0; i < contents_.broadcasts.size(); ++i) {
    const auto& command = contents_.broadcasts[i];
    if (command.partition != partition) continue;
    if (auto done = begin_runs(command.epoch); not done) return done;
    auto& change = change_of(command);
    if (auto done = obey(command, change); not done) return done;
    change.marks.push_back({static_cast<std::uint32_t>(i), change.periods.size() - 1});
  }
  if (auto done = begin_runs(UINT64_MAX); not done) return done;
  note_timers(made);
  return {};
}

void recorded_controls::note_timers(partition_controls& of) const {
  const auto cut_before = [&](std::uint64_t epoch) -> const history::timer_cut* {
    for (const auto& each : contents_.timer_cuts)
      if (each.partition == of.partition and each.epoch == epoch) return &each;
    return nullptr;
  };
  const auto note = [&](std::uint64_t epoch, time_ms previous_now, auto& to) {
    const auto* cut = cut_before(epoch);
    to.fired_now = cut == nullptr ? previous_now : cut->fired_now;
    if (cut != nullptr) to.fired_uid = cut->last_uid;
  };
  for (auto& each : of.changes)
    note(each.epoch, each.previous_now, each);
  for (const auto& each : contents_.parts) {
    if (each.partition != of.partition) continue;
    of.last_now = each.last_now;
    note(each.last_epoch + 1, each.last_now, of);
  }
}

const controls* recorded_controls::hold(const controls& what) { return in_force_ = &held_.emplace_back(what); }

result<policy> recorded_controls::policy_of(const std::string& digest) const {
  const auto& all = contents_.policies;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.digest == digest; });
  auto read = found == all.end() ? std::nullopt : parse_(found->text);
  if (not read or read->digest != digest)
    return error{fmt::format("policy {} is not in it, or its text is not what its digest says", digest)};
  return std::move(*read);
}

policy_ages recorded_controls::ages_at_start(std::int32_t partition, const std::vector<const policy*>& loaded) const {
  const auto& all = contents_.checkpoints;
  const auto from = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.partition == partition; });
  if (from == all.end()) return ages_after({}, std::nullopt, loaded, INT64_MIN);
  return ages_after(from->profiles, from->slots, loaded, from->now);
}

result<const policy_set*> recorded_controls::policies_of(const history_run& with) {
  const auto* before = in_force_ == nullptr ? nullptr : in_force_->policies;
  if (before != nullptr and before->live().label.digest == with.live and shadows_of(*before) == with.shadows
      and before->retention_ms() == with.retention_ms)
    return before;
  auto live = policy_of(with.live);
  if (not live) return live.error();
  std::vector<const policy*> loaded{&*live};
  std::vector<policy> shadows;
  for (const auto& digest : with.shadows) {
    auto shadow = policy_of(digest);
    if (not shadow) return shadow.error();
    shadows.push_back(std::move(*shadow));
  }
  for (const auto& each : shadows)
    loaded.push_back(&each);
  auto ages = before != nullptr ? ages_after(before->ages().profiles, before->ages().slots, loaded, with.previous_now)
                                : ages_at_start(with.partition, loaded);
  sets_.push_back(policy_set::make(*live, std::move(shadows), with.retention_ms, review_mode::shared, std::move(ages)));
  return sets_.back().get();
}

result<void> recorded_controls::begin_run(std::size_t number, controls_change& into) {
  const auto& with = contents_.runs[number];
  const auto policies = policies_of(with);
  if (not policies) return policies.error();
  into.begins_run = true;
  into.periods.assign(1, {nullptr, hold({with.enabled, with.killed, *policies})});
  into.marks.push_back({static_cast<std::uint32_t>(contents_.broadcasts.size() + number), 0});
  return {};
}

// One command at a time: a shard tells only what holds after all commands of an epoch.
result<void> recorded_controls::obey(const history::broadcast_command& command, controls_change& into) {
  if (in_force_ == nullptr) return error{"a command to all users comes before the engine's first epoch"};
  if (into.periods.empty()) into.periods.push_back({nullptr, in_force_});
  auto& what = commands_.emplace_back();
  what.kind = event_kind::admin;
  what.time = what.instant = command.instant;
  what.text = texts_.keep(command.source, command.id);
  what.key = event_key(command.source, command.id);
  what.detail = texts_.keep(event_detail(command.what));
  shard_options options;
  options.start = *in_force_;
  options.policies = {std::shared_ptr<const policy_set>(), in_force_->policies};
  options.last_now = command.previous_now;
  options.track_changes = false;
  options.fires_timers = false;
  auto by = actors_.open_shard(users_, options);
  const auto decided = by->run({.number = command.epoch, .now = command.now, .commands = {&what, 1}});
  const auto& broadcast = *decided.broadcast;
  if (not broadcast.impossible.empty())
    return error{fmt::format("{} {} promoted policy {} at the deployment, and cannot here: {}", command.source,
                             command.id, command.what.policy, broadcast.impossible.front().note)};
  for (const auto& each : broadcast.decisions)
    append_decision_chain(for_all_.emplace_back(), each, "*");
  if (broadcast.in_force == *in_force_) return {};
  into.periods.push_back({&what, hold(broadcast.in_force)});
  shards_.push_back(std::move(by));
  return {};
}

} // namespace fairuse::sim
