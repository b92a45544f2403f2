// SPDX-License-Identifier: Apache-2.0

#include "sim/simulated_users.hpp"

#include <algorithm>

#include "events/decision_json.hpp"

namespace fairuse::sim {

namespace {

/// Enough to spread an epoch's messages, few enough to keep the users' events near.
constexpr std::uint32_t users_per_epoch = 8;

/// When the user's speech began to be seen. REQUIRES: there is some.
time_ms first_speech(const user_part& part) {
  for (const auto& s : part.steps)
    for (const auto& e : part.events.subspan(s.first, s.count))
      if (e.kind == event_kind::speech) return s.now;
  return part.steps.front().now;
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
    const bool judges = slot.kind != slot_kind::off;
    policy_of.push_back(judges ? std::optional(static_cast<std::size_t>(place - wanted.begin())) : std::nullopt);
    auto label = slot.label;
    label.slot = "live";
    label.enforced = true;
    written_as.push_back(std::move(label));
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
  : rules_(&rules), feed_(&feed), queue_(&queue), into_(&into), parts_(users_per_epoch) {}

std::optional<epoch> simulated_users::seal() {
  const auto block = queue_->take();
  if (not block) return std::nullopt;
  active_ = block->count;
  slices_.clear();
  for (std::uint32_t i = 0; i < block->count; ++i) {
    auto& part = parts_[i];
    feed_->fill(block->first + i, part);
    part.next_step = 0;
    part.decisions_read = 0;
    part.answers.clear();
    part.answering = false;
    part.arena.clear();
    slices_.push_back({part.uid, part.steps, part.events, {}});
  }
  epoch sealed;
  sealed.number = ++epochs_;
  sealed.now = rules_->of->people.start;
  sealed.slices = slices_;
  return sealed;
}

simulated_users::active_part& simulated_users::part_of(std::string_view uid) {
  const auto end = parts_.begin() + static_cast<std::ptrdiff_t>(active_);
  return *std::find_if(parts_.begin(), end, [uid](const active_part& part) { return part.uid == uid; });
}

event simulated_users::answer_to(active_part& part, const decision& request) {
  const auto& name = request.slot->policy;
  const auto seed = rules_->of->seed;
  const auto said = review(rules_->of->reviewer, *rules_->profiles[part.group], seed, part.uid, request.time);
  review_answer answer;
  answer.request = request_name(request.slot->slot, request.request);
  answer.failed = said.failed ? "no verdict" : "";
  answer.score_nano = said.score_nano;
  answer.confidence_nano = said.confidence_nano;
  answer.type = said.type;
  event e;
  e.kind = event_kind::review;
  e.time = e.instant = request.time + said.latency_ms;
  // By the policy's name, not by its slot: the key is the cause of what follows and stands in the chain.
  e.key = event_key(part.uid, std::to_string(seed) + "/" + name + "/" + std::to_string(request.request));
  e.detail = part.arena.keep(std::move(answer));
  return e;
}

void simulated_users::note_requests(active_part& part, const outcome& so_far) {
  const auto& written = so_far.wrote.decisions;
  for (; part.decisions_read < written.size(); ++part.decisions_read) {
    const auto& d = written[part.decisions_read];
    if (d.kind != decision_kind::review_requested) continue;
    const auto answer = answer_to(part, d);
    if (answer.instant > rules_->end) continue;
    const auto place = std::upper_bound(part.answers.begin(), part.answers.end(), answer,
                                        [](const event& a, const event& b) { return before(b, a); });
    part.answers.insert(place, answer);
  }
}

/// The first step that comes after the answer: by instant, then by the order of events.
std::size_t simulated_users::steps_before(const active_part& part, const event& answer) const {
  const auto first = part.steps.begin() + static_cast<std::ptrdiff_t>(part.next_step);
  const auto last = part.steps.end() - 1; // The stated end comes after everything.
  const auto place = std::partition_point(first, last, [&](const step& s) {
    if (s.now != answer.instant or s.count == 0) return s.now < answer.instant;
    return before(part.events[s.first], answer);
  });
  return static_cast<std::size_t>(place - part.steps.begin());
}

slice simulated_users::rest(const slice& given, const outcome& so_far) {
  auto& part = part_of(given.uid);
  if (not part.answering) part.next_step += so_far.steps_taken;
  part.answering = false;
  note_requests(part, so_far);
  auto until = part.steps.size();
  if (not part.answers.empty()) {
    until = steps_before(part, part.answers.back());
    if (until == part.next_step) {
      part.answering = true;
      part.answer = part.answers.back();
      part.answers.pop_back();
      part.answer_step = {part.answer.instant, &rules_->in_force, 0, 1};
      return {given.uid, {&part.answer_step, 1}, {&part.answer, 1}, {}};
    }
  }
  return {given.uid, part.steps.subspan(part.next_step, until - part.next_step), part.events, {}};
}

void simulated_users::count_decisions(const active_part& part, std::vector<decision>& decisions) {
  const auto& slots = rules_->policies->slots();
  const auto policies = rules_->of->policies.size();
  chains_.resize(policies);
  for (auto& each : chains_)
    each.clear();
  paths_.assign(policies, {});
  for (auto& d : decisions) {
    const auto slot = static_cast<std::size_t>(
        std::find_if(slots.begin(), slots.end(), [&](const slot_spec& s) { return &s.label == d.slot; })
        - slots.begin());
    const auto policy = *rules_->policy_of[slot];
    d.slot = &rules_->written_as[slot];
    append_decision_chain(chains_[policy], d, part.uid);
    into_->policies[policy].groups[part.group].answers.add(d);
    if (d.kind == decision_kind::stage_changed) paths_[policy].move(d);
  }
  written_.clear();
  for (std::size_t p = 0; p < policies; ++p) {
    paths_[p].finish(rules_->end);
    const slot_chain alone{"live", chains_[p]};
    into_->policies[p].chains.add(part.uid, {&alone, 1});
    written_.push_back({rules_->of->policies[p].name, chains_[p]});
  }
  into_->chains.add(part.uid, written_);
  const auto begin = first_speech(part);
  for (std::size_t p = 0; p < policies; ++p)
    into_->policies[p].groups[part.group].add(paths_[p], paths_.front(), begin);
}

void simulated_users::count_user(const active_part& part, outcome& of) {
  ++into_->users;
  into_->events += part.events.size();
  into_->counts += of.wrote.counts;
  for (std::size_t slot = 0; slot < of.wrote.tallies.size(); ++slot)
    if (const auto policy = rules_->policy_of[slot]) {
      auto& group = into_->policies[*policy].groups[part.group];
      ++group.users;
      group.audio += of.wrote.tallies[slot];
    }
  if (not of.wrote.decisions.empty()) count_decisions(part, of.wrote.decisions);
}

void simulated_users::count(const epoch_result& decided) {
  const auto outcomes = decided.outcomes;
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    count_user(parts_[i], outcomes[i]);
    events += parts_[i].events.size();
  }
  queue_->users_done.fetch_add(outcomes.size(), std::memory_order_relaxed);
  queue_->events_done.fetch_add(events, std::memory_order_relaxed);
}

} // namespace fairuse::sim
