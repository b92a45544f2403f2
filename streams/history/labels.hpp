// SPDX-License-Identifier: Apache-2.0
//
// What is known to be true of users, from a CSV with the columns uid and label.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "streams/history/pack_files.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

/// The labels that there are, as history_contents has them.
std::vector<user_label> known_labels();

/// Place of each user's label in known_labels().
using labels_by_user = std::map<std::string, std::uint32_t, std::less<>>;

/// One line that cannot be used refuses the file: rates follow from labels.
result<labels_by_user, file_failure> read_labels(const std::string& file, std::function<bool()> stopped);

/// The same into a history; how many users got one.
result<std::uint64_t, file_failure> add_labels(const std::string& file, packer& to, std::function<bool()> stopped);

} // namespace fairuse::history
