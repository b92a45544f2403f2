// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What a history says of the checkpoint that it begins with, as a deployment's meta row
// has it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "storage/history/history_file.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::history {

inline history_checkpoint checkpoint_of(std::int32_t partition, std::uint64_t epoch, time_ms now,
                                        const std::map<std::string, std::string>& settings) {
  auto ages = kept_ages_from(settings);
  return {.partition = partition,
          .epoch = epoch,
          .now = now,
          .profiles = std::move(ages.profiles),
          .slots = std::move(ages.slots)};
}

} // namespace fairuse::history
