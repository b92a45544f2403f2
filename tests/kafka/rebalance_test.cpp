// SPDX-License-Identifier: Apache-2.0
//
// Is it safe to answer a rebalance with an empty assignment and to assign with explicit offsets much later, with the
// range assignor and the batch queue of librdkafka 2.0.2? Members of one group join, leave and come back while two
// topics are written. Every record carries its number within its partition, so a record that is skipped or handed out
// twice is seen at once, whatever markers do to the offsets. FAIRUSE_REBALANCES says for how many rebalances.

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "tests/kafka/test_broker.hpp"

namespace fairuse::kafka {

namespace {

using clock = std::chrono::steady_clock;

constexpr int partitions = 6;

int wanted_rebalances() {
  const char* text = std::getenv("FAIRUSE_REBALANCES");
  return text == nullptr ? 15 : std::atoi(text);
}

real_cluster_options quick(const test_broker& broker) {
  auto options = broker.options();
  options.session_timeout = milliseconds{1'000};
  options.heartbeat_interval = milliseconds{100};
  // This tests membership, not transactions on a busy machine.
  options.transaction_timeout = milliseconds{60'000};
  return options;
}

/// State of all threads.
struct shared_state {
  std::vector<std::string> topics;
  std::string group;
  std::atomic<bool> writing = true;
  /// Records written, by partition; complete when the writer has ended.
  std::map<topic_partition, std::int64_t> written;
  std::atomic<std::int64_t> handed_out = 0;
  std::atomic<std::int64_t> fetches = 0;
  std::atomic<int> rebalances = 0;
  std::mutex holding;
  std::vector<std::string> wrong;

  void fail(const std::string& what) {
    const std::lock_guard lock{holding};
    wrong.push_back(what);
  }
  bool is_clean() {
    const std::lock_guard lock{holding};
    return wrong.empty();
  }
};

std::string text_of(const call_error& why) { return why.code + ", " + why.text; }

void write_until_told(cluster& by, shared_state& shared, const std::string& id) {
  auto producer = by.make_producer(id);
  while (asks_for(producer->prepare(shared.topics), next_action::again)) {
  }
  while (shared.writing) {
    if (not producer->begin()) return shared.fail("the writer cannot begin");
    for (const auto& topic : shared.topics)
      for (int partition = 0; partition < partitions; ++partition)
        for (int i = 0; i < 20; ++i) {
          const auto number = std::to_string(shared.written[{topic, partition}]++);
          producer->produce(topic, partition, "key", number, {});
        }
    const auto flushed = producer->flush();
    if (not flushed) return shared.fail("the writer cannot flush: " + text_of(flushed.error()));
    call_result<> said;
    do {
      said = producer->commit();
    } while (asks_for(said, next_action::again));
    if (not said) return shared.fail("the writer cannot commit: " + text_of(said.error()));
    std::this_thread::sleep_for(milliseconds{5});
  }
}

/// A member from its join to its end: restores for a while after each assignment, checks what it is given, commits now
/// and then.
class restoring_member final : public membership {
public:
  restoring_member(cluster& by, shared_state& shared, const std::string& instance, std::uint64_t seed)
    : shared_{shared},
      random_{seed},
      producer_{by.make_producer(shared.group + "." + instance)},
      consumer_{by.join({shared.group, instance, shared.topics}, *this)} {
    while (asks_for(producer_->prepare({}), next_action::again)) {
    }
  }

  void work() {
    if (const auto batch = consumer_->poll(milliseconds{5})) {
      if (restored_at_)
        shared_.fail("records were handed out before fetch()");
      else
        check(*batch);
    }
    if (not restored_at_) {
      if (clock::now() >= commit_at_) commit();
      return;
    }
    if (clock::now() >= *restored_at_) start();
  }

  void close() { consumer_->close(); }
  int assignments() const { return assignments_; }
  /// Whether all that was written has been handed out.
  bool is_at_end() const {
    for (const auto& [part, at] : next_)
      if (at.number < shared_.written.at(part)) return false;
    return not next_.empty() and not restored_at_;
  }
  std::size_t parts() const { return next_.size(); }

private:
  struct place {
    std::int64_t offset = 0;
    std::int64_t number = 0;
  };

  void assigned(std::span<const topic_partition> parts) override {
    ++assignments_;
    parts_.assign(parts.begin(), parts.end());
    next_.clear();
    restored_at_ = clock::now() + milliseconds{random_() % 150};
  }

  void revoked(bool) override {
    commit();
    next_.clear();
    restored_at_.reset();
  }

  void start() {
    const auto found = consumer_->committed(parts_);
    if (asks_for(found, next_action::again)) return;
    if (not found) return shared_.fail("committed: " + found.error().text);
    std::vector<position> from;
    for (const auto& one : *found) {
      const auto number = one.metadata.empty() ? 0 : std::stoll(one.metadata);
      next_[one.of] = {std::max<std::int64_t>(one.offset, 0), number};
      from.push_back({one.of, next_[one.of].offset});
    }
    if (auto fetched = consumer_->fetch(from); not fetched) return shared_.fail("fetch: " + fetched.error().text);
    ++shared_.fetches;
    restored_at_.reset();
    commit_at_ = clock::now() + milliseconds{50};
  }

  void check(const record_batch& batch) {
    for (const auto& record : batch.records()) {
      const auto found = next_.find({std::string{record.topic}, record.partition});
      if (found == next_.end()) {
        shared_.fail("a record of a partition that was not asked for");
        continue;
      }
      auto& [part, expected] = *found;
      const auto number = std::stoll(std::string{*record.value});
      if (number != expected.number)
        shared_.fail(fmt::format("{} [{}]: expected number {}, got {} at offset {}", part.topic, part.partition,
                                 expected.number, number, record.offset));
      expected = {record.offset + 1, number + 1};
      ++shared_.handed_out;
    }
    // Going back is the other use of fetch(): do the last epoch again.
    if (random_() % 64 == 0) restored_at_ = clock::now();
  }

  void commit() {
    commit_at_ = clock::now() + milliseconds{50};
    if (next_.empty() or restored_at_) return;
    std::vector<committed_offset> offsets;
    for (const auto& [part, at] : next_)
      offsets.push_back({part, at.offset, std::to_string(at.number)});
    if (not producer_->begin()) return shared_.fail("begin");
    const auto sent = producer_->send_offsets(offsets, *consumer_);
    const auto ended = sent ? producer_->commit() : producer_->abort();
    if (not ended) shared_.fail("end of a transaction: " + ended.error().text);
  }

  shared_state& shared_;
  std::minstd_rand random_;
  int assignments_ = 0;
  std::vector<topic_partition> parts_;
  std::map<topic_partition, place> next_;
  /// Set while the member restores.
  std::optional<clock::time_point> restored_at_;
  clock::time_point commit_at_{};
  std::unique_ptr<transactional_producer> producer_;
  std::unique_ptr<group_consumer> consumer_;
};

/// Joins and leaves on its own thread until the rebalances are over.
void come_and_go(const test_broker& broker, shared_state& shared, const std::string& instance, std::uint64_t seed,
                 const std::atomic<bool>& rebalancing) {
  std::minstd_rand random{static_cast<std::minstd_rand::result_type>(seed)};
  while (rebalancing) {
    const auto client = test_broker::client(quick(broker));
    restoring_member member{*client, shared, instance, random()};
    const auto until = clock::now() + milliseconds{300 + random() % 1'500};
    while (rebalancing and clock::now() < until)
      member.work();
    member.close();
    // Within the session or beyond it.
    const auto back = clock::now() + milliseconds{random() % 2'000};
    while (rebalancing and clock::now() < back)
      std::this_thread::sleep_for(milliseconds{10});
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_member_stays_in_its_group_while_it_restores_for_three_sessions) {
  test_broker broker{"4.1"};
  shared_state shared{.topics = {broker.fresh("a"), broker.fresh("b")}, .group = broker.fresh("group")};
  for (const auto& topic : shared.topics)
    broker.make_topic(topic, partitions);
  struct : membership {
    void assigned(std::span<const topic_partition> parts) override { has.assign(parts.begin(), parts.end()); }
    void revoked(bool) override { ++revocations; }
    std::vector<topic_partition> has;
    int revocations = 0;
  } told;
  const auto client = test_broker::client(quick(broker));
  const auto restoring = client->join({shared.group, "restoring", shared.topics}, told);
  while (told.has.empty())
    restoring->poll(milliseconds{10});

  const auto until = clock::now() + 3 * quick(broker).session_timeout;
  while (clock::now() < until)
    BOOST_REQUIRE(restoring->poll(milliseconds{50}) == nullptr);

  BOOST_TEST(told.revocations == 0);
  BOOST_TEST(told.has.size() == 2U * partitions);
  BOOST_TEST(restoring->committed(told.has).has_value());
  BOOST_TEST(restoring->failure().has_value());
}

BOOST_AUTO_TEST_CASE(a_storm_of_rebalances_skips_nothing_and_repeats_nothing) {
  const char* version = std::getenv("FAIRUSE_KAFKA_VERSION");
  test_broker broker{version == nullptr ? "4.1" : version};
  shared_state shared{.topics = {broker.fresh("a"), broker.fresh("b")}, .group = broker.fresh("group")};
  for (const auto& topic : shared.topics)
    broker.make_topic(topic, partitions);
  const auto client = test_broker::client(quick(broker));
  std::thread writer{[&] { write_until_told(*client, shared, broker.fresh("writer")); }};
  restoring_member steady{*client, shared, "steady", 1};
  std::atomic<bool> rebalancing = true;
  std::vector<std::thread> others;
  for (unsigned i = 0; i < 4; ++i)
    others.emplace_back(come_and_go, std::cref(broker), std::ref(shared), fmt::format("member-{}", i), 7 + i,
                        std::cref(rebalancing));

  while (steady.assignments() < wanted_rebalances() and shared.is_clean())
    steady.work();
  rebalancing = false;
  for (auto& other : others)
    other.join();
  shared.writing = false;
  writer.join();
  const auto until = clock::now() + std::chrono::seconds{60};
  while ((steady.parts() < 2U * partitions or not steady.is_at_end()) and shared.is_clean() and clock::now() < until)
    steady.work();

  BOOST_TEST_MESSAGE(fmt::format("{} rebalances, {} fetches, {} records handed out", steady.assignments(),
                                 shared.fetches.load(), shared.handed_out.load()));
  BOOST_TEST(steady.is_at_end());
  for (const auto& what : shared.wrong)
    BOOST_ERROR(what);
}

} // namespace fairuse::kafka
