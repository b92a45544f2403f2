// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/partitioner.hpp"

#include <string>

#include <boost/test/unit_test.hpp>
#include <librdkafka/rdkafka.h>
#include <rapidcheck.h>

using namespace fairuse::kafka;

namespace {

using reference = std::int32_t (*)(const rd_kafka_topic_t*, const void*, std::size_t, std::int32_t, void*, void*);

struct pairing {
  key_hash ours;
  reference theirs;
};

// librdkafka's own functions, which ignore the topic.
constexpr pairing pairings[] = {
    {key_hash::murmur2, rd_kafka_msg_partitioner_murmur2},
    {key_hash::crc32, rd_kafka_msg_partitioner_consistent},
    {key_hash::fnv1a, rd_kafka_msg_partitioner_fnv1a},
};

bool agree(const pairing& each, const std::string& key, std::int32_t count) {
  return partition_of(each.ours, key, count) == each.theirs(nullptr, key.data(), key.size(), count, nullptr, nullptr);
}

} // namespace

BOOST_AUTO_TEST_SUITE(partitioners)

// From the unit tests of Kafka's Java client: the hash itself, read off with a count that does not fold it.
BOOST_AUTO_TEST_CASE(murmur2_is_that_of_java_producers) {
  constexpr std::int32_t unfolded = 0x7fffffff;
  const struct {
    const char* key;
    std::int32_t hash;
  } rows[] = {{"21", -973932308},
              {"foobar", -790332482},
              {"a-little-bit-long-string", -985981536},
              {"a-little-bit-longer-string", -1486304829},
              {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
              {"abc", 479470107}};
  for (const auto& row : rows)
    BOOST_TEST(partition_of(key_hash::murmur2, row.key, unfolded) == (row.hash & 0x7fffffff) % unfolded, row.key);
}

BOOST_AUTO_TEST_CASE(crc32_is_that_of_zlib) {
  // The check value of the polynomial, "123456789" -> 0xcbf43926.
  BOOST_TEST(partition_of(key_hash::crc32, "123456789", 0x7fffffff)
             == static_cast<std::int32_t>(0xcbf43926U % 0x7fffffffU));
}

BOOST_AUTO_TEST_CASE(every_hash_agrees_with_librdkafka) {
  for (const auto& each : pairings)
    for (const auto* key : {"a", "ab", "abc", "abcd", "user-1", "user-17", "\xff\x80\x01", "Zoë", "0123456789abcdef"})
      for (const std::int32_t count : {1, 2, 3, 4, 12, 100, 1'000'003})
        BOOST_TEST(agree(each, key, count), key << " " << count);
  BOOST_TEST(rc::check([] {
    const auto key = *rc::gen::arbitrary<std::string>();
    const auto count = *rc::gen::inRange<std::int32_t>(1, 100'000);
    for (const auto& each : pairings)
      if (not key.empty()) RC_ASSERT(agree(each, key, count));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
