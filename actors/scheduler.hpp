// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace fairuse {

/// An actor clock that never advances and drops every time-out and delayed message.
///
/// Deadlines of the engine are data, and the event time is their only clock. A time-out of an actor would be a second
/// clock, and runs would differ.
class inert_clock final : public caf::actor_clock {
public:
  time_point now() const noexcept override { return {}; }
  void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value, uint64_t) override {}
  void set_multi_timeout(time_point, caf::abstract_actor*, caf::atom_value, uint64_t) override {}
  void set_request_timeout(time_point, caf::abstract_actor*, caf::message_id) override {}
  void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override {}
  void cancel_request_timeout(caf::abstract_actor*, caf::message_id) override {}
  void cancel_timeouts(caf::abstract_actor*) override {}
  void schedule_message(time_point, caf::strong_actor_ptr, caf::mailbox_element_ptr) override {}
  void schedule_message(time_point, caf::group, caf::strong_actor_ptr, caf::message) override {}
  void cancel_all() override {}
};

/// Runs all actors of one actor system on the thread that calls `run`, in the order in which they became ready.
///
/// Load it before the system starts; the system then has no worker, timer or printer thread:
///
///     caf::actor_system_config config;
///     config.load<fairuse::single_thread_scheduler>();
///     caf::actor_system system{config};
///     auto& scheduler = fairuse::single_thread_scheduler::of(system);
///     ... spawn, send ...
///     scheduler.run();
///
/// Threads: `run` makes its caller the owner. One thread owns a scheduler until it ends; what the owner sends
/// takes no lock. Any other thread may send and spawn at any time: its jobs go through the inbox, which takes a lock.
/// Systems on different threads share nothing.
///
/// Invariants:
/// 1. Without foreign threads the order of all handlers is a function of the order of sends.
/// 2. A turn (one resume of one actor) handles at most `messages_per_turn_max` messages, so no actor starves another.
/// 3. After `run()` without a bound, no actor has an unread message but those a foreign thread sent since.
///
/// Shutdown: the system does not wait for its actors. Idle ones go with their last handle; those with pending messages
/// are ended with `user_shutdown` and their messages dropped, since an actor that messages itself would never be idle.
/// REQUIRES: no handle of the system outlives it, no foreign thread sends into it while it goes down.
class single_thread_scheduler final : public caf::scheduler::abstract_coordinator, public caf::execution_unit {
public:
  static constexpr std::size_t messages_per_turn_max = 256;

  explicit single_thread_scheduler(caf::actor_system& system);

  /// The scheduler of `system`. REQUIRES: `system` was started with this scheduler loaded.
  static single_thread_scheduler& of(caf::actor_system& system);

  /// Give turns until no actor is ready or `turns_max` were given. Returns the number of turns given.
  /// REQUIRES: not called from inside an actor.
  std::size_t run(std::size_t turns_max = std::numeric_limits<std::size_t>::max());

  /// Block until a foreign thread has sent something or `patience` is over. Returns whether there is work to `run`.
  /// REQUIRES: called by the owner, not from inside an actor.
  bool wait_inbox(std::chrono::milliseconds patience);

  /// Called by CAF for sends without an executing actor, from any thread.
  void enqueue(caf::resumable* job) override;

  /// Called by CAF for sends of the actor whose turn it is.
  void exec_later(caf::resumable* job) override { ready_.push_back(job); }

  /// Called by `actor_system_config::load`.
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);

  void init(caf::actor_system_config& config) override;
  void start() override;
  void stop() override;
  bool detaches_utility_actors() const override { return false; }
  caf::actor_clock& clock() noexcept override { return clock_; }

  // Both bases have a `system()`, and both return the same one.
  using caf::scheduler::abstract_coordinator::system;

private:
  bool next_round();
  void take_inbox();
  void end(caf::resumable* job);

  inert_clock clock_;
  std::atomic<std::thread::id> owner_;

  // The round being given turns, and what became ready meanwhile. Two vectors swapped are a queue without a node or a
  // bounds wrap per job.
  std::vector<caf::resumable*> round_;
  std::size_t round_next_ = 0;
  std::vector<caf::resumable*> ready_;

  // The owner reads `inbox_filled_` without the lock.
  std::atomic<bool> inbox_filled_ = false;
  std::mutex inbox_mutex_;
  std::condition_variable inbox_filled_signal_;
  std::vector<caf::resumable*> inbox_;
};

} // namespace fairuse
