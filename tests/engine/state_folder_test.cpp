// SPDX-License-Identifier: Apache-2.0

#include "engine/state_folder.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/test_folder.hpp"

namespace fairuse {

BOOST_AUTO_TEST_SUITE(state_folder_test)

BOOST_AUTO_TEST_CASE(a_second_engine_on_a_state_folder_is_refused_in_both_modes_until_the_first_one_is_gone) {
  for (const auto mode : {stream_kind::local, stream_kind::kafka}) {
    const test_folder scratch;
    {
      state_folder first;
      BOOST_TEST(first.choose(scratch.file("state"), mode).has_value());
      state_folder second;
      const auto refused = second.choose(scratch.file("state"), mode);
      BOOST_REQUIRE(not refused);
      BOOST_TEST((refused.error().kind == run_fault::failed));
      BOOST_TEST(refused.error().message.find("is in use by another process: stop that one") != std::string::npos);
      state_folder beside;
      BOOST_TEST(beside.choose(scratch.file("other"), mode).has_value());
    }
    BOOST_TEST(not std::filesystem::exists(scratch.file("state")));
    state_folder third;
    BOOST_TEST(third.choose(scratch.file("state"), mode).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_state_folder_is_in_use_as_long_as_an_engine_has_it) {
  const test_folder scratch;
  const auto folder = scratch.file("state");
  {
    state_folder one;
    BOOST_TEST(one.choose(folder, stream_kind::kafka).has_value());
    BOOST_TEST(is_in_use(folder));
    // A file of the engine keeps the folder.
    std::ofstream(folder / "partitions.json") << "{}";
  }
  BOOST_TEST(not is_in_use(folder));
  state_folder next;
  BOOST_TEST(next.choose(folder, stream_kind::kafka).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
