// SPDX-License-Identifier: Apache-2.0
//
// Where review requests come from and where verdicts go. Whatever happens to the process, each request gets at most one
// verdict: what was not committed is handed out again, and the verdict of a request has always the same id.
// Threads: one; calls may wait for a disk or a broker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/reviewer/review_request.hpp"
#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Why a request is not put to the model.
enum class not_asked : std::uint8_t {
  too_late,    ///< answer_by is over, or will be before a call can end
  answered,    ///< it is not pending any more
  exempt,      ///< the user is
  erased,      ///< the user was, since
  kill_switch, ///< it is on
  system_off,  ///< the system is, and the request is of the live slot
  unreadable,  ///< the request itself
};
inline constexpr std::size_t not_asked_count = 7;

std::string_view to_text(not_asked why);

struct offered_request {
  /// Names it towards the source; unique while the process runs.
  std::uint64_t handle = 0;
  review_request what;
};

class review_source {
public:
  virtual ~review_source() = default;

  struct news {
    std::vector<offered_request> requests;
    /// Of requests that nobody will be asked about; they are finished already.
    std::vector<not_asked> passed;
  };
  /// What has come since, at most `most` requests. To be called often, also with 0: the group of a Kafka consumer
  /// wants it. An error ends the process.
  virtual result<news> poll(std::size_t most, time_ms now) = 0;
  /// The request's verdict, or its failure. It is written by a later commit().
  virtual void finished(std::uint64_t handle, review_answer answer, time_ms now) = 0;
  /// Write what is finished. An error ends the process.
  virtual result<void> commit(time_ms now) = 0;
  /// Verdicts that wait for a commit, or for an older request of their partition.
  virtual std::size_t waiting() const = 0;
  /// The last poll() found no more, and all that was handed over is finished.
  virtual bool at_end() = 0;
};

/// Hex SHA-256 of uid, a zero byte, request: the id of its verdict.
std::string verdict_id(std::string_view uid, std::string_view request);

inline constexpr std::string_view verdict_source = "fairuse/reviewer";

/// The event of a verdict, without a newline.
std::string verdict_event(std::string_view uid, review_answer answer, time_ms now);

} // namespace fairuse
