// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_comparison.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace fairuse::sim {

namespace {

using difference_kind = recorded_difference::kind;
using decided_users = std::vector<user_decisions>;

/// `equal N`, or the first difference.
std::string compared(const decided_users& production, const decided_users& replay) {
  std::size_t next = 0;
  recorded_comparison all([&]() -> std::optional<user_decisions> {
    if (next == production.size()) return std::nullopt;
    return production[next++];
  });
  bool same = true;
  for (const auto& each : replay)
    same = same and all.add(each);
  same = same and all.finish();
  BOOST_TEST(same == not all.difference().has_value());
  if (same) return "equal " + std::to_string(all.equal());
  const auto& where = *all.difference();
  const auto* what = where.what == difference_kind::other     ? "other"
                     : where.what == difference_kind::missing ? "missing"
                                                              : "extra";
  return where.uid + " " + where.slot + " " + std::to_string(where.number) + " " + what + " at "
         + std::to_string(where.byte) + ": " + where.production + "|" + where.replay;
}

} // namespace

BOOST_AUTO_TEST_SUITE(comparison_with_production)

BOOST_AUTO_TEST_CASE(the_first_difference_is_named) {
  const user_decisions ann{"ann", {{"live", {"one", "two"}}, {"off", {"three"}}}};
  const user_decisions bob{"bob", {{"live", {"four"}}}};
  const user_decisions cid{"cid", {}};
  BOOST_TEST(compared({}, {}) == "equal 0");
  BOOST_TEST(compared({ann, bob}, {ann, bob}) == "equal 4");
  // A user without decisions is one that the deployment has none of.
  BOOST_TEST(compared({ann, bob}, {ann, bob, cid}) == "equal 4");
  BOOST_TEST(compared({ann, bob}, {ann}) == "bob live 1 missing at 0: four|");
  BOOST_TEST(compared({bob}, {ann, bob}) == "ann live 1 extra at 0: |one");
  BOOST_TEST(compared({ann}, {{"ann", {{"live", {"one", "twi"}}, {"off", {"three"}}}}})
             == "ann live 2 other at 2: two|twi");
  BOOST_TEST(compared({ann}, {{"ann", {{"live", {"one"}}, {"off", {"three"}}}}}) == "ann live 2 missing at 0: two|");
  BOOST_TEST(compared({ann}, {{"ann", {{"live", {"one", "two"}}}}}) == "ann off 1 missing at 0: three|");
  BOOST_TEST(compared({ann}, {{"ann", {{"live", {"one", "two"}}, {"mine", {"x"}}, {"off", {"three"}}}}})
             == "ann mine 1 extra at 0: |x");
}

BOOST_AUTO_TEST_CASE(a_long_decision_is_shown_around_its_difference) {
  const std::string begin(300, 'a');
  const std::string end(300, 'b');
  const auto text = compared({{"ann", {{"live", {begin + "x" + end}}}}}, {{"ann", {{"live", {begin + "y" + end}}}}});
  BOOST_TEST(text
             == "ann live 1 other at 300: ..." + std::string(40, 'a') + "x" + std::string(79, 'b') + "...|..."
                    + std::string(40, 'a') + "y" + std::string(79, 'b') + "...");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
