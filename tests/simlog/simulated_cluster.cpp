// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/simulated_cluster.hpp"

#include "tests/simlog/clients.hpp"

namespace fairuse::simlog {

using kafka::call_result;

call_result simulated_cluster::ask(point where, const std::function<call_result()>& question) {
  bool had_errors = false;
  return process_.ask({where, [&](const marker_delays&) { return question(); }, {}}, had_errors);
}

call_result simulated_cluster::id(std::string& out) {
  return ask(point::metadata, [&]() -> call_result {
    out = "simulated";
    return {};
  });
}

call_result simulated_cluster::partition_counts(std::span<const std::string> topics, std::vector<std::int32_t>& out) {
  return ask(point::metadata, [&]() -> call_result {
    out.clear();
    for (const std::string& topic : topics)
      out.push_back(process_.log.partition_count(topic));
    return {};
  });
}

call_result simulated_cluster::range(const topic_partition& of, kafka::isolation how, kafka::log_range& out) {
  return ask(point::range, [&]() -> call_result {
    const partition_log& part = process_.log.log_of(of);
    out = {part.log_start(), part.limit(how)};
    return {};
  });
}

call_result simulated_cluster::offset_at(const topic_partition& of, time_ms at, std::int64_t& out) {
  return ask(point::range, [&]() -> call_result {
    const partition_log& part = process_.log.log_of(of);
    out = part.log_end();
    for (const log_entry& entry : part.entries())
      if (entry.kind == entry_kind::record && entry.timestamp >= at) {
        out = entry.offset;
        break;
      }
    return {};
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
