// SPDX-License-Identifier: Apache-2.0

#include "api/enforcement_view.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "api/record_headers.hpp"

namespace fairuse {

namespace {

using nlohmann::json;

} // namespace

enforcement_view::enforcement_view(kafka::cluster& brokers, std::string topic)
  : brokers_{brokers}, topic_{std::move(topic)} {}

void enforcement_view::follow(const std::vector<std::int32_t>& partitions) {
  partitions_ = partitions;
  switches_.clear();
  users_.clear();
  erased_.clear();
  starts_ = true;
  caught_up_at_.reset();
}

kafka::call_result<bool> enforcement_view::catch_up(kafka::milliseconds wait, time_ms now) {
  auto done = read_all(wait);
  if (done and *done) caught_up_at_ = now;
  return done;
}

bool enforcement_view::is_recent(time_ms now) const {
  return caught_up_at_ and now >= *caught_up_at_ and now < *caught_up_at_ + age_max_ms;
}

kafka::call_result<bool> enforcement_view::read_all(kafka::milliseconds wait) {
  std::vector<kafka::position> ends;
  std::vector<kafka::position> begins;
  for (const auto each : partitions_) {
    const auto log = brokers_.range({topic_, each}, kafka::isolation::committed);
    if (asks_for(log, kafka::next_action::again)) return false;
    if (not log) return log.error();
    begins.push_back({{topic_, each}, log->low});
    ends.push_back({{topic_, each}, log->high});
  }
  if (starts_) {
    if (reader_ == nullptr) reader_ = brokers_.make_reader(kafka::isolation::committed);
    if (auto started = reader_->start(begins); not started) return started.error();
    starts_ = false;
  }
  const auto is_behind = [this](const kafka::position& end) { return reader_->position_of(end.of) < end.offset; };
  while (std::any_of(ends.begin(), ends.end(), is_behind)) {
    const auto batch = reader_->poll(wait);
    if (batch == nullptr) {
      if (const auto failed = reader_->failure(); not failed) {
        starts_ = true;
        return failed.error();
      }
      return std::none_of(ends.begin(), ends.end(), is_behind);
    }
    const auto records = batch->records();
    for (std::size_t i = 0; i < records.size(); ++i)
      take(records[i], batch->headers(i));
  }
  return true;
}

void enforcement_view::take(const kafka::record& what, const std::vector<kafka::header>& headers) {
  if (not what.key) return;
  if (not what.value) {
    users_.erase(std::string{*what.key});
    erased_[std::string{*what.key}] = epoch_of_id(header_in(headers, "ce_id"));
    return;
  }
  const auto row = json::parse(*what.value, nullptr, false);
  if (not row.is_object()) return;
  if (*what.key == "*") {
    switches_[what.partition] = {truth_in(row, "enabled"), truth_in(row, "kill_switch")};
    return;
  }
  const enforced_user found{.at = stage_from(text_in(row, "stage")).value_or(stage::none),
                            .since = time_in(row, "since", 0),
                            .until = time_in(row, "until", never),
                            .exempt = truth_in(row, "exempt"),
                            .exempt_until = time_in(row, "exempt_until", never)};
  if (found.at == stage::none and not found.exempt)
    users_.erase(std::string{*what.key});
  else
    users_[std::string{*what.key}] = found;
}

std::optional<enforcement_view::switches> enforcement_view::switches_of(std::int32_t partition) const {
  const auto found = switches_.find(partition);
  return found == switches_.end() ? std::nullopt : std::optional{found->second};
}

bool enforcement_view::is_off() const {
  return std::any_of(switches_.begin(), switches_.end(),
                     [](const auto& each) { return each.second.killed or not each.second.enabled; });
}

const enforced_user* enforcement_view::find(std::string_view uid) const {
  const auto found = users_.find(uid);
  return found == users_.end() ? nullptr : &found->second;
}

bool enforcement_view::is_erased_since(std::string_view uid, std::uint64_t epoch) const {
  const auto found = erased_.find(uid);
  return found != erased_.end() and found->second >= epoch;
}

} // namespace fairuse
