// SPDX-License-Identifier: Apache-2.0
//
// The conformance table on real brokers, both versions.

#include <cstdlib>
#include <cstring>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "streams/kafka/broker/client.hpp"
#include "tests/kafka/conformance.hpp"
#include "tests/kafka/test_broker.hpp"

namespace fairuse::kafka {

namespace {

// librdkafka gives generation and member id only in the serialised metadata: "CGMDv2:", generation, then group, member
// and instance with a zero behind each.
std::optional<conformance::group_identity> identity_in(const rd_kafka_consumer_group_metadata_t* metadata) {
  void* raw = nullptr;
  std::size_t size = 0;
  owned<rd_kafka_error_t> error{rd_kafka_consumer_group_metadata_write(metadata, &raw, &size)};
  if (error != nullptr) return std::nullopt;
  const std::string bytes{static_cast<const char*>(raw), size};
  std::free(raw);
  constexpr std::string_view magic = "CGMDv2:";
  if (not bytes.starts_with(magic)) return std::nullopt;
  conformance::group_identity who;
  std::memcpy(&who.generation, bytes.data() + magic.size(), sizeof who.generation);
  const char* at = bytes.data() + magic.size() + sizeof who.generation;
  who.group = at;
  at += who.group.size() + 1;
  who.member = at;
  at += who.member.size() + 1;
  const bool is_dynamic = *at++ != 0;
  if (not is_dynamic) who.instance = at;
  return who;
}

class real_place final : public conformance::fixture {
public:
  explicit real_place(test_broker& broker) : broker_{broker} {}

  std::unique_ptr<cluster> client_with(milliseconds transaction_timeout) override {
    auto options = broker_.options();
    options.transaction_timeout = transaction_timeout;
    return broker_.client(std::move(options));
  }
  void make_topic(const std::string& name, std::int32_t partitions) override { broker_.make_topic(name, partitions); }
  void pass(milliseconds span) override { std::this_thread::sleep_for(span); }
  milliseconds session() const override { return broker_.options().session_timeout; }
  milliseconds scan() const override { return milliseconds{500}; }
  std::string fresh(std::string_view stem) override { return broker_.fresh(stem); }

  std::optional<conformance::group_identity> identity_of(group_consumer& as) override {
    return identity_in(dynamic_cast<member_client&>(as).identity().get());
  }

  std::optional<call_result<>> offer_offset(const conformance::group_identity& as, const position& what) override {
    struct : listener {
      using listener::listener;
    } silent{broker_.options()};
    const auto opened =
        open_client(broker_.options(), client_role::producer, {{"transactional.id", fresh("offering")}}, silent);
    if (not opened) return call_error{next_action::broken, "", opened.error().message};
    const auto& handle = *opened;
    const auto sentence = [](rd_kafka_error_t* error) { return result_of(owned<rd_kafka_error_t>{error}, "offer"); };
    if (auto said = sentence(rd_kafka_init_transactions(handle.get(), 10'000)); not said) return said;
    if (auto said = sentence(rd_kafka_begin_transaction(handle.get())); not said) return said;
    const owned<rd_kafka_consumer_group_metadata_t> metadata{rd_kafka_consumer_group_metadata_new_with_genid(
        as.group.c_str(), as.generation, as.member.c_str(), as.instance.empty() ? nullptr : as.instance.c_str())};
    const std::array offsets{what};
    const auto list = list_of(offsets);
    auto said = sentence(rd_kafka_send_offsets_to_transaction(handle.get(), list.get(), metadata.get(), 10'000));
    (void)sentence(rd_kafka_abort_transaction(handle.get(), 10'000));
    return said;
  }

private:
  test_broker& broker_;
};

void holds_on(const std::string& version) {
  test_broker broker{version};
  real_place place{broker};
  const char* only = std::getenv("FAIRUSE_ROW");
  for (const auto& row : conformance::table()) {
    if (only != nullptr and row.name.find(only) == std::string_view::npos) continue;
    std::string outcome;
    const auto from = std::chrono::steady_clock::now();
    try {
      row.holds(place);
    } catch (const conformance::not_shown& why) {
      BOOST_TEST_MESSAGE(row.section << ": " << row.name << ": skipped: " << why.what());
    } catch (const conformance::mismatch& what) {
      outcome = what.what();
    }
    BOOST_TEST_MESSAGE(row.section << ": " << row.name << " "
                                   << std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count());
    BOOST_TEST(outcome == "", row.section << ": " << row.name << ": " << outcome);
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(the_conformance_table_holds_on_kafka_3_9) { holds_on("3.9"); }
BOOST_AUTO_TEST_CASE(the_conformance_table_holds_on_kafka_4_1) { holds_on("4.1"); }

} // namespace fairuse::kafka
