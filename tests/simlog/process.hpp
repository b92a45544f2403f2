// SPDX-License-Identifier: Apache-2.0
//
// One simulated process: what its client objects have in common. It decides at each call which fault happens, keeps the
// members in their groups (a call of any object is a heartbeat of all, as a background thread would send it), and is
// dead after a crash. Threads: one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/simlog/fault_plan.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::simlog {

/// What a client does about a request or a reply that got lost.
enum class outcome : std::uint8_t {
  settles, ///< tries again by itself and has the answer
  repeats, ///< answers `again`
  breaks,  ///< answers `broken`: the outcome is not known. Only at commit and abort, else as `repeats`
};

struct client_options {
  milliseconds session{45'000};
  milliseconds transaction{30'000};
  /// Records of one poll.
  std::size_t batch = 2'000;
  /// Nullopt: drawn from the fault plan.
  std::optional<outcome> after_loss;
  /// Of late requests and markers. Nullopt: drawn from the fault plan.
  std::optional<delay> lateness;
};

/// A request with everything that can happen to it.
struct request {
  point where;
  /// Sends it; with `late_markers` if it ends a transaction.
  std::function<kafka::call_result<>(const marker_delays&)> send;
  /// What arrives once more, later. Empty: nothing can.
  std::function<void()> copy;
};

class process {
public:
  /// A member that has to be kept in its group.
  class heartbeat_sender {
  public:
    virtual ~heartbeat_sender() = default;
    virtual void beat() = 0;
  };

  process(simulated_log& on, client_options how, fault_plan& plan) : log(on), options(how), faults(plan) {}

  bool dead() const { return dead_; }
  void enlist(heartbeat_sender& who) { members_.push_back(&who); }
  void dismiss(heartbeat_sender& who) { std::erase(members_, &who); }

  /// For calls that send nothing that could get lost: crashes if drawn, returns any other fault.
  fault pass(point where);
  /// For calls that cannot throw because they are made inside an actor: the process is dead afterwards, and its
  /// driver finds out by simulated_cluster::dead().
  fault pass_quietly(point where);
  /// The end of a call that began with pass().
  void leave(point where, fault what) {
    if (what == fault::crash_after) die(where, false);
  }
  /// `had_errors` is set where the client would have noticed.
  kafka::call_result<> ask(const request& what, bool& had_errors);
  /// `again`; the caller has waited.
  kafka::call_error again(const std::string& code);
  static kafka::call_error gone() { return {kafka::next_action::broken, "_DESTROY", "the process has died"}; }

  simulated_log& log;
  const client_options options;
  fault_plan& faults;

private:
  void arrive();
  [[noreturn]] void die(point where, bool before);
  kafka::call_result<> struck(const request& what, fault how);
  kafka::call_result<> after_loss(const request& what);
  delay draw_delay();

  std::vector<heartbeat_sender*> members_;
  bool dead_ = false;
};

} // namespace fairuse::simlog
