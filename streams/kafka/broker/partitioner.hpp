// SPDX-License-Identifier: Apache-2.0
//
// Which partition a producer chooses for a key: the hashes of Java's clients, of librdkafka and of Sarama, bit for bit.
// A user's events must be on the partition of the user's state, so every record is checked.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairuse::kafka {

enum class key_hash : std::uint8_t {
  murmur2, ///< Java producers; librdkafka's murmur2 and murmur2_random
  crc32,   ///< librdkafka's consistent and consistent_random, and what is built on it
  fnv1a,   ///< Sarama; librdkafka's fnv1a and fnv1a_random
};

/// REQUIRES: count > 0. An empty key has a partition too; the `_random` variants scatter it.
std::int32_t partition_of(key_hash how, std::string_view key, std::int32_t count);

} // namespace fairuse::kafka
