// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/broker/read_committed.hpp"

#include <fmt/format.h>

namespace fairuse::kafka {

namespace {

using std::chrono::steady_clock;

constexpr milliseconds poll_wait{100};

} // namespace

call_result<> read_committed_batches(cluster& brokers, const topic_partition& of, std::int64_t from, std::int64_t end,
                                     milliseconds patience,
                                     const std::function<void(const record_batch&, std::size_t)>& visit) {
  if (from >= end) return {};
  const auto reading = brokers.make_reader(isolation::committed);
  const position first{of, from};
  if (auto started = reading->start(std::span(&first, 1)); not started) return started;
  auto heard = steady_clock::now();
  auto reached = from;
  while (reached < end) {
    if (const auto batch = reading->poll(poll_wait)) {
      for (std::size_t i = 0; i < batch->records().size(); ++i)
        if (batch->records()[i].offset < end) visit(*batch, i);
      heard = steady_clock::now();
    }
    reached = reading->position_of(of);
    if (auto stuck = reading->failure(); not stuck) return stuck;
    if (steady_clock::now() - heard > patience)
      return call_error{
          next_action::broken, "_TIMED_OUT",
          fmt::format("{} [{}] could not be read to its end, and nothing came for {} s: a transaction of an "
                      "instance that died may still be open; try again in a minute",
                      of.topic, of.partition, patience.count() / 1'000)};
  }
  return {};
}

call_result<> read_committed(cluster& brokers, const topic_partition& of, std::int64_t from, std::int64_t end,
                             milliseconds patience, const take_record& visit) {
  return read_committed_batches(brokers, of, from, end, patience,
                                [&](const record_batch& batch, std::size_t i) { visit(batch.records()[i]); });
}

} // namespace fairuse::kafka
