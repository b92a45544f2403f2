// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/partition_log.hpp"

#include <algorithm>

namespace fairuse::simlog {

std::int64_t partition_log::append(producer_number by, time_ms now, stored_record what) {
  entries_.push_back({next_, entry_kind::record, ending::open, by, now, std::move(what)});
  open_[by].push_back(next_);
  return next_++;
}

std::int64_t partition_log::append_alone(time_ms now, stored_record what) {
  entries_.push_back({next_, entry_kind::record, ending::committed, -1, now, std::move(what)});
  return next_++;
}

void partition_log::end_transaction(producer_number by, time_ms now, bool commit) {
  const ending ended = commit ? ending::committed : ending::aborted;
  for (const std::int64_t offset : open_[by])
    entries_[index_of(offset)].ended = ended;
  open_.erase(by);
  entries_.push_back({next_++, commit ? entry_kind::commit_marker : entry_kind::abort_marker, ended, by, now, {}});
}

std::int64_t partition_log::last_stable() const {
  std::int64_t stable = next_;
  for (const auto& [by, offsets] : open_)
    stable = std::min(stable, offsets.front());
  return stable;
}

std::size_t partition_log::index_of(std::int64_t offset) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                      [](const log_entry& entry, std::int64_t at) { return entry.offset < at; });
  return static_cast<std::size_t>(found - entries_.begin());
}

void partition_log::delete_before(std::int64_t offset) {
  start_ = std::max(start_, std::min(offset, last_stable()));
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(index_of(start_)));
}

void partition_log::compact() {
  const std::int64_t stable = last_stable();
  std::map<std::string, std::int64_t> last;
  for (const log_entry& entry : entries_)
    if (entry.offset < stable && entry.shown_to(kafka::isolation::committed) && entry.what.key)
      last[*entry.what.key] = entry.offset;
  const auto outdated = [&](const log_entry& entry) {
    if (entry.offset >= stable || entry.kind != entry_kind::record) return false;
    return entry.ended == ending::aborted || (entry.what.key && last.at(*entry.what.key) != entry.offset);
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), outdated), entries_.end());
}

} // namespace fairuse::simlog
