// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/simulated_cluster.hpp"

#include "tests/simlog/clients.hpp"

namespace fairuse::simlog {

namespace {

/// The broker's answer, when the question and its reply arrive.
template <class Question>
auto ask_for(process& by, point where, const Question& question) -> kafka::call_result<decltype(question())> {
  decltype(question()) answer{};
  bool had_errors = false;
  const auto send = [&](const marker_delays&) -> kafka::call_result<> {
    answer = question();
    return {};
  };
  if (const auto asked = by.ask({where, send, {}}, had_errors); !asked) return asked.error();
  return answer;
}

} // namespace

using kafka::call_result;

call_result<std::string> simulated_cluster::id() {
  return ask_for(process_, point::metadata, [] { return std::string("simulated"); });
}

call_result<std::vector<std::int32_t>> simulated_cluster::partition_counts(std::span<const std::string> topics) {
  return ask_for(process_, point::metadata, [&] {
    std::vector<std::int32_t> counts;
    for (const std::string& topic : topics)
      counts.push_back(process_.log.partition_count(topic));
    return counts;
  });
}

call_result<kafka::log_range> simulated_cluster::range(const topic_partition& of, kafka::isolation how) {
  return ask_for(process_, point::range, [&] {
    const partition_log& part = process_.log.log_of(of);
    return kafka::log_range{part.log_start(), part.limit(how)};
  });
}

call_result<std::int64_t> simulated_cluster::offset_at(const topic_partition& of, time_ms at) {
  return ask_for(process_, point::range, [&] {
    const partition_log& part = process_.log.log_of(of);
    for (const log_entry& entry : part.entries())
      if (entry.kind == entry_kind::record && entry.timestamp >= at) return entry.offset;
    return part.log_end();
  });
}

std::unique_ptr<kafka::group_consumer> simulated_cluster::join(const kafka::member& who, kafka::membership& told) {
  return std::make_unique<simulated_consumer>(process_, who, told);
}

std::unique_ptr<kafka::transactional_producer> simulated_cluster::make_producer(const std::string& transactional_id) {
  return std::make_unique<simulated_producer>(process_, transactional_id);
}

std::unique_ptr<kafka::reader> simulated_cluster::make_reader(kafka::isolation how) {
  return std::make_unique<simulated_reader>(process_, how);
}

} // namespace fairuse::simlog
