// SPDX-License-Identifier: Apache-2.0
//
// A partition made once more from nothing but its journal, its inputs and the policies: another store, other actors,
// everybody kept in memory. What comes out must be what is on the topics, byte for byte (I4, I5, I7); and the same
// through a capture file, as `fairuse capture export` and `fairuse verify` do it.
// Threads: one.
#pragma once

#include <filesystem>

#include "streams/kafka/capture/capture_export.hpp"
#include "streams/kafka/capture/verify.hpp"
#include "tests/protocol/history.hpp"

namespace fairuse::protocol {

/// Throws broken_promise.
void check_replay(world& in, const history& of);
/// All partitions, through a file. Throws broken_promise.
void check_capture(world& in);

kafka::export_wish wish_of(world& in);
/// Throws broken_promise if it does not open.
kafka::verify_result verify_file(world& in, const std::filesystem::path& file);

} // namespace fairuse::protocol
