// SPDX-License-Identifier: Apache-2.0

#include "streams/local/local_sink.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "events/decision_json.hpp"
#include "streams/failpoint.hpp"
#include "streams/policy_choice.hpp"
#include "streams/refusal_of.hpp"
#include "streams/unusable_input.hpp"
#include "streams/user_log.hpp"

namespace fairuse {

namespace {

std::string_view place_of(const input_batch& batch, std::uint32_t line) {
  const auto& what = batch.lines[line];
  return what.kind == line_kind::refused ? std::string_view(batch.refusals[what.index].place) : std::string_view();
}

const event_text* text_of(const input_batch& batch, const input_line& line) {
  if (line.kind == line_kind::event) return batch.events[line.index].what.text;
  return line.kind == line_kind::command ? batch.commands[line.index].text : nullptr;
}

} // namespace

local_sink::local_sink(local_sink_options options, local_store& store, local_source& source, case_namer names)
  : options_{std::move(options)},
    store_{store},
    source_{source},
    names_{std::move(names)},
    handed_{store.committed()} {}

void local_sink::write(const local_epoch& from, const epoch_result& decided) {
  failpoint::pass("slices_done");
  const auto& sealed = from.sealed;
  const auto& lines = *from.lines;
  const auto outcomes = decided.outcomes;
  store_.add_epoch(sealed.number, sealed.now, static_cast<std::uint32_t>(lines.lines));
  ids_.begin_epoch(sealed.number);
  const auto dead_letters = take_refused(lines, decided);
  take_lines(lines);
  take_broadcast(sealed, *decided.broadcast);
  for (auto& each : outcomes) {
    take_decisions(each, sealed);
    totals_.counts += each.wrote.counts;
    if (each.who != nullptr and each.who->changed.any() and is_changed_.insert(each.who).second)
      changed_.emplace_back(each.uid, each.who);
  }
  if (options_.told_enforcement) take_enforcement(sealed, decided);
  published_.epoch = sealed.number;
  published_.now = sealed.now;
  published_.in_force = decided.broadcast->in_force;
  if (options_.told_commit) take_leases(lines);
  totals_.by_kind.add(sealed, decided);
  totals_.by_slot.add(decided);
  totals_.events += lines.lines - lines.config_commands - lines.empty_lines - dead_letters;
  ++totals_.epochs;
  ++waiting_;
}

// Into the input log, as they came; and remember where the epoch ended.
void local_sink::take_lines(const sealed_lines& lines) {
  for (const auto& range : lines.ranges) {
    const auto begin = range.batch->begin_of(range.first);
    const auto end = range.batch->begin_of(range.first + range.count);
    store_.add_lines(range.batch->bytes().substr(begin, end - begin));
    commit_lines_ += range.count;
    if (range.batch->own) {
      for (auto& [key, value] : config_settings_)
        store_.meta().settings[key] = value;
      continue;
    }
    totals_.lines += range.count;
    if (not range.batch->spooled.empty()) {
      options_.second_input->joined(*range.batch, range.first + range.count);
      continue;
    }
    last_batch_ = range.batch;
    last_line_ = range.first + range.count;
    totals_.bytes += end - begin;
  }
  totals_.empty_lines += lines.empty_lines;
}

// Dead letters of the epoch by line, refused by wire, sealing or core. Returns how many are lines of the input itself.
std::uint64_t local_sink::take_refused(const sealed_lines& lines, const epoch_result& decided) {
  refused_.clear();
  for (const auto& each : lines.refused)
    refused_.push_back({each.range, each.line, each.why, place_of(*lines.ranges[each.range].batch, each.line), {}});
  take_refused_by_core(lines, decided);
  if (refused_.empty()) return 0;
  std::sort(refused_.begin(), refused_.end(),
            [](const auto& a, const auto& b) { return std::tie(a.range, a.line) < std::tie(b.range, b.line); });
  std::uint64_t dead_letters = 0;
  std::uint32_t before = 0;
  std::uint32_t range = 0;
  for (const auto& each : refused_) {
    for (; range < each.range; ++range)
      before += lines.ranges[range].count;
    const auto& from = lines.ranges[each.range];
    const auto& batch = *from.batch;
    const dead_letter made{.why = each.why,
                           .place = std::string{each.place},
                           .input = name_of(batch),
                           .line = batch.first_line + each.line,
                           .commit_line = commit_lines_ + before + (each.line - from.first),
                           .bytes = std::string{batch.original(each.line)},
                           .note = std::string{each.note}};
    store_.add_dead_letter(made);
    if (++totals_.dead_letters[static_cast<std::size_t>(each.why)] == 1) options_.told_dead_letter(made);
    dead_letters += batch.own ? 0 : 1;
    if (batch.lines[each.line].kind == line_kind::refused and not batch.own) take_unreadable(batch, each.line);
  }
  return dead_letters;
}

std::string local_sink::name_of(const input_batch& batch) const {
  if (batch.own) return std::string{config_source};
  return batch.spooled.empty() ? options_.input : "spool/" + batch.spooled;
}

void local_sink::take_unreadable(const input_batch& batch, std::size_t line) {
  if (totals_.unreadable_lines == 0) totals_.first_unreadable = batch.text(line).substr(0, sample_bytes);
  ++totals_.unreadable_lines;
}

// Core names the event; the address of its text, which is never copied, identifies the line.
void local_sink::take_refused_by_core(const sealed_lines& lines, const epoch_result& decided) {
  struct refused_text {
    const event_text* text;
    refused_at why;
    std::string_view note;
  };
  std::vector<refused_text> wanted;
  for (const auto& each : decided.outcomes)
    for (const auto& refused : each.refused)
      wanted.push_back({refused.what->text, refusal_of(refused.why), refused.note});
  for (const auto& command : decided.broadcast->impossible)
    wanted.push_back({command.what->text, impossible_promotion, command.note});
  if (wanted.empty()) return;
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.text < b.text; });
  for (std::uint32_t r = 0; r < lines.ranges.size(); ++r) {
    const auto& range = lines.ranges[r];
    for (auto i = range.first; i < range.first + range.count; ++i) {
      const auto* text = text_of(*range.batch, range.batch->lines[i]);
      if (text == nullptr) continue;
      const auto found = std::lower_bound(wanted.begin(), wanted.end(), text,
                                          [](const auto& each, const event_text* key) { return each.text < key; });
      if (found != wanted.end() and found->text == text)
        refused_.push_back({r, i, found->why.why, found->why.place, found->note});
    }
  }
}

void local_sink::take_decisions(const outcome& from, const epoch& sealed) {
  const auto& decisions = from.wrote.decisions;
  if (decisions.empty()) return;
  const auto erased = behind_erasure(decisions);
  // The rows of the store go with the user's; these wait for the commit.
  if (erased != 0) std::erase_if(log_rows_, [&from](const log_row& each) { return each.uid == from.uid; });
  const bool logs = from.who != nullptr and has_mark(*from.who);
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    take_decision(decisions[i], from.uid, sealed);
    if (logs and i >= erased and is_live(decisions[i])) log_decision(decisions[i], from.uid, sealed);
  }
}

std::string local_sink::reference_of(const decision& what, std::string_view uid) {
  return is_live(what) and what.strike != 0 ? names_.reference(uid, what.strike) : std::string{};
}

void local_sink::log_decision(const decision& what, std::string_view uid, const epoch& sealed) {
  const auto reference = reference_of(what, uid);
  line_.clear();
  append_decision_data(line_, what,
                       {.id = ids_.last(), .uid = uid, .case_reference = reference, .epoch = sealed.number});
  // Numbers of an epoch, so that the sizes of commits change no row.
  const bool is_first = log_rows_.empty() or log_rows_.back().epoch != sealed.number;
  const auto index = is_first ? 0 : log_rows_.back().index + 1;
  log_rows_.push_back(
      {std::string{uid}, sealed.now, sealed.number, index, user_log_row(ids_.last(), what.time, line_)});
}

void local_sink::take_decision(const decision& what, std::string_view uid, const epoch& sealed) {
  const auto id = ids_.next(what);
  const auto reference = reference_of(what, uid);
  line_.clear();
  append_decision(
      line_, what,
      {.id = id, .source = options_.decision_source, .uid = uid, .case_reference = reference, .epoch = sealed.number});
  store_.add_decision(line_);
  ++(is_live(what) ? totals_.decisions : totals_.shadow_decisions)[static_cast<std::size_t>(what.kind)];
}

void local_sink::take_broadcast(const epoch& sealed, const broadcast_outcome& broadcast) {
  if (sealed.commands.empty()) return;
  for (const auto& what : broadcast.decisions)
    take_decision(what, "*", sealed);
  totals_.duplicate_commands += broadcast.duplicates.size();
  totals_.counts.reused_command_ids += broadcast.reused_ids;
  auto& meta = store_.meta();
  meta.controls = stored_from(broadcast.in_force);
  keep_ages(broadcast.in_force, meta.settings);
  for (const auto& id : broadcast.new_ids)
    append_command_id(meta.settings, id);
}

void local_sink::take_enforcement(const epoch& sealed, const epoch_result& decided) {
  enforcement_.epoch = sealed.number;
  enforcement_.now = sealed.now;
  const auto& broadcast = *decided.broadcast;
  if (not sealed.commands.empty())
    enforcement_.controls = controls_row{.epoch = sealed.number,
                                         .now = sealed.now,
                                         .enabled = broadcast.in_force.enabled,
                                         .killed = broadcast.in_force.killed};
  const bool promoted = has_promotion(broadcast);
  for (const auto& each : decided.outcomes) {
    const auto due = enforcement_due(each, promoted);
    if (due == row_due::no) continue;
    auto& change = enforcement_.users.emplace_back();
    change.uid = each.uid;
    if (due == row_due::write) change.row = enforcement_of(*each.who, sealed.now, sealed.number, 0);
  }
}

// What was refused was not used. Behind take_refused().
void local_sink::take_leases(const sealed_lines& lines) {
  for (std::uint32_t i = 0; i < lines.ranges.size(); ++i) {
    const auto& range = lines.ranges[i];
    for (const auto& [line, lease] : range.batch->leases) {
      if (line < range.first or line - range.first >= range.count) continue;
      const auto place = [](const refused_line& each) { return std::pair{each.range, each.line}; };
      if (std::ranges::binary_search(refused_, std::pair{i, line}, {}, place)) continue;
      published_.leases.push_back({std::string{uid_of(*range.batch, line)}, std::string{lease}});
    }
  }
}

std::function<void()> local_sink::told_when_published(std::function<void()> published) {
  if (not options_.told_enforcement and not options_.told_commit) return published;
  auto changes = std::make_shared<enforcement_changes>(std::move(enforcement_));
  enforcement_ = {};
  auto commit = std::make_shared<published_commit>(published_);
  published_.leases.clear();
  return [&options = options_, changes, commit, published = std::move(published)] {
    if (options.told_commit) options.told_commit(*commit);
    if (options.told_enforcement) options.told_enforcement(*changes);
    if (published) published();
  };
}

result<void, store_error> local_sink::commit(std::function<void()> published) {
  for (const auto& [uid, who] : changed_) {
    store_.add_user(uid, *who);
    seen_.insert(std::hash<std::string>{}(uid));
  }
  totals_.users = seen_.size();
  for (const auto& each : log_rows_)
    store_.add_to_log(each.uid, each.now, each.epoch, each.index, each.row);
  log_rows_.clear();
  changed_.clear();
  is_changed_.clear();
  auto& meta = store_.meta();
  meta.settings["sealer"] = encode_sealer_state(source_.state());
  if (options_.has_position and last_batch_ != nullptr) {
    const auto position = std::find_if(meta.inputs.begin(), meta.inputs.end(),
                                       [&](const auto& each) { return each.input == options_.input; });
    auto& target = position == meta.inputs.end() ? meta.inputs.emplace_back() : *position;
    target = {options_.input, last_batch_->offset_of(last_line_), last_batch_->first_line - 1 + last_line_,
              fmt::format("{:016x}", fingerprint_at(*last_batch_, last_line_))};
  }
  remember_spool();
  waiting_ = 0;
  commit_lines_ = 0;
  ++totals_.commits;
  failpoint::pass("batch_built");
  ++handed_;
  if (auto done = store_.commit(told_when_published(std::move(published))); not done) return done;
  if (options_.second_input != nullptr) options_.second_input->turn();
  return {};
}

void local_sink::remember_spool() {
  if (options_.second_input == nullptr) return;
  auto& settings = store_.meta().settings;
  if (auto positions = options_.second_input->positions(); positions.empty())
    settings.erase(spool_setting);
  else
    settings[spool_setting] = std::move(positions);
}

void local_sink::settle_if_written() {
  if (options_.second_input != nullptr and store_.committed() == handed_) options_.second_input->settle();
}

result<void, store_error> local_sink::wait() {
  if (auto done = store_.wait(); not done) return done;
  if (options_.second_input != nullptr) options_.second_input->settle();
  return {};
}

} // namespace fairuse
