// SPDX-License-Identifier: Apache-2.0
//
// Fills a topic with speech for the Kafka benchmarks: CloudEvents in structured JSON, keyed by uid, Java's partitioner,
// idempotent, lz4. Users 0 to 94 of each hundred stay below every cap; 95 to 98 exceed the daily one and 99 all three
// of the `fair` policy. The event after a user's first crossing is the answer to the review, every second one a strike.
//
//   fill_topic --topic T --events N --users U [--order uniform|sorted] [--hours H]
//   fill_topic --topic T --paced RATE --seconds S --users U [--crossing SHARE]
//
// Event times of the first form lie in the last H hours, so an engine on the wall clock neither refuses nor demotes
// them. `uniform`: any user at any time. `sorted`: users speak in sessions of half an hour, three events a minute.
// The second form writes at a steady rate, time = now; SHARE of the events are of fresh users who cross the daily cap
// at once, with the id p-<monotonic ns>-<number> that `watch_decisions` understands.

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/kafka/client.hpp"
#include "bench/splitmix.hpp"
#include "events/event.hpp"
#include "events/wire.hpp"

namespace {

using namespace fairuse;
using namespace fairuse::bench;

constexpr time_ms daily_cap_ms = 2 * hour_ms;
constexpr std::uint64_t session_minutes = 30;
constexpr std::uint64_t events_a_minute = 3;

struct options {
  std::string bootstrap = "127.0.0.1:9092";
  std::string topic = "fairuse.events.v1";
  std::string order = "uniform";
  std::uint64_t events = 2'000'000;
  std::uint64_t users = 100'000;
  std::uint64_t hours = 20;
  std::uint64_t rate = 0;
  std::uint64_t seconds = 10;
  double crossing = 0.01;
  std::uint64_t seed = 1;
};

struct delivery {
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& count = *static_cast<delivery*>(opaque);
  ++(message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? count.done : count.failed);
}

/// Sends events of one topic.
class sender {
public:
  sender(const options& asked, const std::string& linger_ms)
    : client_{make_client(RD_KAFKA_PRODUCER,
                          {{"bootstrap.servers", asked.bootstrap},
                           {"enable.idempotence", "true"},
                           {"compression.type", "lz4"},
                           {"partitioner", "murmur2"},
                           {"linger.ms", linger_ms},
                           {"queue.buffering.max.messages", "400000"},
                           {"queue.buffering.max.kbytes", "262144"}},
                          on_delivery, &count_)},
      topic_{open_topic(*client_, asked.topic)} {
    if (partition_count(*client_, asked.topic) == 0) fail(asked.topic, "no such topic");
  }

  void send(const std::string& uid, const event& what) {
    line_.clear();
    append_event(line_, uid, what);
    bytes_ += line_.size();
    while (rd_kafka_produce(topic_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, line_.data(), line_.size(),
                            uid.data(), uid.size(), nullptr)
           != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) check("produce", rd_kafka_last_error());
      rd_kafka_poll(client_.get(), 10);
    }
  }

  void serve() { rd_kafka_poll(client_.get(), 0); }

  /// Waits until all records are at the broker; ends the program if one is not delivered.
  delivery finish() {
    check("flush", rd_kafka_flush(client_.get(), 60'000));
    if (count_.failed > 0) fail("some records were not delivered");
    return count_;
  }
  std::size_t bytes() const { return bytes_; }

private:
  delivery count_;
  owned<rd_kafka_t> client_;
  owned<rd_kafka_topic_t> topic_;
  std::string line_;
  std::size_t bytes_ = 0;
};

std::string user_name(std::uint64_t number) {
  auto digits = std::to_string(number);
  return "user-" + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

struct turn {
  std::uint64_t user;
  time_ms at;
};

/// User and time of each event: a function of the event's number, and of the draw if users are uniform.
class schedule {
public:
  schedule(const options& asked, time_ms end)
    : events_{asked.events}, users_{asked.users}, sorted_{asked.order == "sorted"}, minutes_{asked.hours * 60} {
    start_ = end - static_cast<time_ms>(minutes_) * minute_ms;
    const auto sessions = std::max<std::uint64_t>(1, minutes_ / session_minutes);
    // Every user gets a session, even if that leaves less than three events a minute.
    awake_ = std::clamp(events_ / minutes_ / events_a_minute, (users_ + sessions - 1) / sessions, users_);
  }

  turn at(std::uint64_t number, splitmix& draw) const {
    const auto span = minutes_ * static_cast<std::uint64_t>(minute_ms);
    const auto at =
        start_
        + static_cast<time_ms>(static_cast<double>(number) / static_cast<double>(events_) * static_cast<double>(span));
    if (not sorted_) return {draw.below(users_), at};
    const auto minute = static_cast<std::uint64_t>(at - start_) / static_cast<std::uint64_t>(minute_ms);
    const auto session = minute / session_minutes;
    const auto first = session * session_minutes * events_ / minutes_;
    const auto place = (session * awake_ + (number - std::min(first, number)) % awake_) % users_;
    return {place * 1'000'003 % users_, at};
  }

private:
  std::uint64_t events_;
  std::uint64_t users_;
  bool sorted_;
  std::uint64_t minutes_;
  std::uint64_t awake_ = 1;
  time_ms start_ = 0;
};

/// How much each user speaks per event, and has spoken before.
class speakers {
public:
  explicit speakers(const options& asked) : spoken_ms_(asked.users), answered_(asked.users) {
    const auto each = std::max<std::uint64_t>(1, asked.events / asked.users);
    light_ms_ = std::min<std::uint64_t>(40'000, static_cast<std::uint64_t>(90 * minute_ms) / each);
    heavy_ms_ = static_cast<std::uint64_t>(4 * hour_ms) / each;
    heaviest_ms_ = static_cast<std::uint64_t>(14 * hour_ms) / each;
  }

  /// The user crossed the daily cap and has no answer yet.
  bool wants_answer(std::uint64_t user) {
    if (spoken_ms_[user] <= daily_cap_ms or answered_[user]) return false;
    answered_[user] = true;
    return true;
  }

  void speak(std::uint64_t user, event& what, event_detail& detail, splitmix& draw) {
    what.kind = event_kind::speech;
    what.from = lane::realtime;
    const auto kind = user % 100;
    if (kind >= 95) {
      const auto usual = kind == 99 ? heaviest_ms_ : heavy_ms_;
      what.ms = static_cast<std::int32_t>(usual * 3 / 4 + draw.below(usual / 2 + 1));
      what.detail = nullptr;
      spoken_ms_[user] += what.ms;
      return;
    }
    auto& segments = detail.emplace<speech_segments>().segments;
    std::uint32_t end = 0;
    for (int i = 0; i < 4; ++i) {
      const auto begin = end + static_cast<std::uint32_t>(500 + draw.below(4'000));
      end = begin + static_cast<std::uint32_t>(light_ms_ / 8 + draw.below(light_ms_ / 4 + 1));
      segments.push_back({begin, end});
      spoken_ms_[user] += end - begin;
    }
    what.detail = &detail;
  }

  static void answer(std::uint64_t user, event& what, event_detail& detail) {
    what.kind = event_kind::review;
    review_answer answer;
    answer.request = "live-1";
    answer.score_nano = user % 2 == 0 ? 900'000'000 : 200'000'000;
    answer.confidence_nano = 800'000'000;
    answer.type = user % 2 == 0 ? usage_type::audiobook : usage_type::none;
    answer.model = "bench";
    answer.prompt_version = "1";
    detail = std::move(answer);
    what.detail = &detail;
  }

private:
  std::vector<time_ms> spoken_ms_;
  std::vector<bool> answered_;
  std::uint64_t light_ms_ = 0;
  std::uint64_t heavy_ms_ = 0;
  std::uint64_t heaviest_ms_ = 0;
};

void print_summary(const sender& to, const delivery& done, std::int64_t began_ns) {
  const auto seconds = static_cast<double>(monotonic_ns() - began_ns) / 1e9;
  std::printf(R"({"events":%)" PRId64 R"(,"bytes":%zu,"seconds":%.3f,"events_per_second":%.0f})"
              "\n",
              done.done, to.bytes(), seconds, static_cast<double>(done.done) / seconds);
}

int fill(const options& asked) {
  sender to{asked, "20"};
  splitmix draw{asked.seed};
  const auto began_ns = monotonic_ns();
  // Two minutes before now: segments end after their event's time, and the last ones must not be in the future.
  const schedule turns{asked, wall_ms() - 2 * minute_ms};
  speakers people{asked};
  event_detail detail;
  for (std::uint64_t n = 0; n < asked.events; ++n) {
    const auto [user, at] = turns.at(n, draw);
    const auto id = "session-" + std::to_string(asked.seed) + "-" + std::to_string(n);
    const event_text text{.source = "bench/listener", .id = id};
    event what{.instant = at, .time = at, .text = &text};
    if (people.wants_answer(user))
      speakers::answer(user, what, detail);
    else
      people.speak(user, what, detail, draw);
    to.send(user_name(user), what);
    if (n % 1'000 == 0) to.serve();
  }
  print_summary(to, to.finish(), began_ns);
  return 0;
}

int pace(const options& asked) {
  sender to{asked, "1"};
  splitmix draw{asked.seed};
  const auto began_ns = monotonic_ns();
  const auto began_ms = wall_ms();
  const auto total = asked.rate * asked.seconds;
  const auto crossing = static_cast<std::uint64_t>(asked.crossing * 1e6);
  for (std::uint64_t n = 0; n < total; ++n) {
    const auto due_ns = began_ns + static_cast<std::int64_t>(n * 1'000'000'000 / asked.rate);
    while (monotonic_ns() < due_ns) {
      to.serve();
      std::this_thread::sleep_for(std::chrono::microseconds{500});
    }
    const auto made_ns = monotonic_ns();
    const auto now = wall_ms();
    const bool fresh = draw.below(1'000'000) < crossing;
    const auto number = std::to_string(n);
    const auto id = "p-" + std::to_string(made_ns) + "-" + number;
    const event_text text{.source = "bench/listener", .id = id};
    event what{.instant = now, .time = now, .text = &text};
    what.ms = fresh ? static_cast<std::int32_t>(daily_cap_ms + minute_ms) : 500;
    to.send(fresh ? "fresh-" + std::to_string(began_ms) + "-" + number : user_name(draw.below(asked.users)), what);
  }
  print_summary(to, to.finish(), began_ns);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  options asked;
  CLI::App app{"Fill a topic with speech for the Kafka benchmarks"};
  app.add_option("--bootstrap", asked.bootstrap, "Brokers")->capture_default_str();
  app.add_option("--topic", asked.topic, "Where to; it must exist")->capture_default_str();
  app.add_option("--events", asked.events, "How many")->capture_default_str();
  app.add_option("--users", asked.users, "How many")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--order", asked.order, "uniform or sorted")->check(CLI::IsMember({"uniform", "sorted"}));
  app.add_option("--hours", asked.hours, "Event times lie in the last so many")->check(CLI::PositiveNumber);
  app.add_option("--paced", asked.rate, "Events a second; 0: as fast as possible")->capture_default_str();
  app.add_option("--seconds", asked.seconds, "With --paced: for how long")->capture_default_str();
  app.add_option("--crossing", asked.crossing, "With --paced: share of events that cross a cap")->capture_default_str();
  app.add_option("--seed", asked.seed, "Another seed, other events and ids")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return asked.rate > 0 ? pace(asked) : fill(asked);
}
