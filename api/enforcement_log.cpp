// SPDX-License-Identifier: Apache-2.0

#include "api/enforcement_log.hpp"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "api/record_headers.hpp"

namespace fairuse {

namespace {

using nlohmann::json;

void put_actions(const json& row, enforcement_row& into) {
  const auto found = row.find("actions");
  if (found == row.end() or not found->is_object()) return;
  into.economy_stt = text_in(*found, "stt_model") == "economy";
  into.hard_caps = text_in(*found, "caps") == "hard";
  const auto raise = found->find("vad_threshold");
  if (raise != found->end() and raise->is_number())
    into.vad_threshold_nano = static_cast<std::int32_t>(std::llround(raise->get<double>() * 1e9));
}

enforcement_row row_from(const json& row, std::int32_t partition) {
  enforcement_row made{.epoch = static_cast<std::uint64_t>(number_in(row, "epoch")),
                       .partition = partition,
                       .at = stage_from(text_in(row, "stage")).value_or(stage::none),
                       .hard_restricted = truth_in(row, "hard_restricted"),
                       .ceiling = truth_in(row, "ceiling"),
                       .budget_exhausted = truth_in(row, "budget_exhausted"),
                       .content_locked = truth_in(row, "content_locked"),
                       .exempt = truth_in(row, "exempt"),
                       .since = time_in(row, "since", 0),
                       .until = time_in(row, "until", never),
                       .retry_at = time_in(row, "retry_at", never),
                       .used_ms = number_in(row, "used_ms"),
                       .limit_ms = number_in(row, "limit_ms"),
                       .budget_ms = number_in(row, "budget_ms"),
                       .budget_used_ms = number_in(row, "budget_used_ms"),
                       .budget_resets_at = time_in(row, "budget_resets_at", never),
                       .exempt_until = time_in(row, "exempt_until", never)};
  put_actions(row, made);
  return made;
}

topic_reader::take told_of(const enforcement_log::take& told) {
  return [&told](const kafka::record& what, const std::vector<kafka::header>& headers) {
    if (const auto says = enforcement_record_from(what, headers)) told(*says);
  };
}

} // namespace

std::optional<enforcement_record> enforcement_record_from(const kafka::record& what,
                                                          const std::vector<kafka::header>& headers) {
  if (not what.key) return std::nullopt;
  if (not what.value) return enforcement_record{*what.key, forgotten_row{epoch_of_id(header_in(headers, "ce_id"))}};
  const auto row = json::parse(*what.value, nullptr, false);
  if (not row.is_object()) return std::nullopt;
  if (*what.key != "*") return enforcement_record{*what.key, row_from(row, what.partition)};
  return enforcement_record{*what.key,
                            controls_row{.epoch = static_cast<std::uint64_t>(number_in(row, "epoch")),
                                         .now = time_from(header_in(headers, "ce_time")).value_or(what.timestamp),
                                         .partition = what.partition,
                                         .enabled = truth_in(row, "enabled"),
                                         .killed = truth_in(row, "kill_switch")}};
}

kafka::call_result<bool> enforcement_log::read_all(kafka::milliseconds wait, const take& told) {
  return reader_.read_all(wait, told_of(told));
}

kafka::call_result<> enforcement_log::read_some(kafka::milliseconds wait, const take& told) {
  return reader_.read_some(wait, told_of(told));
}

} // namespace fairuse
