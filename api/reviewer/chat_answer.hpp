// SPDX-License-Identifier: Apache-2.0
//
// What came back from a chat-completions endpoint: a verdict, or why there is none. Strict: nothing is repaired, and
// nothing of the model's text goes further but conversation ids that were sent. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_client.hpp"
#include "api/reviewer/review_failure.hpp"
#include "config/reviewer_settings.hpp"
#include "events/event.hpp"

namespace fairuse {

struct token_count {
  std::int64_t input = 0;
  std::int64_t output = 0;
};

struct chat_verdict {
  review_failure failed = review_failure::none;
  /// Meaningful if `failed` is none. Decimals are cut after nine, as written, without floating point.
  std::int32_t score_nano = 0;
  std::int32_t confidence_nano = 0;
  usage_type type = usage_type::none;
  /// Ids that were sent, each once.
  std::vector<std::string> evidence;
  /// What the endpoint says that it read and wrote; nullopt: it does not say.
  std::optional<token_count> tokens;
};

/// Why a call has no answer of the model to be read; none: read_verdict() reads it.
review_failure call_failure(const http_answer& answer);

/// The same request may succeed later.
bool may_retry(review_failure why);

/// A 400 or 422 that is about `response_format`.
bool refuses_format(const http_answer& answer);

/// The body of a 2xx. `sent`: the ids of the request's conversations.
chat_verdict read_verdict(std::string_view body, const std::vector<std::string_view>& sent, std::size_t evidence_max);

/// Micro-units, rounded up; nullopt: no tokens are known, or no price.
std::optional<std::int64_t> cost_of(const std::optional<token_count>& tokens, const token_price& price);

} // namespace fairuse
