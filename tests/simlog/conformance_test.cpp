// SPDX-License-Identifier: Apache-2.0

#include "tests/kafka/conformance.hpp"

#include <memory>
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::simlog {

namespace {

using kafka::conformance::group_identity;

class simulated_place : public kafka::conformance::fixture {
public:
  std::unique_ptr<kafka::cluster> client_with(milliseconds transaction_timeout) override {
    return std::make_unique<simulated_cluster>(
        log_, client_options{.session = session(), .transaction = transaction_timeout});
  }
  void make_topic(const std::string& name, std::int32_t partitions) override { log_.make_topic(name, partitions); }
  void pass(milliseconds span) override { log_.advance(span); }
  milliseconds session() const override { return milliseconds{3'000}; }
  milliseconds scan() const override { return milliseconds{500}; }

  std::optional<group_identity> identity_of(kafka::group_consumer& as) override {
    const identity who = simlog::identity_of(as);
    return group_identity{who.group, who.generation, who.member, who.instance};
  }
  std::optional<kafka::call_result<>> offer_offset(const group_identity& as, const kafka::position& what) override {
    credentials who{fresh("offering")};
    log_.init(who, kafka::conformance::short_transaction, {});
    log_.add_group(who, as.group);
    const error_code code =
        log_.send_offsets(who, {as.group, as.generation, as.member, as.instance}, {{what.of, {what.offset, ""}}});
    log_.end(who, false, {});
    if (code.empty()) return kafka::call_result<>{};
    return kafka::call_error{kafka::next_action::abort, code, "by hand"};
  }

private:
  simulated_log log_{{.scan = scan()}};
};

} // namespace

BOOST_AUTO_TEST_CASE(the_simulated_log_answers_row_by_row_like_a_broker) {
  simulated_place where;
  kafka::conformance::run_table(where, [](const kafka::conformance::row& which, const std::string& outcome) {
    BOOST_TEST(outcome.empty(), which.section << ": " << which.name << ": " << outcome);
  });
}

} // namespace fairuse::simlog
