// SPDX-License-Identifier: Apache-2.0

#include "sim/traffic.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace fairuse::sim {

namespace {

/// Minutes of a session that share one STT event.
constexpr std::uint32_t stt_minutes = 10;

/// Sessions per user and day; the last one gets the rest of the day's speech.
constexpr std::size_t sessions_max = 96;

/// From the last minute's arrival to the conversation that was made of it.
constexpr time_ms summary_ms = 30 * second_ms;

/// Distance between a session's minutes when they arrive all at once.
constexpr time_ms burst_ms = 20;

/// UTC.
std::chrono::year_month month_of(time_ms at) {
  using namespace std::chrono;
  const year_month_day date{sys_days{floor<days>(milliseconds{at})}};
  return date.year() / date.month();
}

bool arrives_before(const arrival& left, const arrival& right) {
  return left.at != right.at ? left.at < right.at : before(left.what, right.what);
}

} // namespace

traffic_writer::traffic_writer(const composition& of, std::uint32_t days)
  : people_(&of), days_(days), faults_(of.seed(), 0, purpose::fault) {
  if (const ppm rate = of.people().faults.duplicates; rate > 0) duplicate_gap_ = 2 * always / rate;
}

void traffic_writer::write(std::uint32_t user, user_traffic& out) {
  out.user = user;
  out.traits = people_->traits(user);
  out.arrivals.clear();
  out.arena.clear();
  out_ = &out;
  cohort_ = &people_->people().cohorts[out.traits.cohort];
  unordered_.clear();
  faults_ = random_stream(people_->seed(), user, purpose::fault);
  // A user's first event lies anywhere between two duplicates. The distance to the next one is distributed as the
  // smaller of two uniform gaps.
  until_duplicate_ =
      duplicate_gap_ == 0 ? UINT32_MAX : std::min(faults_.below(duplicate_gap_), faults_.below(duplicate_gap_));
  key_index_ = 0;
  keys_left_ = 0;

  begin_account(people_->people().start);
  for (std::uint32_t day = 0; day < days_; ++day)
    write_day(day);
  if (account_.upgrade_at != never) upgrade(account_.upgrade_at);
  merge();
}

void traffic_writer::write_day(std::uint32_t day) {
  day_ = day;
  random_stream random(people_->seed(), out_->user, purpose::day, day);
  const time_ms midnight = people_->day_begin(out_->traits, day);
  if (account_.upgrade_at <= midnight) upgrade(account_.upgrade_at);
  begin_month(midnight);
  const std::int64_t speech_ms = people_->daily_speech_ms(out_->traits, day, random);
  if (speech_ms == 0) return;
  plan_sessions(speech_ms, random);

  std::int64_t sessions_ms = 0;
  for (const session& each : sessions_)
    sessions_ms += each.recorded.minutes * minute_ms;
  // A user whose sessions do not fit into the cohort's hours starts earlier and ends later.
  std::int64_t opens = cohort_->opens_ms;
  std::int64_t idle_ms = cohort_->closes_ms - opens - sessions_ms;
  if (idle_ms < 0) {
    opens = std::clamp<std::int64_t>(opens + idle_ms / 2, 0, std::max<std::int64_t>(0, day_ms - sessions_ms));
    idle_ms = 0;
  }
  // The idle time is divided among the gaps before each session and after the last one, by drawn weights.
  std::array<std::uint16_t, sessions_max + 1> weights;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i <= sessions_.size(); ++i) {
    weights[i] = static_cast<std::uint16_t>(1 + (random.next() >> 20));
    sum += weights[i];
  }
  time_ms at = midnight + opens;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    at += idle_ms * weights[i] / sum;
    write_session(sessions_[i], static_cast<std::uint32_t>(i), at, random);
    at += sessions_[i].recorded.minutes * minute_ms;
  }
}

void traffic_writer::plan_sessions(std::int64_t speech_ms, random_stream& random) {
  sessions_.clear();
  const rhythm& speech = rhythm_of(cohort_->rhythm);
  const auto recordings = speech.recordings();
  while (speech_ms > 0) {
    std::int64_t ms = out_->traits.session_ms;
    if (ms > 0)
      ms = ms * random.between(98, 102) / 100;
    else
      ms = cohort_->session.sample(random);
    // A rest of under a minute is no session of its own.
    if (ms + minute_ms > speech_ms || sessions_.size() + 1 == sessions_max) ms = speech_ms;
    speech_ms -= ms;
    const recording& source = recordings[random.below(static_cast<std::uint32_t>(recordings.size()))];
    sessions_.push_back({ms, speech.cut(source.first_minute, static_cast<std::uint32_t>(ms))});
  }
}

void traffic_writer::write_session(const session& planned, std::uint32_t number, time_ms begin, random_stream& random) {
  const fault_rates& faults = people_->people().faults;
  const time_ms lag = out_->traits.lag_ms;
  const std::int64_t duration = planned.recorded.minutes * minute_ms;
  const time_ms end = begin + duration;
  if (out_->traits.uploader && faults_.chance(faults.upload_sessions)) {
    const time_ms delay = faults.upload_delay.sample(faults_);
    // Producers mark a backlog as such only when it is days old; the engine has to recognize a younger one.
    const lane from = delay > 2 * day_ms ? lane::backfill : lane::sync;
    write_speech<true>(planned, begin, end + delay, from);
    write_conversation(number, end, end + delay + summary_ms + lag, from, duration, random);
  } else if (faults.offline > 0 && faults_.chance(faults.offline)) {
    const time_ms delay = faults.offline_delay.sample(faults_);
    write_speech<true>(planned, begin, end + lag + delay, lane::realtime);
    write_conversation(number, end, end + delay + summary_ms + lag, lane::realtime, duration, random);
  } else {
    write_speech<false>(planned, begin, 0, lane::realtime);
    write_conversation(number, end, end + lag + summary_ms, lane::realtime, duration, random);
  }
  charge(planned.speech_ms, end + lag + summary_ms);
}

template <bool Delayed>
void traffic_writer::write_speech(const session& planned, time_ms begin, time_ms arrives, lane from) {
  const std::uint16_t* speech = rhythm_of(cohort_->rhythm).minutes().data() + planned.recorded.first_minute;
  std::vector<arrival>& to = Delayed ? unordered_ : out_->arrivals;
  const time_ms lag = out_->traits.lag_ms;
  std::int32_t sent_ms = 0;
  std::uint32_t since_stt = 0;
  const auto send = [&](const arrival& sent) {
    to.push_back(sent);
    if (until_duplicate_-- == 0) push_duplicate(sent);
  };
  for (std::uint32_t i = 0; i < planned.recorded.minutes; ++i) {
    const bool last = i + 1 == planned.recorded.minutes;
    const auto ms = static_cast<std::int32_t>(last ? planned.recorded.last_ms : speech[i]);
    const time_ms time = begin + i * minute_ms;
    const time_ms at = Delayed ? arrives + i * burst_ms : time + minute_ms + lag;
    if (ms > 0) send({at, {time, time, key(), nullptr, nullptr, ms, event_kind::speech, from}});
    sent_ms += ms;
    if (++since_stt == stt_minutes || last) {
      // An uploaded recording is transcribed when it arrives.
      const time_ms transcribed = Delayed ? at : time + minute_ms;
      if (sent_ms > 0)
        send({at + 1, {transcribed, transcribed, key(), nullptr, nullptr, sent_ms, event_kind::stt, from}});
      sent_ms = 0;
      since_stt = 0;
    }
  }
}

void traffic_writer::write_conversation(std::uint32_t number, time_ms end, time_ms at, lane from,
                                        std::int64_t duration_ms, random_stream& random) {
  const auto pick = [&](const std::vector<std::string>& of) {
    return of[random.below(static_cast<std::uint32_t>(of.size()))];
  };
  conversation_fact fact;
  fact.conversation = std::to_string(day_);
  fact.conversation.push_back('-');
  fact.conversation.append(std::to_string(number));
  fact.title = pick(cohort_->titles);
  fact.category = pick(cohort_->categories);
  fact.duration_ms = duration_ms;
  fact.from = from;
  const arrival made{at,
                     {end, end, key(), nullptr, out_->arena.keep(std::move(fact)), 0, event_kind::conversation, from}};
  if (from == lane::realtime && at == end + out_->traits.lag_ms + summary_ms)
    push(made);
  else
    unordered_.push_back(made);
}

void traffic_writer::begin_account(time_ms at) {
  const credit_rules& credits = people_->people().credits;
  account_ = {};
  account_.free = out_->traits.free;
  account_.month = month_of(at);
  account_fact fact;
  fact.plan = account_.free ? credits.free_plan : out_->traits.unlimited ? credits.unlimited_plan : credits.paid_plan;
  push_account(std::move(fact), at);
}

void traffic_writer::begin_month(time_ms at) {
  const auto month = month_of(at);
  if (month == account_.month) return;
  account_.month = month;
  account_.month_ms = 0;
  if (!account_.exhausted) return;
  account_.exhausted = false;
  account_.upgrade_at = never;
  account_fact fact;
  fact.credits_exhausted = false;
  push_account(std::move(fact), at);
}

void traffic_writer::charge(std::int64_t speech_ms, time_ms at) {
  account_.month_ms += speech_ms;
  if (!account_.free || account_.exhausted || account_.month_ms < people_->people().credits.monthly_ms) return;
  if (out_->traits.upgrades_at_once) {
    upgrade(at);
    return;
  }
  account_.exhausted = true;
  if (out_->traits.upgrades_late)
    account_.upgrade_at = at + faults_.between(day_ms / minute_ms, 6 * day_ms / minute_ms) * minute_ms;
  account_fact fact;
  fact.credits_exhausted = true;
  push_account(std::move(fact), at);
}

void traffic_writer::upgrade(time_ms at) {
  account_fact fact;
  fact.plan = people_->people().credits.paid_plan;
  if (account_.exhausted) fact.credits_exhausted = false;
  account_.free = false;
  account_.exhausted = false;
  account_.upgrade_at = never;
  push_account(std::move(fact), at);
}

void traffic_writer::push_account(account_fact fact, time_ms at) {
  unordered_.push_back({at, {at, at, key(), nullptr, out_->arena.keep(std::move(fact)), 0, event_kind::account}});
}

void traffic_writer::push_duplicate(const arrival& what) {
  arrival again = what;
  again.again = true;
  again.at += people_->people().faults.duplicate_delay.sample(faults_);
  unordered_.push_back(again);
  until_duplicate_ = faults_.below(duplicate_gap_);
}

void traffic_writer::merge() {
  std::sort(unordered_.begin(), unordered_.end(), arrives_before);
  std::vector<arrival>& all = out_->arrivals;
  std::size_t ordered = all.size();
  std::size_t to = ordered + unordered_.size();
  all.resize(to);
  // From the back: no arrival is copied twice, and all before the first unordered one stay in place.
  for (std::size_t left = unordered_.size(); left > 0;) {
    if (ordered > 0 && arrives_before(unordered_[left - 1], all[ordered - 1]))
      all[--to] = all[--ordered];
    else
      all[--to] = unordered_[--left];
  }
}

std::uint64_t traffic_writer::key() {
  if (keys_left_ == 0) {
    for (std::size_t i = 0; i < keys_.size(); i += 2) {
      const draw_words words = draw(people_->seed(), out_->user, purpose::key, key_index_++);
      keys_[i] = std::uint64_t{words[0]} << 32 | words[1];
      keys_[i + 1] = std::uint64_t{words[2]} << 32 | words[3];
    }
    keys_left_ = static_cast<std::uint32_t>(keys_.size());
  }
  return keys_[--keys_left_];
}

} // namespace fairuse::sim
