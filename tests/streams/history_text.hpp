// SPDX-License-Identifier: Apache-2.0
//
// A history as text, for comparisons: what a replay would see.
#pragma once

#include <filesystem>
#include <string>

#include "storage/history/history_file.hpp"

namespace fairuse {

/// REQUIRES: the file can be read.
history::history_contents contents_of(const std::filesystem::path& file);

/// `UID NOW EVENT` of every event in order, then the reviews of the user: `UID SLOT-NUMBER ENDING ASKED ENDED`. Times
/// are seconds since test_start.
std::string text_of(const std::filesystem::path& file);

} // namespace fairuse
