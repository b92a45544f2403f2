// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/kafka_notices.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "api/notifier/decision_notice.hpp"
#include "base/pure/numbers.hpp"
#include "streams/kafka/broker/read_committed.hpp"

namespace fairuse {

namespace {

constexpr kafka::milliseconds no_wait{0};
constexpr kafka::milliseconds catch_up_wait{200};
constexpr kafka::milliseconds read_patience{10'000};
constexpr std::int64_t commit_every_ms = 100;
/// After a commit that failed.
constexpr std::int64_t pause_ms = 1'000;
/// By how much clocks of notifiers may differ.
constexpr std::int64_t skew_ms = 10 * minute_ms;

error error_of(const kafka::call_error& why) { return error{fmt::format("{} ({})", why.text, why.code)}; }

} // namespace

kafka_notices::kafka_notices(kafka_notices_options options, kafka::cluster& brokers)
  : options_{std::move(options)}, brokers_{brokers}, view_{brokers, options_.enforcement} {}

result<std::unique_ptr<kafka_notices>> kafka_notices::open(kafka_notices_options options, kafka::cluster& brokers) {
  std::unique_ptr<kafka_notices> made(new kafka_notices(std::move(options), brokers));
  auto* own = made.get();
  const auto& all = own->options_;
  auto intake = kafka_intake::make(
      {.group = all.group, .instance = all.instance, .topic = all.notifications, .outputs = {all.ends}, .log = all.log},
      brokers,
      {.take = [own](std::uint64_t handle, const kafka::record& what,
                     const std::vector<kafka::header>& headers) { return own->take(handle, what, headers); },
       .assigned = [own](const std::vector<std::int32_t>& partitions) { own->assigned(partitions); },
       .metadata = [own](std::int32_t partition,
                         std::uint64_t first_open) { return own->metadata(partition, first_open); }});
  if (not intake) return intake.error();
  own->intake_ = std::move(*intake);
  return made;
}

void kafka_notices::assigned(const std::vector<std::int32_t>& partitions) {
  fresh_.clear();
  open_.clear();
  known_.clear();
  unread_ = partitions;
  looked_ = false;
  view_.follow(partitions);
}

// Whatever was written ahead of the first notice that has not ended.
result<bool> kafka_notices::read_ends(time_ms now) {
  while (not unread_.empty()) {
    const kafka::topic_partition log{options_.ends, unread_.back()};
    const auto since = parse_number<time_ms>(intake_->committed_metadata(log.partition)).value_or(now);
    const auto begin = brokers_.offset_at(log, since - skew_ms);
    const auto range = brokers_.range(log, kafka::isolation::committed);
    if (asks_for(begin, kafka::next_action::again) or asks_for(range, kafka::next_action::again)) return false;
    if (not begin) return error_of(begin.error());
    if (not range) return error_of(range.error());
    const auto read =
        kafka::read_committed(brokers_, log, *begin, range->high, read_patience, [this](const kafka::record& what) {
          if (what.value) known_.take(*what.value);
        });
    if (not read) return error_of(read.error());
    unread_.pop_back();
  }
  return true;
}

bool kafka_notices::take(std::uint64_t handle, const kafka::record& what, const std::vector<kafka::header>& headers) {
  std::uint64_t epoch = 0;
  auto made = notice_from_record(what, headers, epoch);
  if (not made) {
    options_.log(log_level::warning, fmt::format("{} [{}] offset {} is no notification, and is passed over",
                                                 options_.notifications, what.partition, what.offset));
    return false;
  }
  if (std::find(options_.send.begin(), options_.send.end(), made->about) == options_.send.end()) return false;
  open_[made->id] = {handle, what.partition, epoch, known_since(what.partition)};
  fresh_.push_back(std::move(*made));
  return true;
}

// The ends of later ones may have been written before this start.
time_ms kafka_notices::known_since(std::int32_t partition) const {
  if (unread_.empty() and known_.empty()) return now_;
  return std::min(now_, parse_number<time_ms>(intake_->committed_metadata(partition)).value_or(now_));
}

result<bool> kafka_notices::catch_up(time_ms now) {
  const auto done = view_.catch_up(catch_up_wait, now);
  if (asks_for(done, kafka::next_action::again)) return false;
  if (not done) return error_of(done.error());
  return bool{*done};
}

result<std::vector<notice>> kafka_notices::poll(std::size_t most, time_ms now) {
  now_ = now;
  std::vector<notice> some;
  if (auto polled = intake_->poll(no_wait); not polled) return polled.error();
  if (fresh_.empty() or not intake_->is_ready()) return some;
  for (const auto& ready : {read_ends(now), catch_up(now)}) {
    if (not ready) return ready.error();
    if (not *ready) return some;
  }
  // The deliverer asks about the switches first.
  if (not std::exchange(looked_, true)) return some;
  while (not fresh_.empty() and some.size() < most) {
    auto what = std::move(fresh_.front());
    fresh_.pop_front();
    if (known_.has_ended(what.id)) {
      intake_->finish(open_.at(what.id).handle, {});
      open_.erase(what.id);
    } else if (given_.insert(what.id).second) {
      what.tried_since = known_.tried_since(what.id);
      some.push_back(std::move(what));
    }
  }
  return some;
}

// Stages of partitions that are new here are not known at once: nobody is dropped for that.
result<bool> kafka_notices::is_held(time_ms now) {
  if (not view_.is_recent(now))
    if (const auto done = catch_up(now); not done) return done.error();
  return not view_.is_known() or view_.is_off();
}

result<told_user> kafka_notices::user_of(const notice& what, time_ms now) {
  if (not view_.is_recent(now))
    if (const auto done = catch_up(now); not done) return done.error();
  const auto open = open_.find(what.id);
  // Its partition is another notifier's now, which sends it.
  if (open == open_.end()) return told_user{.erased = true};
  if (view_.is_erased_since(what.uid, open->second.epoch)) return told_user{.erased = true};
  const auto* known = view_.find(what.uid);
  if (known == nullptr) return told_user{};
  const bool is_over = known->until != never and now > known->until;
  return told_user{.exempt = known->exempt and now <= known->exempt_until,
                   .at = is_over ? stage::none : known->at,
                   .since = known->since};
}

intake_output kafka_notices::log_record(const notice& what, std::string value) const {
  return {.topic = options_.ends,
          .key = what.uid,
          .value = std::move(value),
          .headers = {{"content-type", "application/json"}}};
}

result<void> kafka_notices::failing(const notice& what) {
  if (const auto open = open_.find(what.id); open != open_.end())
    intake_->write_ahead(open->second.handle, {log_record(what, failing_record(what))});
  return {};
}

result<void> kafka_notices::finished(const notice& what, const delivery& end) {
  given_.erase(what.id);
  const auto open = open_.find(what.id);
  if (open == open_.end()) return {};
  intake_->write_ahead(open->second.handle, {log_record(what, end_record(what, end, true))});
  intake_->finish(open->second.handle, {});
  open_.erase(open);
  return {};
}

result<void> kafka_notices::save(time_ms now) {
  now_ = now;
  // Also where the deliverer takes no more: a member has to come back to its group.
  if (auto polled = intake_->poll(no_wait); not polled) return polled;
  if (now < committed_at_ + (intake_->failures() > 0 ? pause_ms : commit_every_ms) and now >= committed_at_) return {};
  committed_at_ = now;
  return intake_->commit();
}

std::string kafka_notices::metadata(std::int32_t partition, std::uint64_t first_open) const {
  auto since = now_;
  for (const auto& [id, each] : open_)
    if (each.partition == partition and each.handle >= first_open) since = std::min(since, each.known_since);
  return std::to_string(since);
}

} // namespace fairuse
