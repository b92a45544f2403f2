// SPDX-License-Identifier: Apache-2.0
#include "tests/api/intake_storm.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fairuse::intake {

namespace {

using kafka::milliseconds;
using simlog::fault;

constexpr int rounds = 160;
constexpr int last_rounds = 900;
/// Of the last ones: what is under way arrives, and changes nothing.
constexpr int quiet_rounds = 30;
constexpr std::uint64_t calm_every = 6;

simlog::fault_rates rates_of(bool calm, simlog::fault_plan& draws) {
  if (calm) return {};
  // Transactions that fail, while requests of earlier ones are still under way.
  if (draws.below(3) == 0)
    return {
        {fault::delayed, 80'000}, {fault::duplicated, 80'000}, {fault::undelivered, 150'000}, {fault::early, 80'000}};
  auto rates = simlog::stormy(static_cast<std::uint32_t>(8 + draws.below(120)));
  // The range assignor gives no partition that is kept, so librdkafka passes over nothing.
  rates.erase(fault::skipped);
  return rates;
}

} // namespace

intake_storm::intake_storm(std::uint64_t seed)
  : log_{{.scan = milliseconds{1'000}}},
    draws_{seed, {}},
    calm_{seed % calm_every == 0},
    faults_{seed + 1, rates_of(calm_, draws_)},
    model_{log_, static_cast<std::int32_t>(1 + draws_.below(4))},
    driver_{log_} {
  for (const auto& topic : {input, results, early})
    log_.make_topic(topic, model_.partitions());
  upstream_ = driver_.make_producer("upstream");
  expect(upstream_->prepare({}).has_value(), "the input can be written");
  // Half of the clients never learn how their commits end.
  how_ = {.session = milliseconds{6'000}, .transaction = milliseconds{2'000}, .batch = 1 + draws_.below(12)};
  if (draws_.below(2) == 0) how_.after_loss = simlog::outcome::breaks;
  faults_.observer = [this](simlog::point where, fault what) {
    ++counts_.faults;
    note(fmt::format("  {} at {}", name_of(what), name_of(where)));
  };
  for (std::uint64_t i = calm_ ? 1 : 1 + draws_.below(3); i > 0; --i)
    seats_.push_back({.name = fmt::format("taker-{}", i), .open_max = 1 + draws_.below(15)});
}

intake_storm::~intake_storm() {
  for (auto& each : twins_)
    each->end(faults_);
  for (auto& each : seats_)
    if (each.program) each.program->end(faults_);
}

void intake_storm::run() {
  for (int i = 0; i < rounds; ++i) {
    if (draws_.below(3) == 0) feed();
    if (not calm_) disturb();
    round(false);
  }
  finish();
  counts_.records = fed_;
}

void intake_storm::feed() {
  if (not log_.reachable()) return;
  expect(upstream_->begin().has_value(), "the input can be written");
  for (auto n = 1 + draws_.below(5); n > 0; --n) {
    const auto key = fmt::format("r{}", ++fed_);
    const kafka::header header{"number", key};
    upstream_->produce(input, static_cast<std::int32_t>(draws_.below(static_cast<std::uint64_t>(model_.partitions()))),
                       key, "v", {&header, 1});
  }
  expect(upstream_->flush().has_value(), "the input can be written");
  expect((draws_.below(8) == 0 ? upstream_->abort() : upstream_->commit()).has_value(), "the input can be written");
  model_.look();
}

void intake_storm::remove_some() {
  const auto p = static_cast<std::int32_t>(draws_.below(static_cast<std::uint64_t>(model_.partitions())));
  auto& log = log_.log_of({input, p});
  const auto span = static_cast<std::uint64_t>(log.last_stable() - log.log_start());
  if (span == 0) return;
  // Mostly a few: all of them would make a dull storm.
  const auto some = draws_.below(3) == 0 ? span : std::min<std::uint64_t>(span, 12);
  const auto to = log.log_start() + static_cast<std::int64_t>(1 + draws_.below(some));
  note(fmt::format("records of {} before {} are removed", p, to));
  model_.remove_before(p, to);
  log.delete_before(to);
  ++counts_.removed;
}

void intake_storm::disturb() {
  if (draws_.below(20) == 0) remove_some();
  if (draws_.below(150) == 0) {
    const milliseconds span{static_cast<std::int64_t>(draws_.below(4'000))};
    note(fmt::format("no broker answers for {} ms", span.count()));
    log_.outage(span);
  }
  auto& at = seats_[draws_.below(seats_.size())];
  if (draws_.below(200) == 0) log_.time_out(at.name);
  if (not at.program) return;
  if (draws_.below(60) == 0) {
    // Some pauses are longer than a session.
    at.away = draws_.below(200);
    note(fmt::format("{} pauses for {} rounds", at.name, at.away));
  } else if (draws_.below(150) == 0) {
    note(at.name + " stops");
    at.program->end(faults_);
    at.program.reset();
    at.away = draws_.below(200);
  } else if (draws_.below(150) == 0) {
    note(at.name + " has a twin");
    ++counts_.twins;
    at.has_twin = true;
    twins_.push_back(std::move(at.program));
  }
}

void intake_storm::start(seat& at) {
  note(at.name + " starts");
  auto program = std::make_unique<intake_program>(model_, draws_, at.name, [this](const auto& what) { note(what); });
  try {
    if (program->start(log_, how_, faults_, at.open_max)) {
      at.program = std::move(program);
      return;
    }
  } catch (const simlog::simulated_crash&) {
    ++counts_.crashes;
  }
  program->end(faults_);
  at.away = draws_.below(20);
}

void intake_storm::end(std::unique_ptr<intake_program>& program) {
  note(fmt::format("{} is over: {}", program->name(), program->failure()));
  program->end(faults_);
  program.reset();
}

void intake_storm::work(seat& at, bool works_off) {
  if (at.away > 0) {
    --at.away;
    return;
  }
  if (not at.program) start(at);
  if (not at.program) return;
  bool goes_on = true;
  try {
    goes_on = works_off ? at.program->work_off() : at.program->work();
    // A twin that comes back to the group takes the name as well.
    expect(goes_on or at.has_twin, fmt::format("{} ends by itself: {}", at.name, at.program->failure()));
  } catch (const simlog::simulated_crash&) {
    goes_on = false;
  }
  // A crash inside produce throws nothing.
  if (goes_on and not at.program->is_dead()) return;
  ++counts_.crashes;
  end(at.program);
  at.away = draws_.below(40);
}

// They work until they learn that others have their names.
void intake_storm::work_twins() {
  for (auto& each : twins_) {
    bool goes_on = draws_.below(100) > 0;
    try {
      goes_on = goes_on and each->work() and not each->is_dead();
    } catch (const simlog::simulated_crash&) {
      goes_on = false;
    }
    if (not goes_on) end(each);
  }
  std::erase(twins_, nullptr);
}

void intake_storm::round(bool works_off) {
  log_.advance(milliseconds{50});
  for (auto& each : seats_) {
    work(each, works_off);
    model_.check_offsets();
  }
  work_twins();
  model_.check_offsets();
}

bool intake_storm::is_done() {
  return model_.is_all_committed() and twins_.empty()
         and std::all_of(seats_.begin(), seats_.end(),
                         [](const seat& each) { return each.program and each.program->is_idle(); });
}

// The faults end, and everybody works off what is there.
void intake_storm::finish() {
  faults_.stop();
  for (auto& each : twins_)
    end(each);
  twins_.clear();
  for (auto& each : seats_)
    each.away = 0;
  int left = last_rounds;
  while (not is_done() and --left > 0)
    round(true);
  expect(left > 0, "in the end everything is committed, and everybody knows it");
  log_.settle();
  for (int i = 0; i < quiet_rounds; ++i)
    round(true);
  model_.check_offsets();
  model_.check_outputs(calm_);
  expect(is_done(), "what is done stays done");
}

} // namespace fairuse::intake
