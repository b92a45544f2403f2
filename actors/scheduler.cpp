// SPDX-License-Identifier: Apache-2.0
#include "actors/scheduler.hpp"

#include <iostream>
#include <string>
#include <utility>

#include <caf/actor_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/scheduled_actor.hpp>

namespace fairuse {

namespace {

/// Writes what actors print (CAF reports unexpected messages this way) at once, on the sender's thread. CAF's own
/// printer is a thread of its own.
class direct_printer final : public caf::monitorable_actor {
public:
  explicit direct_printer(caf::actor_config& config) : monitorable_actor(config) {}

  const char* name() const override { return "printer"; }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    const auto& content = element->content();
    if (content.match_elements<caf::add_atom, caf::actor_id, std::string>())
      std::clog << content.get_as<std::string>(2);
  }
};

} // namespace

single_thread_scheduler::single_thread_scheduler(caf::actor_system& system)
  : abstract_coordinator(system), execution_unit(&system) {}

single_thread_scheduler& single_thread_scheduler::of(caf::actor_system& system) {
  return dynamic_cast<single_thread_scheduler&>(system.scheduler());
}

caf::actor_system::module* single_thread_scheduler::make(caf::actor_system& system, caf::detail::type_list<>) {
  return new single_thread_scheduler(system);
}

std::size_t single_thread_scheduler::run(std::size_t turns_max) {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::size_t turns = 0;
  while (turns < turns_max && (round_next_ < round_.size() || next_round())) {
    auto* job = round_[round_next_++];
    ++turns;
    switch (job->resume(this, messages_per_turn_max)) {
      case caf::resumable::resume_later:
        ready_.push_back(job);
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
        // The queue held a reference so that a ready actor cannot go away.
        caf::intrusive_ptr_release(job);
        break;
      case caf::resumable::shutdown_execution_unit:
        // The job that ends the loop stays its sender's: CAF's workers do not release it either.
        return turns;
    }
  }
  return turns;
}

bool single_thread_scheduler::wait_inbox(std::chrono::milliseconds patience) {
  if (round_next_ < round_.size() || !ready_.empty()) return true;
  std::unique_lock lock{inbox_mutex_};
  return inbox_filled_signal_.wait_for(lock, patience, [this] { return !inbox_.empty(); });
}

void single_thread_scheduler::enqueue(caf::resumable* job) {
  if (owner_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    ready_.push_back(job);
    return;
  }
  // Signal under the lock: the owner may destroy this object as soon as it has taken the job.
  std::lock_guard lock{inbox_mutex_};
  inbox_.push_back(job);
  inbox_filled_.store(true, std::memory_order_release);
  inbox_filled_signal_.notify_one();
}

void single_thread_scheduler::init(caf::actor_system_config& config) {
  abstract_coordinator::init(config);
  max_throughput_ = messages_per_turn_max;
  num_workers_ = 0;
  // No turns are given during the shutdown, so the system would wait for its actors for ever.
  system().await_actors_before_shutdown(false);
}

void single_thread_scheduler::start() {
  caf::actor_config config{this};
  utility_actors_[printer_id] =
      caf::make_actor<direct_printer, caf::actor>(system().next_actor_id(), system().node(), &system(), config);
}

void single_thread_scheduler::stop() {
  // Another thread than the one that ran the system may end it.
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  // An actor that ends sends messages, which make others ready. Each ends once, so the loop is finite.
  while (round_next_ < round_.size() || next_round())
    end(round_[round_next_++]);
}

/// Replace the used-up round by the jobs that became ready meanwhile. The inbox joins at every round, not only at the
/// last, because the owner may wait for an actor that is ready in the inbox, and one that is never idle must not starve
/// the others. Returns whether there are any.
bool single_thread_scheduler::next_round() {
  if (inbox_filled_.load(std::memory_order_acquire)) take_inbox();
  round_.clear();
  round_next_ = 0;
  std::swap(round_, ready_);
  return !round_.empty();
}

void single_thread_scheduler::take_inbox() {
  std::lock_guard lock{inbox_mutex_};
  ready_.insert(ready_.end(), inbox_.begin(), inbox_.end());
  inbox_.clear();
  inbox_filled_.store(false, std::memory_order_relaxed);
}

/// End an actor without giving it another turn. CAF's `cleanup_and_release` would keep its state and its behaviours,
/// and with them the handles in them.
void single_thread_scheduler::end(caf::resumable* job) {
  if (job->subtype() == caf::resumable::scheduled_actor) {
    auto* actor = static_cast<caf::scheduled_actor*>(job);
    actor->context(this);
    actor->quit(caf::exit_reason::user_shutdown);
    // An actor that waits for a response refuses to finish on its own.
    if (!actor->finalize()) {
      actor->on_exit();
      actor->cleanup(caf::exit_reason::user_shutdown, this);
    }
  }
  caf::intrusive_ptr_release(job);
}

} // namespace fairuse
