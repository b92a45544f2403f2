// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "streams/policy_choice.hpp"

namespace fairuse {

BOOST_AUTO_TEST_SUITE(command_ids_test)

BOOST_AUTO_TEST_CASE(ids_of_an_earlier_build_have_no_content_wherever_they_stand) {
  std::map<std::string, std::string> settings{{"command_ids", "00000000000000010000000000000002"}};
  BOOST_TEST((command_ids_from(settings) == std::vector<permanent_id>{{1, 0}, {2, 0}}));
  append_command_id(settings, {.key = 3, .content = 0xabcd});
  BOOST_TEST((command_ids_from(settings) == std::vector<permanent_id>{{1, 0}, {2, 0}, {3, 0xabcd}}));
  // An earlier build took over in between.
  settings["command_ids"] += "0000000000000004";
  append_command_id(settings, {.key = 5, .content = 7});
  BOOST_TEST((command_ids_from(settings) == std::vector<permanent_id>{{1, 0}, {2, 0}, {3, 0xabcd}, {4, 0}, {5, 7}}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
