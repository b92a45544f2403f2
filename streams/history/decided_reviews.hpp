// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Requests for reviews and their time-outs, from the decisions that tell of them.
// Threads: one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "streams/history/packer.hpp"
#include "streams/history/told_decision.hpp"

namespace fairuse::history {

/// Takes the decisions of a partition in their order. Most are passed over, and those of epochs before `first_epoch`.
class decided_reviews {
public:
  decided_reviews(std::uint64_t first_epoch, packer& to) : first_epoch_(first_epoch), to_(to) {}

  /// `headers`: of a record; none: the value is all of it, as a store keeps it.
  result<void, store_error> add(std::span<const wire_header> headers, std::string_view value);

private:
  std::uint64_t first_epoch_;
  packer& to_;
  decision_reader reader_;
  /// Who was erased last, and in which epoch.
  std::string erased_;
  std::uint64_t erased_in_ = 0;
};

} // namespace fairuse::history
