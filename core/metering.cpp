// SPDX-License-Identifier: Apache-2.0
#include "core/metering.hpp"

#include <algorithm>
#include <variant>

namespace fairuse {

void unite(std::vector<spoken>& out) {
  std::sort(out.begin(), out.end(), [](const spoken& a, const spoken& b) { return a.begin < b.begin; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out[i].begin <= out[last].end)
      out[last].end = std::max(out[last].end, out[i].end);
    else
      out[++last] = out[i];
  }
  if (not out.empty()) out.resize(last + 1);
}

void unite(const event& what, std::vector<spoken>& out) {
  out.clear();
  for (const auto& part : detail_of<speech_segments>(what).segments)
    if (part.end_ms > part.begin_ms) out.push_back({what.time + part.begin_ms, what.time + part.end_ms});
  unite(out);
}

void speech_spread::compute(const policy_set& policies, time_ms now, const event& what) {
  const auto& profiles = policies.profiles();
  if (parts_.size() != profiles.size()) parts_.resize(profiles.size());
  if (what.detail != nullptr and std::holds_alternative<speech_segments>(*what.detail)) {
    compute_segments(profiles, now, what);
    return;
  }
  total_ms_ = what.ms;
  if (added_.size() < profiles.size()) added_.resize(profiles.size());
  const std::uint32_t buckets = what.ms > 0 ? 1 : 0;
  const std::span<profile_part> parts = parts_;
  for (std::uint32_t i = 0; i < parts.size(); ++i) {
    added_[i] = in_one_bucket(profiles[i], now, what.time, what.ms);
    parts[i] = {i, i + buckets, lane_under(profiles[i], now, what.instant, what.from)};
  }
}

void speech_spread::compute_segments(const std::vector<metering_profile>& profiles, time_ms now, const event& what) {
  unite(what, spoken_);
  total_ms_ = 0;
  for (const auto& each : spoken_)
    total_ms_ += each.end - each.begin;
  added_.clear();
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const auto begin = static_cast<std::uint32_t>(added_.size());
    if (profiles[i].basis == time_basis::event)
      spread_segments(profiles[i]);
    else if (total_ms_ > 0)
      added_.push_back(in_one_bucket(profiles[i], now, what.time, total_ms_));
    parts_[i] = {begin, static_cast<std::uint32_t>(added_.size()),
                 lane_under(profiles[i], now, what.instant, what.from)};
  }
}

void speech_spread::spread_segments(const metering_profile& profile) {
  const auto first = added_.size();
  const auto length = profile.bucket_s * second_ms;
  for (const auto& each : spoken_) {
    for (auto begin = each.begin; begin < each.end;) {
      const auto bucket = bucket_of(begin, profile.bucket_s);
      const auto end = std::min(each.end, (bucket + 1) * length);
      if (added_.size() > first and added_.back().bucket == bucket)
        added_.back().ms += end - begin;
      else
        added_.push_back({bucket, end - begin});
      begin = end;
    }
  }
}

} // namespace fairuse
