// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/review_failure.hpp"

#include <array>

namespace fairuse {
namespace {

struct words {
  std::string_view label;
  std::string_view text;
};

constexpr std::array<words, review_failure_count> table{{
    {"none", ""},
    {"unreachable", "the endpoint cannot be reached"},
    {"tls", "no trusted connection to the endpoint"},
    {"timed_out", "no answer in time"},
    {"broken_off", "the connection broke off"},
    {"too_large", "the answer is too large"},
    {"redirected", "the endpoint is somewhere else"},
    {"key_refused", "the endpoint refused the key"},
    {"not_there", "the endpoint has no such model or address"},
    {"request_refused", "the endpoint refused the request"},
    {"rate_limited", "the endpoint takes no more requests for now"},
    {"server_fault", "the endpoint failed"},
    {"not_json", "the answer is not JSON"},
    {"no_choice", "the answer holds no text of the model"},
    {"refused", "the model refused"},
    {"cut_off", "the model's answer was cut off"},
    {"filtered", "a content filter stopped it"},
    {"wrong_form", "the model's answer has the wrong form"},
    {"wrong_score", "the score is not from 0 to 1"},
    {"wrong_type", "the usage type is unknown"},
    {"wrong_confidence", "the confidence is not from 0 to 1"},
    {"wrong_evidence", "the evidence names other conversations"},
    {"no_conversation", "there is no conversation to judge"},
    {"late", "no time was left"},
    {"requests_used_up", "the requests of this hour are used up"},
    {"money_used_up", "the money of this hour is used up"},
    {"not_counted", "calls could not be counted on the disk"},
    {"paused", "the endpoint failed too often"},
    {"not_recorded", "no answer is recorded"},
}};

} // namespace

std::string_view to_text(review_failure value) { return table[static_cast<std::size_t>(value)].text; }

std::string_view label_of(review_failure value) { return table[static_cast<std::size_t>(value)].label; }

} // namespace fairuse
