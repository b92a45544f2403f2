// SPDX-License-Identifier: Apache-2.0
//
// What only a reading of all blocks says about a history, and its events as CSV.
// Threads: one per call.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/history/history_file.hpp"

namespace fairuse::history {

inline constexpr std::array<unsigned, 4> daily_percents{50, 90, 99, 100};

struct history_survey {
  /// By place in history_contents::labels.
  std::vector<std::uint64_t> labelled;
  /// Days (UTC, of the instant) on which a user spoke.
  std::uint64_t user_days = 0;
  /// All lanes; so many percent of the user-days have so much speech or less.
  std::array<std::int64_t, daily_percents.size()> daily_ms{};
};

/// Called for each block that was read, with all parts: its users, and the events so far. False: stop.
using block_visit = std::function<bool(const history_block& block, std::uint64_t events)>;
result<void, store_error> visit_blocks(const history_reader& from, const block_visit& visit);

/// `progress`: events so far.
result<history_survey, store_error> survey(const history_reader& from,
                                           const std::function<void(std::uint64_t events)>& progress);

/// uid, kind, lane (empty for STT), now, instant and time (ms since 1970, UTC), ms (overlapping segments once), source,
/// id (16 hex digits where none was kept), segments (BEGIN-END in ms from `time`, united, with spaces between; empty if
/// there are none).
inline constexpr std::string_view csv_header = "uid,kind,lane,now,instant,time,ms,source,id,segments\n";

/// A line for each speech and STT event, as RFC 4180 has it, but with LF.
void append_csv(std::string& out, const block_user& who);

} // namespace fairuse::history
