// SPDX-License-Identifier: Apache-2.0
//
//   torture_feed --bootstrap HOST:PORT --input TOPIC --reviews TOPIC [--seed N] [--users N] [--rate PER_SECOND]
//
// Traffic of all kinds, for as long as standard input is open: speech, STT, accounts, conversations, admins, erasures,
// broadcast commands, repeats, and what must become a dead letter. Answers most review requests. The choices follow
// from the seed; instants are now. At the end it waits for every record and prints counts as JSON.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "events/time_text.hpp"
#include "streams/kafka/broker/partitioner.hpp"

namespace {

using namespace fairuse;

struct settings {
  std::string bootstrap;
  std::string input;
  std::string reviews;
  std::uint64_t seed = 1;
  std::uint32_t users = 1'000;
  std::uint32_t rate = 1'000;
};

struct line {
  std::string key;
  std::int32_t partition = 0;
  std::string value;
  /// Kafka's binary mode.
  std::vector<std::pair<std::string, std::string>> headers;
};

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::_Exit(1);
}

std::int64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

rd_kafka_t* make_client(rd_kafka_type_t kind, const std::string& bootstrap,
                        std::initializer_list<std::pair<const char*, const char*>> more) {
  auto* conf = rd_kafka_conf_new();
  std::array<char, 256> why{};
  const auto set = [&](const char* name, const char* value) {
    if (rd_kafka_conf_set(conf, name, value, why.data(), why.size()) != RD_KAFKA_CONF_OK) give_up(why.data());
  };
  set("bootstrap.servers", bootstrap.c_str());
  // Reconnect at once when a broker comes back.
  set("reconnect.backoff.max.ms", "500");
  set("log_level", "2");
  for (const auto& [name, value] : more)
    set(name, value);
  if (kind == RD_KAFKA_PRODUCER)
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* report, void*) {
      if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(rd_kafka_err2str(report->err));
    });
  auto* made = rd_kafka_new(kind, conf, why.data(), why.size());
  if (made == nullptr) give_up(why.data());
  return made;
}

/// Makes random lines. Threads: one.
class author {
public:
  author(const settings& from, std::int32_t partitions) : from_(from), partitions_(partitions), random_(from.seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  /// One fact, or a few records that belong together.
  std::vector<line> next() {
    const auto draw = below(1'000);
    if (draw < 600) return {fact("speech", speech())};
    if (draw < 680) return {fact("speech", segments())};
    if (draw < 760) return {fact("stt", fmt::format(R"({{"ms":{}}})", 1'000 * below(120)))};
    if (draw < 800) return {fact("account", account())};
    if (draw < 850) return {fact("conversation", conversation())};
    if (draw < 880) return {fact("admin", admin())};
    if (draw < 883) return {fact("erasure", R"({"actor":"privacy","reason":"on request"})")};
    if (draw < 960 and not past_.empty()) return {past_[below(past_.size())]};
    if (draw < 962) return command();
    return {poison()};
  }

  line review(const std::string& uid, const std::string& request, const std::string& id) {
    auto data = below(12) == 0 ? fmt::format(R"({{"request":"{}","failed":"nobody answered"}})", request)
                               : fmt::format(R"({{"request":"{}","score":{},"usage_type":"podcast"}})", request,
                                             std::array{"0.9", "0.75", "0.7", "0.3", "0.95", "0.5"}[below(6)]);
    return keyed(uid, envelope("review", uid, "review-" + id, wall_ms(), data));
  }

private:
  std::string some_user() { return fmt::format("user-{}", below(from_.users)); }

  std::string envelope(std::string_view type, std::string_view uid, std::string_view id, std::int64_t at,
                       std::string_view data) {
    std::string time;
    append_time(time, at);
    return fmt::format(R"({{"specversion":"1.0","id":"{}","source":"feed-{}","type":"fairuse.{}.v1","subject":"{}",)"
                       R"("time":"{}","data":{}}})",
                       id, from_.seed, type, uid, time, data);
  }

  line keyed(const std::string& uid, std::string value) {
    return {uid, kafka::partition_of(kafka::key_hash::murmur2, uid, partitions_), std::move(value), {}};
  }

  line fact(std::string_view type, const std::string& data) {
    const auto uid = some_user();
    const auto late = below(20) == 0 ? below(90'000) : below(2'000);
    const auto at = wall_ms() - static_cast<std::int64_t>(late);
    const auto id = fmt::format("e{}", serial_++);
    auto made = below(20) == 0 ? binary(type, uid, id, at, data) : keyed(uid, envelope(type, uid, id, at, data));
    if (past_.size() < 500)
      past_.push_back(made);
    else
      past_[below(past_.size())] = made;
    return made;
  }

  line binary(std::string_view type, const std::string& uid, const std::string& id, std::int64_t at,
              const std::string& data) {
    auto made = keyed(uid, data);
    std::string time;
    append_time(time, at);
    made.headers = {{"ce_specversion", "1.0"},
                    {"ce_id", id},
                    {"ce_source", fmt::format("feed-{}", from_.seed)},
                    {"ce_type", fmt::format("fairuse.{}.v1", type)},
                    {"ce_subject", uid},
                    {"ce_time", time},
                    {"content-type", "application/json"}};
    return made;
  }

  std::string speech() {
    return fmt::format(R"({{"lane":"{}","ms":{}}})", below(5) == 0 ? "sync" : "realtime", 1'000 * below(60));
  }

  std::string segments() {
    const auto a = below(20'000);
    const auto b = a + below(20'000);
    return fmt::format(R"({{"lane":"realtime","segments":[[{},{}],[{},{}]]}})", a, b, b / 2, b + below(9'000));
  }

  std::string account() {
    static constexpr std::array plans{"basic", "unlimited", "pro"};
    if (below(3) == 0) return fmt::format(R"({{"credits_exhausted":{}}})", below(2) == 0 ? "true" : "false");
    return fmt::format(R"({{"plan":"{}"}})", plans[below(3)]);
  }

  std::string conversation() {
    return fmt::format(R"({{"conversation":"c-{}","title":"talk","overview":"of things","category":"work",)"
                       R"("duration_ms":{},"lane":"realtime"}})",
                       below(50), 1'000 * below(7'200));
  }

  std::string admin() {
    static constexpr std::array stages{"none", "warning", "throttle", "restrict"};
    switch (below(4)) {
      case 0:
        return R"({"command":"reset","actor":"ada"})";
      case 1:
        return fmt::format(R"({{"command":"clear_strike","strike":{},"actor":"ada","reason":""}})", 1 + below(4));
      case 2:
        return fmt::format(R"({{"command":"exempt","on":{},"actor":"ada"}})", below(3) == 0 ? "true" : "false");
      default:
        return fmt::format(R"({{"command":"set_stage","stage":"{}","actor":"ada","reason":"because"}})",
                           stages[below(4)]);
    }
  }

  /// One copy for each partition.
  std::vector<line> command() {
    killed_ = not killed_;
    const auto data = fmt::format(R"({{"command":"kill_switch","on":{},"actor":"ada","reason":"drill"}})",
                                  killed_ ? "true" : "false");
    const auto value = envelope("admin", "*", fmt::format("all-{}", serial_++), wall_ms(), data);
    std::vector<line> copies;
    for (std::int32_t p = 0; p < partitions_; ++p)
      copies.push_back({"*", p, value, {}});
    return copies;
  }

  line poison() {
    const auto uid = some_user();
    const auto at = wall_ms();
    const auto id = fmt::format("p{}", serial_++);
    const auto good = envelope("speech", uid, id, at, R"({"lane":"realtime","ms":1000})");
    auto made = keyed(uid, good);
    switch (below(7)) {
      case 0:
        made.value = "no JSON";
        break;
      case 1:
        made.value = good.substr(0, good.size() / 2);
        break;
      case 2:
        made.partition = (made.partition + 1) % partitions_;
        break;
      case 3:
        made.value = envelope("speech", uid, id, at + 600'000, R"({"lane":"realtime","ms":1000})");
        break;
      case 4:
        made.value = envelope("speech", uid, id, at - 20 * day_ms, R"({"lane":"realtime","ms":1000})");
        break;
      case 5:
        made.value = envelope("wonder", uid, id, at, "{}");
        break;
      default:
        made.value = envelope("stt", uid, id, at, R"({"ms":-1})");
    }
    return made;
  }

  const settings& from_;
  std::int32_t partitions_;
  std::mt19937_64 random_;
  std::vector<line> past_;
  std::uint64_t serial_ = 0;
  bool killed_ = false;
};

// Not idempotent: a broker that was killed may answer an idempotent producer with "out of order", which is final.
// Repeats are what this feed is for.
class feed {
public:
  explicit feed(settings from)
    : from_(std::move(from)),
      producer_(
          make_client(RD_KAFKA_PRODUCER, from_.bootstrap,
                      {{"acks", "all"}, {"max.in.flight", "1"}, {"message.timeout.ms", "300000"}, {"linger.ms", "5"}})),
      consumer_(make_client(
          RD_KAFKA_CONSUMER, from_.bootstrap,
          {{"group.id", "torture-feed"}, {"enable.auto.commit", "false"}, {"isolation.level", "read_committed"}})),
      author_(from_, count_partitions()) {}

  int run() {
    open_reviews();
    std::atomic<bool> stop = false;
    std::thread ear([&stop] {
      char byte = 0;
      while (::read(STDIN_FILENO, &byte, 1) > 0) {
      }
      stop = true;
    });
    const auto begin = wall_ms();
    while (not stop) {
      const auto due = static_cast<std::uint64_t>(wall_ms() - begin) * from_.rate / 1'000;
      // After an outage there is no need to catch up.
      if (sent_ + 2 * from_.rate < due) sent_ = due;
      while (sent_ < due and not stop)
        for (const auto& each : author_.next())
          send(each);
      answer();
      rd_kafka_poll(producer_, 5);
    }
    ear.join();
    if (rd_kafka_flush(producer_, 120'000) != RD_KAFKA_RESP_ERR_NO_ERROR) give_up("records are left");
    fmt::print("{}\n", nlohmann::json{{"produced", produced_}, {"answers", answers_}}.dump());
    std::fflush(stdout);
    std::_Exit(0);
  }

private:
  std::int32_t count_partitions() {
    auto* topic = rd_kafka_topic_new(producer_, from_.input.c_str(), nullptr);
    const rd_kafka_metadata_t* told = nullptr;
    if (rd_kafka_metadata(producer_, 0, topic, &told, 20'000) != RD_KAFKA_RESP_ERR_NO_ERROR) give_up("no metadata");
    const auto count = told->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(told);
    rd_kafka_topic_destroy(topic);
    if (count == 0) give_up("there is no topic " + from_.input);
    return count;
  }

  void open_reviews() {
    rd_kafka_poll_set_consumer(consumer_);
    auto* list = rd_kafka_topic_partition_list_new(1);
    for (std::int32_t p = 0; p < count_partitions(); ++p)
      rd_kafka_topic_partition_list_add(list, from_.reviews.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer_, list);
    rd_kafka_topic_partition_list_destroy(list);
  }

  void send(const line& what) {
    auto* headers = rd_kafka_headers_new(what.headers.size());
    for (const auto& [name, value] : what.headers)
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    while (true) {
      const auto error =
          rd_kafka_producev(producer_, RD_KAFKA_V_TOPIC(from_.input.c_str()), RD_KAFKA_V_PARTITION(what.partition),
                            RD_KAFKA_V_KEY(what.key.data(), what.key.size()), RD_KAFKA_V_HEADERS(headers),
                            RD_KAFKA_V_VALUE(const_cast<char*>(what.value.data()), what.value.size()),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up(rd_kafka_err2str(error));
      rd_kafka_poll(producer_, 20);
    }
    ++sent_;
    ++produced_;
  }

  /// Most requests, some of them twice.
  void answer() {
    while (auto* message = rd_kafka_consumer_poll(consumer_, 0)) {
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR and author_.below(5) != 0) {
        const auto text = nlohmann::json::parse(std::string_view(static_cast<const char*>(message->payload),
                                                                 message->payload == nullptr ? 0 : message->len),
                                                nullptr, false);
        const std::string uid(static_cast<const char*>(message->key), message->key_len);
        const auto request = text.value("request", "");
        const auto id = fmt::format("{}-{}", message->partition, message->offset);
        const auto reply = author_.review(uid, request, id);
        for (auto copies = 1 + (author_.below(10) == 0 ? 1 : 0); copies > 0; --copies)
          send(reply);
        ++answers_;
      }
      rd_kafka_message_destroy(message);
    }
  }

  settings from_;
  rd_kafka_t* producer_;
  rd_kafka_t* consumer_;
  author author_;
  std::uint64_t sent_ = 0;
  std::uint64_t produced_ = 0;
  std::uint64_t answers_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  settings from;
  CLI::App app{"Traffic of all kinds until standard input ends."};
  app.add_option("--bootstrap", from.bootstrap)->required();
  app.add_option("--input", from.input)->required();
  app.add_option("--reviews", from.reviews)->required();
  app.add_option("--seed", from.seed);
  app.add_option("--users", from.users);
  app.add_option("--rate", from.rate);
  CLI11_PARSE(app, argc, argv);
  return feed(std::move(from)).run();
}
