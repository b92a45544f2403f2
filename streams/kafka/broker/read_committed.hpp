// SPDX-License-Identifier: Apache-2.0
//
// Reading what is committed of a partition from one offset to another, once.
// Threads: the caller's; waits for brokers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::kafka {

using take_record = std::function<void(const record&)>;

/// In order; records at and behind `end` are not shown. `patience`: how long nothing may come.
call_result<> read_committed(cluster& brokers, const topic_partition& of, std::int64_t from, std::int64_t end,
                             milliseconds patience, const take_record& visit);
/// The same with headers: `visit` also gets the number of the record in its batch.
call_result<> read_committed_batches(cluster& brokers, const topic_partition& of, std::int64_t from, std::int64_t end,
                                     milliseconds patience,
                                     const std::function<void(const record_batch&, std::size_t)>& visit);

/// Ask until the answer is another than `again`, or so often more. `call` returns a call_result.
template <class Call>
auto retried(const Call& call, int again_max = 300) {
  auto done = call();
  for (int i = 0; asks_for(done, next_action::again) and i < again_max; ++i)
    done = call();
  return done;
}

} // namespace fairuse::kafka
