// SPDX-License-Identifier: Apache-2.0
//
// Another case key than the one that users were erased with is refused, however a partition comes to a process.
#include <algorithm>
#include <cstddef>
#include <string>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"
#include "tests/protocol/scenario.hpp"

using namespace fairuse;
using namespace fairuse::protocol;

namespace {

const std::string process = "fairuse.m0.0";
const std::string other_process = "fairuse.m1.0";
const std::string sentence = "remembers erased users under another case key";

struct keys_fixture {
  scenario on{quiet_settings(1)};
  std::string key = on.in.case_key;

  void run(const std::string& name) {
    on.start(name);
    on.feed(5);
    on.until_caught_up();
  }
  void erase(const std::string& uid) {
    event_arena arena;
    event what{.instant = on.in.now(), .time = on.in.now(), .kind = event_kind::erasure};
    what.text = arena.keep("test", "erase-" + uid);
    what.key = event_key(what.text->source, what.text->id);
    what.detail = arena.keep(event_detail{erasure_request{.actor = "ada", .reason = "asked for it"}});
    std::string line;
    append_event(line, uid, what);
    on.in.log.log_of({on.in.input(0), 0}).append_alone(on.in.log.now(), {uid, line, {}});
    on.until_caught_up();
  }
  /// Its state is whole when it ends.
  void stop(const std::string& name) {
    on.at(name).write();
    on.at(name).close();
    on.kill(name);
  }
  /// With another case key; the process goes on.
  void is_refused(const std::string& name) {
    on.in.case_key = "another key";
    on.in.expected_error = sentence;
    on.start(name);
    on.until("the partition is refused", [&] {
      const auto all = on.at(name).status().partitions;
      return std::any_of(all.begin(), all.end(),
                         [](const auto& each) { return each.reason.find(sentence) != std::string::npos; });
    });
    BOOST_TEST(on.at(name).failure().empty());
    on.kill(name);
    on.in.case_key = key;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(case_keys, keys_fixture)

BOOST_AUTO_TEST_CASE(a_partition_that_is_restored_from_nothing_is_refused) {
  run(process);
  erase("user-1");
  on.kill(process);
  is_refused(other_process);
  run(other_process);
  on.finish();
}

BOOST_AUTO_TEST_CASE(a_store_that_remembers_the_erasure_is_refused_and_the_process_goes_on) {
  run(process);
  erase("user-1");
  stop(process);
  is_refused(process);
  run(process);
  on.finish();
}

BOOST_AUTO_TEST_CASE(a_store_that_learns_of_the_erasure_from_the_changelog_is_refused) {
  run(process);
  stop(process);
  run(other_process);
  erase("user-1");
  on.kill(other_process);
  is_refused(process);
  run(process);
  on.finish();
}

BOOST_AUTO_TEST_CASE(without_an_erased_user_another_key_is_accepted_and_holds_from_then_on) {
  run(process);
  on.kill(process);
  on.in.case_key = key = "a second key";
  run(other_process);
  erase("user-1");
  on.kill(other_process);
  is_refused(process);
}

BOOST_AUTO_TEST_SUITE_END()
