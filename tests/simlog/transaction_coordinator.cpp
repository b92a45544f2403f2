// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/transaction_coordinator.hpp"

namespace fairuse::simlog {

namespace {

constexpr std::int32_t last_epoch = 32'766;

bool is_preparing(const transaction& which) {
  return which.state == transaction_state::prepare_commit || which.state == transaction_state::prepare_abort;
}

} // namespace

error_code transaction_coordinator::init(credentials& who, time_ms timeout, const marker_writer& write) {
  transaction& mine = transactions_[who.id];
  if (mine.producer < 0)
    mine.producer = producers_++;
  else if (mine.state == transaction_state::ongoing) {
    ++mine.epoch;
    prepare(who.id, mine, false, write);
  }
  if (is_preparing(mine)) return "CONCURRENT_TRANSACTIONS";
  if (mine.epoch >= last_epoch) {
    mine.producer = producers_++;
    mine.epoch = -1;
  }
  ++mine.epoch;
  mine.state = transaction_state::empty;
  mine.timeout = timeout;
  who.producer = mine.producer;
  who.epoch = mine.epoch;
  return "";
}

error_code transaction_coordinator::check(const credentials& who) const {
  const transaction* mine = find(who.id);
  if (mine == nullptr || mine->producer != who.producer) return "INVALID_PRODUCER_ID_MAPPING";
  return mine->epoch == who.epoch ? "" : "PRODUCER_FENCED";
}

error_code transaction_coordinator::join(const credentials& who, time_ms now) {
  if (const error_code refused = check(who); !refused.empty()) return refused;
  transaction& mine = transactions_.at(who.id);
  if (is_preparing(mine)) return "CONCURRENT_TRANSACTIONS";
  if (mine.state == transaction_state::ongoing) return "";
  mine.state = transaction_state::ongoing;
  mine.started = now;
  return "";
}

error_code transaction_coordinator::add_partition(const credentials& who, const kafka::topic_partition& part,
                                                  time_ms now) {
  const error_code refused = join(who, now);
  if (refused.empty()) transactions_.at(who.id).partitions.insert(part);
  return refused;
}

error_code transaction_coordinator::add_group(const credentials& who, const std::string& group, time_ms now) {
  const error_code refused = join(who, now);
  if (refused.empty()) transactions_.at(who.id).groups.insert(group);
  return refused;
}

error_code transaction_coordinator::verify(const credentials& who, const kafka::topic_partition& part) const {
  if (const error_code refused = check(who); !refused.empty()) return refused;
  const transaction& mine = *find(who.id);
  return mine.state == transaction_state::ongoing && mine.partitions.contains(part) ? "" : "INVALID_TXN_STATE";
}

error_code transaction_coordinator::verify_group(const credentials& who, const std::string& group) const {
  if (const error_code refused = check(who); !refused.empty()) return refused;
  const transaction& mine = *find(who.id);
  return mine.state == transaction_state::ongoing && mine.groups.contains(group) ? "" : "INVALID_TXN_STATE";
}

error_code transaction_coordinator::end(const credentials& who, bool commit, const marker_writer& write) {
  if (const error_code refused = check(who); !refused.empty()) return refused;
  transaction& mine = transactions_.at(who.id);
  const auto prepared = commit ? transaction_state::prepare_commit : transaction_state::prepare_abort;
  const auto complete = commit ? transaction_state::complete_commit : transaction_state::complete_abort;
  if (mine.state == transaction_state::ongoing) {
    prepare(who.id, mine, commit, write);
    return "";
  }
  if (mine.state == prepared) return "CONCURRENT_TRANSACTIONS";
  return mine.state == complete ? "" : "INVALID_TXN_STATE";
}

void transaction_coordinator::prepare(const std::string& id, transaction& which, bool commit,
                                      const marker_writer& write) {
  which.state = commit ? transaction_state::prepare_commit : transaction_state::prepare_abort;
  which.unwritten = which.partitions.size() + which.groups.size();
  const transaction frozen = which;
  write(id, frozen, commit);
}

void transaction_coordinator::marker_written(const std::string& id) {
  transaction& mine = transactions_.at(id);
  if (--mine.unwritten > 0) return;
  mine.state = mine.state == transaction_state::prepare_commit ? transaction_state::complete_commit
                                                               : transaction_state::complete_abort;
  mine.partitions.clear();
  mine.groups.clear();
}

void transaction_coordinator::expire(time_ms now, const marker_writer& write) {
  for (auto& [id, each] : transactions_) {
    if (each.state != transaction_state::ongoing || each.started + each.timeout >= now) continue;
    ++each.epoch;
    prepare(id, each, false, write);
  }
}

void transaction_coordinator::overdue(const std::string& id) {
  const auto found = transactions_.find(id);
  if (found != transactions_.end() && found->second.state == transaction_state::ongoing) found->second.timeout = 0;
}

const transaction* transaction_coordinator::find(const std::string& id) const {
  const auto found = transactions_.find(id);
  return found == transactions_.end() ? nullptr : &found->second;
}

} // namespace fairuse::simlog
