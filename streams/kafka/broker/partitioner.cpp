// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/partitioner.hpp"

#include <array>
#include <cassert>
#include <cstddef>

namespace fairuse::kafka {

namespace {

constexpr std::uint32_t byte_at(std::string_view key, std::size_t i) { return static_cast<unsigned char>(key[i]); }

// Austin Appleby's MurmurHash2 with the seed that Kafka's Java client has.
std::uint32_t murmur2(std::string_view key) {
  constexpr std::uint32_t mix = 0x5bd1e995;
  const auto length = key.size();
  auto hash = std::uint32_t{0x9747b28c} ^ static_cast<std::uint32_t>(length);
  const auto whole = length - length % 4;
  for (std::size_t i = 0; i < whole; i += 4) {
    auto word = byte_at(key, i) | byte_at(key, i + 1) << 8U | byte_at(key, i + 2) << 16U | byte_at(key, i + 3) << 24U;
    word *= mix;
    word ^= word >> 24U;
    hash = hash * mix ^ word * mix;
  }
  if (whole < length) {
    for (auto i = length; i-- > whole;)
      hash ^= byte_at(key, i) << (8U * (i - whole));
    hash *= mix;
  }
  hash ^= hash >> 13U;
  hash *= mix;
  return hash ^ hash >> 15U;
}

// The reflected polynomial of zlib and Ethernet.
constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    auto value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? 0xedb88320U ^ value >> 1U : value >> 1U;
    table[i] = value;
  }
  return table;
}

std::uint32_t crc32(std::string_view key) {
  static constexpr auto table = crc_table();
  std::uint32_t sum = 0xffffffffU;
  for (std::size_t i = 0; i < key.size(); ++i)
    sum = table[(sum ^ byte_at(key, i)) & 0xffU] ^ sum >> 8U;
  return ~sum;
}

// Sarama takes the absolute value of the signed hash.
std::uint32_t fnv1a(std::string_view key) {
  std::uint32_t hash = 0x811c9dc5U;
  for (std::size_t i = 0; i < key.size(); ++i)
    hash = (hash ^ byte_at(key, i)) * 0x01000193U;
  return hash > 0x7fffffffU ? 0U - hash : hash;
}

} // namespace

std::int32_t partition_of(key_hash how, std::string_view key, std::int32_t count) {
  assert(count > 0);
  const auto partitions = static_cast<std::uint32_t>(count);
  switch (how) {
    case key_hash::murmur2:
      return static_cast<std::int32_t>((murmur2(key) & 0x7fffffffU) % partitions);
    case key_hash::crc32:
      return static_cast<std::int32_t>(crc32(key) % partitions);
    case key_hash::fnv1a:
      break;
  }
  return static_cast<std::int32_t>(fnv1a(key) % partitions);
}

} // namespace fairuse::kafka
