// SPDX-License-Identifier: Apache-2.0
//
// One user of a history, as a fixture of a test: all of it, or as little as makes one of its decisions.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/pure/result.hpp"
#include "core/policy.hpp"
#include "sim/cases/event_reduction.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::cli {

/// A user's traffic, with what it points at.
struct cut_user {
  std::string uid;
  std::int32_t partition = 0;
  event_arena arena;
  sim::user_traffic_parts parts;
};

/// Error: there is no such user, or a block is damaged.
result<void> read_user(const history::history_reader& from, const std::string& uid, cut_user& to);

/// `parts` of the user as a history of their own. `all` says what is known of the history they are from.
result<void> write_user(const cut_user& of, const sim::user_traffic_parts& parts, const history::history_contents& all,
                        const std::filesystem::path& to);

/// The same as `kcat -C -J` prints records, by arrival: events, and decisions about reviews.
std::string kcat_lines(const cut_user& of, const sim::user_traffic_parts& parts, bool arrivals_known);

/// Which decision of the user is kept, and what is told of it.
struct kept_decision {
  std::string says;
  time_ms at = 0;
};

struct cut_wish {
  /// From 1.
  std::uint32_t number = 1;
  /// A folder for histories in between.
  std::filesystem::path scratch;
  /// Asked again and again: true ends the work with an error.
  std::function<bool()> stopped;
};

/// Reduces the user's traffic to what makes the decision again: of the same kind, window, stages and reason.
result<kept_decision> minimise(cut_user& of, const policy& rules, const history::history_contents& all,
                               const cut_wish& wish);

} // namespace fairuse::cli
