// SPDX-License-Identifier: Apache-2.0

#include "api/topic_reader.hpp"

#include <algorithm>
#include <numeric>

namespace fairuse {

void topic_reader::follow(const std::vector<std::int32_t>& partitions) {
  partitions_ = partitions;
  starts_ = true;
}

kafka::call_result<> topic_reader::follow_all() {
  const std::vector<std::string> topics{topic_};
  const auto counts = brokers_.partition_counts(topics);
  if (not counts) return counts.error();
  if (counts->front() == 0)
    return kafka::call_error{kafka::next_action::broken, "UNKNOWN_TOPIC_OR_PART", "there is no topic " + topic_};
  std::vector<std::int32_t> all(static_cast<std::size_t>(counts->front()));
  std::iota(all.begin(), all.end(), 0);
  follow(all);
  return {};
}

// Where the partitions end now. False: a broker does not say.
kafka::call_result<bool> topic_reader::find_ends(std::vector<kafka::position>& ends) {
  std::vector<kafka::position> begins;
  for (const auto each : partitions_) {
    const auto log = brokers_.range({topic_, each}, kafka::isolation::committed);
    if (asks_for(log, kafka::next_action::again)) return false;
    if (not log) return log.error();
    begins.push_back({{topic_, each}, log->low});
    ends.push_back({{topic_, each}, log->high});
  }
  if (not starts_) return true;
  if (reader_ == nullptr) reader_ = brokers_.make_reader(kafka::isolation::committed);
  if (auto started = reader_->start(begins); not started) return started.error();
  starts_ = false;
  return true;
}

kafka::call_result<bool> topic_reader::read_batch(kafka::milliseconds wait, const take& told) {
  const auto batch = reader_->poll(wait);
  if (batch == nullptr) {
    const auto failed = reader_->failure();
    if (failed) return false;
    starts_ = true;
    return failed.error();
  }
  const auto records = batch->records();
  for (std::size_t i = 0; i < records.size(); ++i)
    told(records[i], batch->headers(i));
  return true;
}

kafka::call_result<bool> topic_reader::read_all(kafka::milliseconds wait, const take& told) {
  std::vector<kafka::position> ends;
  if (auto found = find_ends(ends); not found or not *found) return found;
  const auto is_behind = [this](const kafka::position& end) { return reader_->position_of(end.of) < end.offset; };
  while (std::any_of(ends.begin(), ends.end(), is_behind)) {
    auto read = read_batch(wait, told);
    if (not read) return read;
    if (not *read) return std::none_of(ends.begin(), ends.end(), is_behind);
  }
  return true;
}

kafka::call_result<> topic_reader::read_some(kafka::milliseconds wait, const take& told) {
  if (const auto read = read_batch(wait, told); not read) return read.error();
  return {};
}

} // namespace fairuse
