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
  bare.erased_at = who.erased_at;
  codec_->core(bare);
  to.account = bare.account ? std::optional(*bare.account) : std::nullopt;
  to.admin_ids.assign(bare.admin_ids.begin(), bare.admin_ids.end());
  to.exempt = bare.exempt;
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
    for (std::size_t p = 0; p < profiles.size(); ++p)
      for (std::uint32_t i = 0; i < from.metered[p].size(); ++i)
        if (from.metered[p].at(i).bucket * profiles[p].bucket_s / 3600 == hour) visit(p, from.metered[p].at(i));
  };
  user bare;
  bare.metered.resize(profiles.size());
  of_hour(who, [&](std::size_t p, const auto& e) { bare.metered[p].add(e.bucket, e.from, e.while_off, e.ms); });
  codec_->buckets(bare, *who.sums.policies, hour);
  of_hour(bare, [&](std::size_t p, const auto& e) { to.buckets[hour].push_back({profiles[p], e}); });
}

void map_store::write_ids(kept& to, const user& who, hour_number hour) {
  user bare;
  bare.ids.load(hour, who.ids.keys(hour));
  codec_->ids(bare, hour);
  const auto keys = bare.ids.keys(hour);
  to.ids[hour].assign(keys.begin(), keys.end());
}

void map_store::write_talks(kept& to, const user& who) {
  to.conversations = *who.conversations;
  codec_->talks(*to.conversations);
}

void map_store::write_all(kept& to, const user& who) {
  to = {};
  write_core(to, who);
  write_standings(to, who, ~std::uint64_t{0});
  if (who.conversations) write_talks(to, who);
  const auto& profiles = who.sums.policies->profiles();
  for (std::size_t p = 0; p < profiles.size(); ++p)
    for (std::uint32_t i = 0; i < who.metered[p].size(); ++i)
      write_buckets(to, who, static_cast<hour_number>(who.metered[p].at(i).bucket * profiles[p].bucket_s / 3600));
  who.ids.each_hour([&](hour_number hour) { write_ids(to, who, hour); });
}

void map_store::write(std::string_view uid, user& who, time_ms next_due) {
  auto& to = users_[std::string(uid)];
  const auto& what = who.changed;
  if (what.erased) {
    write_all(to, who);
  } else {
    if (what.core) write_core(to, who);
    if (what.conversations) write_talks(to, who);
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

std::unique_ptr<user> map_store::wake(const kept& from, const policy_set& policies, time_ms now) {
  auto who = std::make_unique<user>();
  who->metered.resize(policies.profiles().size());
  // As storage does: nothing that the retention has forgotten.
  const auto first_hour = hour_of(std::min(now, from.next_due) - policies.retention_ms()) - 1;
  for (const auto& [hour, entries] : from.buckets)
    for (const auto& e : entries)
      for (std::size_t p = 0; p < policies.profiles().size() and hour >= first_hour; ++p)
        if (policies.profiles()[p] == e.profile)
          who->metered[p].add(e.what.bucket, e.what.from, e.what.while_off, e.what.ms);
  for (const auto& [hour, keys] : from.ids)
    if (hour >= hour_of(now) - 24) who->ids.load(hour, keys);
  for (const auto& [slot, s] : from.standings) {
    const auto i = policies.slot_named(slot);
    if (i < 0) continue;
    who->standings.resize(policies.slots().size());
    who->standings[static_cast<std::size_t>(i)] = std::make_unique<standing>(s);
  }
  if (from.account) who->account = std::make_unique<account_state>(*from.account);
  if (from.conversations) who->conversations = std::make_unique<std::vector<conversation>>(*from.conversations);
  for (const auto id : from.admin_ids)
    who->admin_ids.push_back(id);
  who->exempt = from.exempt;
  who->erased_at = from.erased_at;
  bind(*who, policies, now);
  return who;
}

std::vector<std::unique_ptr<user>> map_store::load(std::span<const std::string_view> uids, const policy_set& policies,
                                                   time_ms now) {
  static const kept nobody;
  std::vector<std::unique_ptr<user>> users;
  for (const auto uid : uids) {
    ++loads;
    const auto found = users_.find(uid);
    users.push_back(wake(found != users_.end() ? found->second : nobody, policies, now));
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
  for (const auto& [uid, k] : users_)
    if (k.next_due != never) due.emplace_back(k.next_due, uid);
  return due;
}

void recorder::record(const epoch_result& decided) {
  if (records_nothing) return;
  order.clear();
  decisions.clear();
  refused.clear();
  for (auto& o : decided.outcomes) {
    order.emplace_back(o.uid);
    counts += o.wrote.counts;
    auto& text = bytes[std::string(o.uid)];
    for (const auto& d : o.wrote.decisions) {
      const auto begin = text.size();
      append_decision_chain(text, d, o.uid);
      by_slot[d.slot->slot].push_back(text.substr(begin));
      text.push_back('\n');
      decisions.push_back(d);
    }
    for (const auto& r : o.refused)
      refused.emplace_back(event_id(*r.what), r.why);
    if (store_ == nullptr) continue;
    // Who has nothing to be written down may be gone before the commit.
    if (o.who->changed.any())
      pending_[std::string(o.uid)] = {o.who, o.next_due};
    else
      store_->note_due(o.uid, o.next_due);
  }
  const auto& all = *decided.broadcast;
  broadcast = all.decisions;
  duplicate_commands += all.duplicates.size();
  impossible_commands += all.impossible.size();
  command_ids.insert(command_ids.end(), all.new_ids.begin(), all.new_ids.end());
  if (commits_every_epoch) commit();
}

void recorder::commit() {
  for (auto& [uid, u] : pending_)
    store_->write(uid, *u.who, u.next_due);
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
