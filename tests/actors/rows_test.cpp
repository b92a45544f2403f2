// SPDX-License-Identifier: Apache-2.0
//
// Users that are passivated as rows of storage are loaded unchanged: no decision differs.
#include "storage/rows.hpp"

#include <boost/test/unit_test.hpp>

#include "events/decision_json.hpp"
#include "tests/actors/worker_fixture.hpp"
#include "tests/model/scenario_generators.hpp"

using namespace fairuse;

namespace {

/// Every piece is written as a row and read back.
class rows final : public test::codec {
public:
  void core(user& who) override {
    codec_.write_core(who, row_);
    user read;
    RC_ASSERT(codec_.read_core(row_, read));
    who = std::move(read);
  }
  void buckets(user& who, const policy_set& policies, hour_number hour) override {
    const bool spoken = codec_.write_bucket_hour(who, policies, hour, row_);
    user read;
    read.metered.resize(policies.profiles().size());
    RC_ASSERT(not spoken or codec_.read_bucket_hour(row_, policies, hour, read));
    who = std::move(read);
  }
  void ids(user& who, hour_number hour) override {
    const bool any = codec_.write_id_hour(who, hour, row_);
    std::vector<std::uint64_t> keys;
    RC_ASSERT(not any or codec_.read_id_hour(row_, keys));
    user read;
    read.ids.load(hour, keys);
    who = std::move(read);
  }
  void one_standing(standing& standing_of_user) override {
    constexpr time_ms loaded = 7;
    codec_.write_standing(standing_of_user, loaded, row_);
    standing_of_user = {};
    time_ms read = 0;
    RC_ASSERT(codec_.read_standing(row_, standing_of_user, read) and read == loaded);
  }
  void conversations(std::vector<conversation>& all) override {
    codec_.write_conversations(all, row_);
    all.clear();
    RC_ASSERT(codec_.read_conversations(row_, all));
  }

private:
  row_codec codec_;
  std::string row_;
};

} // namespace

BOOST_AUTO_TEST_CASE(users_passivated_as_rows_decide_the_same) {
  BOOST_TEST(rc::check("passivated as rows after every epoch", [](const model::scenario& chosen) {
    model::recording recorded;
    RC_ASSERT(model::compare(chosen, &recorded) == "");
    std::string expected;
    for (const auto& each : recorded.decisions) {
      append_decision_chain(expected, each, "u");
      expected.push_back('\n');
    }
    shard_options options;
    options.max_active_users = 0;
    test::worker_fixture worker_under_test(recorded.policies, options, recorded.starts_off);
    worker_under_test.store.use(std::make_unique<rows>());
    for (const auto& sealed : recorded.epochs) {
      std::vector<addressed_event> events;
      for (const auto& each : sealed.events)
        events.push_back({"u", each});
      worker_under_test.run({sealed.now, std::move(events), sealed.commands, {}});
      worker_under_test.engine().passivate();
    }
    RC_ASSERT(worker_under_test.notes.bytes["u"] == expected);
  }));
}
