// SPDX-License-Identifier: Apache-2.0

#include "api/service/recent_events.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

incoming_event event_of(const std::string& id, std::uint64_t content, const std::string& uid = "u-1") {
  incoming_event made;
  made.line = "{}";
  made.uid = uid;
  made.source = "phone";
  made.id = id;
  made.content = content;
  return made;
}

void take(recent_events& into, const incoming_event& event) {
  BOOST_TEST((into.begin(event) == known_as::fresh));
  into.settle(event, true);
}

} // namespace

BOOST_AUTO_TEST_SUITE(events_that_came_before)

BOOST_AUTO_TEST_CASE(are_told_from_fresh_ones_by_user_source_id_and_content) {
  recent_events known;
  take(known, event_of("a", 1));
  BOOST_TEST((known.begin(event_of("a", 1)) == known_as::duplicate));
  BOOST_TEST((known.begin(event_of("a", 2)) == known_as::conflict));
  take(known, event_of("a", 2, "u-2"));
  take(known, event_of("b", 2));
}

BOOST_AUTO_TEST_CASE(conflict_with_what_is_being_written_already) {
  recent_events known;
  const auto first = event_of("a", 1);
  BOOST_TEST((known.begin(first) == known_as::fresh));
  BOOST_TEST((known.begin(event_of("a", 2)) == known_as::conflict));
  // Nobody knows yet whether the first one will be durable, so the second one is written, too.
  BOOST_TEST((known.begin(first) == known_as::fresh));
  known.settle(first, false);
  BOOST_TEST((known.begin(event_of("a", 2)) == known_as::conflict));
  known.settle(first, true);
  BOOST_TEST((known.begin(first) == known_as::duplicate));
}

BOOST_AUTO_TEST_CASE(that_could_not_be_written_may_come_with_any_content) {
  recent_events known;
  const auto first = event_of("a", 1);
  BOOST_TEST((known.begin(first) == known_as::fresh));
  known.settle(first, false);
  take(known, event_of("a", 2));
  BOOST_TEST((known.begin(event_of("a", 2)) == known_as::duplicate));
}

BOOST_AUTO_TEST_CASE(are_forgotten_oldest_first) {
  recent_events known{2};
  for (const auto* id : {"a", "b", "c"})
    take(known, event_of(id, 1));
  BOOST_TEST((known.begin(event_of("b", 1)) == known_as::duplicate));
  BOOST_TEST((known.begin(event_of("c", 1)) == known_as::duplicate));
  BOOST_TEST((known.begin(event_of("a", 1)) == known_as::fresh));
}

BOOST_AUTO_TEST_SUITE_END()
