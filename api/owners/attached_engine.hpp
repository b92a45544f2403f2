// SPDX-License-Identifier: Apache-2.0
//
// The engine of this process, as long as there is one: the API begins before it and ends after it.
// Threads: attach() and detach() on one; the others from any.
#pragma once

#include <shared_mutex>
#include <utility>
#include <vector>

#include "engine/engine.hpp"

namespace fairuse {

class attached_engine {
public:
  void attach(engine& running) {
    const std::unique_lock guard{mutex_};
    running_ = &running;
  }
  /// Nobody asks it any more when this returns.
  void detach() {
    const std::unique_lock guard{mutex_};
    running_ = nullptr;
  }

  void ask(user_question question) {
    const std::shared_lock guard{mutex_};
    if (running_ != nullptr)
      running_->ask(std::move(question));
    else
      question.told(nullptr);
  }
  std::vector<owned_partition> owned() {
    const std::shared_lock guard{mutex_};
    return running_ == nullptr ? std::vector<owned_partition>{} : running_->owned();
  }

private:
  std::shared_mutex mutex_;
  engine* running_ = nullptr;
};

} // namespace fairuse
