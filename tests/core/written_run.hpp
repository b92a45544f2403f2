// SPDX-License-Identifier: Apache-2.0
//
// A run of one user, written down entry by entry.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/event_columns.hpp"

namespace fairuse::test {

class written_run {
public:
  void add(event_kind kind, time_ms now, std::int64_t late_ms, std::int32_t ms, lane from = lane::realtime) {
    add_entry(now, late_ms, ms, {kind, from});
  }
  void add_whole(event_kind kind, time_ms now, event_detail detail) {
    add_entry(now, 0, static_cast<std::int32_t>(whole_.size()), {kind, lane::realtime, true});
    event what;
    what.instant = what.time = now;
    what.kind = kind;
    what.detail = arena_.keep(std::move(detail));
    whole_.push_back(what);
  }
  /// Valid until the next change.
  event_columns columns() const {
    event_columns out;
    out.now = now_.data();
    out.instant = instant_.data();
    out.ms = ms_.data();
    out.tag = tags_.data();
    out.first_key = 1;
    out.whole = whole_;
    out.count = now_.size();
    return out;
  }

private:
  void add_entry(time_ms now, std::int64_t late_ms, std::int32_t ms, run_tag tag) {
    now_.push_back(now);
    instant_.push_back(now - late_ms);
    ms_.push_back(ms);
    tags_.push_back(tag);
  }

  std::vector<time_ms> now_;
  std::vector<time_ms> instant_;
  std::vector<std::int32_t> ms_;
  std::vector<run_tag> tags_;
  std::vector<event> whole_;
  event_arena arena_;
};

} // namespace fairuse::test
