// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Requests for reviews and their time-outs, from the decisions that tell of them.
#pragma once

#include <string_view>

#include "streams/history/packer.hpp"

namespace fairuse::history {

/// A decision as a store keeps it, one line of JSON. Those that are about no request are passed over, and those of
/// epochs before `first_epoch`.
result<void, store_error> add_review_of(std::string_view line, std::uint64_t first_epoch, packer& to);

/// The same of a record: `data` is its value.
result<void, store_error> add_review_of(std::string_view uid, time_ms at, std::string_view data,
                                        std::uint64_t first_epoch, packer& to);

} // namespace fairuse::history
