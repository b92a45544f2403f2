// SPDX-License-Identifier: Apache-2.0
//
// One story, told in many ways, decides the same bytes: in another input order, in more slices, with users put to
// sleep, with timers on time or late, with workers that die, with other users around, in simulation. RC_PARAMS runs
// more.
#include <algorithm>
#include <random>

#include <boost/test/unit_test.hpp>

#include "events/decision_json.hpp"
#include "tests/actors/worker_fixture.hpp"
#include "tests/model/scenario_generators.hpp"

using namespace fairuse;
using test::given_epoch;
using test::worker_fixture;

namespace {

struct telling {
  bool passivates = false;     ///< everybody sleeps after every epoch
  bool timers_on_time = false; ///< an empty epoch at every due instant
  std::uint32_t shuffled = 0;  ///< seed; 0: the recorded order
  std::size_t restarts = 0;    ///< a new worker after every so many epochs; 0: never
  std::size_t commits = 1;     ///< a commit after every so many epochs
  bool rolls_back = false;     ///< every epoch is run, taken back and run again
};

std::vector<addressed_event> addressed(const std::vector<event>& events, std::string_view uid) {
  std::vector<addressed_event> all;
  for (const auto& e : events)
    all.push_back({uid, e});
  return all;
}

void run_due(worker_fixture& worker_under_test, time_ms before) {
  for (auto due = worker_under_test.engine().next_due(); due < before; due = worker_under_test.engine().next_due())
    worker_under_test.run({due, {}, {}, {}});
}

std::string tell(const model::recording& story, const telling& how) {
  shard_options options;
  options.max_active_users = how.passivates ? 0 : 1000;
  worker_fixture worker_under_test(story.policies, options, story.starts_off);
  worker_under_test.notes.commits_every_epoch = how.commits == 1;
  std::mt19937 dice(how.shuffled);
  std::size_t count = 0;
  for (const auto& e : story.epochs) {
    if (how.timers_on_time) run_due(worker_under_test, e.now);
    given_epoch staged{e.now, addressed(e.events, "u"), e.commands, {}};
    if (how.shuffled != 0) {
      // NOLINTNEXTLINE: any permutation will do; it need not be the same on every standard library.
      std::shuffle(staged.events.begin(), staged.events.end(), dice);
      std::shuffle(staged.commands.begin(), staged.commands.end(), dice);
    }
    if (how.rolls_back) {
      worker_under_test.notes.records_nothing = true;
      worker_under_test.run(staged);
      worker_under_test.engine().roll_back();
      worker_under_test.notes.records_nothing = false;
    }
    worker_under_test.run(std::move(staged));
    if (++count % how.commits == 0) worker_under_test.notes.commit();
    if (how.restarts != 0 and count % how.restarts == 0) worker_under_test.restart();
    worker_under_test.engine().passivate();
    if (how.passivates and how.commits == 1) RC_ASSERT(worker_under_test.engine().active_users() == 0U);
  }
  return worker_under_test.notes.bytes["u"];
}

/// What core wrote when nothing stood around it.
std::string plainly(const model::recording& story, std::string_view uid = "u") {
  std::string bytes;
  for (const auto& d : story.decisions) {
    append_decision_chain(bytes, d, uid);
    bytes.push_back('\n');
  }
  return bytes;
}

model::recording recorded(const model::scenario& p) {
  model::recording story;
  RC_ASSERT(model::compare(p, &story) == "");
  return story;
}

bool has(const model::scenario& p, model::verb what) {
  return std::any_of(p.actions.begin(), p.actions.end(), [what](const auto& a) { return a.what == what; });
}

void require_same(const std::string& is, const std::string& expected) {
  const auto [a, b] = std::mismatch(is.begin(), is.end(), expected.begin(), expected.end());
  if (a == is.end() and b == expected.end()) return;
  const auto line = [](const std::string& text, std::size_t at) {
    const auto begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  };
  const auto at = static_cast<std::size_t>(a - is.begin());
  RC_FAIL("is:       " + line(is, at) + "\nexpected: " + line(expected, at));
}

void check_telling(const char* name, telling how) {
  BOOST_TEST(rc::check(name, [how](const model::scenario& p) {
    const auto story = recorded(p);
    require_same(tell(story, how), plainly(story));
  }));
}

} // namespace

BOOST_AUTO_TEST_CASE(actors_decide_what_core_decides) { check_telling("late timers, users awake", {}); }

BOOST_AUTO_TEST_CASE(passivation_changes_no_decision) {
  check_telling("everybody sleeps after every epoch", {.passivates = true});
}

BOOST_AUTO_TEST_CASE(timers_fired_on_time_write_the_same_bytes_as_timers_fired_late) {
  check_telling("an epoch at every due instant", {.timers_on_time = true});
  check_telling("the same, asleep", {.passivates = true, .timers_on_time = true});
}

BOOST_AUTO_TEST_CASE(the_order_of_the_input_inside_an_epoch_changes_no_decision) {
  check_telling("shuffled", {.shuffled = 7});
}

BOOST_AUTO_TEST_CASE(commits_and_restarts_change_no_decision) {
  check_telling("a commit every three epochs", {.passivates = true, .commits = 3});
  check_telling("a restart every two epochs", {.timers_on_time = true, .restarts = 2});
  check_telling("everything at once",
                {.passivates = true, .timers_on_time = true, .shuffled = 3, .restarts = 5, .commits = 2});
}

BOOST_AUTO_TEST_CASE(an_epoch_that_was_rolled_back_decides_the_same_again) {
  check_telling("every epoch twice, users awake", {.rolls_back = true});
  check_telling("every epoch twice, timers on time", {.timers_on_time = true, .rolls_back = true});
  check_telling("every epoch twice, asleep", {.passivates = true, .rolls_back = true});
}

BOOST_AUTO_TEST_CASE(ready_slices_of_many_steps_decide_what_epochs_decide) {
  BOOST_TEST(rc::check("simulation decides what production decides", [](model::scenario p) {
    p.alone = true; // A simulation remembers all ids: shared reviews are production's.
    RC_PRE(not has(p, model::verb::promote) and not has(p, model::verb::command));
    const auto story = recorded(p);
    std::vector<event> events;
    std::vector<step> steps;
    const controls in_force{not story.starts_off, false, story.policies.get()};
    for (const auto& e : story.epochs) {
      auto sorted = e.events;
      std::stable_sort(sorted.begin(), sorted.end(), before);
      steps.push_back(
          {e.now, &in_force, static_cast<std::uint32_t>(events.size()), static_cast<std::uint32_t>(sorted.size())});
      events.insert(events.end(), sorted.begin(), sorted.end());
    }
    if (steps.empty()) return;
    shard_options options;
    options.track_changes = false;
    options.fires_timers = false;
    worker_fixture worker_under_test(story.policies, options, story.starts_off);
    worker_under_test.run({steps.back().now, {}, {}, {slice{"u", steps, events, {}}}});
    require_same(worker_under_test.notes.bytes["u"], plainly(story));
    // Users stay for as long as their result is valid.
    worker_under_test.run({steps.back().now, {}, {}, {}});
    RC_ASSERT(worker_under_test.engine().active_users() == 0U);
  }));
}

BOOST_AUTO_TEST_CASE(a_slice_cut_in_two_at_the_same_instant_decides_the_same) {
  BOOST_TEST(rc::check("steps cut along the order", [](const model::scenario& p) {
    RC_PRE(not has(p, model::verb::promote));
    const auto story = recorded(p);
    auto cut = story;
    cut.epochs.clear();
    for (const auto& e : story.epochs) {
      // Along the canonical order: every event an epoch of its own, at the same `now`.
      auto all = e.events;
      all.insert(all.end(), e.commands.begin(), e.commands.end());
      std::stable_sort(all.begin(), all.end(), before);
      for (const auto& one : all) {
        const auto same = [&one](const event& c) { return c.key == one.key; };
        if (std::any_of(e.commands.begin(), e.commands.end(), same))
          cut.epochs.push_back({e.now, {}, {one}});
        else
          cut.epochs.push_back({e.now, {one}, {}});
      }
    }
    require_same(tell(cut, {}), plainly(story));
  }));
}

BOOST_AUTO_TEST_CASE(other_users_in_the_worker_change_no_decision) {
  BOOST_TEST(rc::check(
      "three users together decide what each decides alone",
      [](const model::scenario& first, const std::vector<model::action>& second,
         const std::vector<model::action>& third) {
        model::scenario p = first;
        const auto calm = [](std::vector<model::action> actions) {
          std::erase_if(actions,
                        [](const auto& a) { return a.what == model::verb::promote or a.what == model::verb::command; });
          return actions;
        };
        std::vector<model::recording> stories;
        for (const auto& actions : {calm(first.actions), calm(second), calm(third)}) {
          p.actions = actions;
          stories.push_back(recorded(p));
        }
        const std::array<std::string_view, 3> uids{"u", "v", "a"};
        std::vector<std::pair<time_ms, std::vector<addressed_event>>> epochs;
        for (std::size_t i = 0; i < stories.size(); ++i)
          for (const auto& e : stories[i].epochs)
            epochs.emplace_back(e.now, addressed(e.events, uids[i]));
        std::stable_sort(epochs.begin(), epochs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        shard_options options;
        options.max_active_users = 1;
        worker_fixture worker_under_test(stories[0].policies, options, p.starts_off);
        for (auto& [now, events] : epochs) {
          worker_under_test.run({now, std::move(events), {}, {}});
          RC_ASSERT(std::is_sorted(worker_under_test.notes.order.begin(), worker_under_test.notes.order.end()));
          worker_under_test.engine().passivate();
        }
        // Epochs of others may fire timers that are due after a user's last event.
        for (std::size_t i = 0; i < stories.size(); ++i) {
          auto alone = plainly(stories[i], uids[i]);
          require_same(worker_under_test.notes.bytes[std::string(uids[i])].substr(0, alone.size()), alone);
        }
      }));
}

BOOST_AUTO_TEST_CASE(adding_a_policy_changes_no_decision_of_another) {
  BOOST_TEST(rc::check("live and one shadow decide the same without the other shadow", [](model::scenario p) {
    RC_PRE(p.shadows.size() == 2U and not has(p, model::verb::promote));
    const auto story = recorded(p);
    auto fewer = story;
    fewer.policies = policy_set::make(story.policies->live().rules, {model::make_policy(p.shadows[0], "a")},
                                      story.policies->retention_ms(), story.policies->reviews());
    // Nobody answers what was never asked.
    for (auto& e : fewer.epochs)
      std::erase_if(e.events, [](const event& x) {
        return x.kind == event_kind::review and detail_of<review_answer>(x).request.starts_with("b-");
      });
    worker_fixture with(story.policies, {}, story.starts_off);
    worker_fixture without(fewer.policies, {}, story.starts_off);
    for (const auto& e : story.epochs)
      with.run({e.now, addressed(e.events, "u"), e.commands, {}});
    for (const auto& e : fewer.epochs)
      without.run({e.now, addressed(e.events, "u"), e.commands, {}});
    for (const auto* slot : {"live", "off", "a"})
      RC_ASSERT(with.notes.by_slot[slot] == without.notes.by_slot[slot]);
  }));
}
