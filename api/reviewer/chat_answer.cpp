// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/chat_answer.hpp"

#include <algorithm>
#include <array>

#include <simdjson.h>

#include "base/pure/text.hpp"
#include "events/json_scan.hpp"

namespace fairuse {
namespace {

namespace dom = simdjson::dom;

/// A product of tokens and a price needs more than 64 bits.
__extension__ using wide = __int128;

/// More tokens than this are no count.
constexpr std::int64_t tokens_max = 1'000'000'000;

constexpr std::array<std::string_view, 4> member_names{"score", "usage_type", "confidence", "evidence"};

/// The members of the model's object, each there once and no other.
struct found_members {
  std::array<dom::element, member_names.size()> value;
  std::array<std::size_t, member_names.size()> index{};
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// What models put around JSON where no response format holds them back: one fence around all of it.
std::string_view without_fence(std::string_view text) {
  text = trimmed(text);
  if (not text.starts_with("```") or not text.ends_with("```") or text.size() < 6) return text;
  text = text.substr(3, text.size() - 6);
  if (text.starts_with("json")) text.remove_prefix(4);
  return trimmed(text);
}

std::optional<found_members> find_members(dom::object object) {
  found_members found;
  std::size_t seen = 0;
  std::size_t index = 0;
  for (const auto field : object) {
    const auto at = std::find(member_names.begin(), member_names.end(), field.key) - member_names.begin();
    const auto i = static_cast<std::size_t>(at);
    if (i == member_names.size() or (seen >> i & 1U) != 0) return {};
    seen |= std::size_t{1} << i;
    found.value[i] = field.value;
    found.index[i] = index++;
  }
  return index == member_names.size() ? std::optional(found) : std::nullopt;
}

/// The n-th member as it is written, if it is a number from 0 to 1.
std::optional<std::int32_t> read_share(std::string_view object, const found_members& found, std::size_t n) {
  if (not found.value[n].is<double>() and not found.value[n].is<std::int64_t>()) return {};
  return nano_from(raw_member(object, found.index[n]));
}

/// What a model may say: free_exhausted is a fact of the account.
std::optional<usage_type> read_type(dom::element from) {
  std::string_view text;
  if (from.get(text) != simdjson::SUCCESS) return {};
  const auto type = usage_type_from(text);
  return type == usage_type::free_exhausted ? std::nullopt : type;
}

bool read_evidence(dom::element from, const std::vector<std::string_view>& sent, std::size_t evidence_max,
                   std::vector<std::string>& into) {
  dom::array list;
  if (from.get(list) != simdjson::SUCCESS) return false;
  for (const auto each : list) {
    std::string_view id;
    if (each.get(id) != simdjson::SUCCESS or into.size() == evidence_max) return false;
    if (std::find(sent.begin(), sent.end(), id) == sent.end()) return false;
    if (std::find(into.begin(), into.end(), id) != into.end()) return false;
    into.emplace_back(id);
  }
  return true;
}

/// The model's own text into `out`.
review_failure read_content(std::string_view content, const std::vector<std::string_view>& sent,
                            std::size_t evidence_max, chat_verdict& out) {
  const auto text = without_fence(content);
  dom::parser parser;
  dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS or find_lone_surrogate(text))
    return review_failure::wrong_form;
  const auto found = find_members(object);
  if (not found) return review_failure::wrong_form;
  const auto score = read_share(text, *found, 0);
  const auto type = read_type(found->value[1]);
  const auto confidence = read_share(text, *found, 2);
  if (not score) return review_failure::wrong_score;
  if (not type) return review_failure::wrong_type;
  if (not confidence) return review_failure::wrong_confidence;
  if (not read_evidence(found->value[3], sent, evidence_max, out.evidence)) return review_failure::wrong_evidence;
  out.score_nano = *score;
  out.type = *type;
  out.confidence_nano = *confidence;
  return review_failure::none;
}

std::optional<token_count> read_tokens(dom::element answer) {
  token_count tokens;
  if (answer["usage"]["prompt_tokens"].get(tokens.input) != simdjson::SUCCESS
      or answer["usage"]["completion_tokens"].get(tokens.output) != simdjson::SUCCESS)
    return {};
  const auto is_count = [](std::int64_t value) { return value >= 0 and value <= tokens_max; };
  return is_count(tokens.input) and is_count(tokens.output) ? std::optional(tokens) : std::nullopt;
}

/// How the model's text ended; none: as an answer does. Some endpoints do not say.
review_failure read_end(dom::element choice) {
  std::string_view reason;
  if (choice["finish_reason"].get(reason) != simdjson::SUCCESS or reason == "stop") return review_failure::none;
  if (reason == "length") return review_failure::cut_off;
  return reason == "content_filter" ? review_failure::filtered : review_failure::wrong_form;
}

review_failure read_answer(dom::element answer, const std::vector<std::string_view>& sent, std::size_t evidence_max,
                           chat_verdict& out) {
  dom::element choice;
  if (answer["choices"].at(0).get(choice) != simdjson::SUCCESS) return review_failure::no_choice;
  std::string_view refusal;
  if (choice["message"]["refusal"].get(refusal) == simdjson::SUCCESS and not refusal.empty())
    return review_failure::refused;
  if (const auto end = read_end(choice); end != review_failure::none) return end;
  std::string_view content;
  if (choice["message"]["content"].get(content) != simdjson::SUCCESS or trimmed(content).empty())
    return review_failure::no_choice;
  return read_content(content, sent, evidence_max, out);
}

review_failure status_failure(int status) {
  if (status >= 200 and status < 300) return review_failure::none;
  if (status >= 300 and status < 400) return review_failure::redirected;
  switch (status) {
    case 401:
    case 403:
    case 407:
      return review_failure::key_refused;
    case 404:
      return review_failure::not_there;
    case 408:
      return review_failure::timed_out;
    case 409:
    case 429:
      return review_failure::rate_limited;
    default:
      return status >= 500 ? review_failure::server_fault : review_failure::request_refused;
  }
}

} // namespace

review_failure call_failure(const http_answer& answer) {
  switch (answer.fault) {
    case http_fault::none:
      break;
    case http_fault::unreachable:
      return review_failure::unreachable;
    case http_fault::tls:
      return review_failure::tls;
    case http_fault::timed_out:
      return review_failure::timed_out;
    case http_fault::broken_off:
      return review_failure::broken_off;
    case http_fault::too_large:
      return review_failure::too_large;
  }
  // Azure stops a prompt before the model sees it.
  if (answer.status == 400 and answer.body.find("content_filter") != std::string::npos) return review_failure::filtered;
  return status_failure(answer.status);
}

bool may_retry(review_failure why) {
  return why == review_failure::unreachable or why == review_failure::timed_out or why == review_failure::broken_off
         or why == review_failure::rate_limited or why == review_failure::server_fault;
}

bool refuses_format(const http_answer& answer) {
  if (answer.fault != http_fault::none or (answer.status != 400 and answer.status != 422)) return false;
  const auto text = lower(answer.body);
  for (const std::string_view word : {"response_format", "response format", "json_schema", "json schema", "json_object",
                                      "schema", "structured", "grammar"})
    if (text.find(word) != std::string::npos) return true;
  return false;
}

chat_verdict read_verdict(std::string_view body, const std::vector<std::string_view>& sent, std::size_t evidence_max) {
  chat_verdict out;
  dom::parser parser;
  dom::element answer;
  if (parser.parse(body.data(), body.size()).get(answer) != simdjson::SUCCESS) {
    out.failed = review_failure::not_json;
    return out;
  }
  out.tokens = read_tokens(answer);
  out.failed = read_answer(answer, sent, evidence_max, out);
  if (out.failed != review_failure::none) out.evidence.clear();
  return out;
}

std::optional<std::int64_t> cost_of(const std::optional<token_count>& tokens, const token_price& price) {
  if (not tokens or (price.input_micro == 0 and price.output_micro == 0)) return {};
  constexpr wide million = 1'000'000;
  const auto total = wide{tokens->input} * price.input_micro + wide{tokens->output} * price.output_micro;
  return static_cast<std::int64_t>(std::min<wide>((total + million - 1) / million, INT64_MAX));
}

} // namespace fairuse
