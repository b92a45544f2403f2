// SPDX-License-Identifier: Apache-2.0
//
// The reviewer or the notifier as a thread of `fairuse run`. If it fails it is started again after a while: the engine
// goes on without it. If it is refused, because the deployment or the store cannot be used for it, `refused` is told.
// Threads: made and destroyed on one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/deployment.hpp"
#include "engine/run_error.hpp"

namespace fairuse::cli {

class side_thread {
public:
  /// Runs until the token asks for a stop, or fails.
  using body = std::function<run_result<void>(std::stop_token)>;

  side_thread(std::string name, body run, std::function<void(const run_error&)> refused)
    : name_{std::move(name)},
      run_{std::move(run)},
      refused_{std::move(refused)},
      thread_{[this](const std::stop_token& stop) { keep_running(stop); }} {}

private:
  void keep_running(const std::stop_token& stop);

  std::string name_;
  body run_;
  std::function<void(const run_error&)> refused_;
  // Stops and joins.
  std::jthread thread_;
};

/// Those that the deployment wants (`with_engine`). REQUIRES: the engine has opened the store in `state`.
std::vector<std::unique_ptr<side_thread>> start_side_threads(const deployment& settings,
                                                             const std::filesystem::path& state,
                                                             const std::string& case_key,
                                                             const std::function<void(const run_error&)>& refused);

} // namespace fairuse::cli
