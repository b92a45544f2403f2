// SPDX-License-Identifier: Apache-2.0
//
// Local mode tells a gate what it has to know: first of the users whom the store has, read by a thread of its own, then
// what every commit changed. What is committed meanwhile is held back, so that rows come in the order of epochs.
// Threads: made and destroyed on one; tell() from the store's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/user_scan.hpp"
#include "streams/enforcement_row.hpp"

namespace fairuse {

class enforcement_teller {
public:
  using told = std::function<void(const enforcement_changes&)>;
  using failed = std::function<void(const std::string&)>;

  /// `first`: epoch, now and controls of the last commit. `gate` is never called twice at once.
  enforcement_teller(enforcement_changes first, std::unique_ptr<user_scan> users, told gate, failed why);

  /// Of a commit that is published.
  void tell(enforcement_changes changes);

private:
  void read_users(const std::stop_token& stop);
  result<bool, store_error> read_some(enforcement_changes& into);
  void end_of_start();

  const enforcement_changes first_;
  const std::unique_ptr<user_scan> users_;
  const told gate_;
  const failed failed_;
  std::mutex mutex_;
  bool started_ = false;
  std::vector<enforcement_changes> held_back_;
  // Stops and joins.
  std::jthread thread_;
};

} // namespace fairuse
