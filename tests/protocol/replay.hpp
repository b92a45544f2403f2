// SPDX-License-Identifier: Apache-2.0
//
// A partition made again from its journal, its inputs and the policies alone, with another store, other actors and all
// users in memory. What comes out must be what is on the topics, byte for byte (I4, I5, I7); and the same through a
// capture file, as `fairuse capture export` and `fairuse verify` do it.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>

#include "streams/kafka/capture/capture_export.hpp"
#include "streams/kafka/capture/verify.hpp"
#include "tests/protocol/committed_log.hpp"

namespace fairuse::protocol {

/// Throws broken_invariant.
void check_replay(fixture& in, const committed_log& of);
/// All partitions, through a file. Throws broken_invariant.
void check_capture(fixture& in);

/// As `fairuse capture checkpoint` would have left it after that epoch. Throws broken_invariant.
void write_checkpoint(fixture& in, const std::filesystem::path& file, std::uint64_t epoch);

kafka::export_wish wish_of(fixture& in);
/// Throws broken_invariant if it does not open.
kafka::verify_result verify_file(fixture& in, const std::filesystem::path& file, unsigned workers = 2);

} // namespace fairuse::protocol
