// SPDX-License-Identifier: Apache-2.0

#include "sim/traffic.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fairuse::sim {

namespace {

/// Minutes of a session that share one STT event.
constexpr std::uint32_t stt_minutes = 10;

/// Nobody starts more sessions a day; what is left goes into the last one.
constexpr std::size_t sessions_max = 96;

/// From the last minute's arrival to the conversation that was made of it.
constexpr time_ms summary_ms = 30 * second_ms;

/// Distance of a session's minutes when they arrive all at once.
constexpr time_ms burst_ms = 20;

/// Months since year 0, UTC (days to civil date, Howard Hinnant's algorithm).
std::int64_t month_of(time_ms at) {
  const std::int64_t shifted = at / day_ms + 719'468;
  const std::int64_t era = shifted / 146'097;
  const std::int64_t day_of_era = shifted % 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  // Counted from March, so January and February belong to the next year without a special case.
  return (era * 400 + year_of_era) * 12 + month_from_march;
}

bool arrives_before(const arrival& a, const arrival& b) { return a.at != b.at ? a.at < b.at : before(a.what, b.what); }

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
  stray_.clear();
  faults_ = random_stream(people_->seed(), user, purpose::fault);
  // A user's first event falls anywhere between two duplicates: what is left of a uniform gap is the smaller of two.
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

  std::int64_t wall_ms = 0;
  for (const session& s : sessions_)
    wall_ms += s.tape.minutes * minute_ms;
  // Who does not fit into the usual hours starts earlier and goes on longer.
  std::int64_t opens = cohort_->opens_ms;
  std::int64_t room = cohort_->closes_ms - opens - wall_ms;
  if (room < 0) {
    opens = std::clamp<std::int64_t>(opens + room / 2, 0, std::max<std::int64_t>(0, day_ms - wall_ms));
    room = 0;
  }
  // The idle time is dealt out before each session and after the last one, by drawn weights.
  std::array<std::uint16_t, sessions_max + 1> weights;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i <= sessions_.size(); ++i) {
    weights[i] = static_cast<std::uint16_t>(1 + (random.next() >> 20));
    sum += weights[i];
  }
  time_ms at = midnight + opens;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    at += room * weights[i] / sum;
    write_session(sessions_[i], static_cast<std::uint32_t>(i), at, random);
    at += sessions_[i].tape.minutes * minute_ms;
  }
}

void traffic_writer::plan_sessions(std::int64_t speech_ms, random_stream& random) {
  sessions_.clear();
  const rhythm& tape = rhythm_of(cohort_->rhythm);
  const auto recordings = tape.recordings();
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
    sessions_.push_back({ms, tape.cut(source.first_minute, static_cast<std::uint32_t>(ms))});
  }
}

void traffic_writer::write_session(const session& s, std::uint32_t number, time_ms begin, random_stream& random) {
  const fault_rates& faults = people_->people().faults;
  const time_ms lag = out_->traits.lag_ms;
  const time_ms end = begin + s.tape.minutes * minute_ms;
  const std::int64_t duration = s.tape.minutes * minute_ms;
  if (out_->traits.uploader && faults_.chance(faults.upload_sessions)) {
    const time_ms delay = faults.upload_delay.sample(faults_);
    // Producers know a backlog only when it is days old; below that the engine has to find out by itself.
    const lane from = delay > 2 * day_ms ? lane::backfill : lane::sync;
    write_speech<true>(s, begin, end + delay, from);
    write_conversation(number, end, end + delay + summary_ms + lag, from, duration, random);
  } else if (faults.offline > 0 && faults_.chance(faults.offline)) {
    const time_ms delay = faults.offline_delay.sample(faults_);
    write_speech<true>(s, begin, end + lag + delay, lane::realtime);
    write_conversation(number, end, end + delay + summary_ms + lag, lane::realtime, duration, random);
  } else {
    write_speech<false>(s, begin, 0, lane::realtime);
    write_conversation(number, end, end + lag + summary_ms, lane::realtime, duration, random);
  }
  charge(s.speech_ms, end + lag + summary_ms);
}

template <bool Delayed>
void traffic_writer::write_speech(const session& s, time_ms begin, time_ms arrives, lane from) {
  const std::uint16_t* tape = rhythm_of(cohort_->rhythm).tape().data() + s.tape.first_minute;
  std::vector<arrival>& to = Delayed ? stray_ : out_->arrivals;
  const time_ms lag = out_->traits.lag_ms;
  std::int32_t sent_ms = 0;
  std::uint32_t since_stt = 0;
  const auto send = [&](const arrival& a) {
    to.push_back(a);
    if (until_duplicate_-- == 0) repeat(a);
  };
  for (std::uint32_t i = 0; i < s.tape.minutes; ++i) {
    const bool last = i + 1 == s.tape.minutes;
    const auto ms = static_cast<std::int32_t>(last ? s.tape.last_ms : tape[i]);
    const time_ms time = begin + i * minute_ms;
    const time_ms at = Delayed ? arrives + i * burst_ms : time + minute_ms + lag;
    if (ms > 0) send({at, {time, time, key(), nullptr, nullptr, ms, event_kind::speech, from}});
    sent_ms += ms;
    if (++since_stt == stt_minutes || last) {
      // An uploaded recording is transcribed when it arrives.
      const time_ms sent = Delayed ? at : time + minute_ms;
      if (sent_ms > 0) send({at + 1, {sent, sent, key(), nullptr, nullptr, sent_ms, event_kind::stt, from}});
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
  const arrival a{at, {end, end, key(), nullptr, out_->arena.keep(std::move(fact)), 0, event_kind::conversation, from}};
  if (from == lane::realtime && at == end + out_->traits.lag_ms + summary_ms)
    push(a);
  else
    stray_.push_back(a);
}

void traffic_writer::begin_account(time_ms at) {
  const credit_rules& credits = people_->people().credits;
  account_ = {};
  account_.free = out_->traits.free;
  account_.month = month_of(at);
  account_fact fact;
  fact.plan = account_.free ? credits.free_plan : out_->traits.unlimited ? credits.unlimited_plan : credits.paid_plan;
  say(std::move(fact), at);
}

void traffic_writer::begin_month(time_ms at) {
  const std::int64_t month = month_of(at);
  if (month == account_.month) return;
  account_.month = month;
  account_.month_ms = 0;
  if (!account_.exhausted) return;
  account_.exhausted = false;
  account_.upgrade_at = never;
  account_fact fact;
  fact.credits_exhausted = false;
  say(std::move(fact), at);
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
  say(std::move(fact), at);
}

void traffic_writer::upgrade(time_ms at) {
  account_fact fact;
  fact.plan = people_->people().credits.paid_plan;
  if (account_.exhausted) fact.credits_exhausted = false;
  account_.free = false;
  account_.exhausted = false;
  account_.upgrade_at = never;
  say(std::move(fact), at);
}

void traffic_writer::say(account_fact fact, time_ms at) {
  stray_.push_back({at, {at, at, key(), nullptr, out_->arena.keep(std::move(fact)), 0, event_kind::account}});
}

void traffic_writer::repeat(const arrival& what) {
  arrival again = what;
  again.at += people_->people().faults.duplicate_delay.sample(faults_);
  stray_.push_back(again);
  until_duplicate_ = faults_.below(duplicate_gap_);
}

void traffic_writer::merge() {
  std::sort(stray_.begin(), stray_.end(), arrives_before);
  std::vector<arrival>& all = out_->arrivals;
  std::size_t ordered = all.size();
  std::size_t to = ordered + stray_.size();
  all.resize(to);
  // From the back, so that nothing is copied twice and everything before the first stray stays where it is.
  for (std::size_t left = stray_.size(); left > 0;) {
    if (ordered > 0 && arrives_before(stray_[left - 1], all[ordered - 1]))
      all[--to] = all[--ordered];
    else
      all[--to] = stray_[--left];
  }
}

std::uint64_t traffic_writer::key() {
  if (keys_left_ == 0) {
    for (std::size_t i = 0; i < keys_.size(); i += 2) {
      const draw_words w = draw(people_->seed(), out_->user, purpose::key, key_index_++);
      keys_[i] = std::uint64_t{w[0]} << 32 | w[1];
      keys_[i + 1] = std::uint64_t{w[2]} << 32 | w[3];
    }
    keys_left_ = static_cast<std::uint32_t>(keys_.size());
  }
  return keys_[--keys_left_];
}

} // namespace fairuse::sim
