// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Requests for reviews and their time-outs, from the decisions that tell of them.
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "streams/history/packer.hpp"

namespace fairuse::history {

/// Takes the decisions of a partition in their order. Most are passed over, and those of epochs before `first_epoch`.
class decided_reviews {
public:
  decided_reviews(std::uint64_t first_epoch, packer& to) : first_epoch_(first_epoch), to_(to) {}

  /// As a store keeps it: one line of JSON.
  result<void, store_error> add(std::string_view line);
  /// Of a record: `data` is its value.
  result<void, store_error> add(std::string_view uid, time_ms at, std::string_view data);

private:
  struct decided;
  result<void, store_error> take(const decided& what);

  std::uint64_t first_epoch_;
  packer& to_;
  /// Who was erased last, and in which epoch.
  std::string erased_;
  std::uint64_t erased_in_ = 0;
};

} // namespace fairuse::history
