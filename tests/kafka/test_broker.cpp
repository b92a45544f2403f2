// SPDX-License-Identifier: Apache-2.0

#include "tests/kafka/test_broker.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

namespace fairuse::kafka {

namespace {

std::string environment(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::move(otherwise) : std::string{value};
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

struct admin {
  explicit admin(const std::string& bootstrap) {
    std::array<char, 512> text{};
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap.c_str(), text.data(), text.size());
    handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size());
    if (handle == nullptr) fail(text.data());
    queue = rd_kafka_queue_new(handle);
  }
  admin(const admin&) = delete;
  admin& operator=(const admin&) = delete;
  ~admin() {
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(handle);
  }

  rd_kafka_resp_err_t create(const std::string& name, int partitions) const {
    auto* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, nullptr, 0);
    rd_kafka_CreateTopics(handle, &topic, 1, nullptr, queue);
    auto* event = rd_kafka_queue_poll(queue, 30'000);
    rd_kafka_NewTopic_destroy(topic);
    if (event == nullptr) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    auto error = rd_kafka_event_error(event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      std::size_t count = 0;
      const auto** results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
      error = rd_kafka_topic_result_error(results[0]);
    }
    rd_kafka_event_destroy(event);
    return error;
  }

  rd_kafka_t* handle = nullptr;
  rd_kafka_queue_t* queue = nullptr;
};

} // namespace

test_broker::test_broker(std::string version) : version_{std::move(version)} {
  bootstrap_ = environment("FAIRUSE_KAFKA_BOOTSTRAP", "");
  if (not bootstrap_.empty()) return;
  const std::filesystem::path build = environment("FAIRUSE_BINARY_DIR", ".");
  folder_ = (build / "kafka-tests" / fmt::format("{}-{}", version_, ::getpid())).string();
  start();
}

test_broker::~test_broker() {
  if (not is_own()) return;
  try {
    run("reset");
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
}

void test_broker::kill9() { run("kill9"); }

void test_broker::start() {
  bootstrap_ = run(fmt::format("start --version {} --with-parent {}", version_, ::getpid()));
  while (bootstrap_.ends_with('\n'))
    bootstrap_.pop_back();
}

std::string test_broker::run(const std::string& arguments) const {
  const auto tool = std::filesystem::path{environment("FAIRUSE_SOURCE_DIR", ".")} / "tools" / "kafka";
  const auto command = fmt::format("'{}' {} --data '{}'", tool.string(), arguments, folder_);
  auto* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) fail("cannot run " + command);
  std::string output;
  std::array<char, 256> text{};
  while (std::fgets(text.data(), text.size(), pipe) != nullptr)
    output += text.data();
  if (::pclose(pipe) != 0) fail("failed: " + command);
  return output;
}

real_cluster_options test_broker::options() const {
  real_cluster_options all;
  all.bootstrap = bootstrap_;
  all.client_id = "fairuse-test";
  all.transaction_timeout = milliseconds{1'500};
  all.session_timeout = milliseconds{3'000};
  all.heartbeat_interval = milliseconds{300};
  all.statistics_interval = milliseconds{200};
  if (environment("FAIRUSE_KAFKA_LOG", "") == "1")
    all.log = [](log_level, const std::string& line) { fmt::print(stderr, "{}\n", line); };
  return all;
}

std::unique_ptr<cluster> test_broker::client(real_cluster_options options) {
  auto made = make_real_cluster(std::move(options));
  if (not made) fail(made.error().message);
  return std::move(*made);
}

void test_broker::make_topic(const std::string& name, int partitions) {
  const auto error = admin{bootstrap_}.create(name, partitions);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(name + " cannot be made: " + rd_kafka_err2str(error));
  // The controller made it; brokers have it a little later.
  const auto by = client();
  const std::array names{name};
  for (int tries = 0; tries < 200; ++tries) {
    if (const auto counts = by->partition_counts(names); counts and counts->front() == partitions) {
      bool led = true;
      for (int partition = 0; partition < partitions; ++partition)
        led = led and by->range({name, partition}, isolation::uncommitted);
      if (led) return;
    }
    std::this_thread::sleep_for(milliseconds{10});
  }
  fail(name + " was made but no broker leads it");
}

std::string test_broker::fresh(std::string_view stem) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{}-{}-{}-{}", stem, ::getpid(), now % 1'000'000'000'000, ++names_);
}

} // namespace fairuse::kafka
