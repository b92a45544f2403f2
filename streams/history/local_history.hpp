// SPDX-License-Identifier: Apache-2.0
//
// What a local store holds of its input, as a history: the events that the deployment admitted, each with the `now` of
// its epoch, and the requests for reviews that it wrote.
#pragma once

#include <filesystem>

#include "streams/history/packer.hpp"
#include "streams/history/source_hooks.hpp"

namespace fairuse::history {

/// Reads what was published; an engine may run meanwhile. `into` gets the start (if retention has taken inputs, the
/// oldest checkpoint that is followed by all input since, or `cold`), whether arrivals are known, the horizon, the
/// range of epochs and the policies in force. The retention of usage is not in a store. REQUIRES: the packer does not
/// judge lateness. Errors: io, damaged (a checkpoint, too), wrong_key, misuse (`stopped`).
result<void, store_error> pack_local_store(const std::filesystem::path& folder, const source_hooks& with, packer& to,
                                           history_contents& into);

} // namespace fairuse::history
