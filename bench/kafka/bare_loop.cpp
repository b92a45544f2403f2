// SPDX-License-Identifier: Apache-2.0
//
// The baseline of the engine's figures: what consuming, decoding, producing and committing cost without any rules. One
// consumer (all partitions, assigned by hand), our decoder, one changelog record per touched user and epoch, one
// decision per event that alone exceeds the daily cap, offsets in the transaction. No rules, no store, no recovery.
//
//   bare_loop --until-end --json               to the ends that the input had at the start
//   bare_loop --seconds 30 --epoch-ms 50       for half a minute
//
// `seconds` counts from the first record to the last commit; CPU is the whole process's.

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <tsl/robin_map.h>

#include "bench/kafka/client.hpp"
#include "events/event.hpp"
#include "events/wire.hpp"

namespace {

using namespace fairuse;
using namespace fairuse::bench;

constexpr std::int32_t daily_cap_ms = 7'200'000;

struct options {
  std::string bootstrap = "127.0.0.1:9092";
  std::string input = "fairuse.events.v1";
  std::string decisions = "bare.decisions";
  std::string changelog = "bare.changelog";
  std::string name = "bare-loop";
  std::int64_t epoch_ms = 100;
  std::size_t epoch_events = 200'000;
  std::size_t row_bytes = 197;
  std::int64_t seconds = 0;
  bool until_end = false;
  bool json = false;
};

struct result {
  std::int64_t events = 0;
  std::int64_t refused = 0;
  std::int64_t rows = 0;
  std::int64_t decisions = 0;
  std::int64_t epochs = 0;
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
};

/// Reads the input from its start.
class input {
public:
  explicit input(const options& asked)
    : client_{make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", asked.bootstrap},
                                              {"group.id", asked.name},
                                              {"isolation.level", "read_committed"},
                                              {"enable.auto.commit", "false"},
                                              {"enable.auto.offset.store", "false"},
                                              {"queued.min.messages", "1000000"},
                                              {"queued.max.messages.kbytes", "262144"},
                                              {"fetch.wait.max.ms", "100"}})},
      topic_{asked.input},
      queue_{rd_kafka_queue_get_consumer(client_.get())} {
    const auto ranges = offsets_of(*client_, topic_);
    if (ranges.empty()) fail(topic_, "no such topic");
    const owned<rd_kafka_topic_partition_list_t> list{
        rd_kafka_topic_partition_list_new(static_cast<int>(ranges.size()))};
    for (std::size_t p = 0; p < ranges.size(); ++p) {
      // To the end: from the start. For a time: only what comes from now on.
      const auto from = asked.until_end ? ranges[p].low : ranges[p].high;
      rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), static_cast<std::int32_t>(p))->offset = from;
      next_.push_back(from);
      end_.push_back(ranges[p].high);
    }
    check("assign", rd_kafka_assign(client_.get(), list.get()));
  }

  std::size_t poll(std::vector<rd_kafka_message_t*>& into, int wait_ms) {
    const auto count = rd_kafka_consume_batch_queue(queue_.get(), wait_ms, into.data(), into.size());
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  void taken(const rd_kafka_message_t& message) {
    next_[static_cast<std::size_t>(message.partition)] = message.offset + 1;
  }
  bool at_end() const {
    for (std::size_t p = 0; p < next_.size(); ++p)
      if (next_[p] < end_[p]) return false;
    return true;
  }
  std::size_t partitions() const { return next_.size(); }

  void send_offsets(rd_kafka_t& producer) const {
    const owned<rd_kafka_topic_partition_list_t> list{
        rd_kafka_topic_partition_list_new(static_cast<int>(next_.size()))};
    for (std::size_t p = 0; p < next_.size(); ++p)
      rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), static_cast<std::int32_t>(p))->offset = next_[p];
    const owned<rd_kafka_consumer_group_metadata_t> group{rd_kafka_consumer_group_metadata(client_.get())};
    check("offsets", rd_kafka_send_offsets_to_transaction(&producer, list.get(), group.get(), 10'000));
  }

private:
  owned<rd_kafka_t> client_;
  std::string topic_;
  owned<rd_kafka_queue_t> queue_;
  std::vector<std::int64_t> next_;
  std::vector<std::int64_t> end_;
};

class output {
public:
  explicit output(const options& asked)
    : client_{make_client(RD_KAFKA_PRODUCER,
                          {{"bootstrap.servers", asked.bootstrap},
                           {"transactional.id", asked.name},
                           {"compression.type", "lz4"},
                           {"linger.ms", "5"},
                           {"queue.buffering.max.messages", "1000000"},
                           {"queue.buffering.max.kbytes", "524288"}},
                          on_delivery, this)},
      decisions_{open_topic(*client_, asked.decisions)},
      changelog_{open_topic(*client_, asked.changelog)} {
    check("init_transactions", rd_kafka_init_transactions(client_.get(), 10'000));
    for (const auto& topic : {asked.decisions, asked.changelog})
      if (partition_count(*client_, topic) == 0) fail(topic, "no such topic");
  }

  /// Costs nothing at the broker. An epoch without events leaves the transaction open for the next one.
  void begin() {
    if (not open_) check("begin", rd_kafka_begin_transaction(client_.get()));
    open_ = true;
  }
  void decision(std::int32_t partition, std::string_view key, std::string_view value) {
    produce(*decisions_, partition, key, value);
  }
  void row(std::int32_t partition, std::string_view key, std::string_view value) {
    produce(*changelog_, partition, key, value);
  }
  void commit(const input& from) {
    check("flush", rd_kafka_flush(client_.get(), 30'000));
    if (failed_ > 0) fail("some records were not delivered");
    from.send_offsets(*client_);
    check("commit", rd_kafka_commit_transaction(client_.get(), 10'000));
    open_ = false;
  }

private:
  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++static_cast<output*>(self)->failed_;
  }
  void produce(rd_kafka_topic_t& topic, std::int32_t partition, std::string_view key, std::string_view value) {
    // The C interface takes the bytes as mutable and, with F_COPY, does not change them.
    auto* bytes = const_cast<char*>(value.data());
    while (
        rd_kafka_produce(&topic, partition, RD_KAFKA_MSG_F_COPY, bytes, value.size(), key.data(), key.size(), nullptr)
        != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) check("produce", rd_kafka_last_error());
      rd_kafka_poll(client_.get(), 1);
    }
  }

  std::int64_t failed_ = 0;
  bool open_ = false;
  owned<rd_kafka_t> client_;
  owned<rd_kafka_topic_t> decisions_;
  owned<rd_kafka_topic_t> changelog_;
};

struct user {
  std::int64_t spoken_ms = 0;
  std::int64_t epoch = -1;
};

class loop {
public:
  explicit loop(const options& asked) : asked_{asked}, from_{asked}, to_{asked}, messages_(2'000) {
    row_.assign(asked.row_bytes, 'r');
  }

  result run() {
    const auto stop_ns = asked_.seconds > 0 ? monotonic_ns() + asked_.seconds * 1'000'000'000 : INT64_MAX;
    while (monotonic_ns() < stop_ns and not(asked_.until_end and from_.at_end()))
      epoch();
    return told_;
  }

private:
  using table = tsl::robin_map<std::string, user>;

  void epoch() {
    const auto deadline_ns = monotonic_ns() + asked_.epoch_ms * 1'000'000;
    const auto before = told_.events;
    touched_.clear();
    to_.begin();
    while (told_.events - before < static_cast<std::int64_t>(asked_.epoch_events)) {
      const auto left_ms = (deadline_ns - monotonic_ns()) / 1'000'000;
      if (left_ms <= 0 or (asked_.until_end and from_.at_end())) break;
      take(from_.poll(messages_, static_cast<int>(left_ms < 5 ? left_ms : 5)));
    }
    for (const auto& [uid, partition] : touched_)
      to_.row(partition, uid, row_);
    to_.commit(from_);
    told_.rows += static_cast<std::int64_t>(touched_.size());
    if (told_.events == before) return;
    ++told_.epochs;
    told_.last_ns = monotonic_ns();
  }

  void take(std::size_t count) {
    event_arena arena;
    for (std::size_t i = 0; i < count; ++i) {
      auto* message = messages_[i];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (told_.first_ns == 0) told_.first_ns = monotonic_ns();
        const auto decoded = decoder_.decode({static_cast<const char*>(message->payload), message->len}, arena);
        ++told_.events;
        from_.taken(*message);
        if (decoded)
          apply(*decoded, message->partition);
        else
          ++told_.refused;
      } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        check("consume", message->err);
      }
      rd_kafka_message_destroy(message);
    }
  }

  void apply(const wire_event& decoded, std::int32_t partition) {
    const auto& what = decoded.what;
    // try_emplace would build a string for every event of a known user.
    uid_.assign(decoded.subject);
    auto found = users_.find(uid_);
    if (found == users_.end()) found = users_.emplace(uid_, user{}).first;
    auto& who = found.value();
    who.spoken_ms += what.ms;
    if (who.epoch != told_.epochs) {
      who.epoch = told_.epochs;
      touched_.emplace_back(uid_, partition);
    }
    if (what.kind == event_kind::speech and what.ms > daily_cap_ms) decide(decoded, partition);
  }

  void decide(const wire_event& decoded, std::int32_t partition) {
    line_ = R"({"decision":"cap_crossed","cause":{"event":")";
    line_ += event_id(decoded.what);
    line_ += R"("},"window":"daily","sum_ms":)" + std::to_string(decoded.what.ms) + "}";
    to_.decision(partition, decoded.subject, line_);
    ++told_.decisions;
  }

  options asked_;
  input from_;
  output to_;
  wire_decoder decoder_;
  std::vector<rd_kafka_message_t*> messages_;
  table users_;
  std::vector<std::pair<std::string, std::int32_t>> touched_;
  std::string uid_;
  std::string row_;
  std::string line_;
  result told_;
};

void print(const options& asked, const result& told, double whole_seconds) {
  const auto cost = cost_so_far();
  const auto seconds = static_cast<double>(told.last_ns - told.first_ns) / 1e9;
  const auto rate = seconds > 0 ? static_cast<double>(told.events) / seconds : 0.0;
  if (not asked.json) {
    std::printf("%" PRId64 " events in %.2f s: %.0f a second, %.2f CPU s, %" PRId64 " MiB, %" PRId64 " epochs, %" PRId64
                " rows\n",
                told.events, seconds, rate, cost.cpu_seconds, cost.peak_bytes >> 20, told.epochs, told.rows);
    return;
  }
  std::printf(R"({"events":%)" PRId64 R"(,"refused":%)" PRId64 R"(,"rows":%)" PRId64 R"(,"decisions":%)" PRId64
              R"(,"epochs":%)" PRId64 R"(,"seconds":%.3f,"whole_seconds":%.3f,"events_per_second":%.0f)"
              R"(,"cpu_seconds":%.3f,"memory_peak_bytes":%)" PRId64 "}\n",
              told.events, told.refused, told.rows, told.decisions, told.epochs, seconds, whole_seconds, rate,
              cost.cpu_seconds, cost.peak_bytes);
}

} // namespace

int main(int argc, char** argv) {
  options asked;
  CLI::App app{"Consume, decode, produce, commit: the baseline of the engine's figures"};
  app.add_option("--bootstrap", asked.bootstrap, "Brokers")->capture_default_str();
  app.add_option("--input", asked.input, "Topic of events")->capture_default_str();
  app.add_option("--decisions", asked.decisions, "Topic with as many partitions")->capture_default_str();
  app.add_option("--changelog", asked.changelog, "Topic with as many partitions")->capture_default_str();
  app.add_option("--name", asked.name, "Group and transactional id")->capture_default_str();
  app.add_option("--epoch-ms", asked.epoch_ms, "An epoch closes after this")->capture_default_str();
  app.add_option("--epoch-events", asked.epoch_events, "or after so many events")->capture_default_str();
  app.add_option("--row-bytes", asked.row_bytes, "Size of a changelog record's value")->capture_default_str();
  app.add_option("--seconds", asked.seconds, "Stop after this; 0: never")->capture_default_str();
  app.add_flag("--until-end", asked.until_end, "Stop at the ends that the input had at the start");
  app.add_flag("--json", asked.json, "Print the summary as JSON");
  CLI11_PARSE(app, argc, argv);
  const auto began_ns = monotonic_ns();
  const auto told = loop{asked}.run();
  print(asked, told, static_cast<double>(monotonic_ns() - began_ns) / 1e9);
  return 0;
}
