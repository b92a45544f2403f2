// SPDX-License-Identifier: Apache-2.0
//
// Which bytes go to which output topic. Production sends the records, `verify` makes them again and compares, so
// everything follows from the arguments alone: no clock, no state from epoch to epoch. docs/topics.md describes every
// record for the readers of the topics.
//
// Order: commands to all users and the row of the controls, then users by uid (for each its decisions, every one
// followed by the notification or the review request that comes of it, and last the enforcement row), then dead
// letters.
// Threads: one object per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "events/refusal.hpp"
#include "storage/case_reference.hpp"
#include "streams/decision_ids.hpp"
#include "streams/enforcement_row.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::kafka {

enum class output_topic : std::uint8_t { decisions, notifications, enforcement, review_requests, dead_letters };
inline constexpr std::size_t output_topic_count = 5;

/// Names without the deployment's prefix: `decisions`.
std::string_view to_text(output_topic value);

/// An input record that was refused, as it was read.
struct dead_record {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  refusal why = refusal::not_json;
  /// Empty where the time of the event is what is wrong.
  std::string place;
  /// Behind the remedy; may be empty.
  std::string note;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<header> headers;
};

/// One record. The views are valid during the callback.
struct output {
  output_topic to = output_topic::decisions;
  std::optional<std::string_view> key;
  /// Nullopt: a tombstone, or the null value of a dead letter.
  std::optional<std::string_view> value;
  std::span<const header> headers;
  /// The user's own log has this row, too; empty: it does not.
  std::string_view log_row;
};

using take_output = std::function<void(const output&)>;

/// What a dead letter may have beyond the inputs' limit.
inline constexpr std::size_t dead_letter_room = std::size_t{64} << 10;
inline constexpr std::size_t dead_letter_bytes_default = (std::size_t{1} << 20) + dead_letter_room;

class output_writer {
public:
  /// `decision_source` is `ce_source` of every record; `partition` is the shard's number.
  output_writer(std::string decision_source, std::int32_t partition, case_namer names,
                std::size_t dead_letter_bytes_max = dead_letter_bytes_default);

  /// REQUIRES: outcomes in uid order, bound to the policies in force; user::changed has the changes of this epoch only.
  /// `controls_changed`: the row of the controls is due (also at the first epoch of a shard).
  void write(std::uint64_t epoch, time_ms now, std::span<const outcome> outcomes, const broadcast_outcome& broadcast,
             bool controls_changed, std::span<const dead_record> dead, const take_output& take);

private:
  struct envelope {
    std::string_view id;
    std::string_view type;
    std::string_view subject;
    time_ms time = 0;
  };

  /// Of its strike; empty: it has none, or is not enforced.
  std::string reference_of(const decision& what, std::string_view uid);
  /// `is_logged`: in the user's own log, too.
  void write_decision(const decision& what, std::string_view uid, bool is_logged);
  void write_user(const outcome& from, bool promoted);
  void write_notification(const outcome& from, const decision& what);
  void write_review_request(const outcome& from, const decision& what);
  void write_enforcement(const outcome& from, row_due due);
  void write_controls(const controls& in_force);
  /// The last decision's id and what is added to it.
  std::string_view follow_up_id(std::string_view suffix);
  std::string_view next_enforcement_id();
  void send(output_topic to, const envelope& attributes, std::optional<std::string_view> value,
            std::string_view log_row = {});

  std::string source_;
  std::int32_t partition_;
  case_namer names_;
  std::size_t dead_letter_bytes_max_;

  // Of the epoch being written.
  std::uint64_t epoch_ = 0;
  time_ms now_ = 0;
  const take_output* take_ = nullptr;
  std::uint32_t enforcement_seq_ = 0;

  decision_ids ids_;
  std::string other_id_;
  std::string time_;
  std::string value_;
};

} // namespace fairuse::kafka
