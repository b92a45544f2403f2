// SPDX-License-Identifier: Apache-2.0
//
// What a case says that users do, as a history.
#pragma once

#include <filesystem>
#include <memory>

#include "base/pure/result.hpp"
#include "sim/cases/policy_case.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::cli {

/// The case's own history, or one that is made of its sentences or files in `folder`. The error is for people.
result<std::unique_ptr<history::history_reader>> open_case_history(const sim::policy_case& of,
                                                                   const std::filesystem::path& folder);

} // namespace fairuse::cli
