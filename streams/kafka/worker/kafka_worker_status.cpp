// SPDX-License-Identifier: Apache-2.0
//
// What others ask of a running worker: its status, and its users.
#include <algorithm>
#include <iterator>
#include <utility>

#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::int64_t publish_every_ms = 100;
constexpr std::int64_t quiet_ms = 3'000;
constexpr std::size_t questions_max = 10'000;
/// Longer than a broker keeps a fetch waiting (fetch.wait.max.ms): so long after a partition came, its ends are fresh.
constexpr std::int64_t fetched_ms = 500;

} // namespace

std::vector<std::int32_t> kafka_worker::finished(const std::vector<position>& ends) const {
  std::vector<std::int32_t> all;
  if (phase_ != phase::running or fetch_again_) return all;
  const bool quiet = is_quiet();
  const auto waits = [&](const position& at) {
    const auto end = std::ranges::find(ends, at.of, &position::of);
    return end != ends.end() and at.offset < end->offset and not(quiet and group_->last_stable(at.of) >= end->offset);
  };
  for (const auto& [partition, each] : owned_) {
    if (not each.shard or each.shard->records() > 0 or not each.shard->has_committed()) continue;
    if (std::ranges::none_of(each.shard->read_from(), waits)) all.push_back(partition);
  }
  return all;
}

bool kafka_worker::is_quiet() const {
  return silent_since_ != INT64_MIN and rules_.environment.steady() - silent_since_ > quiet_ms;
}

std::int64_t kafka_worker::lag_of(const position& at) const {
  const auto end = group_->last_stable(at.of);
  return end < 0 ? -1 : std::max<std::int64_t>(0, end - at.offset);
}

void kafka_worker::publish() {
  const auto steady = rules_.environment.steady();
  if (published_at_ != INT64_MIN and steady - published_at_ < publish_every_ms) return;
  published_at_ = steady;
  auto made = counts_;
  made.at = rules_.environment.wall();
  for (const auto& [partition, each] : owned_) {
    partition_status one{.partition = partition};
    if (each.taking) {
      one.state = each.taking->state();
      one.reason = each.taking->reason();
      one.restored = each.taking->restored();
      one.to_restore = each.taking->to_restore();
    } else if (not each.refused.empty()) {
      one.state = takeover_state::refused;
      one.reason = each.refused;
    } else if (each.shard) {
      one.state = takeover_state::ready;
      one.epoch = each.shard->last_epoch();
      one.now = each.shard->last_now();
      one.active_users = each.shard->active_users();
      one.pending_rows = each.shard->store().pending_rows();
      one.rules = view_of(each.shard->in_force());
      one.newest_event = each.shard->totals().by_kind.newest;
      one.is_quiet = is_quiet() and each.shard->records() == 0;
      one.lag = 0;
      for (const auto& at : each.shard->read_from()) {
        const auto lag = lag_of(at);
        one.lag = lag < 0 or one.lag < 0 ? -1 : one.lag + lag;
      }
      made.totals += each.shard->totals();
    }
    made.partitions.push_back(std::move(one));
  }
  const std::lock_guard guard(published_mutex_);
  published_ = std::move(made);
}

worker_status kafka_worker::status() const {
  const std::lock_guard guard(published_mutex_);
  return published_;
}

bool kafka_worker::decides_on(std::int32_t partition) const {
  const std::lock_guard guard(published_mutex_);
  const auto& all = published_.partitions;
  const auto found = std::ranges::find(all, partition, &partition_status::partition);
  return found != all.end() and found->state == takeover_state::ready;
}

void kafka_worker::ask(std::int32_t partition, user_question question) {
  {
    const std::lock_guard guard(questions_mutex_);
    if (not questions_closed_ and questions_.size() < questions_max) {
      questions_.push_back({partition, std::move(question)});
      return;
    }
  }
  question.told(nullptr);
}

/// What was sent while the owner before was alive is read. The last offset may be the end of a transaction, which
/// nobody reads; where there are more of them, owner_commit ends the wait.
bool kafka_worker::has_caught_up(owned_partition& owned) const {
  if (owned.caught_up != never) return true;
  const auto steady = rules_.environment.steady();
  if (steady - owned.since < fetched_ms) return false;
  const auto read = owned.shard->read_from();
  const auto end_of = [this](const position& at) { return position{at.of, group_->last_stable(at.of)}; };
  if (owned.ends.empty()) std::ranges::transform(read, std::back_inserter(owned.ends), end_of);
  const auto is_read = [](const position& at, const position& end) {
    return end.offset >= 0 and at.offset + 1 >= end.offset;
  };
  const bool all = std::ranges::equal(read, owned.ends, is_read);
  if (not all and steady - owned.since < rules_.bounds.owner_commit.count()) return false;
  owned.caught_up = steady;
  return true;
}

/// One that knows what the owner before was sent. If not, and it could, the next epoch is one.
bool kafka_worker::has_young_commit(owned_partition& owned) const {
  if (not has_caught_up(owned)) return false;
  const auto age = rules_.environment.steady() - owned.last_commit;
  const bool is_young = owned.last_commit > owned.caught_up and age <= rules_.bounds.owner_commit.count();
  owned.is_asked = owned.is_asked or not is_young;
  return is_young;
}

void kafka_worker::answer_questions() {
  std::vector<asked_user> asked;
  {
    const std::lock_guard guard(questions_mutex_);
    asked.swap(questions_);
  }
  if (asked.empty()) return;
  std::erase_if(asked, [this](const asked_user& each) { return answer(each); });
  const std::lock_guard guard(questions_mutex_);
  questions_.insert(questions_.end(), std::make_move_iterator(asked.begin()), std::make_move_iterator(asked.end()));
}

bool kafka_worker::answer(const asked_user& what) {
  const auto found = owned_.find(what.partition);
  auto* shard = phase_ == phase::running and found != owned_.end() ? found->second.shard.get() : nullptr;
  if (shard == nullptr or not shard->has_committed()) {
    what.question.told(nullptr);
    return true;
  }
  auto& owned = found->second;
  if (what.question.as_owner and not has_young_commit(owned)) return false;
  const std::string_view uid = what.question.uid;
  const auto who = shard->store().load({&uid, 1}, *shard->in_force().policies, shard->last_now());
  const committed_user answer{.who = *who.front(),
                              .in_force = shard->in_force(),
                              .now = shard->last_now(),
                              .epoch = shard->last_epoch(),
                              .partition = what.partition,
                              .owned_for_ms = rules_.environment.steady() - owned.since,
                              .log = [&](std::size_t most) { return shard->store().log_of(uid, most); }};
  what.question.told(&answer);
  return true;
}

void kafka_worker::refuse_questions() {
  std::vector<asked_user> asked;
  {
    const std::lock_guard guard(questions_mutex_);
    questions_closed_ = true;
    asked.swap(questions_);
  }
  for (const auto& each : asked)
    each.question.told(nullptr);
}

} // namespace fairuse::kafka
