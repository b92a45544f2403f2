// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/outputs/outputs.hpp"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "events/decision_json.hpp"
#include "events/time_text.hpp"
#include "streams/kafka/outputs/dead_letter.hpp"
#include "streams/kafka/outputs/output_values.hpp"
#include "streams/user_log.hpp"

namespace fairuse::kafka {

namespace {

/// Of what the user is told, where it is enforced.
bool is_told(decision_kind kind) {
  return kind == decision_kind::notification or kind == decision_kind::budget_low
         or kind == decision_kind::budget_exhausted or kind == decision_kind::exemption_ended;
}

} // namespace

std::string_view to_text(output_topic value) {
  static constexpr std::array<std::string_view, output_topic_count> texts{"decisions", "notifications", "enforcement",
                                                                          "review-requests", "dlq"};
  return texts.at(static_cast<std::size_t>(value));
}

output_writer::output_writer(std::string decision_source, std::int32_t partition, case_namer names,
                             std::size_t dead_letter_bytes_max)
  : source_{std::move(decision_source)},
    partition_{partition},
    names_{std::move(names)},
    dead_letter_bytes_max_{dead_letter_bytes_max},
    ids_{partition} {}

void output_writer::write(std::uint64_t epoch, time_ms now, std::span<const outcome> outcomes,
                          const broadcast_outcome& broadcast, bool controls_changed, std::span<const dead_record> dead,
                          const take_output& take) {
  epoch_ = epoch;
  now_ = now;
  take_ = &take;
  ids_.begin_epoch(epoch);
  enforcement_seq_ = 0;
  for (const auto& what : broadcast.decisions)
    write_decision(what, "*", false);
  if (controls_changed) write_controls(broadcast.in_force);
  const bool promoted = has_promotion(broadcast);
  for (const auto& each : outcomes)
    write_user(each, promoted);
  for (const auto& each : dead)
    write_dead_letter(each, epoch, dead_letter_bytes_max_, take);
  take_ = nullptr;
}

void output_writer::send(output_topic to, const envelope& attributes, std::optional<std::string_view> value,
                         std::string_view log_row) {
  time_.clear();
  append_time(time_, attributes.time);
  const std::array<header, 7> headers{{{"ce_specversion", "1.0"},
                                       {"ce_id", attributes.id},
                                       {"ce_source", source_},
                                       {"ce_type", attributes.type},
                                       {"ce_subject", attributes.subject},
                                       {"ce_time", time_},
                                       {"content-type", "application/json"}}};
  // A tombstone has no content type.
  const std::span<const header> all(headers);
  (*take_)({to, attributes.subject, value, value ? all : all.first(headers.size() - 1), log_row});
}

std::string output_writer::reference_of(const decision& what, std::string_view uid) {
  return is_live(what) and what.strike != 0 ? names_.reference(uid, what.strike) : std::string();
}

void output_writer::write_decision(const decision& what, std::string_view uid, bool is_logged) {
  const auto id = ids_.next(what);
  const auto reference = reference_of(what, uid);
  value_.clear();
  append_decision_data(value_, what,
                       {.id = id, .source = source_, .uid = uid, .case_reference = reference, .epoch = epoch_});
  const auto log_row = is_logged ? user_log_row(id, what.time, value_) : std::string{};
  send(output_topic::decisions, {id, "fairuse.decision.v1", uid, what.time}, value_, log_row);
}

void output_writer::write_user(const outcome& from, bool promoted) {
  const auto& decisions = from.wrote.decisions;
  const auto erased = behind_erasure(decisions);
  const bool logs = from.who != nullptr and has_mark(*from.who);
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const auto& what = decisions[i];
    write_decision(what, from.uid, logs and i >= erased and is_live(what));
    // No message to, and no review of, a user who is erased at the end of the epoch.
    if (i < erased) continue;
    if (is_told(what.kind) and is_live(what)) write_notification(from, what);
    if (what.kind == decision_kind::review_requested) write_review_request(from, what);
  }
  if (const auto due = enforcement_due(from, promoted); due != row_due::no) write_enforcement(from, due);
}

std::string_view output_writer::follow_up_id(std::string_view suffix) {
  other_id_.assign(ids_.last()).append(suffix);
  return other_id_;
}

std::string_view output_writer::next_enforcement_id() {
  other_id_.clear();
  fmt::format_to(std::back_inserter(other_id_), "{}-{}-e{}", partition_, epoch_, enforcement_seq_++);
  return other_id_;
}

void output_writer::write_notification(const outcome& from, const decision& what) {
  value_.clear();
  append_notification(value_, what, *from.who, ids_.last(), reference_of(what, from.uid), epoch_);
  send(output_topic::notifications, {follow_up_id("-n"), "fairuse.notification.v1", from.uid, what.time}, value_);
}

void output_writer::write_review_request(const outcome& from, const decision& what) {
  value_.clear();
  append_review_request(value_, what, *from.who, epoch_);
  send(output_topic::review_requests, {follow_up_id("-r"), "fairuse.review-request.v1", from.uid, what.time}, value_);
}

void output_writer::write_enforcement(const outcome& from, row_due due) {
  const envelope attributes{next_enforcement_id(), "fairuse.enforcement.v1", from.uid, now_};
  if (due == row_due::erase) {
    send(output_topic::enforcement, attributes, std::nullopt);
    return;
  }
  value_.clear();
  append_enforcement(value_, enforcement_of(*from.who, now_, epoch_, partition_),
                     from.who->sums.policies->live().label);
  send(output_topic::enforcement, attributes, value_);
}

void output_writer::write_controls(const controls& in_force) {
  value_.clear();
  append_controls(value_, in_force, epoch_);
  send(output_topic::enforcement, {next_enforcement_id(), "fairuse.enforcement.v1", "*", now_}, value_);
}

} // namespace fairuse::kafka
