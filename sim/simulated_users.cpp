// SPDX-License-Identifier: Apache-2.0

#include "sim/simulated_users.hpp"

#include <algorithm>
#include <charconv>

#include "events/decision_json.hpp"

namespace fairuse::sim {

namespace {

/// Enough to share the cost of an epoch's messages, few enough for their events to stay in the cache.
constexpr std::uint32_t users_per_epoch = 8;

/// `now` of the user's first speech, or of the first step if there is no speech.
time_ms first_speech(const simulated_user& who) {
  for (std::size_t i = 0; i < who.run.count; ++i)
    if (who.run.tag[i].kind() == event_kind::speech) return who.run.now[i];
  return who.steps.front().now;
}

std::uint64_t events_of(const simulated_user& who) {
  return who.run.count + who.refused.duplicates + who.refused.too_old + who.refused.future;
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
  if (what.reviewer.profiles.empty()) return;
  for (const auto& each : what.people.cohorts)
    profiles.push_back(&what.reviewer.of(reviewed_as(each, what)));
}

shard_options run_rules::options() const {
  shard_options chosen;
  chosen.start = in_force;
  chosen.policies = policies;
  chosen.track_changes = false;
  chosen.fires_timers = false;
  // What a deployment admitted is not judged again.
  if (of->captured) chosen.horizon_ms = INT64_MAX / 2;
  return chosen;
}

std::optional<user_queue::block> user_queue::take() {
  if (stop_ != nullptr and stop_->load(std::memory_order_relaxed)) return std::nullopt;
  if (ends_.empty()) {
    const auto first = next_.fetch_add(users_per_epoch, std::memory_order_relaxed);
    if (first >= users_) return std::nullopt;
    return block{first, std::min(users_per_epoch, users_ - first)};
  }
  const auto index = next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= ends_.size()) return std::nullopt;
  const auto first = index == 0 ? 0 : ends_[index - 1];
  return block{first, ends_[index] - first};
}

simulated_users::simulated_users(const run_rules& rules, traffic_feed& feed, user_queue& queue, run_tally& into,
                                 const laboratory_options& how)
  : rules_(&rules), feed_(&feed), queue_(&queue), into_(&into), how_(&how), users_(users_per_epoch) {}

void simulated_users::begin(active_user& who) {
  who.recorded.begin_user(who.reviews, rules_->policies->slot_count());
  who.next_step = 0;
  who.decisions_read = 0;
  who.answers.clear();
  who.answering = false;
  who.arena.clear();
  slices_.push_back({who.uid, who.steps, {}, {}, &who.run});
}

// Of the block at hand: what a feed gives holds until it reads the next one.
void simulated_users::fill_epoch() {
  for (; taken_.count > 0 and active_ < users_per_epoch; ++taken_.first, --taken_.count) {
    auto& who = users_[active_];
    who.number = taken_.first;
    who.certified.reset();
    feed_->fill(who.number, who);
    if (who.certified) {
      count_certified(who);
    } else {
      begin(who);
      ++active_;
    }
  }
}

std::optional<epoch> simulated_users::seal() {
  active_ = 0;
  slices_.clear();
  while (active_ == 0) {
    if (taken_.count == 0) {
      const auto next = queue_->take();
      if (not next) return std::nullopt;
      taken_ = *next;
    }
    fill_epoch();
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

std::size_t simulated_users::slot_of(const decision& what) const {
  const auto& slots = rules_->policies->slots();
  const auto found =
      std::find_if(slots.begin(), slots.end(), [&](const slot_spec& spec) { return &spec.label == what.slot; });
  return static_cast<std::size_t>(found - slots.begin());
}

review_tally& simulated_users::answers_of(const active_user& who, std::size_t slot) {
  return into_->policies[*rules_->policy_of[slot]].groups[who.group].answers;
}

event simulated_users::keep_answer(active_user& who, review_answer answer, time_ms at, const std::string& source,
                                   const std::string& id) {
  event made;
  made.kind = event_kind::review;
  made.time = made.instant = at;
  made.key = event_key(source, id);
  made.detail = who.arena.keep(std::move(answer));
  return made;
}

event simulated_users::recorded_answer(active_user& who, const decision& request,
                                       const history::recorded_review& outcome) {
  auto answer = outcome.said;
  answer.request = request_name(request.slot->slot, request.request);
  const auto latency =
      outcome.requested_at == never ? 0 : std::max<time_ms>(0, outcome.ended_at - outcome.requested_at);
  auto made = keep_answer(who, std::move(answer), request.time + latency, outcome.answer_source, outcome.answer_id);
  // Decisions name the answer as production did.
  made.text = who.arena.keep(outcome.answer_source, outcome.answer_id);
  return made;
}

event simulated_users::modelled_answer(active_user& who, const decision& request) {
  const auto seed = rules_->of->seed;
  const auto said = review(rules_->of->reviewer, *rules_->profiles[who.group], seed, who.uid, request.time);
  review_answer answer;
  answer.request = request_name(request.slot->slot, request.request);
  answer.failed = said.failed ? "no verdict" : "";
  // Without its confidence, which no rule reads: marks and decisions stay small.
  answer.score_nano = said.score_nano;
  answer.type = said.type;
  // The key contains the policy's name and not its slot: it is the cause of later decisions and so part of the chain.
  return keep_answer(who, std::move(answer), request.time + said.latency_ms, who.uid,
                     std::to_string(seed) + "/" + request.slot->policy + "/" + std::to_string(request.request));
}

event simulated_users::missing_answer(active_user& who, const decision& request) {
  review_answer answer;
  answer.request = request_name(request.slot->slot, request.request);
  answer.unanswered = not rules_->assumes_misuse;
  answer.score_nano = one_nano;
  answer.type = usage_type::unknown;
  return keep_answer(who, std::move(answer), request.time, who.uid,
                     "missing/" + request.slot->policy + "/" + std::to_string(request.request));
}

/// Nullopt: the request times out, as it did.
std::optional<event> simulated_users::answer_to(active_user& who, const decision& request) {
  const auto slot = slot_of(request);
  auto& counted = answers_of(who, slot);
  const auto cooldown = rules_->policies->slots()[slot].rules.review.cooldown_ms;
  if (const auto* outcome = who.recorded.take(slot, request.time, cooldown)) {
    ++counted.recorded;
    if (outcome->ended == history::recorded_review::ending::timed_out) return std::nullopt;
    return recorded_answer(who, request, *outcome);
  }
  if (rules_->profiles.empty()) {
    ++counted.missing;
    return missing_answer(who, request);
  }
  ++counted.modelled;
  return modelled_answer(who, request);
}

void simulated_users::note_requests(active_user& who, const outcome& so_far) {
  const auto& written = so_far.wrote.decisions;
  for (; who.decisions_read < written.size(); ++who.decisions_read) {
    const auto& what = written[who.decisions_read];
    if (what.kind != decision_kind::review_requested) continue;
    // What `off` asks is no policy's; it gets no answer.
    if (not rules_->policy_of[slot_of(what)]) continue;
    const auto answer = answer_to(who, what);
    if (not answer or answer->instant > rules_->end) continue;
    const auto place = std::upper_bound(who.answers.begin(), who.answers.end(), *answer,
                                        [](const event& a, const event& b) { return before(b, a); });
    who.answers.insert(place, *answer);
  }
}

/// Step `number`, of the run, becomes two; the first one has `count` events.
void simulated_users::split(active_user& who, std::size_t number, std::size_t count) {
  auto& first = who.steps[number];
  if (count == first.count) return;
  auto second = first;
  first.count = static_cast<std::uint32_t>(count);
  second.first += first.count;
  second.count -= first.count;
  second.now = who.run.now[second.first];
  who.steps.insert(who.steps.begin() + static_cast<std::ptrdiff_t>(number) + 1, second);
}

/// Number of the first step after the answer: by instant, then by the order of events.
std::size_t simulated_users::steps_before(active_user& who, const event& answer) {
  const auto comes_first = [&](std::size_t entry) {
    const auto now = who.run.now[entry];
    return now != answer.instant ? now < answer.instant : before(who.run.at(entry), answer);
  };
  // The last step is the stated end, after all answers.
  auto number = who.next_step;
  for (; number + 1 < who.steps.size(); ++number) {
    if (who.steps[number].count == 0) {
      if (who.steps[number].now >= answer.instant) break;
      continue;
    }
    const std::size_t begin = who.steps[number].first;
    const auto end = begin + who.steps[number].count;
    if (comes_first(end - 1)) continue;
    auto left = begin;
    for (auto right = end - 1; left < right;) {
      const auto middle = left + (right - left) / 2;
      if (comes_first(middle))
        left = middle + 1;
      else
        right = middle;
    }
    if (left == begin) break;
    split(who, number, left - begin);
    return number + 1;
  }
  return number;
}

/// What holds at `at` before the step `next`. A step without events at that instant is a switch that was moved.
const controls* simulated_users::held_at(const active_user& who, std::size_t next, time_ms at) {
  const auto* held = next > 0 ? who.steps[next - 1].in_force : who.steps[next].in_force;
  for (; next < who.steps.size() and who.steps[next].now == at and who.steps[next].count == 0; ++next)
    held = who.steps[next].in_force;
  return held;
}

slice simulated_users::rest(const slice& given, const outcome& so_far) {
  auto& who = user_of(given.uid);
  if (not who.answering) {
    who.next_step += so_far.steps_taken;
    if (so_far.events_taken > 0) split(who, who.next_step++, so_far.events_taken);
  }
  who.answering = false;
  note_requests(who, so_far);
  auto until = who.steps.size();
  if (not who.answers.empty()) {
    until = steps_before(who, who.answers.back());
    if (until == who.next_step) {
      who.answering = true;
      who.answer = who.answers.back();
      who.answers.pop_back();
      who.answer_step = {who.answer.instant, held_at(who, until, who.answer.instant), 0, 1};
      return {given.uid, {&who.answer_step, 1}, {&who.answer, 1}, {}, nullptr};
    }
  }
  return {given.uid, std::span<const step>(who.steps).subspan(who.next_step, until - who.next_step), {}, {}, &who.run};
}

void simulated_users::list(const active_user& who, std::size_t policy) {
  auto& listed = into_->policies[policy].users.emplace_back(std::move(traces_[policy]));
  listed.uid = who.uid;
  listed.group = who.group;
}

/// With the first policy; `decisions` have the labels of their chains.
void simulated_users::compare_stages(const active_user& who, std::span<const decision> decisions) {
  const auto& wanted = rules_->of->policies;
  const auto part_of = [&](std::size_t policy) {
    const auto place = std::find(rules_->policy_of.begin(), rules_->policy_of.end(), policy);
    const auto slot = static_cast<std::size_t>(place - rules_->policy_of.begin());
    return decided_by{&rules_->chain_labels[slot], &wanted[policy], paths_[policy].highest()};
  };
  const auto base = part_of(0);
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    const auto candidate = part_of(index);
    auto& into = into_->policies[index];
    ++into.moved.at(static_cast<std::size_t>(base.highest)).at(static_cast<std::size_t>(candidate.highest));
    if (base.highest == candidate.highest) continue;
    const bool hits = candidate.highest > base.highest;
    into.changed.push_back({who.uid, who.group, base.highest, candidate.highest,
                            explain_change(decisions, hits ? candidate : base, hits ? base : candidate)});
  }
}

// A feed that reads ids only where they are needed gives its events the key as a number.
void simulated_users::name_cause(const active_user& who, decision& what) {
  if (not rules_->of->captured) return;
  std::uint64_t key = 0;
  const auto* end = what.cause.data() + what.cause.size();
  if (std::from_chars(what.cause.data(), end, key, 16).ptr != end) return;
  if (auto id = feed_->id_of(who.number, key)) what.cause = std::move(*id);
}

void simulated_users::count_decisions(const active_user& who, std::vector<decision>& decisions) {
  const auto policies = rules_->of->policies.size();
  chains_.resize(policies);
  for (auto& each : chains_)
    each.clear();
  paths_.assign(policies, {});
  traces_.assign(policies, {});
  lines_.clear();
  for (auto& each : decisions) {
    const auto slot = slot_of(each);
    // What `off` writes of accounts is no policy's.
    if (not rules_->policy_of[slot]) continue;
    const auto policy = *rules_->policy_of[slot];
    name_cause(who, each);
    each.slot = &rules_->chain_labels[slot];
    const auto begins = chains_[policy].size();
    append_decision_chain(chains_[policy], each, who.uid);
    if (how_->keeps_decisions) lines_.append(chains_[policy], begins).push_back('\n');
    into_->policies[policy].groups[who.group].answers.add(each);
    into_->policies[policy].decided.add(each);
    if (each.kind == decision_kind::stage_changed) paths_[policy].move(each);
    traces_[policy].add(each);
  }
  slot_chains_.clear();
  for (std::size_t index = 0; index < policies; ++index) {
    paths_[index].finish(rules_->end);
    const auto hash = hash_of_chain(chains_[index]);
    const hashed_chain alone{"live", hash};
    into_->policies[index].chains.add(who.uid, {&alone, 1});
    slot_chains_.push_back({rules_->of->policies[index].name, hash});
  }
  into_->chains.add(who.uid, slot_chains_);
  if (how_->keeps_decisions) into_->decisions.push_back({who.uid, std::move(lines_)});
  compare_stages(who, decisions);
  const auto begin = first_speech(who);
  for (std::size_t index = 0; index < policies; ++index) {
    into_->policies[index].groups[who.group].add(paths_[index], paths_.front(), begin);
    if (how_->lists_all_users or paths_[index].hit_at_all()) list(who, index);
  }
}

void simulated_users::count_user(const active_user& who, outcome& of) {
  ++into_->users;
  into_->events += events_of(who);
  into_->skipped_commands += who.skipped_commands;
  into_->counts += who.refused;
  into_->counts += of.wrote.counts;
  for (std::size_t slot = 0; slot < of.wrote.tallies.size(); ++slot)
    if (const auto policy = rules_->policy_of[slot]) {
      auto& group = into_->policies[*policy].groups[who.group];
      ++group.users;
      group.audio += of.wrote.tallies[slot];
    }
  if (how_->lists_all_users or not of.wrote.decisions.empty())
    count_decisions(who, of.wrote.decisions);
  else
    for (auto& each : into_->policies)
      ++each.moved.front().front();
}

/// Like a user whose events were decided, and led to nothing.
void simulated_users::count_certified(const active_user& who) {
  slot_tally of_all;
  of_all.stt_ms = who.certified->stt_ms;
  auto& wrote = certified_.wrote;
  wrote.tallies.assign(rules_->policies->slot_count(), of_all);
  wrote.counts.moved_to_backfill = who.certified->moved_to_backfill;
  count_user(who, certified_);
  ++into_->certified_users;
  queue_->users_done.fetch_add(1, std::memory_order_relaxed);
  queue_->events_done.fetch_add(events_of(who), std::memory_order_relaxed);
}

void simulated_users::count(const epoch_result& decided) {
  const auto outcomes = decided.outcomes;
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    count_user(users_[i], outcomes[i]);
    events += events_of(users_[i]);
  }
  queue_->users_done.fetch_add(outcomes.size(), std::memory_order_relaxed);
  queue_->events_done.fetch_add(events, std::memory_order_relaxed);
}

} // namespace fairuse::sim
