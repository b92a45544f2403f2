// SPDX-License-Identifier: Apache-2.0

#include "cli/stop_signal.hpp"

#include <csignal>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace fairuse::cli {

namespace {

// SIGUSR1 ends the watching thread.
sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGUSR1})
    sigaddset(&set, each);
  return set;
}

} // namespace

void stop_signal::block() {
  const auto set = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

stop_signal::stop_signal(std::function<void()> on_signal) : told_{std::move(on_signal)} {
  thread_ = std::thread{[this] { watch(); }};
}

stop_signal::~stop_signal() {
  done_ = true;
  ::pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

bool stop_signal::was_interrupt() const { return came_ == SIGINT; }

void stop_signal::watch() {
  const auto set = watched_signals();
  while (not done_) {
    int which = 0;
    if (::sigwait(&set, &which) != 0 or which == SIGUSR1) continue;
    if (came_ != 0 and which == SIGINT) ::_exit(exit_interrupted);
    if (came_.exchange(which) == 0) told_();
  }
}

} // namespace fairuse::cli
