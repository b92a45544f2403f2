// SPDX-License-Identifier: Apache-2.0
//
// One recorded scenario decides the same bytes in all variations: in another input order, in more slices, with
// passivated users, with timers on time or late, with restarted workers, beside other users, in simulation. RC_PARAMS
// runs more.
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

struct variation {
  bool passivates = false;     ///< all users, after every epoch
  bool timers_on_time = false; ///< an empty epoch at every due instant
  std::uint32_t shuffled = 0;  ///< seed; 0: the recorded order
  std::size_t restarts = 0;    ///< a new worker after every so many epochs; 0: never
  std::size_t commits = 1;     ///< a commit after every so many epochs
  bool rolls_back = false;     ///< every epoch is run, rolled back and run again
};

std::vector<addressed_event> addressed(const std::vector<event>& events, std::string_view uid) {
  std::vector<addressed_event> all;
  for (const auto& each : events)
    all.push_back({uid, each});
  return all;
}

void run_due(worker_fixture& worker_under_test, time_ms before) {
  for (auto due = worker_under_test.engine().next_due(); due < before; due = worker_under_test.engine().next_due())
    worker_under_test.run({due, {}, {}, {}});
}

std::string decided_with(const model::recording& recorded, const variation& how) {
  shard_options options;
  options.max_active_users = how.passivates ? 0 : 1000;
  worker_fixture worker_under_test(recorded.policies, options, recorded.starts_off);
  worker_under_test.notes.commits_every_epoch = how.commits == 1;
  std::mt19937 random(how.shuffled);
  std::size_t count = 0;
  for (const auto& sealed : recorded.epochs) {
    if (how.timers_on_time) run_due(worker_under_test, sealed.now);
    given_epoch next{sealed.now, addressed(sealed.events, "u"), sealed.commands, {}};
    if (how.shuffled != 0) {
      // NOLINTNEXTLINE: any permutation will do; it need not be the same on every standard library.
      std::shuffle(next.events.begin(), next.events.end(), random);
      std::shuffle(next.commands.begin(), next.commands.end(), random);
    }
    if (how.rolls_back) {
      worker_under_test.notes.records_nothing = true;
      worker_under_test.run(next);
      worker_under_test.engine().roll_back();
      worker_under_test.notes.records_nothing = false;
    }
    worker_under_test.run(std::move(next));
    if (++count % how.commits == 0) worker_under_test.notes.commit();
    if (how.restarts != 0 and count % how.restarts == 0) worker_under_test.restart();
    worker_under_test.engine().passivate();
    if (how.passivates and how.commits == 1) RC_ASSERT(worker_under_test.engine().active_users() == 0U);
  }
  return worker_under_test.notes.bytes["u"];
}

/// What core wrote when it ran alone.
std::string core_bytes(const model::recording& recorded, std::string_view uid = "u") {
  std::string bytes;
  for (const auto& each : recorded.decisions) {
    append_decision_chain(bytes, each, uid);
    bytes.push_back('\n');
  }
  return bytes;
}

model::recording record_of(const model::scenario& chosen) {
  model::recording recorded;
  RC_ASSERT(model::compare(chosen, &recorded) == "");
  return recorded;
}

bool has(const model::scenario& chosen, model::verb what) {
  return std::any_of(chosen.actions.begin(), chosen.actions.end(), [what](const auto& a) { return a.what == what; });
}

void require_same(const std::string& is, const std::string& expected) {
  const auto [differs, other] = std::mismatch(is.begin(), is.end(), expected.begin(), expected.end());
  if (differs == is.end() and other == expected.end()) return;
  const auto line = [](const std::string& text, std::size_t at) {
    const auto begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  };
  const auto at = static_cast<std::size_t>(differs - is.begin());
  RC_FAIL("is:       " + line(is, at) + "\nexpected: " + line(expected, at));
}

void check_variation(const char* name, variation how) {
  BOOST_TEST(rc::check(name, [how](const model::scenario& chosen) {
    const auto recorded = record_of(chosen);
    require_same(decided_with(recorded, how), core_bytes(recorded));
  }));
}

} // namespace

BOOST_AUTO_TEST_CASE(actors_decide_what_core_decides) { check_variation("late timers, users in memory", {}); }

BOOST_AUTO_TEST_CASE(passivation_changes_no_decision) {
  check_variation("all users passivated after every epoch", {.passivates = true});
}

BOOST_AUTO_TEST_CASE(timers_fired_on_time_write_the_same_bytes_as_timers_fired_late) {
  check_variation("an epoch at every due instant", {.timers_on_time = true});
  check_variation("the same, users passivated", {.passivates = true, .timers_on_time = true});
}

BOOST_AUTO_TEST_CASE(the_order_of_the_input_inside_an_epoch_changes_no_decision) {
  check_variation("shuffled", {.shuffled = 7});
}

BOOST_AUTO_TEST_CASE(commits_and_restarts_change_no_decision) {
  check_variation("a commit every three epochs", {.passivates = true, .commits = 3});
  check_variation("a restart every two epochs", {.timers_on_time = true, .restarts = 2});
  check_variation("everything at once",
                  {.passivates = true, .timers_on_time = true, .shuffled = 3, .restarts = 5, .commits = 2});
}

BOOST_AUTO_TEST_CASE(an_epoch_that_was_rolled_back_decides_the_same_again) {
  check_variation("every epoch twice, users in memory", {.rolls_back = true});
  check_variation("every epoch twice, timers on time", {.timers_on_time = true, .rolls_back = true});
  check_variation("every epoch twice, users passivated", {.passivates = true, .rolls_back = true});
}

BOOST_AUTO_TEST_CASE(ready_slices_of_many_steps_decide_what_epochs_decide) {
  BOOST_TEST(rc::check("simulation decides what production decides", [](model::scenario chosen) {
    chosen.alone = true; // review_mode::shared is production's, which reads older ids from its store.
    RC_PRE(not has(chosen, model::verb::promote) and not has(chosen, model::verb::command));
    const auto recorded = record_of(chosen);
    std::vector<event> events;
    std::vector<step> steps;
    const controls in_force{not recorded.starts_off, false, recorded.policies.get()};
    for (const auto& sealed : recorded.epochs) {
      auto sorted = sealed.events;
      std::stable_sort(sorted.begin(), sorted.end(), before);
      steps.push_back({sealed.now, &in_force, static_cast<std::uint32_t>(events.size()),
                       static_cast<std::uint32_t>(sorted.size())});
      events.insert(events.end(), sorted.begin(), sorted.end());
    }
    if (steps.empty()) return;
    shard_options options;
    options.track_changes = false;
    options.fires_timers = false;
    worker_fixture worker_under_test(recorded.policies, options, recorded.starts_off);
    worker_under_test.run({steps.back().now, {}, {}, {slice{"u", steps, events, {}}}});
    require_same(worker_under_test.notes.bytes["u"], core_bytes(recorded));
    // The next epoch drops them.
    worker_under_test.run({steps.back().now, {}, {}, {}});
    RC_ASSERT(worker_under_test.engine().active_users() == 0U);
  }));
}

BOOST_AUTO_TEST_CASE(a_slice_cut_in_two_at_the_same_instant_decides_the_same) {
  BOOST_TEST(rc::check("steps cut along the order", [](const model::scenario& chosen) {
    RC_PRE(not has(chosen, model::verb::promote));
    const auto recorded = record_of(chosen);
    auto cut = recorded;
    cut.epochs.clear();
    for (const auto& sealed : recorded.epochs) {
      // In the order of before(): every event an epoch of its own, at the same `now`.
      auto all = sealed.events;
      all.insert(all.end(), sealed.commands.begin(), sealed.commands.end());
      std::stable_sort(all.begin(), all.end(), before);
      for (const auto& one : all) {
        const auto same = [&one](const event& command) { return command.key == one.key; };
        if (std::any_of(sealed.commands.begin(), sealed.commands.end(), same))
          cut.epochs.push_back({sealed.now, {}, {one}});
        else
          cut.epochs.push_back({sealed.now, {one}, {}});
      }
    }
    require_same(decided_with(cut, {}), core_bytes(recorded));
  }));
}

BOOST_AUTO_TEST_CASE(other_users_in_the_worker_change_no_decision) {
  BOOST_TEST(rc::check(
      "three users together decide what each decides alone",
      [](const model::scenario& first, const std::vector<model::action>& second,
         const std::vector<model::action>& third) {
        model::scenario chosen = first;
        const auto calm = [](std::vector<model::action> actions) {
          std::erase_if(actions,
                        [](const auto& a) { return a.what == model::verb::promote or a.what == model::verb::command; });
          return actions;
        };
        std::vector<model::recording> recordings;
        for (const auto& actions : {calm(first.actions), calm(second), calm(third)}) {
          chosen.actions = actions;
          recordings.push_back(record_of(chosen));
        }
        const std::array<std::string_view, 3> uids{"u", "v", "a"};
        std::vector<std::pair<time_ms, std::vector<addressed_event>>> epochs;
        for (std::size_t i = 0; i < recordings.size(); ++i)
          for (const auto& sealed : recordings[i].epochs)
            epochs.emplace_back(sealed.now, addressed(sealed.events, uids[i]));
        std::stable_sort(epochs.begin(), epochs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        shard_options options;
        options.max_active_users = 1;
        worker_fixture worker_under_test(recordings[0].policies, options, chosen.starts_off);
        for (auto& [now, events] : epochs) {
          worker_under_test.run({now, std::move(events), {}, {}});
          RC_ASSERT(std::is_sorted(worker_under_test.notes.order.begin(), worker_under_test.notes.order.end()));
          worker_under_test.engine().passivate();
        }
        // Epochs of others may fire timers that are due after a user's last event.
        for (std::size_t i = 0; i < recordings.size(); ++i) {
          auto alone = core_bytes(recordings[i], uids[i]);
          require_same(worker_under_test.notes.bytes[std::string(uids[i])].substr(0, alone.size()), alone);
        }
      }));
}

BOOST_AUTO_TEST_CASE(adding_a_policy_changes_no_decision_of_another) {
  BOOST_TEST(rc::check("live and one shadow decide the same without the other shadow", [](model::scenario chosen) {
    RC_PRE(chosen.shadows.size() == 2U and not has(chosen, model::verb::promote));
    const auto recorded = record_of(chosen);
    auto fewer = recorded;
    const auto& kept = recorded.policies->slots()[static_cast<std::size_t>(recorded.policies->slot_named("a"))].rules;
    fewer.policies = policy_set::make(recorded.policies->live().rules, {kept}, recorded.policies->retention_ms(),
                                      recorded.policies->reviews());
    // Without the shadow `b` there are no answers to its requests, nor to those of `off` where only `b` runs it.
    const bool off_goes = recorded.policies->slot_named("off") >= 0 and fewer.policies->slot_named("off") < 0;
    for (auto& sealed : fewer.epochs)
      std::erase_if(sealed.events, [off_goes](const event& what) {
        if (what.kind != event_kind::review) return false;
        const auto& request = detail_of<review_answer>(what).request;
        return request.starts_with("b-") or (off_goes and request.starts_with("off-"));
      });
    worker_fixture with(recorded.policies, {}, recorded.starts_off);
    worker_fixture without(fewer.policies, {}, recorded.starts_off);
    for (const auto& sealed : recorded.epochs)
      with.run({sealed.now, addressed(sealed.events, "u"), sealed.commands, {}});
    for (const auto& sealed : fewer.epochs)
      without.run({sealed.now, addressed(sealed.events, "u"), sealed.commands, {}});
    for (const std::string slot : {"live", "off", "a"})
      if (slot != "off" or not off_goes) RC_ASSERT(with.notes.by_slot[slot] == without.notes.by_slot[slot]);
  }));
}
