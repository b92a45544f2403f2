// SPDX-License-Identifier: Apache-2.0
//
// With which decision rules the epochs of a capture were decided: the setups in its journals say so, epoch by epoch.
#pragma once

#include <string>

#include "streams/kafka/capture/capture_file.hpp"

namespace fairuse::kafka {

/// Empty: this program's rules decided all epochs of the partition. Else a sentence that names the epochs with their
/// rules and builds. What cannot be read is passed over; whoever replays the capture reports it.
std::string other_rules(const capture_reader& capture, const captured_partition& partition);

} // namespace fairuse::kafka
