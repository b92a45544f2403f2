// SPDX-License-Identifier: Apache-2.0
//
// How a sink numbers decisions: `<partition>-<epoch>-<seq>`, and `<partition>-<epoch>-s<seq>` for what is not live.
// Threads: one object per thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "events/decision.hpp"

namespace fairuse {

/// Of the live slot, or a command's own. Only these are enforced, have cases and notify; the others are of shadows, or
/// of the slot `off`.
inline bool is_live(const decision& what) { return what.slot == nullptr or what.slot->enforced; }

class decision_ids {
public:
  explicit decision_ids(std::int32_t partition) : partition_(partition) {}

  void begin_epoch(std::uint64_t epoch) {
    begin_ = std::to_string(partition_) + '-' + std::to_string(epoch) + '-';
    live_ = 0;
    others_ = 0;
  }

  /// REQUIRES: called once for each decision, in their order.
  std::string_view next(const decision& what) {
    id_ = begin_;
    id_ += is_live(what) ? std::to_string(live_++) : 's' + std::to_string(others_++);
    return id_;
  }
  /// What next() returned last.
  std::string_view last() const { return id_; }

private:
  std::int32_t partition_;
  std::string begin_;
  std::string id_;
  std::uint32_t live_ = 0;
  std::uint32_t others_ = 0;
};

} // namespace fairuse
