// SPDX-License-Identifier: Apache-2.0
//
// The policies that a local store runs, for what reads the store beside its engine.
#pragma once

#include <filesystem>
#include <memory>

#include "core/policy_set.hpp"
#include "storage/local_reader.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

/// Those in force as of the newest commit. `folder`: of the store, for the error.
result<std::shared_ptr<const policy_set>, store_error> read_stored_policies(const local_reader& reader,
                                                                            const std::filesystem::path& folder);

} // namespace fairuse
