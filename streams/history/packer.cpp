// SPDX-License-Identifier: Apache-2.0
#include "streams/history/packer.hpp"

#include <algorithm>
#include <cassert>
#include <future>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "events/decision_json.hpp"
#include "storage/user_state.hpp"
#include "streams/history/admission.hpp"
#include "streams/history/changes_for_all.hpp"
#include "streams/history/peaks.hpp"
#include "streams/history/pseudonyms.hpp"
#include "streams/history/row.hpp"
#include "streams/history/row_sorter.hpp"
#include "streams/refusal_of.hpp"

namespace fairuse::history {

namespace {

using ending = recorded_review::ending;

/// A request for a review, and whether an answer to it came.
struct asked_review {
  recorded_review kept;
  std::uint64_t epoch = 0;
  bool after_erasure = false;
  bool used = false;
  /// It ended before the history begins.
  bool from_before = false;
};

/// The request came before the event.
bool was_asked(const asked_review& request, const incoming_event& before) {
  return request.epoch <= before.epoch and request.kept.requested_at <= before.now;
}

/// A block ends with the user that brings its states to so many bytes.
constexpr std::size_t block_state_bytes = std::size_t{1} << 20;

/// The source of rows that came without ids.
constexpr std::string_view rows_source = "fairuse/rows";

std::size_t lateness_of(std::int64_t behind_ms) {
  std::size_t i = 0;
  while (behind_ms > lateness_bounds[i])
    ++i;
  return i;
}

} // namespace

struct packer::body {
  explicit body(pack_options chosen) : options(std::move(chosen)), rows(options.scratch, options.memory_bytes) {
    if (not options.pseudonym_key.empty()) names.emplace(options.pseudonym_key);
  }

  std::string_view name_of(std::string_view uid);
  result<void, store_error> add_row(std::string_view name) { return rows.add(name, row.key, row.value); }

  result<void, store_error> write_all(history_writer& to);
  result<void, store_error> begin_row(std::string_view name, history_writer& to);
  result<void, store_error> write_row(const sorted_row& from, history_writer& to);
  void begin_user(std::string_view name);
  void take_event(incoming_event& what);
  void name_row(event& what, std::uint32_t input);
  asked_review* request_of(const incoming_event& answered);
  applied judge_event(const incoming_event& given);
  bool admits(const incoming_event& given);
  bool holds_state() const { return all.holds_states() and not state.empty(); }
  bool take_state(const decoded_row& from);
  bool was_used_before(const std::string& request) const;
  void begin_block_user(std::int32_t partition);
  void write_event(const incoming_event& what);
  void leave_out(const incoming_event& what);
  void write_broadcasts(const incoming_event* next);
  void count_event(time_ms now, const event& what);
  asked_review& review_of(std::string_view slot, std::uint32_t number);
  void answer(const incoming_event& given);
  void end_user();
  result<void, store_error> write_block(history_writer& to);
  result<void, store_error> wait();

  pack_options options;
  row_sorter rows;
  row_bytes row;
  std::optional<pseudonyms> names;
  /// Of the user whose row came last.
  std::string last_uid;
  std::string last_name;
  history_contents all;
  changes_for_all changes;

  // Of the user who is being written.
  decoded_row read;
  event_arena arena;
  bool open = false;
  std::string uid;
  user_head head;
  bool begun = false;
  bool has_event = false;
  /// It stands in the history, even without events: its timers fire.
  bool is_known = false;
  bool left_out = false;
  std::string state;
  std::vector<standing_row> standings;
  std::optional<admission> judge;
  peak_meter meter;
  std::vector<asked_review> reviews;
  /// Ids of events that decisions followed from, by epoch.
  std::vector<std::pair<std::uint64_t, std::string>> caused;
  std::uint64_t epoch = 0;
  time_ms now = INT64_MIN;
  /// Changes for all users that are not written yet.
  std::span<const change_for_all> waiting;
  /// Equal rows without ids.
  event last_row;
  std::uint32_t last_input = 0;
  std::uint32_t ordinal = 0;

  /// The one that is filled, and the one before it.
  std::unique_ptr<block_builder> block;
  std::unique_ptr<block_builder> block_before;
  bool any_event = false;
  std::uint64_t labelled = 0;
  /// Ends before what it works on.
  std::future<result<void, store_error>> writing;
};

packer::packer(pack_options options) : body_{std::make_unique<body>(std::move(options))} {}
packer::~packer() = default;

// What stands for a user in the history.
std::string_view packer::body::name_of(std::string_view user) {
  if (not names) return user;
  if (last_name.empty() or last_uid != user) {
    last_name = names->user(user);
    last_uid = user;
  }
  return last_name;
}

result<void, store_error> packer::add(const incoming_event& what) {
  if (what.uid == "*") {
    body_->changes.add(what);
    return {};
  }
  const auto name = body_->name_of(what.uid);
  if (body_->names and what.what.kind == event_kind::erasure) {
    encode_erased(body_->row);
    if (auto done = body_->add_row(name); not done) return done;
  }
  encode_event(body_->row, what);
  return body_->add_row(name);
}

result<void, store_error> packer::add_request(const incoming_request& what) {
  encode_request(body_->row, row_kind::request, what, what.requested_at);
  return body_->add_row(body_->name_of(what.uid));
}

result<void, store_error> packer::add_timeout(const incoming_request& of, time_ms when) {
  encode_request(body_->row, row_kind::timeout, of, when);
  return body_->add_row(body_->name_of(of.uid));
}

result<void, store_error> packer::add_answered(std::string_view uid, std::string_view id, std::uint64_t epoch) {
  encode_answered(body_->row, id, epoch);
  return body_->add_row(body_->name_of(uid));
}

result<void, store_error> packer::add_state(std::string_view uid, std::int32_t partition, std::string_view state) {
  encode_state(body_->row, partition, state);
  return body_->add_row(body_->name_of(uid));
}

result<void, store_error> packer::add_erased_before(std::string_view uid, std::string_view row) {
  encode_erased_before(body_->row, row);
  return body_->add_row(body_->name_of(uid));
}

void packer::add_known_command(std::int32_t partition, const permanent_id& id) { body_->changes.know(partition, id); }

result<void, store_error> packer::add_label(std::string_view uid, std::uint32_t label) {
  encode_label(body_->row, label);
  return body_->add_row(body_->name_of(uid));
}

void packer::add_refused(refusal why) { ++body_->all.counts.refused[static_cast<std::size_t>(why)]; }
void packer::add_empty_line() { ++body_->all.counts.empty_lines; }
std::uint64_t packer::rows() const { return body_->rows.rows(); }
std::uint64_t packer::labelled_users() const { return body_->labelled; }

void packer::body::begin_user(std::string_view name) {
  open = true;
  uid = name;
  head = {uid, 0, std::nullopt};
  begun = has_event = is_known = false;
  left_out = false;
  state.clear();
  standings.clear();
  if (names) names->begin_user();
  judge->begin_user();
  meter.begin_user();
  reviews.clear();
  caused.clear();
  now = INT64_MIN;
  last_row = {};
  ordinal = 0;
}

// Equal rows of one input are numbered, so that the same rows of another input are duplicates.
void packer::body::name_row(event& what, std::uint32_t input) {
  const auto same = [](const event& left, const event& right) {
    return std::tie(left.instant, left.ms, left.from, left.kind)
           == std::tie(right.instant, right.ms, right.from, right.kind);
  };
  const bool again = ordinal > 0 and same(last_row, what) and last_input == input;
  ordinal = again ? ordinal + 1 : 1;
  last_row = what;
  last_input = input;
  const auto id = fmt::format("{}/{}/{}/{}", what.time, what.ms, to_text(what.from), ordinal);
  what.text = arena.keep(rows_source, id);
  what.key = event_key(rows_source, id);
}

asked_review* packer::body::request_of(const incoming_event& answered) {
  const auto& name = detail_of<review_answer>(answered.what).request;
  const auto found = std::find_if(reviews.begin(), reviews.end(), [&](const asked_review& each) {
    return was_asked(each, answered) and request_name(each.kept.slot, each.kept.number) == name;
  });
  return found == reviews.end() ? nullptr : &*found;
}

// The first answer to a request counts, late or not. Core cannot tell: nothing was asked of its user here. A later one
// counts where a decision followed: its slot had ended meanwhile, or had just come back.
applied packer::body::judge_event(const incoming_event& given) {
  const auto& what = given.what;
  auto* asked = what.kind == event_kind::review ? request_of(given) : nullptr;
  const bool used_before =
      asked == nullptr and what.kind == event_kind::review and was_used_before(detail_of<review_answer>(what).request);
  if (asked == nullptr and not used_before) return judge->judge(given.now, what);
  if (judge->is_erased(what)) return applied::erased;
  if (asked != nullptr and not std::exchange(asked->used, true)) return applied::accepted;
  const std::pair told{given.epoch, event_id(what)};
  const bool counts = std::find(caused.begin(), caused.end(), told) != caused.end();
  return counts ? applied::accepted : applied::duplicate;
}

bool packer::body::admits(const incoming_event& given) {
  const auto how = judge_event(given);
  if (how == applied::accepted) return true;
  if (how == applied::duplicate)
    ++all.counts.duplicates;
  else if (how == applied::stale)
    ++all.counts.stale;
  else
    ++all.counts.refused[static_cast<std::size_t>(refusal_of(how).why)];
  return false;
}

void packer::body::take_event(incoming_event& what) {
  if (left_out) return;
  if (not what.has_id) name_row(what.what, what.input);
  // Clocks of partitions differ; a user has one.
  what.now = std::max(what.now, now);
  if (what.notes_id) (void)judge->judge(what.now, what.what);
  not what.refused and admits(what) ? write_event(what) : leave_out(what);
}

// A user of whom nothing was known has no timers before its first event.
void packer::body::leave_out(const incoming_event& what) {
  if (not begun and holds_state() and changes.promotes_in(what.partition, what.epoch)) begin_block_user(what.partition);
  if (not begun or epoch == what.epoch or not changes.promotes_in(head.partition, what.epoch)) return;
  write_broadcasts(&what);
  block->add_broadcast(what.now, what.epoch != epoch or what.now != now, left_out_mark);
  epoch = what.epoch;
  now = what.now;
}

// Of requests from before, those that wait for an answer are known as others are; late answers to one that timed out
// come once, too.
bool packer::body::take_state(const decoded_row& from) {
  if (from.kind == row_kind::state) {
    state = from.state;
    head.partition = from.partition;
    is_known = true;
  } else {
    append_state_row(state, erased_state_key, from.state);
  }
  if (not judge->know(state, standings)) return false;
  for (const auto& [slot, last, loaded] : standings) {
    if (last.pending != 0) review_of(slot, last.pending).kept.requested_at = last.asked_at;
    for (const auto number : last.timed_out)
      review_of(slot, number).from_before = true;
  }
  return true;
}

bool packer::body::was_used_before(const std::string& request) const {
  return std::any_of(standings.begin(), standings.end(), [&](const standing_row& each) {
    if (not request.starts_with(each.slot + "-")) return false;
    const auto number = parse_number<std::uint32_t>(std::string_view(request).substr(each.slot.size() + 1));
    return number and *number > 0 and *number <= each.last.last_request;
  });
}

void packer::body::begin_block_user(std::int32_t partition) {
  head.partition = partition;
  block->begin_user(head);
  if (holds_state()) block->set_state(state);
  begun = true;
  waiting = changes.of(head.partition);
}

void packer::body::write_event(const incoming_event& what) {
  if (not begun) begin_block_user(what.partition);
  if (not std::exchange(has_event, true) and head.label) ++labelled;
  write_broadcasts(&what);
  block->add(what.now, what.epoch != epoch or what.now != now, names ? names->of(what.what, arena) : what.what);
  epoch = what.epoch;
  now = what.now;
  count_event(what.now, what.what);
  meter.add(what.now, what.what);
  if (what.what.kind == event_kind::review) answer(what);
  // An erasure leaves the numbers of requests alone: an answer to one of them is an answer too many.
  if (what.what.kind == event_kind::erasure)
    for (auto& each : reviews)
      each.used |= was_asked(each, what) and not(each.epoch == what.epoch and each.after_erasure);
}

// Changes that come before the user's next event (nullptr: there is none) and have a step of the user at their `now`.
void packer::body::write_broadcasts(const incoming_event* next) {
  const auto is_behind = [next](const change_for_all& each) {
    if (next == nullptr or each.epoch < next->epoch) return false;
    return each.epoch > next->epoch or (not each.is_run and before(next->what, each.what));
  };
  for (; not waiting.empty() and not is_behind(waiting.front()); waiting = waiting.subspan(1)) {
    const auto& each = waiting.front();
    const bool at_step = each.now == now or (next != nullptr and each.now == next->now);
    if (not at_step) continue;
    block->add_broadcast(each.now, each.epoch != epoch or each.now != now, each.number);
    epoch = each.epoch;
    now = each.now;
  }
}

void packer::body::count_event(time_ms at, const event& what) {
  auto& counts = all.counts;
  ++counts.events[static_cast<std::size_t>(what.kind)];
  const bool timed = what.kind == event_kind::speech or what.kind == event_kind::stt;
  if (timed) ++counts.lateness[lateness_of(at - what.instant)];
  if (what.kind == event_kind::speech) {
    ++counts.lanes[static_cast<std::size_t>(what.from)];
    if (what.detail != nullptr) counts.segments += detail_of<speech_segments>(what).segments.size();
  }
  const auto part = std::find_if(all.parts.begin(), all.parts.end(),
                                 [&](const auto& each) { return each.partition == head.partition; });
  if (part == all.parts.end()) {
    all.parts.push_back({head.partition, at, at});
  } else {
    part->first_now = std::min(part->first_now, at);
    part->last_now = std::max(part->last_now, at);
  }
  // The configuration's commands have an instant before everything.
  if (what.text != nullptr and what.text->source == config_source) return;
  all.first_instant = any_event ? std::min(all.first_instant, what.instant) : what.instant;
  all.last_instant = any_event ? std::max(all.last_instant, what.instant) : what.instant;
  any_event = true;
}

// Made, if there is none yet: dumps overlap, and may begin behind a request.
asked_review& packer::body::review_of(std::string_view slot, std::uint32_t number) {
  for (auto& each : reviews)
    if (each.kept.slot == slot and each.kept.number == number) return each;
  auto& made = reviews.emplace_back();
  made.kept.slot = slot;
  made.kept.number = number;
  return made;
}

// Of the request that it names; one of a request that is not known stands for itself.
void packer::body::answer(const incoming_event& given) {
  const auto& said = detail_of<review_answer>(given.what);
  auto* asked = request_of(given);
  if (asked != nullptr and asked->from_before) return;
  if (asked == nullptr) asked = &reviews.emplace_back();
  auto& kept = asked->kept;
  if (kept.ended != ending::open) return;
  kept.ended = said.failed.empty() ? ending::answered : ending::failed;
  kept.ended_at = given.now;
  kept.said = said;
  if (const auto* text = given.what.text; text != nullptr) {
    kept.answer_source = text->source;
    kept.answer_id = text->id;
  }
}

void packer::body::end_user() {
  if (not begun and not left_out and is_known and holds_state()) begin_block_user(head.partition);
  if (begun) {
    write_broadcasts(nullptr);
    for (const auto& each : reviews) {
      if (each.from_before) continue;
      ++all.counts.reviews[static_cast<std::size_t>(each.kept.ended)];
      block->add_review(names ? names->of(each.kept) : each.kept);
    }
    block->end_user(meter.peaks());
    ++(has_event ? all.counts.users : all.counts.idle_users);
  }
  arena.clear();
  open = false;
}

// Compressed and written on another thread, while the next one is filled.
result<void, store_error> packer::body::write_block(history_writer& to) {
  if (auto done = wait(); not done) return done;
  block.swap(block_before);
  writing = std::async(std::launch::async, [this, &to] { return to.add(block_before->finish()); });
  if (options.progress) options.progress(all.counts.users, all.counts.all_events());
  if (options.stopped and options.stopped()) return store_error{store_fault::misuse, std::string(pack_stopped)};
  return {};
}

result<void, store_error> packer::body::wait() { return writing.valid() ? writing.get() : result<void, store_error>{}; }

result<void, store_error> packer::body::begin_row(std::string_view name, history_writer& to) {
  if (open and name == uid) return {};
  if (open) end_user();
  begin_user(name);
  const bool is_full = block->sizes().events >= options.block_events or block->state_bytes() >= block_state_bytes;
  return is_full ? write_block(to) : result<void, store_error>{};
}

result<void, store_error> packer::body::write_row(const sorted_row& from, history_writer& to) {
  // The texts of the user before are no longer needed.
  if (auto done = begin_row(from.group, to); not done) return done;
  if (not decode_row(from.key, from.value, arena, read)) return damaged("a row of the sort cannot be read");
  switch (read.kind) {
    case row_kind::erased:
      // More than once, if more than one erasure came.
      all.counts.erased_users += not std::exchange(left_out, true);
      break;
    case row_kind::state:
    case row_kind::erased_before:
      if (not take_state(read)) return damaged("the state of a user in the checkpoint does not decode");
      break;
    case row_kind::label:
      head.label = read.label;
      break;
    case row_kind::request: {
      auto& asked = review_of(read.slot, read.number);
      asked.kept.requested_at = read.at;
      asked.epoch = read.asked_in;
      asked.after_erasure = read.after_erasure;
      break;
    }
    case row_kind::timeout: {
      auto& late = review_of(read.slot, read.number).kept;
      late.ended = ending::timed_out;
      late.ended_at = read.at;
      break;
    }
    case row_kind::answered:
      caused.emplace_back(read.answered_in, read.id);
      break;
    case row_kind::event:
      take_event(read.event);
      break;
  }
  return {};
}

result<void, store_error> packer::body::write_all(history_writer& to) {
  if (auto done = rows.begin(); not done) return done;
  sorted_row from;
  for (;;) {
    const auto there = rows.next(from);
    if (not there) return there.error();
    if (not *there) break;
    if (auto done = write_row(from, to); not done) return done;
  }
  if (open) end_user();
  return block->sizes().users + block->sizes().idle_users > 0 ? write_block(to) : result<void, store_error>{};
}

result<history_contents, store_error> packer::finish(history_writer& to, history_contents all) {
  auto& mine = *body_;
  const auto refused = mine.all.counts;
  mine.all = std::move(all);
  mine.all.counts = refused;
  mine.all.pseudonymised = mine.all.pseudonymised or mine.names.has_value();
  if (mine.names and not mine.all.checkpoints.empty()) {
    mine.all.checkpoints.clear();
    mine.all.start = history_start::cold;
  }
  if (mine.all.holds_states()) to.hold_states();
  for (auto* each : {&mine.block, &mine.block_before})
    *each = std::make_unique<block_builder>(mine.all.holds_states());
  mine.judge.emplace(mine.options.judges_lateness and mine.all.arrivals_known, mine.all.retention_ms,
                     mine.all.horizon_ms);
  mine.all.counts.duplicates += mine.changes.finish(mine.all);
  if (mine.names)
    for (auto& each : mine.all.broadcasts)
      each = mine.names->of(std::move(each));
  auto done = mine.write_all(to);
  // Of the last block, or of one that nothing comes behind: the writer may go.
  auto written = mine.wait();
  if (not done) return done.error();
  if (not written) return written.error();
  std::sort(mine.all.parts.begin(), mine.all.parts.end(),
            [](const auto& left, const auto& right) { return left.partition < right.partition; });
  return std::move(mine.all);
}

} // namespace fairuse::history
