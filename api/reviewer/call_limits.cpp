// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/call_limits.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/pure/numbers.hpp"
#include "base/system/files.hpp"

namespace fairuse {
namespace {

constexpr std::string_view head = "fairuse reviewer limits 1\n";
/// With the present one, which has only begun: no 60 minutes are longer.
constexpr std::int64_t minutes_kept = 60;
/// Above every limit, and two of them can be added.
constexpr std::int64_t sum_max = INT64_MAX / 2;

std::int64_t added(std::int64_t left, std::int64_t right) {
  return std::min(std::min(left, sum_max) + std::min(right, sum_max), sum_max);
}

std::optional<std::int64_t> take_field(std::string_view& line, char end) {
  const auto value = take_number<std::int64_t>(line);
  if (not value or *value < 0 or not line.starts_with(end)) return {};
  line.remove_prefix(1);
  return value;
}

} // namespace

result<call_limits> call_limits::open(const hourly_limit& rule, const std::filesystem::path& file, time_ms now) {
  call_limits limits{rule, file};
  if (const auto loaded = limits.load(now); not loaded) return loaded.error();
  return limits;
}

result<void> call_limits::load(time_ms now) {
  std::error_code failed;
  if (file_.empty() or not std::filesystem::exists(file_, failed)) return {};
  const auto bytes = read_file(file_);
  if (not bytes) return bytes.error();
  const auto none_of_ours = [this] {
    return error{file_.string() + " does not hold the sums of an hour's calls; remove it to begin a new hour"};
  };
  // Nothing was counted yet: a call is made when its count is on the disk.
  if (bytes->empty()) return {};
  if (not bytes->starts_with(head)) return none_of_ours();
  for (std::string_view rest = std::string_view{*bytes}.substr(head.size()); not rest.empty();) {
    const auto minute = take_field(rest, ' ');
    const auto requests = take_field(rest, ' ');
    const auto money = take_field(rest, '\n');
    if (not minute or not requests or not money) return none_of_ours();
    add(*minute, {*requests, *money});
  }
  forget_before(now);
  return {};
}

void call_limits::forget_before(time_ms now) {
  const auto present = now / minute_ms;
  minutes_.erase(minutes_.begin(), minutes_.lower_bound(present - minutes_kept));
  // A clock that was set back must not lock the calls out for longer than an hour.
  for (auto late = minutes_.upper_bound(present); late != minutes_.end(); late = minutes_.erase(late))
    add(present, late->second);
}

void call_limits::add(std::int64_t minute, const sums& more) {
  auto& to = minutes_[minute];
  to = {added(to.requests, more.requests), added(to.money_micro, more.money_micro)};
}

limit_state call_limits::check(std::int64_t estimate_micro, time_ms now) {
  forget_before(now);
  sums all;
  for (const auto& [minute, each] : minutes_)
    all = {added(all.requests, each.requests), added(all.money_micro, each.money_micro)};
  if (rule_.requests > 0 and all.requests >= rule_.requests) return limit_state::requests_used_up;
  // One that costs more than the limit alone would never be made.
  if (rule_.money_micro > 0 and all.money_micro > 0 and added(all.money_micro, estimate_micro) > rule_.money_micro)
    return limit_state::money_used_up;
  return limit_state::free;
}

result<std::int64_t> call_limits::count(std::int64_t estimate_micro, time_ms now) {
  forget_before(now);
  const auto before = minutes_;
  add(now / minute_ms, {1, estimate_micro});
  save();
  if (not problem_) return now / minute_ms;
  minutes_ = before;
  return *problem_;
}

void call_limits::settle(std::int64_t minute, std::int64_t estimate_micro, std::int64_t cost_micro) {
  if (cost_micro == estimate_micro or minutes_.empty()) return;
  // Its own minute may have left the hour, or was moved with the clock.
  auto found = minutes_.lower_bound(minute);
  if (found == minutes_.end()) --found;
  auto& money = found->second.money_micro;
  money = std::max<std::int64_t>(added(money, cost_micro) - estimate_micro, 0);
  save();
}

time_ms call_limits::next_change() const {
  return minutes_.empty() ? never : (minutes_.begin()->first + minutes_kept + 1) * minute_ms;
}

void call_limits::save() {
  if (file_.empty() or (rule_.requests == 0 and rule_.money_micro == 0)) return;
  std::string text{head};
  for (const auto& [minute, each] : minutes_)
    text +=
        std::to_string(minute) + " " + std::to_string(each.requests) + " " + std::to_string(each.money_micro) + "\n";
  const auto saved = replace_file(file_, text);
  problem_ =
      saved ? std::nullopt : std::optional(error{"no call is made that cannot be counted: " + saved.error().message});
}

} // namespace fairuse
