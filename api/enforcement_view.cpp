// SPDX-License-Identifier: Apache-2.0

#include "api/enforcement_view.hpp"

#include <algorithm>
#include <utility>

namespace fairuse {

enforcement_view::enforcement_view(kafka::cluster& brokers, std::string topic) : log_{brokers, std::move(topic)} {}

void enforcement_view::follow(const std::vector<std::int32_t>& partitions) {
  log_.follow(partitions);
  switches_.clear();
  users_.clear();
  erased_.clear();
  caught_up_at_.reset();
}

kafka::call_result<bool> enforcement_view::catch_up(kafka::milliseconds wait, time_ms now) {
  auto done = log_.read_all(wait, [this](const enforcement_record& what) { take(what); });
  if (done and *done) caught_up_at_ = now;
  return done;
}

bool enforcement_view::is_recent(time_ms now) const {
  return caught_up_at_ and now >= *caught_up_at_ and now < *caught_up_at_ + age_max_ms;
}

void enforcement_view::take(const enforcement_record& what) {
  if (const auto* controls = std::get_if<controls_row>(&what.says)) {
    switches_[controls->partition] = {controls->enabled, controls->killed};
    return;
  }
  const std::string uid{what.uid};
  if (const auto* forgotten = std::get_if<forgotten_row>(&what.says)) {
    users_.erase(uid);
    erased_[uid] = forgotten->epoch;
    return;
  }
  const auto& row = std::get<enforcement_row>(what.says);
  if (row.at == stage::none and not row.exempt)
    users_.erase(uid);
  else
    users_[uid] = row;
}

std::optional<enforcement_view::switches> enforcement_view::switches_of(std::int32_t partition) const {
  const auto found = switches_.find(partition);
  return found == switches_.end() ? std::nullopt : std::optional{found->second};
}

bool enforcement_view::is_off() const {
  return std::any_of(switches_.begin(), switches_.end(),
                     [](const auto& each) { return each.second.killed or not each.second.enabled; });
}

const enforcement_row* enforcement_view::find(std::string_view uid) const {
  const auto found = users_.find(uid);
  return found == users_.end() ? nullptr : &found->second;
}

bool enforcement_view::is_erased_since(std::string_view uid, std::uint64_t epoch) const {
  const auto found = erased_.find(uid);
  return found != erased_.end() and found->second >= epoch;
}

} // namespace fairuse
