// SPDX-License-Identifier: Apache-2.0
#include "streams/history/decided_reviews.hpp"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/pure/numbers.hpp"
#include "events/decision.hpp"
#include "events/time_text.hpp"

namespace fairuse::history {

namespace {

using json = nlohmann::json;

/// False for most decisions, without parsing them. Inside a text the quotes would be escaped.
bool may_matter(std::string_view text) {
  for (const std::string_view each :
       {R"("decision":"review_requested")", R"("decision":"review_timed_out")", R"("decision":"user_erased")"})
    if (text.find(each) != std::string_view::npos) return true;
  return false;
}

std::string text_in(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() and found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

struct decided_reviews::decided {
  std::string_view uid;
  time_ms at = 0;
  const json& data;
};

result<void, store_error> decided_reviews::take(const decided& what) {
  const auto impossible = [] { return damaged("a decision about a review does not say which one"); };
  const auto epoch = what.data.find("epoch");
  if (epoch == what.data.end() or not epoch->is_number_unsigned()) return impossible();
  const auto number_of_epoch = epoch->get<std::uint64_t>();
  if (number_of_epoch < first_epoch_) return {};
  const auto kind = text_in(what.data, "decision");
  if (kind == to_text(decision_kind::user_erased)) {
    erased_ = what.uid;
    erased_in_ = number_of_epoch;
    return {};
  }
  const auto slot = text_in(what.data, "slot");
  const auto request = text_in(what.data, "request");
  // `<slot>-<number>`
  if (slot.empty() or request.size() < slot.size() + 2 or request.compare(0, slot.size(), slot) != 0)
    return impossible();
  const auto number = parse_number<std::uint32_t>(std::string_view(request).substr(slot.size() + 1));
  if (not number) return impossible();
  const incoming_request made{.uid = what.uid,
                              .slot = slot,
                              .number = *number,
                              .requested_at = what.at,
                              .epoch = number_of_epoch,
                              .after_erasure = erased_in_ == number_of_epoch and erased_ == what.uid};
  return kind == to_text(decision_kind::review_requested) ? to_.add_request(made) : to_.add_timeout(made, what.at);
}

result<void, store_error> decided_reviews::add(std::string_view line) {
  if (not may_matter(line)) return {};
  const auto read = json::parse(line, nullptr, false);
  const auto at = read.is_object() ? time_from(text_in(read, "time")) : std::nullopt;
  const auto data = read.find("data");
  if (not at or data == read.end() or not data->is_object()) return damaged("a decision cannot be read");
  const auto uid = text_in(read, "subject");
  return take({uid, *at, *data});
}

result<void, store_error> decided_reviews::add(std::string_view uid, time_ms at, std::string_view data) {
  if (not may_matter(data)) return {};
  const auto read = json::parse(data, nullptr, false);
  if (not read.is_object()) return damaged("a decision cannot be read");
  return take({uid, at, read});
}

} // namespace fairuse::history
