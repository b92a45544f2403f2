// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/kafka. A refused input record as it goes to the dead letters: key, value and headers byte for
// byte, then headers of ours with the reason, the place and the remedy. Only a record that would pass the limit is cut:
// the value first, then all headers of the sender, then the key; what was cut leaves its length and its SHA-256.
#pragma once

#include <cstddef>
#include <cstdint>

#include "streams/kafka/outputs/outputs.hpp"

namespace fairuse::kafka {

void write_dead_letter(const dead_record& from, std::uint64_t epoch, std::size_t bytes_max, const take_output& take);

} // namespace fairuse::kafka
