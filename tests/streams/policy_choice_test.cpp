// SPDX-License-Identifier: Apache-2.0

#include "streams/policy_choice.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace fairuse {

BOOST_AUTO_TEST_SUITE(policy_choice_test)

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

// A partition that was reseeded has epochs.
BOOST_AUTO_TEST_CASE(a_store_in_which_no_policy_has_been_in_force_takes_the_configured_one) {
  policy live;
  live.name = "fair";
  live.digest = "abc";
  const std::vector<policy> shadows;
  const stored_controls none;
  std::map<std::string, std::string> settings;
  const auto made = choose_policies({.live = live, .shadows = shadows, .usage_retention_ms = day_ms},
                                    {.controls = none,
                                     .settings = settings,
                                     .now = day_ms,
                                     .read = [](const std::string&) -> std::optional<policy> { return std::nullopt; },
                                     .has_usage = [](hour_number) { return false; }});
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->policies->slots().front().rules.digest == "abc");
  BOOST_TEST(not made->stays);
  BOOST_TEST(made->promotes == "");
}

/// The shadow `b` comes back after a run without it.
BOOST_AUTO_TEST_CASE(a_shadow_that_comes_back_is_loaded_anew_and_one_of_a_store_without_ages_goes_on) {
  policy live;
  live.name = live.digest = "a";
  policy shadow;
  shadow.name = shadow.digest = "b";
  std::map<std::string, std::string> settings;
  stored_controls in_force{.live = "a"};
  const auto loaded = [&](const std::vector<policy>& shadows, bool first, time_ms now) {
    const auto made = choose_policies({.live = live, .shadows = shadows, .usage_retention_ms = day_ms},
                                      {.controls = in_force,
                                       .settings = settings,
                                       .first = first,
                                       .now = now,
                                       .read = [](const std::string&) -> std::optional<policy> { return std::nullopt; },
                                       .has_usage = [](hour_number) { return true; }});
    const auto slot = made->policies->slot_named("b");
    return slot < 0 ? time_ms{-1} : made->policies->slots()[static_cast<std::size_t>(slot)].loaded;
  };
  BOOST_TEST(loaded({shadow}, true, 0) == INT64_MIN);
  BOOST_TEST(loaded({shadow}, false, 1) == INT64_MIN);
  BOOST_TEST(loaded({}, false, 2) == -1);
  BOOST_TEST(loaded({shadow}, false, 3) == 3);
  BOOST_TEST(loaded({shadow}, false, 4) == 3);
  settings["profiles"] = "[]";
  BOOST_TEST(loaded({shadow}, false, 5) == INT64_MIN);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
