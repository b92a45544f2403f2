// SPDX-License-Identifier: Apache-2.0
//
// Why a review has no verdict: a closed list. The texts go into decisions and metrics, so they are ours alone: nothing
// of a conversation, a model's answer or a key stands in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairuse {

enum class review_failure : std::uint8_t {
  none,
  // No answer of the model.
  unreachable,
  tls,
  timed_out,
  broken_off,
  too_large,
  redirected,
  key_refused,
  not_there,
  request_refused,
  rate_limited,
  server_fault,
  // An answer that is no verdict.
  not_json,
  no_choice,
  refused,
  cut_off,
  filtered,
  wrong_form,
  wrong_score,
  wrong_type,
  wrong_confidence,
  wrong_evidence,
  // No call was made, or no other one.
  no_conversation,
  late,
  requests_used_up,
  money_used_up,
  not_counted,
  paused,
  not_recorded,
};
inline constexpr std::size_t review_failure_count = 29;

/// For `failed` of an answer.
std::string_view to_text(review_failure value);
/// `timed_out`: for the label of a metric.
std::string_view label_of(review_failure value);

} // namespace fairuse
