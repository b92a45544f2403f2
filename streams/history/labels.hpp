// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What is known to be true of users, from a CSV with the columns uid and label.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "streams/history/pack_files.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

/// The labels that there are, as history_contents has them.
std::vector<user_label> known_labels();

/// How many users got one. One line that cannot be used refuses the file: rates follow from labels.
result<std::uint64_t, file_failure> read_labels(const std::string& file, packer& to, std::function<bool()> stopped);

} // namespace fairuse::history
