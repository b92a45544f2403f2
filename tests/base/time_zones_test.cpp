// SPDX-License-Identifier: Apache-2.0
#include "base/system/time_zones.hpp"

#include <boost/test/unit_test.hpp>

#include "base/system/files.hpp"
#include "base/system/scratch_folder.hpp"

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(base_time_zones)

BOOST_AUTO_TEST_CASE(zones_and_their_old_names_are_known) {
  const scratch_folder scratch{std::filesystem::temp_directory_path(), "fairuse-zones"};
  const auto list = scratch.path() / "tzdata.zi";
  const std::string text =
      "# version 2026a\nR d 1916 o - Jun 14 23s 1 S\nZ Europe/Berlin 0:53:28 - LMT 1893 Ap\n"
      "1 o CE%sT\nL America/New_York US/Eastern\n";
  BOOST_TEST(replace_file(list, text).has_value());
  const auto names = read_time_zone_names(list);
  BOOST_TEST((names and *names == time_zone_names{"Europe/Berlin", "US/Eastern"}));
}

BOOST_AUTO_TEST_CASE(a_machine_without_a_list_knows_no_zones) {
  BOOST_TEST(not read_time_zone_names("no/such/file").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
