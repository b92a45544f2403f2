// SPDX-License-Identifier: Apache-2.0

#include "sim/simulated_users.hpp"

#include <algorithm>

#include "events/decision_json.hpp"

namespace fairuse::sim {

namespace {

/// Enough to share the cost of an epoch's messages, few enough for their events to stay in the cache.
constexpr std::uint32_t users_per_epoch = 8;

/// `now` of the step with the user's first speech, or of the first step if there is no speech.
time_ms first_speech(const simulated_user& who) {
  for (const auto& each : who.steps)
    for (const auto& what : who.events.subspan(each.first, each.count))
      if (what.kind == event_kind::speech) return each.now;
  return who.steps.front().now;
}

} // namespace

run_rules::run_rules(const experiment& what) : of(&what), end(what.end()) {
  const auto& wanted = what.policies;
  policies =
      policy_set::make(wanted.front(), {wanted.begin() + 1, wanted.end()}, what.retention_ms, review_mode::alone);
  in_force = {true, false, policies.get()};
  for (const auto& slot : policies->slots()) {
    const auto place =
        std::find_if(wanted.begin(), wanted.end(), [&](const policy& each) { return each.name == slot.label.policy; });
    const bool decides = slot.kind != slot_kind::off;
    policy_of.push_back(decides ? std::optional(static_cast<std::size_t>(place - wanted.begin())) : std::nullopt);
    auto label = slot.label;
    label.slot = "live";
    label.enforced = true;
    chain_labels.push_back(std::move(label));
  }
  for (const auto& each : what.people.cohorts)
    profiles.push_back(&what.reviewer.of(each.name));
}

shard_options run_rules::options() const {
  shard_options chosen;
  chosen.start = in_force;
  chosen.policies = policies;
  chosen.track_changes = false;
  chosen.fires_timers = false;
  return chosen;
}

std::optional<user_queue::block> user_queue::take() {
  if (stop_ != nullptr and stop_->load(std::memory_order_relaxed)) return std::nullopt;
  const auto first = next_.fetch_add(users_per_epoch, std::memory_order_relaxed);
  if (first >= users_) return std::nullopt;
  return block{first, std::min(users_per_epoch, users_ - first)};
}

simulated_users::simulated_users(const run_rules& rules, traffic_feed& feed, user_queue& queue, run_tally& into)
  : rules_(&rules), feed_(&feed), queue_(&queue), into_(&into), users_(users_per_epoch) {}

std::optional<epoch> simulated_users::seal() {
  const auto block = queue_->take();
  if (not block) return std::nullopt;
  active_ = block->count;
  slices_.clear();
  for (std::uint32_t i = 0; i < block->count; ++i) {
    auto& who = users_[i];
    feed_->fill(block->first + i, who);
    who.next_step = 0;
    who.decisions_read = 0;
    who.answers.clear();
    who.answering = false;
    who.arena.clear();
    slices_.push_back({who.uid, who.steps, who.events, {}});
  }
  epoch sealed;
  sealed.number = ++epochs_;
  sealed.now = rules_->of->people.start;
  sealed.slices = slices_;
  return sealed;
}

simulated_users::active_user& simulated_users::user_of(std::string_view uid) {
  const auto end = users_.begin() + static_cast<std::ptrdiff_t>(active_);
  return *std::find_if(users_.begin(), end, [uid](const active_user& each) { return each.uid == uid; });
}

event simulated_users::answer_to(active_user& who, const decision& request) {
  const auto& name = request.slot->policy;
  const auto seed = rules_->of->seed;
  const auto said = review(rules_->of->reviewer, *rules_->profiles[who.group], seed, who.uid, request.time);
  review_answer answer;
  answer.request = request_name(request.slot->slot, request.request);
  answer.failed = said.failed ? "no verdict" : "";
  answer.score_nano = said.score_nano;
  answer.confidence_nano = said.confidence_nano;
  answer.type = said.type;
  event made;
  made.kind = event_kind::review;
  made.time = made.instant = request.time + said.latency_ms;
  // The key contains the policy's name and not its slot: it is the cause of later decisions and so part of the chain.
  made.key = event_key(who.uid, std::to_string(seed) + "/" + name + "/" + std::to_string(request.request));
  made.detail = who.arena.keep(std::move(answer));
  return made;
}

void simulated_users::note_requests(active_user& who, const outcome& so_far) {
  const auto& written = so_far.wrote.decisions;
  for (; who.decisions_read < written.size(); ++who.decisions_read) {
    const auto& what = written[who.decisions_read];
    if (what.kind != decision_kind::review_requested) continue;
    const auto answer = answer_to(who, what);
    if (answer.instant > rules_->end) continue;
    const auto place = std::upper_bound(who.answers.begin(), who.answers.end(), answer,
                                        [](const event& a, const event& b) { return before(b, a); });
    who.answers.insert(place, answer);
  }
}

/// Index of the first step after the answer: by instant, then by the order of events.
std::size_t simulated_users::steps_before(const active_user& who, const event& answer) const {
  const auto first = who.steps.begin() + static_cast<std::ptrdiff_t>(who.next_step);
  const auto last = who.steps.end() - 1; // The last step is the stated end, after all answers.
  const auto place = std::partition_point(first, last, [&](const step& each) {
    if (each.now != answer.instant or each.count == 0) return each.now < answer.instant;
    return before(who.events[each.first], answer);
  });
  return static_cast<std::size_t>(place - who.steps.begin());
}

slice simulated_users::rest(const slice& given, const outcome& so_far) {
  auto& who = user_of(given.uid);
  if (not who.answering) who.next_step += so_far.steps_taken;
  who.answering = false;
  note_requests(who, so_far);
  auto until = who.steps.size();
  if (not who.answers.empty()) {
    until = steps_before(who, who.answers.back());
    if (until == who.next_step) {
      who.answering = true;
      who.answer = who.answers.back();
      who.answers.pop_back();
      who.answer_step = {who.answer.instant, &rules_->in_force, 0, 1};
      return {given.uid, {&who.answer_step, 1}, {&who.answer, 1}, {}};
    }
  }
  return {given.uid, who.steps.subspan(who.next_step, until - who.next_step), who.events, {}};
}

void simulated_users::count_decisions(const active_user& who, std::vector<decision>& decisions) {
  const auto& slots = rules_->policies->slots();
  const auto policies = rules_->of->policies.size();
  chains_.resize(policies);
  for (auto& each : chains_)
    each.clear();
  paths_.assign(policies, {});
  for (auto& each : decisions) {
    const auto slot = static_cast<std::size_t>(
        std::find_if(slots.begin(), slots.end(), [&](const slot_spec& spec) { return &spec.label == each.slot; })
        - slots.begin());
    const auto policy = *rules_->policy_of[slot];
    each.slot = &rules_->chain_labels[slot];
    append_decision_chain(chains_[policy], each, who.uid);
    into_->policies[policy].groups[who.group].answers.add(each);
    if (each.kind == decision_kind::stage_changed) paths_[policy].move(each);
  }
  slot_chains_.clear();
  for (std::size_t index = 0; index < policies; ++index) {
    paths_[index].finish(rules_->end);
    const slot_chain alone{"live", chains_[index]};
    into_->policies[index].chains.add(who.uid, {&alone, 1});
    slot_chains_.push_back({rules_->of->policies[index].name, chains_[index]});
  }
  into_->chains.add(who.uid, slot_chains_);
  const auto begin = first_speech(who);
  for (std::size_t index = 0; index < policies; ++index)
    into_->policies[index].groups[who.group].add(paths_[index], paths_.front(), begin);
}

void simulated_users::count_user(const active_user& who, outcome& of) {
  ++into_->users;
  into_->events += who.events.size();
  into_->counts += of.wrote.counts;
  for (std::size_t slot = 0; slot < of.wrote.tallies.size(); ++slot)
    if (const auto policy = rules_->policy_of[slot]) {
      auto& group = into_->policies[*policy].groups[who.group];
      ++group.users;
      group.audio += of.wrote.tallies[slot];
    }
  if (not of.wrote.decisions.empty()) count_decisions(who, of.wrote.decisions);
}

void simulated_users::count(const epoch_result& decided) {
  const auto outcomes = decided.outcomes;
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    count_user(users_[i], outcomes[i]);
    events += users_[i].events.size();
  }
  queue_->users_done.fetch_add(outcomes.size(), std::memory_order_relaxed);
  queue_->events_done.fetch_add(events, std::memory_order_relaxed);
}

} // namespace fairuse::sim
