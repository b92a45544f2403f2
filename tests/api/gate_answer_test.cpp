// SPDX-License-Identifier: Apache-2.0

#include "api/gate/gate_answer.hpp"

#include <functional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/api/gate_rows.hpp"

namespace fairuse {

namespace {

constexpr time_ms now = test::gate_now;

using change = std::function<void(enforcement_row&)>;

enforcement_row row_with(const change& made) {
  enforcement_row row{.epoch = 41, .partition = 3};
  made(row);
  return row;
}

std::string text_of(const gate_answer& answer) {
  std::string text = answer.allowed ? "allow" : "refuse";
  if (answer.why != gate_reason::none) text.append(" ").append(to_text(answer.why));
  if (answer.degraded) text += " degraded";
  if (answer.economy_stt) text += " economy";
  if (answer.vad_threshold_nano != 0) text += " vad";
  if (answer.locked) text += " locked";
  if (not answer.allowed)
    text.append(" " + std::to_string(answer.used_ms) + "/" + std::to_string(answer.limit_ms))
        .append(answer.resets_at == never ? " never" : " +" + std::to_string(answer.resets_at - now));
  return text;
}

gate_facts facts_of(const enforcement_row& row) {
  gate_facts facts;
  facts.row = row;
  facts.controls = controls_row{.epoch = 1, .enabled = true};
  facts.now = now;
  return facts;
}

void restricted(enforcement_row& row) {
  row.at = stage::restrict;
  row.until = now + day_ms;
  row.hard_caps = true;
  row.hard_restricted = true;
  row.used_ms = 8;
  row.limit_ms = 7;
  row.retry_at = now + 100;
}

void spent(enforcement_row& row) {
  row.budget_exhausted = true;
  row.budget_used_ms = 5;
  row.budget_ms = 4;
  row.budget_resets_at = now + 50;
}

struct row_answers {
  const char* name;
  change made;
  const char* stream;
  const char* upload;
};

const row_answers answers_by_row[] = {
    {"nothing stands against the user", [](enforcement_row&) {}, "allow", "allow"},
    {"a warning", [](enforcement_row& row) { row.at = stage::warning; }, "allow", "allow"},
    {"a throttle",
     [](enforcement_row& row) {
       row.at = stage::throttle;
       row.economy_stt = true;
       row.vad_threshold_nano = 100'000'000;
     },
     "allow economy vad", "allow economy vad"},
    {"a throttle that ended a moment ago",
     [](enforcement_row& row) {
       row.until = now - 1;
       row.economy_stt = true;
     },
     "allow", "allow"},
    {"a hard restriction", restricted, "allow", "refuse hard_restricted 8/7 +100"},
    {"a hard restriction whose stage ends first",
     [](enforcement_row& row) {
       restricted(row);
       row.until = now + 9;
     },
     "allow", "refuse hard_restricted 8/7 +9"},
    {"a hard restriction that nothing ends by itself",
     [](enforcement_row& row) {
       restricted(row);
       row.until = row.retry_at = never;
     },
     "allow", "refuse hard_restricted 8/7 never"},
    {"a hard restriction that may be tried again now",
     [](enforcement_row& row) {
       restricted(row);
       row.retry_at = now;
     },
     "allow", "allow"},
    {"a ceiling",
     [](enforcement_row& row) {
       row.ceiling = true;
       row.used_ms = 30;
       row.limit_ms = 30;
       row.retry_at = now + 1;
     },
     "allow", "refuse ceiling 30/30 +1"},
    {"a spent budget", spent, "refuse budget_exhausted 5/4 +50", "refuse budget_exhausted 5/4 +50"},
    {"a budget that is new again",
     [](enforcement_row& row) {
       spent(row);
       row.budget_resets_at = now;
     },
     "allow", "allow"},
    {"all at once: uploads name the restriction first",
     [](enforcement_row& row) {
       restricted(row);
       spent(row);
     },
     "refuse budget_exhausted 5/4 +50", "refuse hard_restricted 8/7 +100"},
    {"locked content", [](enforcement_row& row) { row.content_locked = true; }, "allow locked", "allow locked"},
    {"exempt, whatever else the row says",
     [](enforcement_row& row) {
       restricted(row);
       spent(row);
       row.content_locked = row.exempt = true;
     },
     "allow exempt", "allow exempt"},
    {"an exemption that has ended by the clock: no clock makes a refusal",
     [](enforcement_row& row) {
       spent(row);
       row.exempt = true;
       row.exempt_until = now - 1;
     },
     "allow exempt", "allow exempt"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(gate_answers)

BOOST_AUTO_TEST_CASE(each_row_gives_its_answers) {
  for (const auto& each : answers_by_row)
    BOOST_TEST_CONTEXT(each.name) {
      const auto facts = facts_of(row_with(each.made));
      BOOST_TEST(text_of(answer_gate(gate_purpose::stream, facts)) == each.stream);
      BOOST_TEST(text_of(answer_gate(gate_purpose::upload, facts)) == each.upload);
    }
}

BOOST_AUTO_TEST_CASE(what_holds_for_everybody_and_faults_allow) {
  struct {
    const char* name;
    std::function<void(gate_facts&)> made;
    const char* answer;
  } const rows[] = {
      {"nobody has said anything yet", [](gate_facts& facts) { facts.row = {}, facts.controls = {}; }, "allow"},
      {"no row of the user", [](gate_facts& facts) { facts.row = {}; }, "allow"},
      {"no row of the controls", [](gate_facts& facts) { facts.controls = {}; }, "refuse budget_exhausted 5/4 +50"},
      {"the kill switch", [](gate_facts& facts) { facts.controls->killed = true; }, "allow kill_switch"},
      {"the system is off", [](gate_facts& facts) { facts.controls->enabled = false; }, "allow disabled"},
      {"the start", [](gate_facts& facts) { facts.age_ms = -1; }, "allow starting degraded"},
      {"the start, and no row yet",
       [](gate_facts& facts) {
         facts.age_ms = -1;
         facts.row = {};
       },
       "allow starting degraded"},
      {"the view is as old as it may be", [](gate_facts& facts) { facts.age_ms = facts.age_max_ms = 10'000; },
       "refuse budget_exhausted 5/4 +50"},
      {"no broker has answered for longer",
       [](gate_facts& facts) {
         facts.age_ms = 10'001;
         facts.age_max_ms = 10'000;
       },
       "allow view_late degraded"},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.name) {
      auto facts = facts_of(row_with(spent));
      each.made(facts);
      BOOST_TEST(text_of(answer_gate(gate_purpose::stream, facts)) == each.answer);
    }
}

RC_BOOST_PROP(a_clock_never_makes_a_refusal, ()) {
  const auto row = *test::any_row();
  auto facts = facts_of(row);
  facts.now = *test::any_time();
  auto later = facts;
  later.now += *rc::gen::inRange<time_ms>(0, 40 * day_ms);
  for (const auto purpose : {gate_purpose::stream, gate_purpose::upload}) {
    // An exemption's end is one that the engine tells, too; until then the user stays exempt.
    if (row.exempt) continue;
    if (not answer_gate(purpose, later).allowed) RC_ASSERT(not answer_gate(purpose, facts).allowed);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
