// SPDX-License-Identifier: Apache-2.0
#include "actors/scheduler.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

using namespace std::chrono_literals;

namespace {

/// A message that an actor handled; a trace has them in order.
struct line {
  int who;
  int what;
  bool operator==(const line&) const = default;
};
using trace = std::vector<line>;

/// Messages of the engine are structs that hold pointers, so those of the tests are too.
struct call {
  trace* seen;
  int what;
};
struct flood {
  int* turns;
};
struct dead_letter {
  int sender;
  int number;
};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(flood)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dead_letter)

namespace {

struct scheduled_config : caf::actor_system_config {
  scheduled_config() { load<fairuse::single_thread_scheduler>(); }
};

struct actor_fixture {
  scheduled_config config;
  caf::actor_system system{config};
  fairuse::single_thread_scheduler& scheduler = fairuse::single_thread_scheduler::of(system);
};

using caller_actor = caf::typed_actor<caf::reacts_to<call>>;
struct caller_state {
  int who = 0;
  std::vector<caller_actor> others;
};

/// Note the call, and pass it on to all others until it has been passed on `what` times.
caller_actor::behavior_type caller(caller_actor::stateful_pointer<caller_state> self, int who,
                                   std::vector<caller_actor> others) {
  self->state.who = who;
  self->state.others = std::move(others);
  return {[self](call received) {
    received.seen->push_back({self->state.who, received.what});
    if (received.what == 0) return;
    for (auto& other : self->state.others)
      self->send(other, call{received.seen, received.what - 1});
    self->send(self, call{received.seen, received.what - 1});
  }};
}

/// Callers 0, 1, 2... that pass nothing on.
std::vector<caller_actor> spawn_callers(actor_fixture& shard, std::size_t count) {
  std::vector<caller_actor> result(count);
  for (int who = 0; auto& one : result)
    one = shard.system.spawn<caf::hidden>(caller, who++, std::vector<caller_actor>{});
  return result;
}

trace trace_of_one_run() {
  actor_fixture shard;
  auto leaves = spawn_callers(shard, 5);
  auto root = shard.system.spawn<caf::hidden>(caller, 5, leaves);
  shard.scheduler.run();
  trace seen;
  caf::anon_send(root, call{&seen, 3});
  caf::anon_send(leaves[2], call{&seen, 1});
  shard.scheduler.run();
  return seen;
}

/// Holds a witness whose count shows that the shutdown destroys the state.
struct counted_state {
  std::shared_ptr<int> witness;
};

using flooding_actor = caf::typed_actor<caf::reacts_to<flood>>;

/// Message itself without end.
flooding_actor::behavior_type flooder(flooding_actor::stateful_pointer<counted_state> self,
                                      std::shared_ptr<int> witness) {
  self->state.witness = std::move(witness);
  return {[self](flood received) {
    ++*received.turns;
    self->send(self, received);
  }};
}

/// Never answer.
caf::behavior silent(caf::event_based_actor* self, std::shared_ptr<int> witness) {
  return {[self, witness = std::move(witness)](int) { return self->make_response_promise(); }};
}

caf::behavior doubler(caf::event_based_actor*, int factor) {
  return {[factor](int number) { return number * factor; }};
}

/// How often each kind of time-out reached an actor.
struct time_out_counts {
  int delayed = 0;
  int timed_out = 0;
  int answered = 0;
};

caf::behavior time_out_actor(caf::event_based_actor* self, caf::actor asked, time_out_counts* counted) {
  self->delayed_send(self, 1ns, 1);
  self->delayed_anon_send(self, 0ns, 1);
  self->request(asked, 1ns, 1)
      .then([counted](int) { ++counted->answered; }, [counted](caf::error&) { ++counted->answered; });
  return {[counted](int) { ++counted->delayed; }, caf::after(1ns) >> [counted] { ++counted->timed_out; }};
}

caf::behavior asking(caf::event_based_actor* self, caf::actor asked, const std::shared_ptr<int>& witness) {
  self->request(asked, 1s, 1).await([witness](int) {});
  return {[witness](int) {}};
}

constexpr int dead_letter_senders = 4;
using box_actor = caf::typed_actor<caf::reacts_to<dead_letter>>;
struct box_state {
  std::array<int, dead_letter_senders> last = {-1, -1, -1, -1};
};

/// What all boxes of a test received; only the owner's thread touches it.
struct receipts {
  int received = 0;
  int misplaced = 0;
};

box_actor::behavior_type box(box_actor::stateful_pointer<box_state> self, receipts* all) {
  return {[self, all](dead_letter one) {
    auto& last = self->state.last[static_cast<std::size_t>(one.sender)];
    ++all->received;
    all->misplaced += one.number <= last ? 1 : 0;
    last = one.number;
  }};
}

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {});
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_single_thread_scheduler)

BOOST_AUTO_TEST_CASE(gives_turns_in_the_order_of_sends) {
  actor_fixture shard;
  auto callers = spawn_callers(shard, 100);
  shard.scheduler.run();
  trace seen;
  trace expected;
  for (int step = 0; step < 100; ++step) {
    int who = step * 37 % 100;
    caf::anon_send(callers[static_cast<std::size_t>(who)], call{&seen, 0});
    expected.push_back({who, 0});
  }

  auto turns = shard.scheduler.run();

  BOOST_TEST(turns == 100U);
  BOOST_CHECK(seen == expected);
}

BOOST_AUTO_TEST_CASE(runs_the_same_way_every_time) {
  auto first = trace_of_one_run();
  BOOST_TEST(first.size() > 10U);
  for (int again = 0; again < 10; ++again)
    BOOST_CHECK(trace_of_one_run() == first);
}

BOOST_AUTO_TEST_CASE(starts_no_thread) {
  auto before = threads_of_this_process();
  actor_fixture shard;
  auto callers = spawn_callers(shard, 10);
  auto registered = shard.system.spawn(caller, 10, callers);
  shard.scheduler.run();
  BOOST_TEST(threads_of_this_process() <= before);
}

BOOST_AUTO_TEST_CASE(stops_after_the_turns_it_was_given) {
  actor_fixture shard;
  auto callers = spawn_callers(shard, 5);
  shard.scheduler.run();
  trace seen;
  for (auto& one : callers)
    caf::anon_send(one, call{&seen, 0});

  BOOST_TEST(shard.scheduler.run(2) == 2U);
  BOOST_CHECK((seen == trace{{0, 0}, {1, 0}}));

  BOOST_TEST(shard.scheduler.wait_inbox(0ms));
  BOOST_TEST(shard.scheduler.run() == 3U);
  BOOST_CHECK((seen == trace{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}));
}

BOOST_AUTO_TEST_CASE(lets_others_run_beside_an_actor_that_messages_itself) {
  actor_fixture shard;
  auto busy = shard.system.spawn<caf::hidden>(flooder, nullptr);
  auto other = shard.system.spawn<caf::hidden>(caller, 7, std::vector<caller_actor>{});
  shard.scheduler.run();
  int floods = 0;
  trace seen;
  caf::anon_send(busy, flood{&floods});
  caf::anon_send(other, call{&seen, 0});

  // One turn each.
  shard.scheduler.run(2);

  BOOST_CHECK((seen == trace{{7, 0}}));
  BOOST_TEST(floods > 0);
  BOOST_TEST(floods <= static_cast<int>(fairuse::single_thread_scheduler::messages_per_turn_max));
}

BOOST_AUTO_TEST_CASE(hears_foreign_threads_beside_an_actor_that_messages_itself) {
  actor_fixture shard;
  auto busy = shard.system.spawn<caf::hidden>(flooder, nullptr);
  auto other = shard.system.spawn<caf::hidden>(caller, 7, std::vector<caller_actor>{});
  int floods = 0;
  trace seen;
  caf::anon_send(busy, flood{&floods});
  shard.scheduler.run(5);
  std::thread{[&] { caf::anon_send(other, call{&seen, 0}); }}.join();

  shard.scheduler.run(5);

  BOOST_CHECK((seen == trace{{7, 0}}));
}

BOOST_AUTO_TEST_CASE(ends_with_idle_actors) {
  auto witness = std::make_shared<int>();
  {
    actor_fixture shard;
    // Registered ones too: the system would wait for them.
    auto hidden = shard.system.spawn<caf::hidden>(flooder, witness);
    auto registered = shard.system.spawn(flooder, witness);
    auto never_started = shard.system.spawn<caf::lazy_init>(flooder, witness);
    shard.scheduler.run();
    BOOST_TEST(witness.use_count() > 2);
  }
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(ends_with_actors_that_have_messages) {
  auto witness = std::make_shared<int>();
  int floods = 0;
  {
    actor_fixture shard;
    auto busy = shard.system.spawn<caf::hidden>(flooder, witness);
    auto registered = shard.system.spawn(flooder, witness);
    caf::anon_send(busy, flood{&floods});
    caf::anon_send(registered, flood{&floods});
    shard.scheduler.run(10);
    // Spawned and sent to, but never given a turn.
    auto fresh = shard.system.spawn<caf::hidden>(flooder, witness);
    caf::anon_send(fresh, flood{&floods});
  }
  BOOST_TEST(floods > 0);
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(ends_with_an_actor_that_waits_for_a_response) {
  auto witness = std::make_shared<int>();
  {
    actor_fixture shard;
    auto asked = shard.system.spawn(silent, witness);
    auto waiting = shard.system.spawn(asking, asked, witness);
    shard.scheduler.run();
    caf::anon_send(waiting, 1);
  }
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(ends_on_another_thread_than_it_ran_on) {
  auto witness = std::make_shared<int>();
  int floods = 0;
  auto shard = std::make_unique<actor_fixture>();
  std::thread{[&] {
    auto busy = shard->system.spawn<caf::hidden>(flooder, witness);
    caf::anon_send(busy, flood{&floods});
    shard->scheduler.run(10);
  }}.join();
  shard.reset();
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(frees_an_actor_with_its_last_handle) {
  auto witness = std::make_shared<int>();
  actor_fixture shard;
  auto idle = shard.system.spawn<caf::hidden>(flooder, witness);
  shard.scheduler.run();
  BOOST_TEST(witness.use_count() > 1);
  idle = nullptr;
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(never_lets_a_time_out_fire) {
  actor_fixture shard;
  time_out_counts counted;
  auto asked = shard.system.spawn(silent, nullptr);
  auto actor = shard.system.spawn(time_out_actor, asked, &counted);

  for (int step = 0; step < 3; ++step) {
    shard.scheduler.run();
    BOOST_TEST(!shard.scheduler.wait_inbox(1ms));
  }

  BOOST_TEST(counted.delayed == 0);
  BOOST_TEST(counted.timed_out == 0);
  BOOST_TEST(counted.answered == 0);
  BOOST_CHECK(shard.system.clock().now() == caf::actor_clock::time_point{});
}

BOOST_AUTO_TEST_CASE(survives_an_actor_that_prints) {
  actor_fixture shard;
  auto receiver = shard.system.spawn<caf::hidden>(doubler, 2);
  // CAF prints the unexpected message.
  caf::anon_send(receiver, std::string{"this line is expected"});
  BOOST_TEST(shard.scheduler.run() > 0U);
}

BOOST_AUTO_TEST_CASE(ends_its_run_when_a_job_asks_for_it) {
  struct last_job final : caf::resumable {
    int resumed = 0;
    resume_result resume(caf::execution_unit*, std::size_t) override {
      ++resumed;
      return shutdown_execution_unit;
    }
    void intrusive_ptr_add_ref_impl() override {}
    void intrusive_ptr_release_impl() override {}
  };
  actor_fixture shard;
  shard.scheduler.run();
  last_job last;
  shard.scheduler.enqueue(&last);
  shard.scheduler.enqueue(&last);
  BOOST_TEST(shard.scheduler.run() == 1U);
  BOOST_TEST(last.resumed == 1);
  BOOST_TEST(shard.scheduler.run() == 1U);
  BOOST_TEST(last.resumed == 2);
}

BOOST_AUTO_TEST_CASE(loses_no_message_of_foreign_threads_and_keeps_their_order) {
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer does not see CAF's mailboxes. It takes every message for a race, and its time grows with the square
  // of their number even though they are suppressed.
  constexpr int dead_letters_each = 500;
#else
  constexpr int dead_letters_each = 10'000;
#endif
  actor_fixture shard;
  receipts all;
  std::array<box_actor, 16> boxes;
  for (auto& one : boxes)
    one = shard.system.spawn<caf::hidden>(box, &all);
  std::vector<std::thread> threads;
  threads.reserve(dead_letter_senders);
  for (int sender = 0; sender < dead_letter_senders; ++sender)
    threads.emplace_back([&boxes, sender] {
      for (int number = 0; number < dead_letters_each; ++number)
        caf::anon_send(boxes[static_cast<std::size_t>(number) % boxes.size()], dead_letter{sender, number});
    });

  // Only a failing test waits that long; messages wake a passing one.
  do
    shard.scheduler.run();
  while (all.received < dead_letter_senders * dead_letters_each && shard.scheduler.wait_inbox(60s));
  for (auto& thread : threads)
    thread.join();

  BOOST_TEST(all.received == dead_letter_senders * dead_letters_each);
  BOOST_TEST(all.misplaced == 0);
  BOOST_TEST(shard.scheduler.run() == 0U);
}

BOOST_AUTO_TEST_CASE(wakes_its_owner_for_a_foreign_thread) {
  actor_fixture shard;
  receipts all;
  auto one = shard.system.spawn<caf::hidden>(box, &all);
  shard.scheduler.run();
  BOOST_TEST(!shard.scheduler.wait_inbox(0ms));
  std::thread foreign{[&one] { caf::anon_send(one, dead_letter{0, 0}); }};

  BOOST_TEST(shard.scheduler.wait_inbox(60s));
  shard.scheduler.run();

  foreign.join();
  BOOST_TEST(all.received == 1);
  BOOST_TEST(!shard.scheduler.wait_inbox(0ms));
}

BOOST_AUTO_TEST_CASE(runs_beside_another_on_another_thread) {
  std::array<trace, 2> seen;
  std::vector<std::thread> threads;
  threads.reserve(seen.size());
  for (auto& one : seen)
    threads.emplace_back([&one] {
      for (int again = 0; again < 50; ++again) {
        auto more = trace_of_one_run();
        one.insert(one.end(), more.begin(), more.end());
      }
    });
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(!seen[0].empty());
  BOOST_CHECK(seen[0] == seen[1]);
}

BOOST_AUTO_TEST_SUITE_END()
