// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/worker_fixture.hpp"

#include <algorithm>

#include "events/decision_json.hpp"

namespace fairuse::test {

void map_store::write_core(kept& to, const user& who) {
  user bare;
  if (who.account) bare.account = std::make_unique<account_state>(*who.account);
  bare.admin_ids = who.admin_ids;
  bare.exempt = who.exempt;
  bare.exempt_until = who.exempt_until;
  bare.erased_at = who.erased_at;
  codec_->core(bare);
  to.account = bare.account ? std::optional(*bare.account) : std::nullopt;
  to.admin_ids.assign(bare.admin_ids.begin(), bare.admin_ids.end());
  to.exempt = bare.exempt;
  to.exempt_until = bare.exempt_until;
  to.erased_at = bare.erased_at;
}

void map_store::write_standings(kept& to, const user& who, std::uint64_t which) {
  const auto& slots = who.sums.policies->slots();
  for (std::size_t i = 0; i < who.standings.size(); ++i) {
    if ((which >> i & 1) == 0 or not who.standings[i]) continue;
    auto copy = *who.standings[i];
    codec_->one_standing(copy);
    to.standings[slots[i].label.slot] = std::move(copy);
  }
}

void map_store::write_buckets(kept& to, const user& who, hour_number hour) {
  to.buckets.erase(hour);
  const auto& profiles = who.sums.policies->profiles();
  const auto of_hour = [&](const user& from, auto&& visit) {
    for (std::size_t profile_at = 0; profile_at < profiles.size(); ++profile_at)
      for (std::uint32_t i = 0; i < from.metered[profile_at].size(); ++i)
        if (from.metered[profile_at].at(i).bucket * profiles[profile_at].bucket_s / 3600 == hour)
          visit(profile_at, from.metered[profile_at].at(i));
  };
  user bare;
  bare.metered.resize(profiles.size());
  of_hour(who, [&](std::size_t profile_at, const auto& entry) {
    bare.metered[profile_at].add(entry.bucket, entry.from, entry.while_off, entry.ms);
  });
  codec_->buckets(bare, *who.sums.policies, hour);
  of_hour(bare, [&](std::size_t profile_at, const auto& entry) {
    to.buckets[hour].push_back({profiles[profile_at], entry});
  });
}

void map_store::write_ids(kept& to, const user& who, hour_number hour) {
  user bare;
  bare.ids.load(hour, who.ids.keys(hour));
  codec_->ids(bare, hour);
  const auto keys = bare.ids.keys(hour);
  to.ids[hour].assign(keys.begin(), keys.end());
}

void map_store::write_conversations(kept& to, const user& who) {
  to.conversations = *who.conversations;
  codec_->conversations(*to.conversations);
}

void map_store::write_all(kept& to, const user& who) {
  to = {};
  write_core(to, who);
  write_standings(to, who, ~std::uint64_t{0});
  if (who.conversations) write_conversations(to, who);
  const auto& profiles = who.sums.policies->profiles();
  for (std::size_t profile_at = 0; profile_at < profiles.size(); ++profile_at)
    for (std::uint32_t i = 0; i < who.metered[profile_at].size(); ++i)
      write_buckets(
          to, who,
          static_cast<hour_number>(who.metered[profile_at].at(i).bucket * profiles[profile_at].bucket_s / 3600));
  who.ids.each_hour([&](hour_number hour) { write_ids(to, who, hour); });
}

void map_store::write(std::string_view uid, user& who, time_ms next_due) {
  auto& to = users_[std::string(uid)];
  const auto& what = who.changed;
  if (what.erased) {
    write_all(to, who);
  } else {
    if (what.core) write_core(to, who);
    if (what.conversations) write_conversations(to, who);
    write_standings(to, who, what.standings);
    for (const auto hour : what.bucket_hours)
      write_buckets(to, who, hour);
    for (const auto hour : what.id_hours)
      write_ids(to, who, hour);
  }
  to.next_due = next_due;
  who.changed.clear();
}

void map_store::note_due(std::string_view uid, time_ms next_due) {
  if (const auto found = users_.find(uid); found != users_.end()) found->second.next_due = next_due;
}

std::unique_ptr<user> map_store::read(const kept& from, const policy_set& policies, time_ms now) {
  auto who = std::make_unique<user>();
  who->metered.resize(policies.profiles().size());
  // As storage does: nothing beyond the retention.
  const auto first_hour = hour_of(std::min(now, from.next_due) - policies.retention_ms()) - 1;
  for (const auto& [hour, entries] : from.buckets)
    for (const auto& entry : entries)
      for (std::size_t profile_at = 0; profile_at < policies.profiles().size() and hour >= first_hour; ++profile_at)
        if (policies.profiles()[profile_at] == entry.profile)
          who->metered[profile_at].add(entry.what.bucket, entry.what.from, entry.what.while_off, entry.what.ms);
  for (const auto& [hour, keys] : from.ids)
    if (hour >= hour_of(now) - 24) who->ids.load(hour, keys);
  for (const auto& [slot, kept_standing] : from.standings) {
    const auto i = policies.slot_named(slot);
    if (i < 0) continue;
    who->standings.resize(policies.slots().size());
    who->standings[static_cast<std::size_t>(i)] = std::make_unique<standing>(kept_standing);
  }
  if (from.account) who->account = std::make_unique<account_state>(*from.account);
  if (from.conversations) who->conversations = std::make_unique<std::vector<conversation>>(*from.conversations);
  for (const auto id : from.admin_ids)
    who->admin_ids.push_back(id);
  who->exempt = from.exempt;
  who->exempt_until = from.exempt_until;
  who->erased_at = from.erased_at;
  bind(*who, policies, now);
  return who;
}

std::vector<std::unique_ptr<user>> map_store::load(std::span<const std::string_view> uids, const policy_set& policies,
                                                   time_ms now) {
  static const kept unknown;
  std::vector<std::unique_ptr<user>> users;
  for (const auto uid : uids) {
    ++loads;
    const auto found = users_.find(uid);
    users.push_back(read(found != users_.end() ? found->second : unknown, policies, now));
  }
  return users;
}

older_ids map_store::load_ids(std::string_view uid, hour_number hour) {
  const auto found = users_.find(uid);
  if (found == users_.end()) return {hour, {}};
  const auto keys = found->second.ids.find(hour);
  return {hour, keys == found->second.ids.end() ? std::vector<std::uint64_t>() : keys->second};
}

std::vector<std::pair<time_ms, std::string>> map_store::due_users() {
  std::vector<std::pair<time_ms, std::string>> due;
  for (const auto& [uid, user_of_it] : users_)
    if (user_of_it.next_due != never) due.emplace_back(user_of_it.next_due, uid);
  return due;
}

void recorder::record(const epoch_result& decided) {
  if (records_nothing) return;
  order.clear();
  decisions.clear();
  refused.clear();
  refusal_notes.clear();
  for (auto& result : decided.outcomes) {
    order.emplace_back(result.uid);
    counts += result.wrote.counts;
    auto& text = bytes[std::string(result.uid)];
    for (const auto& each : result.wrote.decisions) {
      const auto begin = text.size();
      append_decision_chain(text, each, result.uid);
      by_slot[each.slot->slot].push_back(text.substr(begin));
      text.push_back('\n');
      decisions.push_back(each);
    }
    for (const auto& refused_one : result.refused) {
      refused.emplace_back(event_id(*refused_one.what), refused_one.why);
      refusal_notes += refused_one.note;
    }
    if (store_ == nullptr) continue;
    // A user without changes may be gone before the commit.
    if (result.who->changed.any())
      pending_[std::string(result.uid)] = {result.who, result.next_due};
    else
      store_->note_due(result.uid, result.next_due);
  }
  const auto& all = *decided.broadcast;
  broadcast = all.decisions;
  duplicate_commands += all.duplicates.size();
  for (const auto& each : all.impossible)
    impossible_commands.push_back(each.note);
  reused_ids += all.reused_ids;
  command_ids.insert(command_ids.end(), all.new_ids.begin(), all.new_ids.end());
  if (commits_every_epoch) commit();
}

void recorder::commit() {
  for (auto& [uid, each] : pending_)
    store_->write(uid, *each.who, each.next_due);
  pending_.clear();
}

worker_fixture::worker_fixture(std::shared_ptr<const policy_set> policies, shard_options chosen, bool starts_off)
  : notes(&store), options(std::move(chosen)) {
  options.start = {not starts_off, false, policies.get()};
  options.policies = std::move(policies);
  shards.push_back(here.open_shard(store, options));
}

void worker_fixture::run(const given_epoch& what) {
  last_now = what.now;
  notes.record(engine().run({.number = ++epochs,
                             .now = what.now,
                             .events = what.events,
                             .commands = what.commands,
                             .slices = what.slices,
                             .timers_max = what.timers_max}));
}

void worker_fixture::restart() {
  notes.commit();
  options.start = engine().in_force();
  options.command_ids = notes.command_ids;
  options.last_now = last_now;
  shards.push_back(here.open_shard(store, options));
}

} // namespace fairuse::test
