// SPDX-License-Identifier: Apache-2.0
#include "streams/history/decided_reviews.hpp"

#include <algorithm>

#include "events/decision.hpp"

namespace fairuse::history {

namespace {

/// False for most decisions, without parsing them. Inside a text the quotes would be escaped.
bool may_matter(std::string_view text) {
  for (const std::string_view each :
       {R"("decision":"review_)", R"("decision":"strike_added")", R"("decision":"user_erased")"})
    if (text.find(each) != std::string_view::npos) return true;
  return false;
}

/// An answer caused it, if an event did.
bool follows_answer(std::string_view kind) {
  const auto kinds = {decision_kind::review_cleared, decision_kind::review_failed, decision_kind::review_ignored,
                      decision_kind::strike_added};
  return std::any_of(kinds.begin(), kinds.end(), [kind](decision_kind each) { return kind == to_text(each); });
}

} // namespace

result<void, store_error> decided_reviews::add(std::span<const wire_header> headers, std::string_view value) {
  if (not may_matter(value)) return {};
  const auto told = reader_.read(headers, value);
  if (not told) return damaged("a decision cannot be read");
  if (told->epoch < first_epoch_) return {};
  if (told->kind == to_text(decision_kind::user_erased)) {
    erased_ = told->uid;
    erased_in_ = told->epoch;
    return {};
  }
  if (follows_answer(told->kind)) return to_.add_answered(told->uid, told->cause, told->epoch);
  if (told->kind == to_text(decision_kind::review_unanswered)) return {};
  auto made = request_in(*told);
  if (not made) return damaged("a decision about a review does not say which one");
  made->what.epoch = told->epoch;
  made->what.after_erasure = erased_in_ == told->epoch and erased_ == told->uid;
  return made->timed_out ? to_.add_timeout(made->what, told->time) : to_.add_request(made->what);
}

} // namespace fairuse::history
