// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "tests/simlog/clients.hpp"

namespace fairuse::simlog {

using kafka::call_error;
using kafka::call_result;
using kafka::next_action;

simulated_producer::simulated_producer(process& in, std::string transactional_id) : process_(in) {
  who_.id = std::move(transactional_id);
}

call_error simulated_producer::must_die(const error_code& code) {
  state_ = state::dead;
  why_ = {next_action::broken, code, "transactional id " + who_.id};
  return why_;
}

call_error simulated_producer::must_abort(const error_code& code) {
  if (state_ == state::dead) return why_;
  state_ = state::abortable;
  why_ = {next_action::abort, code, "transactional id " + who_.id};
  return why_;
}

call_result<> simulated_producer::heard(const error_code& code) {
  if (code.empty()) return {};
  if (code == "CONCURRENT_TRANSACTIONS") return process_.again(code);
  // librdkafka reports both with one code.
  if (code == "PRODUCER_FENCED") return must_die("_FENCED");
  if (code == "INVALID_TXN_STATE" || code == "INVALID_PRODUCER_ID_MAPPING") return must_die(code);
  return must_abort(code);
}

call_result<> simulated_producer::open() const {
  if (state_ == state::open) return {};
  if (state_ == state::dead || state_ == state::abortable) return why_;
  return call_error{next_action::broken, "_STATE", "no transaction is open"};
}

call_result<> simulated_producer::prepare(std::span<const std::string> topics) {
  if (state_ != state::fresh) return call_error{next_action::broken, "_STATE", "prepared before"};
  const call_result<> seen =
      process_.ask({point::init,
                    [&](const marker_delays& delays) {
                      return heard(process_.log.init(who_, process_.options.transaction, delays));
                    },
                    {}},
                   had_errors_);
  if (!seen) return seen;
  for (const std::string& topic : topics)
    if (process_.log.partition_count(topic) == 0) return must_die("UNKNOWN_TOPIC_OR_PART");
  state_ = state::ready;
  return {};
}

call_result<> simulated_producer::begin() {
  if (process_.dead()) return process::gone();
  if (state_ == state::dead) return why_;
  if (state_ != state::ready)
    return call_error{next_action::broken, "_STATE", "a transaction is open, or nothing was prepared"};
  state_ = state::open;
  queue_.clear();
  added_.clear();
  delivered_.clear();
  registered_ = false;
  had_errors_ = false;
  begun_ = process_.log.now();
  return {};
}

void simulated_producer::produce(const std::string& topic, std::int32_t partition, std::optional<std::string_view> key,
                                 std::optional<std::string_view> value, std::span<const kafka::header> headers) {
  if (process_.dead() || state_ == state::dead) return;
  const fault what = process_.pass_quietly(point::produce);
  if (process_.dead()) return;
  queued mine;
  mine.to = {topic, partition};
  mine.what.key = key;
  mine.what.value = value;
  for (const kafka::header& each : headers)
    mine.what.headers.emplace_back(each.name, each.value);
  queue_.push_back(std::move(mine));
  // In the background: what comes of it is known at the flush.
  if (what == fault::early && process_.log.reachable() && state_ == state::open) {
    const error_code code = send_queued(queue_.size());
    if (!code.empty() && code != "CONCURRENT_TRANSACTIONS") undelivered(code);
  }
}

error_code simulated_producer::send_queued(std::size_t count) {
  error_code code;
  std::size_t sent = 0;
  for (; sent < count && code.empty(); ++sent) {
    queued& next = queue_[sent];
    if (!added_.contains(next.to)) {
      code = process_.log.add_partition(who_, next.to);
      registered_ = registered_ || code.empty();
      if (!code.empty()) break;
      added_.insert(next.to);
    }
    std::int64_t offset = -1;
    code = process_.log.append(who_, next.to, next.what, offset);
    // Of a fence between the adding and the records a real broker says either, by chance; here half of an id's
    // producers.
    if (code == "PRODUCER_FENCED" && who_.epoch / 2 % 2 == 1) code = "INVALID_TXN_STATE";
    if (!code.empty()) break;
    delivered_[next.to] = offset + 1;
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent));
  return code;
}

call_result<> simulated_producer::flush() {
  if (process_.dead()) return process::gone();
  if (const call_result<> no = open(); !no) return no;
  const fault what = process_.pass(point::flush);
  const call_result<> seen = deliver(what);
  process_.leave(point::flush, what);
  return seen;
}

call_result<> simulated_producer::deliver(fault what) {
  if (queue_.empty()) return {};
  if (!process_.log.reachable()) {
    had_errors_ = true;
    if (process_.log.now() - begun_ <= process_.options.transaction.count()) return process_.again("_TRANSPORT");
    // The broker may have heard of the partitions.
    registered_ = true;
    queue_.clear();
    return must_abort("_MSG_TIMED_OUT");
  }
  const bool is_lost = what == fault::lost || what == fault::reply_lost;
  if (is_lost || what == fault::undelivered) had_errors_ = true;
  if (what == fault::lost && process_.faults.below(2) == 0) return process_.again("_TIMED_OUT");
  const std::size_t count = what == fault::undelivered ? process_.faults.below(queue_.size()) : queue_.size();
  const error_code code = send_queued(count);
  if (code == "CONCURRENT_TRANSACTIONS") return process_.again(code);
  if (!code.empty() || what == fault::undelivered) {
    queue_.clear();
    return undelivered(code);
  }
  if (what == fault::reply_lost && process_.faults.below(2) == 0) return process_.again("_TIMED_OUT");
  return {};
}

// Reports only say that records were refused; the next call says that another producer has the id.
call_error simulated_producer::undelivered(const error_code& code) {
  if (code.empty()) return must_abort("_MSG_TIMED_OUT");
  if (code != "PRODUCER_FENCED") return must_abort(code);
  must_die("_FENCED");
  fenced_with_unsent_ = true;
  return {next_action::abort, "_PURGE_QUEUE", "records of " + who_.id + " were not delivered"};
}

std::int64_t simulated_producer::delivered_next(const topic_partition& of) const {
  const auto found = delivered_.find(of);
  return found == delivered_.end() ? -1 : found->second;
}

call_result<> simulated_producer::send_offsets(std::span<const kafka::committed_offset> offsets,
                                               kafka::group_consumer& as) {
  if (process_.dead()) return process::gone();
  if (const call_result<> no = open(); !no) return no;
  // Like the broker, it does not notice a fence here.
  if (offsets.empty()) return {};
  offset_map wanted;
  for (const auto& [of, offset, metadata] : offsets)
    wanted[of] = {offset, metadata};
  return tell_offsets(dynamic_cast<simulated_consumer&>(as).who(), wanted);
}

call_result<> simulated_producer::tell_offsets(const identity& as, const offset_map& offsets) {
  const call_result<> added = process_.ask({point::add_offsets,
                                            [&](const marker_delays&) {
                                              registered_ = true;
                                              return heard(process_.log.add_group(who_, as.group));
                                            },
                                            {}},
                                           had_errors_);
  if (!added) return added;
  simulated_log& log = process_.log;
  return process_.ask(
      {point::send_offsets, [&](const marker_delays&) { return heard(log.send_offsets(who_, as, offsets)); },
       [&log, who = who_, as, offsets] { log.send_offsets(who, as, offsets); }},
      had_errors_);
}

call_result<> simulated_producer::end(bool commit) {
  if (process_.dead()) return process::gone();
  // A real broker gives either, by chance; here every second producer of an id does whose records it refused.
  if (!commit && fenced_with_unsent_ && who_.epoch / 2 % 2 == 1) return must_die("INVALID_TXN_STATE");
  if (state_ == state::dead || (commit && state_ != state::open)) return open();
  if (state_ != state::open && state_ != state::abortable) return open();
  if (commit && !queue_.empty())
    if (const call_result<> no = flush(); !no) return no;
  if (!commit) queue_.clear();
  const point where = commit ? point::commit : point::abort;
  if (!registered_) {
    // Nothing was sent, so nothing is to be ended.
    process_.leave(where, process_.pass(where));
    return ended(commit, {});
  }
  simulated_log& log = process_.log;
  return ended(commit,
               process_.ask({where, [&](const marker_delays& delays) { return heard(log.end(who_, commit, delays)); },
                             [&log, who = who_, commit] { log.end(who, commit, {}); }},
                            had_errors_));
}

call_result<> simulated_producer::ended(bool commit, const call_result<>& seen) {
  if (seen) state_ = state::ready;
  // From an abort that failed there is no way on but another producer.
  const bool over = asks_for(seen, next_action::broken) || (!commit && !seen);
  if (over && state_ != state::dead) return must_die(seen.error().code);
  return seen;
}

} // namespace fairuse::simlog
