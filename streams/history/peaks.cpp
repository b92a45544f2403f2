// SPDX-License-Identifier: Apache-2.0
#include "streams/history/peaks.hpp"

#include <algorithm>

namespace fairuse::history {

void peak_meter::begin_user() {
  spoken_.clear();
  arrived_.clear();
  stt_.clear();
}

void peak_meter::add_to(cells& all, std::int64_t number, std::int64_t ms) {
  if (not all.empty() and all.back().number == number)
    all.back().ms += ms;
  else
    all.push_back({number, ms});
}

void peak_meter::add_spoken(time_ms from, time_ms until) {
  while (from < until) {
    const auto hour = from / hour_ms;
    const auto end = std::min(until, (hour + 1) * hour_ms);
    add_to(spoken_, hour, end - from);
    from = end;
  }
}

void peak_meter::add(time_ms now, const event& what) {
  if (what.kind == event_kind::stt) {
    add_to(stt_, now / day_ms, what.ms);
    add_to(stt_, what.instant / day_ms, what.ms);
  }
  if (what.kind != event_kind::speech) return;
  std::int64_t ms = what.ms;
  if (what.detail == nullptr) {
    add_to(spoken_, what.time / hour_ms, ms);
  } else {
    ms = 0;
    for (const auto& each : detail_of<speech_segments>(what).segments) {
      add_spoken(what.time + each.begin_ms, what.time + each.end_ms);
      ms += each.end_ms - each.begin_ms;
    }
  }
  add_to(arrived_, now / hour_ms, ms);
}

void peak_meter::merge_equal(cells& all) {
  std::sort(all.begin(), all.end(), [](const cell& left, const cell& right) { return left.number < right.number; });
  std::size_t kept = 0;
  for (const auto& each : all) {
    if (kept > 0 and all[kept - 1].number == each.number)
      all[kept - 1].ms += each.ms;
    else
      all[kept++] = each;
  }
  all.resize(kept);
}

std::int64_t peak_meter::most(const cells& all, std::int64_t count) {
  std::int64_t most = 0;
  std::int64_t sum = 0;
  std::size_t first = 0;
  for (const auto& last : all) {
    sum += last.ms;
    for (; all[first].number <= last.number - count; ++first)
      sum -= all[first].ms;
    most = std::max(most, sum);
  }
  return most;
}

user_peaks peak_meter::peaks() {
  for (auto* all : {&spoken_, &arrived_, &stt_})
    merge_equal(*all);
  user_peaks out;
  for (std::size_t i = 0; i < peak_hours.size(); ++i)
    out.speech_ms[i] = std::max(most(spoken_, peak_hours[i]), most(arrived_, peak_hours[i]));
  out.stt_day_ms = most(stt_, 1);
  return out;
}

} // namespace fairuse::history
