// SPDX-License-Identifier: Apache-2.0
//
// The client objects behind the port. Only simulated_cluster makes them.
// Threads: one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simlog/process.hpp"

namespace fairuse::simlog {

/// Reads on in some partitions: what consumers and readers share.
class cursor {
public:
  explicit cursor(kafka::isolation how) : how_(how) {}

  void start(std::span<const kafka::position> from);
  void stop() {
    places_.clear();
    failure_ = {};
  }
  /// At most `most` records, in the order of partitions; nullptr: none.
  std::unique_ptr<kafka::record_batch> take(const simulated_log& log, std::size_t most);
  /// Leaves out `count` records of a partition that has more; false: none has. Not twice at the same place: after going
  /// back the records come.
  bool skip(const simulated_log& log, std::size_t count);
  /// -1: not known.
  std::int64_t position_of(const topic_partition& of) const;
  std::int64_t last_stable(const topic_partition& of) const;
  /// OFFSET_OUT_OF_RANGE once a place was found outside its log, until start().
  const kafka::call_result<>& failure() const { return failure_; }

private:
  struct place {
    std::int64_t next = 0;
    std::int64_t stable = -1;
  };
  kafka::isolation how_;
  std::map<topic_partition, place> places_;
  /// How far records were left out.
  std::map<topic_partition, std::int64_t> skipped_;
  kafka::call_result<> failure_;
};

class simulated_reader : public kafka::reader {
public:
  simulated_reader(process& in, kafka::isolation how) : process_(in), cursor_(how) {}
  kafka::call_result<> start(std::span<const kafka::position> from) override;
  std::unique_ptr<kafka::record_batch> poll(milliseconds wait) override;
  std::int64_t position_of(const topic_partition& of) const override { return cursor_.position_of(of); }
  kafka::call_result<> failure() const override { return cursor_.failure(); }

private:
  process& process_;
  cursor cursor_;
};

class simulated_consumer : public kafka::group_consumer, private process::heartbeat_sender {
public:
  simulated_consumer(process& in, kafka::member who, kafka::membership& told);
  ~simulated_consumer() override;
  simulated_consumer(const simulated_consumer&) = delete;
  simulated_consumer& operator=(const simulated_consumer&) = delete;

  std::unique_ptr<kafka::record_batch> poll(milliseconds wait) override;
  kafka::call_result<> fetch(std::span<const kafka::position> from) override;
  kafka::call_result<std::vector<kafka::committed_offset>> committed(std::span<const topic_partition> wanted) override;
  std::int64_t last_stable(const topic_partition& of) const override { return cursor_.last_stable(of); }
  bool assignment_lost() const override { return lost_; }
  kafka::call_result<> failure() const override {
    if (replaced_) return *replaced_;
    return cursor_.failure();
  }
  void close() override;

  const identity& who() const { return who_; }

private:
  enum class state { outside, joining, member, closed };

  void beat() override;
  group_coordinator& group() { return process_.log.group(who_.group); }
  /// Serves the group once; true if it called the membership.
  bool serve_group();
  bool join();
  bool sync();
  bool give_back(bool lost);
  bool heard(const error_code& code);
  std::unique_ptr<kafka::record_batch> fetched(fault what);

  process& process_;
  kafka::member wish_;
  kafka::membership& told_;
  identity who_;
  state state_ = state::outside;
  std::set<topic_partition> assigned_;
  /// Between assigned() and revoked().
  bool has_assignment_ = false;
  bool lost_ = false;
  /// Another process took over.
  std::optional<kafka::call_error> replaced_;
  cursor cursor_{kafka::isolation::committed};
};

class simulated_producer : public kafka::transactional_producer {
public:
  simulated_producer(process& in, std::string transactional_id);

  kafka::call_result<> prepare(std::span<const std::string> topics) override;
  kafka::call_result<> begin() override;
  void produce(const std::string& topic, std::int32_t partition, std::optional<std::string_view> key,
               std::optional<std::string_view> value, std::span<const kafka::header> headers) override;
  kafka::call_result<> flush() override;
  std::int64_t delivered_next(const topic_partition& of) const override;
  kafka::call_result<> send_offsets(std::span<const kafka::committed_offset> offsets,
                                    kafka::group_consumer& as) override;
  kafka::call_result<> commit() override { return end(true); }
  kafka::call_result<> abort() override { return end(false); }
  bool had_errors() const override { return had_errors_; }

private:
  enum class state { fresh, ready, open, abortable, dead };
  struct queued {
    topic_partition to;
    stored_record what;
  };

  /// What follows from a broker's answer.
  kafka::call_result<> heard(const error_code& code);
  kafka::call_error must_abort(const error_code& code);
  kafka::call_error must_die(const error_code& code);
  /// An error: the call is not possible in this state.
  kafka::call_result<> open() const;
  /// Sends the first `count` that are queued.
  error_code send_queued(std::size_t count);
  kafka::call_result<> deliver(fault what);
  kafka::call_error undelivered(const error_code& code);
  kafka::call_result<> tell_offsets(const identity& as, const offset_map& offsets);
  kafka::call_result<> end(bool commit);
  kafka::call_result<> ended(bool commit, const kafka::call_result<>& seen);

  process& process_;
  credentials who_;
  state state_ = state::fresh;
  /// Of the state abortable or dead.
  kafka::call_error why_;
  std::vector<queued> queue_;
  std::set<topic_partition> added_;
  std::map<topic_partition, std::int64_t> delivered_;
  /// A request was sent that may have reached the coordinator.
  bool registered_ = false;
  bool fenced_with_unsent_ = false;
  bool had_errors_ = false;
  time_ms begun_ = 0;
};

} // namespace fairuse::simlog
