// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/local_notices.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "api/notifier/decision_notice.hpp"
#include "api/notifier/end_record.hpp"
#include "api/record_headers.hpp"
#include "base/pure/hex.hpp"
#include "base/system/files.hpp"
#include "core/query.hpp"
#include "engine/stored_policies.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t page_decisions = 1'000;
/// So that a turn ends soon where there is much to pass over.
constexpr int pages_at_once = 20;
constexpr std::int64_t look_every_ms = 250;
/// The position is worth a write of its own only now and then.
constexpr std::int64_t position_every_ms = 10'000;

fs::path folder_of(const local_notices_options& options) { return options.state_folder / "notifier"; }

error error_of(const store_error& why) { return error{why.message}; }

bool runs_by_events(const local_reader& reader) { return setting_of(reader.meta().settings, "clock") == "events"; }

std::string by_events_text(const fs::path& state) {
  return "the store in " + state.string()
         + " runs by `--clock events`: its users are not of today, and nobody is told anything";
}

} // namespace

local_notices::local_notices(local_notices_options options, std::unique_ptr<local_reader> reader, notice_log sent,
                             notice_log dead, folder_lock lock)
  : options_{std::move(options)},
    reader_{std::move(reader)},
    sent_{std::move(sent)},
    dead_{std::move(dead)},
    lock_{std::move(lock)} {}

run_result<std::unique_ptr<local_notices>> local_notices::open(local_notices_options options) {
  const auto failed = [](std::string message) { return run_error{run_fault::failed, std::move(message)}; };
  auto reader = local_reader::open(options.state_folder);
  if (not reader) {
    const auto fault = reader.error().fault == store_fault::absent ? run_fault::refused : run_fault::failed;
    return run_error{fault, reader.error().message};
  }
  if (runs_by_events(**reader)) return run_error{run_fault::refused, by_events_text(options.state_folder)};
  const auto folder = folder_of(options);
  auto lock = folder_lock::take(folder);
  if (not lock) return failed(lock.error().message);
  auto sent = notice_log::open(folder / "sent.ndjson", options.kept_ms);
  if (not sent) return failed(sent.error().message);
  auto dead = notice_log::open(folder / "dead.ndjson", options.kept_ms);
  if (not dead) return failed(dead.error().message);
  std::unique_ptr<local_notices> made{
      new local_notices{std::move(options), std::move(*reader), std::move(*sent), std::move(*dead), std::move(*lock)}};
  if (auto read = made->read_position(); not read) return failed(read.error().message);
  if (auto read = made->read_ends(); not read) return failed(read.error().message);
  return made;
}

result<void> local_notices::read_position() {
  const auto file = folder_of(options_) / "position.json";
  std::error_code unknown;
  if (not fs::exists(file, unknown)) return {};
  const auto text = read_file(file);
  if (not text) return text.error();
  const auto all = nlohmann::json::parse(*text, nullptr, false);
  const auto cursor = from_hex(text_in(all, "cursor"));
  const auto epoch = cursor and not cursor->empty() ? reader_->logs().epoch_of(*cursor) : std::nullopt;
  if (not epoch)
    return error{file.string() + " is damaged, or of another store. Remove it: sent.ndjson beside it says what has "
                                 "ended, and nothing is sent twice"};
  position_ = *cursor;
  cursor_ = *cursor;
  started_behind_ = *epoch;
  return {};
}

result<void> local_notices::read_ends() {
  return sent_.read([this](std::string_view line) { take_end(line); });
}

void local_notices::take_end(std::string_view line) {
  const auto all = nlohmann::json::parse(line, nullptr, false);
  if (not all.is_object()) return;
  // What lies before the position is never read again.
  if (epoch_of_id(text_in(all, "decision")) < started_behind_) return;
  known_.take(line);
}

// Not for every notice: catching up costs a few reads of files.
result<void> local_notices::look(time_ms now) {
  if (now >= looked_at_ and now < looked_at_ + look_every_ms) return {};
  looked_at_ = now;
  if (const auto done = reader_->catch_up(); not done) return error_of(done.error());
  return check_clock();
}

result<void> local_notices::check_clock() const {
  if (runs_by_events(*reader_)) return error{by_events_text(options_.state_folder)};
  return {};
}

result<bool> local_notices::is_held(time_ms now) {
  if (auto looked = look(now); not looked) return looked.error();
  const auto& in_force = reader_->meta().controls;
  return in_force.killed or not in_force.enabled;
}

result<std::vector<notice>> local_notices::poll(std::size_t most, time_ms now) {
  if (auto looked = look(now); not looked) return looked.error();
  for (int i = 0; i < pages_at_once and ready_.size() < most; ++i) {
    const auto more = read_page();
    if (not more) return more.error();
    if (not *more) break;
  }
  const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(std::min(most, ready_.size()));
  std::vector<notice> some{std::move_iterator{ready_.begin()}, std::move_iterator{end}};
  ready_.erase(ready_.begin(), end);
  return some;
}

// False: that is all so far.
result<bool> local_notices::read_page() {
  const auto lines = reader_->logs().decisions(cursor_, page_decisions);
  if (not lines) return error_of(lines.error());
  if (lines->empty()) return false;
  page read{.cursor = cursor_};
  for (const auto& line : *lines) {
    auto what = notice_from_decision(line);
    if (not what or known_.has_ended(what->id)) continue;
    if (std::find(options_.send.begin(), options_.send.end(), what->about) == options_.send.end()) continue;
    if (auto filled = fill_stage(*what); not filled) return filled.error();
    what->tried_since = known_.tried_since(what->id);
    page_of_.emplace(what->id, next_page_);
    ++read.unfinished;
    ready_.push_back(std::move(*what));
  }
  add_page(std::move(read));
  return true;
}

// The decision about a budget does not name the stage that it holds at: the policy does.
result<void> local_notices::fill_stage(notice& what) {
  if (what.about != notice_about::budget_low and what.about != notice_about::budget_exhausted) return {};
  const auto loaded = policies();
  if (not loaded) return loaded.error();
  what.at = (*loaded)->live().rules.budget.at;
  return {};
}

void local_notices::add_page(page read) {
  if (read.unfinished > 0) {
    pages_.emplace(next_page_++, std::move(read));
  } else if (pages_.empty()) {
    position_ = std::move(read.cursor);
    position_moved_ = true;
  } else {
    pages_.rbegin()->second.cursor = std::move(read.cursor);
  }
}

void local_notices::end_in_page(const std::string& id) {
  const auto found = page_of_.extract(id);
  if (not found) return;
  const auto at = pages_.find(found.mapped());
  if (--at->second.unfinished > 0) return;
  if (at == pages_.begin()) {
    position_ = std::move(at->second.cursor);
    position_moved_ = true;
  } else {
    std::prev(at)->second.cursor = std::move(at->second.cursor);
  }
  pages_.erase(at);
}

result<const policy_set*> local_notices::policies() {
  const auto& meta = reader_->meta();
  if (not policies_ or policies_of_.controls != meta.controls or policies_of_.settings != meta.settings) {
    auto read = read_stored_policies(*reader_, options_.state_folder);
    if (not read) return error_of(read.error());
    policies_ = std::move(*read);
    policies_of_ = meta;
  }
  return policies_.get();
}

result<told_user> local_notices::user_of(const notice& what, time_ms now) {
  const auto loaded = policies();
  if (not loaded) return loaded.error();
  const auto last = reader_->meta().now;
  const auto found = reader_->load(what.uid, **loaded, last, options_.case_key);
  if (not found) return error_of(found.error());
  const auto* who = found->get();
  if (who == nullptr or who->erased_at >= what.decided_at) return told_user{.erased = true};
  const controls on{.enabled = true, .killed = false, .policies = *loaded};
  const auto at = std::max(now, last);
  const auto standing = query_standing(*who, on, 0, at);
  told_user told{.exempt = who->is_exempt(at), .at = standing.at, .since = standing.since};
  if (who->account) {
    told.locale = who->account->locale;
    told.time_zone = who->account->time_zone;
  }
  return told;
}

result<void> local_notices::failing(const notice& what) {
  sent_.add(failing_record(what));
  log_moved_ = true;
  return {};
}

result<void> local_notices::finished(const notice& what, const delivery& end) {
  sent_.add(end_record(what, end, false));
  if (end.how == notice_end::gave_up) dead_.add(end_record(what, end, true));
  log_moved_ = true;
  end_in_page(what.id);
  return {};
}

result<void> local_notices::save(time_ms now) {
  if (auto saved = dead_.save(now); not saved) return saved;
  if (auto saved = sent_.save(now); not saved) return saved;
  const bool is_due = now < position_saved_at_ or now >= position_saved_at_ + position_every_ms;
  if (not position_moved_ or not(std::exchange(log_moved_, false) or is_due)) return {};
  std::string text = "{";
  json_members to{text};
  to.text("cursor", to_hex(position_));
  position_moved_ = false;
  position_saved_at_ = now;
  return replace_file(folder_of(options_) / "position.json", text + "}\n");
}

} // namespace fairuse
