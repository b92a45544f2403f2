// SPDX-License-Identifier: Apache-2.0
#include "streams/history/pseudonyms.hpp"

#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"

namespace fairuse::history {

namespace {

/// Stands in every text that could name someone.
const std::string name = "anne";

event event_of(event_arena& arena, event_kind kind, event_detail detail) {
  event what{.kind = kind};
  what.text = arena.keep(name + " source", name + " id");
  what.key = event_key(what.text->source, what.text->id);
  what.detail = arena.keep(std::move(detail));
  return what;
}

/// One of every kind whose detail has texts.
std::vector<event> with_texts(event_arena& arena) {
  return {
      event_of(arena, event_kind::conversation,
               conversation_fact{.conversation = name, .title = name, .overview = name, .category = name}),
      event_of(arena, event_kind::review,
               review_answer{.request = "live-1", .model = "m", .prompt_version = "1", .evidence = {name}}),
      event_of(arena, event_kind::review, review_answer{.request = "live-1", .failed = name}),
      event_of(arena, event_kind::admin,
               admin_command{.verb = admin_verb::resolve, .actor = name, .reason = name, .strike = 1, .notes = name}),
      event_of(arena, event_kind::admin,
               admin_command{.verb = admin_verb::clear_strike, .actor = name, .reference = "FU-0123456789AB"}),
      event_of(arena, event_kind::erasure, erasure_request{name, name}),
  };
}

std::string text_of(const event& what) {
  std::string out;
  append_event(out, "-", what);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(history_pseudonyms)

BOOST_AUTO_TEST_CASE(no_text_of_an_event_is_left) {
  event_arena arena;
  pseudonyms names("a key");
  for (const auto& each : with_texts(arena)) {
    BOOST_TEST_CONTEXT(text_of(each)) {
      const auto made = text_of(names.of(each, arena));
      BOOST_TEST(made.find(name) == std::string::npos, made);
      BOOST_TEST(made.find("FU-") == std::string::npos, made);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_text_of_a_review_or_of_a_command_to_all_is_left) {
  pseudonyms names("a key");
  recorded_review said;
  said.said = {.failed = name, .evidence = {name}};
  said.answer_source = said.answer_id = name;
  const auto made = names.of(said);
  BOOST_TEST(made.said.failed == "failed");
  BOOST_TEST(made.said.evidence.empty());
  BOOST_TEST(made.answer_source.find(name) == std::string::npos);
  BOOST_TEST(made.answer_id.find(name) == std::string::npos);
  broadcast_command all{.source = name, .id = name, .what = {.actor = name, .reason = name}};
  all = names.of(std::move(all));
  BOOST_TEST((all.source + all.id + all.what.actor + all.what.reason).find(name) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_equal_stays_equal_and_what_differs_differs) {
  event_arena arena;
  pseudonyms names("a key");
  BOOST_TEST(names.user("ann") == names.user("ann"));
  BOOST_TEST(names.user("ann") != names.user("bob"));
  BOOST_TEST(names.user("ann") != pseudonyms("another key").user("ann"));
  const auto talk_about = [&](const std::string& category) {
    const auto what = event_of(arena, event_kind::conversation, conversation_fact{.category = category});
    return detail_of<conversation_fact>(names.of(what, arena)).category;
  };
  names.begin_user();
  BOOST_TEST(talk_about("work") == "1");
  BOOST_TEST(talk_about("home") == "2");
  BOOST_TEST(talk_about("work") == "1");
  BOOST_TEST(talk_about("") == "");
  names.begin_user();
  BOOST_TEST(talk_about("home") == "1");
}

BOOST_AUTO_TEST_CASE(the_engine_s_own_commands_stay_known_as_such) {
  event_arena arena;
  pseudonyms names("a key");
  event what{.kind = event_kind::admin};
  what.text = arena.keep(config_source, "exempt/anne");
  what.detail = arena.keep(admin_command{.verb = admin_verb::exempt, .actor = "configuration", .on = true});
  const auto made = names.of(what, arena);
  BOOST_TEST(made.text->source == config_source);
  BOOST_TEST(made.text->id.find(name) == std::string_view::npos);
  BOOST_TEST(detail_of<admin_command>(made).on);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::history
