// SPDX-License-Identifier: Apache-2.0

#include "sim/traffic_feed.hpp"

#include <variant>

namespace fairuse::sim {

namespace {

bool is_flat(const event& what) {
  return what.detail == nullptr and (what.kind == event_kind::speech or what.kind == event_kind::stt);
}

} // namespace

void run_buffer::clear() {
  now_.clear();
  instant_.clear();
  ms_.clear();
  tags_.clear();
  keys_.clear();
  whole_.clear();
  conversations_ = nullptr;
}

void run_buffer::add(time_ms now, const event& what) {
  const bool apart = not is_flat(what);
  now_.push_back(now);
  instant_.push_back(what.instant);
  ms_.push_back(apart ? static_cast<std::int32_t>(whole_.size()) : what.ms);
  tags_.emplace_back(what.kind, what.from, apart);
  keys_.push_back(what.key);
  if (apart) whole_.push_back(what);
}

void run_buffer::add(const event_columns& from, std::size_t i) {
  const auto tag = from.tag[i];
  if (tag.whole()) {
    add(from.now[i], from.at(i));
    return;
  }
  now_.push_back(from.now[i]);
  instant_.push_back(from.instant[i]);
  ms_.push_back(from.ms[i]);
  tags_.push_back(tag);
  keys_.push_back(from.key_of(i));
  conversations_ = from.conversations;
}

event_columns run_buffer::columns() const {
  event_columns made;
  made.now = now_.data();
  made.instant = instant_.data();
  made.ms = ms_.data();
  made.tag = tags_.data();
  made.key = keys_.data();
  made.whole = whole_;
  made.conversations = conversations_;
  made.count = now_.size();
  return made;
}

void simulated_user::take_run_until(time_ms end, const controls& in_force) {
  steps.clear();
  if (run.count > 0) steps.push_back({run.now[0], &in_force, 0, static_cast<std::uint32_t>(run.count), true});
  steps.push_back({end, &in_force, 0, 0});
}

synthetic_feed::synthetic_feed(const composition& of, std::uint32_t days, const controls& in_force, time_ms end)
  : writer_(of, days), in_force_(&in_force), end_(end) {}

/// As core would, which is asked for the rest.
bool synthetic_feed::admits(const arrival& what, counters& refused) const {
  switch (lateness(what.what, what.at, in_force_->policies->retention_ms(), horizon_wall_ms)) {
    case applied::too_old:
      ++refused.too_old;
      return false;
    case applied::future:
      ++refused.future;
      return false;
    default:
      break;
  }
  refused.duplicates += what.again;
  return not what.again;
}

void synthetic_feed::fill(std::uint32_t user, simulated_user& out) {
  writer_.write(user, out.traffic);
  out.uid = uid_of(user);
  out.group = out.traffic.traits.cohort;
  out.refused = {};
  out.skipped_commands = 0;
  out.reviews = {};
  out.columns.clear();
  for (const auto& each : out.traffic.arrivals) {
    if (each.at > end_) break;
    if (admits(each, out.refused)) out.columns.add(each.at, each.what);
  }
  out.run = out.columns.columns();
  out.take_run_until(end_, *in_force_);
}

} // namespace fairuse::sim
