// SPDX-License-Identifier: Apache-2.0
//
// What the readers of a deployment's logs have in common for their callers.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "events/wire.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

struct source_hooks {
  /// Called now and then: epochs read so far, and all there are.
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;
  /// Asked now and then: true ends the reading with the error `stopped`.
  std::function<bool()> stopped;
  /// Called with every decision of the deployment as it was written, in order: headers of a record, and its value. An
  /// error ends the reading.
  std::function<result<void, store_error>(std::span<const wire_header> headers, std::string_view value)> decision;

  /// The deployment's: a checkpoint knows users who were erased before by their hashes under it.
  std::string case_key;

  result<void, store_error> tell_decision(std::span<const wire_header> headers, std::string_view value) const {
    return decision ? decision(headers, value) : result<void, store_error>{};
  }

  result<void, store_error> tell(std::uint64_t done, std::uint64_t all) const {
    if (progress) progress(done, all);
    if (stopped and stopped()) return store_error{store_fault::misuse, std::string(pack_stopped)};
    return {};
  }
};

/// A command that core refuses for what it names (a strike, a shadow), whose id is known from then on.
inline bool notes_its_id(refusal why, const event& what) {
  return why == refusal::bad_value and what.kind == event_kind::admin;
}

/// Of an event that was read: core refused it, as its user's.
inline bool is_refused_by_core(refusal why, const event& what) {
  return why == refusal::too_old or why == refusal::future or why == refusal::erased or notes_its_id(why, what);
}

} // namespace fairuse::history
