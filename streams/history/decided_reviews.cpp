// SPDX-License-Identifier: Apache-2.0
#include "streams/history/decided_reviews.hpp"

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "base/pure/numbers.hpp"
#include "events/decision.hpp"
#include "events/time_text.hpp"

namespace fairuse::history {

namespace {

using json = nlohmann::json;

/// False for most decisions, without parsing them. Inside a text the quotes would be escaped.
bool may_be_review(std::string_view text) {
  return text.find("\"decision\":\"review_requested\"") != std::string_view::npos
         or text.find("\"decision\":\"review_timed_out\"") != std::string_view::npos;
}

std::string text_in(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() and found->is_string() ? found->get<std::string>() : std::string();
}

result<void, store_error> add(std::string_view uid, time_ms at, const json& data, std::uint64_t first_epoch,
                              packer& to) {
  const auto impossible = [] { return damaged("a decision about a review does not say which one"); };
  const auto epoch = data.find("epoch");
  if (epoch == data.end() or not epoch->is_number_unsigned()) return impossible();
  if (epoch->get<std::uint64_t>() < first_epoch) return {};
  const auto slot = text_in(data, "slot");
  const auto request = text_in(data, "request");
  // `<slot>-<number>`
  if (slot.empty() or request.size() < slot.size() + 2 or request.compare(0, slot.size(), slot) != 0)
    return impossible();
  const auto number = parse_number<std::uint32_t>(std::string_view(request).substr(slot.size() + 1));
  if (not number) return impossible();
  const incoming_request what{.uid = uid, .slot = slot, .number = *number, .requested_at = at};
  const bool asked = text_in(data, "decision") == to_text(decision_kind::review_requested);
  return asked ? to.add_request(what) : to.add_timeout(what, at);
}

} // namespace

result<void, store_error> add_review_of(std::string_view line, std::uint64_t first_epoch, packer& to) {
  if (not may_be_review(line)) return {};
  const auto read = json::parse(line, nullptr, false);
  const auto at = read.is_object() ? time_from(text_in(read, "time")) : std::nullopt;
  const auto data = read.is_object() ? read.find("data") : read.end();
  if (not at or data == read.end() or not data->is_object()) return damaged("a decision cannot be read");
  return add(text_in(read, "subject"), *at, *data, first_epoch, to);
}

result<void, store_error> add_review_of(std::string_view uid, time_ms at, std::string_view data,
                                        std::uint64_t first_epoch, packer& to) {
  if (not may_be_review(data)) return {};
  const auto read = json::parse(data, nullptr, false);
  if (not read.is_object()) return damaged("a decision cannot be read");
  return add(uid, at, read, first_epoch, to);
}

} // namespace fairuse::history
