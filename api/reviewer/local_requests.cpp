// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/local_requests.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "api/reviewer/request_json.hpp"
#include "base/pure/hex.hpp"
#include "base/system/files.hpp"
#include "config/policy_file.hpp"
#include "engine/stored_policies.hpp"
#include "events/decision_json.hpp"
#include "streams/local/sealer.hpp"
#include "streams/local/spool.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse {

namespace {

constexpr std::size_t page_decisions = 512;

std::filesystem::path cursor_file(const std::filesystem::path& state) { return state / "reviewer" / "cursor"; }

// As the request's record on Kafka has them.
void fill(review_request& to, const user& who, const policy& rules) {
  for (auto& each : to.windows) {
    const auto found = std::find_if(rules.windows.begin(), rules.windows.end(),
                                    [&](const window_rule& rule) { return rule.name == each.window; });
    if (found != rules.windows.end())
      each.cap_ms = rules.cap_ms(static_cast<std::size_t>(found - rules.windows.begin()), who.plan());
  }
  if (not who.conversations) return;
  for (const auto& talk : *who.conversations)
    if (talk.at >= to.asked_at - rules.review.lookback_ms)
      to.conversations.push_back(
          {talk.id, talk.at, talk.title, talk.overview, talk.category, talk.duration_ms, talk.from});
}

error no_store(const store_error& why) { return error{why.message}; }

} // namespace

local_requests::local_requests(std::filesystem::path state, std::unique_ptr<local_reader> reader)
  : state_{std::move(state)}, reader_{std::move(reader)} {}

result<std::unique_ptr<local_requests>> local_requests::open(const std::filesystem::path& state) {
  auto reader = local_reader::open(state);
  if (not reader) return no_store(reader.error());
  if (setting_of((*reader)->meta().settings, "clock") == to_text(clock_kind::events))
    return error{
        fmt::format("the store in {} runs by `--clock events`, where now follows the file that is read: "
                    "recorded verdicts belong into that file",
                    state.string())};
  std::error_code failed;
  std::filesystem::create_directories(state / "reviewer", failed);
  if (failed)
    return error{fmt::format("cannot make the folder {}: {}", (state / "reviewer").string(), failed.message())};
  std::unique_ptr<local_requests> made(new local_requests(state, std::move(*reader)));
  if (std::filesystem::exists(cursor_file(state), failed)) {
    const auto text = read_file(cursor_file(state));
    if (not text) return text.error();
    const auto bytes = from_hex(*text);
    if (not bytes or not made->reader_->logs().epoch_of(*bytes))
      return error{
          fmt::format("{} is damaged, or of another store: remove it, and requests that are pending are found again",
                      cursor_file(state).string())};
    made->next_ = made->finished_until_ = made->saved_ = *bytes;
  }
  if (auto read = made->read_policies(); not read) return read.error();
  return made;
}

result<void> local_requests::read_policies() {
  if (policies_ != nullptr and controls_ == reader_->meta().controls) return {};
  if (reader_->meta().epoch == 0) return {};
  auto read = read_stored_policies(*reader_, state_);
  if (not read) return no_store(read.error());
  policies_ = std::move(*read);
  controls_ = reader_->meta().controls;
  return {};
}

// Decisions of a page are taken before the next one is read, so the cursor behind it names what was taken.
result<void> local_requests::read_page() {
  if (auto caught = reader_->catch_up(); not caught) return no_store(caught.error());
  if (auto read = read_policies(); not read) return read;
  auto found = reader_->logs().decisions(next_, page_decisions);
  if (not found) return no_store(found.error());
  if (found->empty()) return {};
  pages_[++last_page_].behind = next_;
  unread_.assign(std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
  return {};
}

result<review_source::news> local_requests::poll(std::size_t most, time_ms now) {
  news out;
  while (out.requests.size() < most) {
    if (unread_.empty())
      if (auto read = read_page(); not read) return read.error();
    if (unread_.empty()) break;
    const auto decision = std::move(unread_.front());
    unread_.pop_front();
    if (auto taken = take(decision, now, out); not taken) return taken.error();
  }
  finish_pages();
  return out;
}

// The state as it is now, which may be ahead of the decision.
std::optional<not_asked> local_requests::why_not(const decided_request& told, const user* who, time_ms now) const {
  if (told.what.answer_by <= now) return not_asked::too_late;
  if (who == nullptr or who->erased_at >= told.what.asked_at) return not_asked::erased;
  const auto slot = policies_->slot_named(told.slot);
  if (slot < 0 or static_cast<std::size_t>(slot) >= who->standings.size()) return not_asked::answered;
  const auto* standing = who->standings[static_cast<std::size_t>(slot)].get();
  if (standing == nullptr or standing->pending == 0 or request_name(told.slot, standing->pending) != told.what.request)
    return not_asked::answered;
  if (who->exempt) return not_asked::exempt;
  if (controls_.killed) return not_asked::kill_switch;
  if (told.slot == "live" and not controls_.enabled) return not_asked::system_off;
  return std::nullopt;
}

result<void> local_requests::take(std::string_view decision, time_ms now, news& out) {
  auto told = read_decided_request(decision);
  if (not told) return {};
  // Requests of long ago need no look at the user.
  if (told->what.answer_by <= now) {
    out.passed.push_back(not_asked::too_late);
    return {};
  }
  auto who = reader_->load(told->what.uid, *policies_, std::max(now, reader_->meta().now));
  if (not who) return no_store(who.error());
  if (const auto why = why_not(*told, who->get(), now)) {
    out.passed.push_back(*why);
    return {};
  }
  const auto rules = policy_of(told->policy_digest);
  if (not rules) return rules.error();
  fill(told->what, **who, **rules);
  ++pages_[last_page_].open;
  asked_[++last_handle_] = {last_page_, told->what.uid};
  out.requests.push_back({last_handle_, std::move(told->what)});
  return {};
}

result<const policy*> local_requests::policy_of(const std::string& digest) {
  if (const auto known = by_digest_.find(digest); known != by_digest_.end()) return &known->second;
  const auto text = reader_->policy_text(digest);
  if (not text) return no_store(text.error());
  auto rules = parse_canonical(*text);
  if (not rules)
    return error{fmt::format(
        "the store in {} does not have the text of a policy that asked for a review: it is damaged", state_.string())};
  return &by_digest_.emplace(digest, std::move(*rules)).first->second;
}

void local_requests::finished(std::uint64_t handle, review_answer answer, time_ms now) {
  const auto found = asked_.find(handle);
  if (found == asked_.end()) return;
  lines_ += verdict_event(found->second.uid, std::move(answer), now);
  lines_.push_back('\n');
  ++answers_;
  --pages_[found->second.page].open;
  asked_.erase(found);
}

// The newest only when all of it was taken. What is finished behind an open page ends with that one, so there are no
// more pages than open requests, and none is kept from being asked by an older one.
void local_requests::finish_pages() {
  auto* behind = &finished_until_;
  for (auto each = pages_.begin(); each != pages_.end();) {
    if (each->second.open > 0 or (each->first == last_page_ and not unread_.empty())) {
      behind = &each->second.behind;
      ++each;
    } else {
      *behind = std::move(each->second.behind);
      each = pages_.erase(each);
    }
  }
}

// First the verdicts, then the cursor: what lies between is passed over, or answered a second time with the same id.
result<void> local_requests::commit(time_ms now) {
  if (not lines_.empty()) {
    const auto name = fmt::format("{:013}-reviewer-{}-{:08}", now, ::getpid(), ++deliveries_);
    if (auto put = put_in_spool(state_, name, lines_); not put) return put;
    lines_.clear();
    answers_ = 0;
  }
  finish_pages();
  if (saved_ == finished_until_) return {};
  if (auto kept = replace_file(cursor_file(state_), to_hex(finished_until_), durability::status); not kept) return kept;
  saved_ = finished_until_;
  return {};
}

result<local_requests::shown_request> local_requests::last_request_of(const std::filesystem::path& state,
                                                                      const std::string& uid, time_ms now) {
  auto reader = local_reader::open(state);
  if (not reader) return no_store(reader.error());
  local_requests looking(state, std::move(*reader));
  if (auto read = looking.read_policies(); not read) return read.error();
  return looking.find_last_of(uid, now);
}

result<local_requests::shown_request> local_requests::find_last_of(const std::string& uid, time_ms now) {
  std::optional<decided_request> last;
  log_cursor from;
  for (;;) {
    const auto found = reader_->logs().decisions(from, page_decisions);
    if (not found) return no_store(found.error());
    if (found->empty()) break;
    for (const auto& decision : *found)
      if (auto told = read_decided_request(decision); told and told->what.uid == uid) last = std::move(told);
  }
  if (not last)
    return error{
        fmt::format("no review was requested of this user, as far as the store in {} remembers", state_.string())};
  auto who = reader_->load(uid, *policies_, reader_->meta().now);
  if (not who) return no_store(who.error());
  const auto rules = policy_of(last->policy_digest);
  if (not rules) return rules.error();
  const auto why = why_not(*last, who->get(), now);
  if (*who != nullptr) fill(last->what, **who, **rules);
  return shown_request{std::move(last->what), why};
}

} // namespace fairuse
