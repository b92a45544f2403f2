// SPDX-License-Identifier: Apache-2.0
#include "sim/history_feed.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/pure/hex.hpp"

namespace fairuse::sim {

namespace {

truth truth_from(std::string_view text) {
  for (const auto each : {truth::legitimate, truth::misuse, truth::exhausted})
    if (text == to_text(each)) return each;
  return truth::unlabelled;
}

/// In the keys that the feed gives, so that a decision's cause tells them from ids. The rest is a place.
constexpr std::uint64_t key_mark = 0xFA1E'0000'0000'0000;
constexpr std::uint64_t place_mask = 0x0000'FFFF'FFFF'FFFF;

cohort group_of(std::string name, truth label) {
  cohort made;
  made.name = std::move(name);
  made.label = label;
  return made;
}

std::vector<cohort> groups_of(std::span<const history::user_label> labels) {
  std::vector<cohort> groups;
  for (const auto& each : labels)
    groups.push_back(group_of(each.name, truth_from(each.truth)));
  groups.push_back(group_of("unlabelled", truth::unlabelled));
  return groups;
}

} // namespace

history_plan::history_plan(const history::history_reader& of) : from(&of), groups(groups_of(of.contents().labels)) {
  std::uint32_t users = 0;
  for (const auto& block : of.contents().blocks)
    ends.push_back(users += block.sizes.users);
}

void history_plan::keep_switches() {
  keeps_switches = true;
  switches = switches_of(from->contents());
}

void history_plan::label(std::span<const history::user_label> all,
                         std::map<std::string, std::uint32_t, std::less<>> by_uid) {
  groups = groups_of(all);
  labels = std::move(by_uid);
}

void set_captured(experiment& what, const history_plan& plan, const std::string& file) {
  const auto& contents = plan.from->contents();
  captured_traffic traffic;
  traffic.file = file;
  traffic.digest = plan.from->digest();
  traffic.arrivals_known = contents.arrivals_known;
  traffic.kinds = contents.kinds;
  traffic.keeps_switches = plan.keeps_switches;
  // One command has a copy on every partition.
  std::set<std::pair<std::string_view, std::string_view>> promotions;
  time_ms first = contents.first_instant;
  traffic.end = contents.last_instant;
  for (const auto& each : contents.parts) {
    first = std::min(first, each.first_now);
    traffic.end = std::max(traffic.end, each.last_now);
  }
  for (const auto& each : contents.broadcasts)
    if (each.what.verb == admin_verb::promote_policy) promotions.emplace(each.source, each.id);
  traffic.skipped_promotions = promotions.size();
  if (what.name.empty()) what.name = file;
  what.people = {};
  what.people.name = file;
  what.people.start = first;
  what.people.cohorts = plan.groups;
  what.users = plan.ends.empty() ? 0 : plan.ends.back();
  // An end at midnight begins no day.
  what.days = static_cast<std::uint32_t>(std::max<time_ms>((traffic.end - first + day_ms - 1) / day_ms, 1));
  what.retention_ms = std::max(what.retention_ms, contents.retention_ms);
  what.captured = std::move(traffic);
}

history_feed::history_feed(const history_plan& plan, const controls& in_force, time_ms end)
  : plan_(&plan), in_force_(&in_force), under_(controls_with(in_force.policies)), end_(end) {}

std::size_t history_feed::block_of(std::uint32_t user) const {
  const auto& ends = plan_->ends;
  return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), user) - ends.begin());
}

const history::block_user& history_feed::open(std::uint32_t user) {
  const auto block = block_of(user);
  if (block_ != block) {
    check();
    block_ = SIZE_MAX;
    if (const auto done = plan_->from->read_block(block, {.form = history::event_form::run}, buffers_); not done)
      throw std::runtime_error(done.error().message);
    block_ = block;
  }
  return buffers_.block.users()[user - (block == 0 ? 0 : plan_->ends[block - 1])];
}

void history_feed::check() const {
  if (block_ != SIZE_MAX and buffers_.block.damaged())
    throw std::runtime_error("a conversation in block " + std::to_string(block_ + 1) + " cannot be read");
}

namespace {

/// Answers, and commands that answered other decisions (unless `obeys_staff`), stay out of a replay.
bool holds(const event_columns& run, std::size_t i, bool obeys_staff) {
  const auto tag = run.tag[i];
  if (tag.kind() == event_kind::review) return false;
  if (tag.kind() != event_kind::admin) return true;
  const auto what = run.at(i);
  if (history::is_broadcast_mark(what)) return false;
  return obeys_staff or detail_of<admin_command>(what).verb == admin_verb::exempt;
}

/// The number of a command to all users; nullopt: it is another event.
std::optional<std::uint32_t> mark_at(const event_columns& run, std::size_t i) {
  if (run.tag[i].kind() != event_kind::admin) return std::nullopt;
  const auto what = run.at(i);
  return history::is_broadcast_mark(what) ? std::optional(static_cast<std::uint32_t>(what.ms)) : std::nullopt;
}

/// REQUIRES: it does not hold.
bool is_skipped_command(const event_columns& run, std::size_t i) {
  return run.tag[i].kind() == event_kind::admin and not history::is_broadcast_mark(run.at(i));
}

} // namespace

/// The system is on.
void history_feed::write_whole_run(const history::block_user& who, simulated_user& out) {
  if (who.answers_and_commands > 0) {
    out.columns.clear();
    for (std::size_t i = 0; i < out.run.count; ++i)
      if (holds(who.run, i, plan_->obeys_staff))
        out.columns.add(out.run, i);
      else
        out.skipped_commands += is_skipped_command(who.run, i);
    out.run = out.columns.columns();
  }
  out.take_run_until(end_, *in_force_);
}

void history_feed::write_switched_run(const history::block_user& who, std::span<const switch_change> changes,
                                      simulated_user& out) {
  switched_steps steps(under_, changes, out.steps);
  out.columns.clear();
  std::vector<std::uint32_t> marks;
  for (std::size_t first = 0; first < out.run.count;) {
    auto end = first;
    marks.clear();
    for (; end < out.run.count and who.run.now[end] == who.run.now[first]; ++end)
      if (const auto number = mark_at(who.run, end)) marks.push_back(*number);
    steps.begin(who.run.now[first], marks);
    for (; first < end; ++first) {
      if (const auto number = mark_at(who.run, first)) {
        steps.pass_mark(*number);
      } else if (holds(who.run, first, plan_->obeys_staff)) {
        out.columns.add(out.run, first);
        steps.add();
      } else {
        out.skipped_commands += is_skipped_command(who.run, first);
      }
    }
  }
  out.run = out.columns.columns();
  steps.finish(end_);
}

void history_feed::write_run(const history::block_user& who, simulated_user& out) {
  out.skipped_commands = 0;
  out.refused = {};
  out.steps.clear();
  out.run = who.run;
  out.run.first_key = key_mark | 1;
  auto count = who.run.count;
  while (count > 0 and who.run.now[count - 1] > end_)
    --count;
  out.run.count = count;
  const auto changes = plan_->switches.find(who.partition);
  if (changes == plan_->switches.end())
    write_whole_run(who, out);
  else
    write_switched_run(who, changes->second, out);
}

void history_feed::fill(std::uint32_t user, simulated_user& out) {
  const auto& who = open(user);
  out.uid = who.uid;
  out.group = static_cast<std::uint32_t>(plan_->groups.size() - 1);
  if (not plan_->labels)
    out.group = who.label.value_or(out.group);
  else if (const auto named = plan_->labels->find(who.uid); named != plan_->labels->end())
    out.group = named->second;
  write_run(who, out);
  out.review_buffer.clear();
  for (const auto& each : who.reviews)
    out.review_buffer.push_back(&each);
  std::sort(out.review_buffer.begin(), out.review_buffer.end(), [](const auto* left, const auto* right) {
    const auto place = [](const auto* of) { return std::tuple(of->at(), of->slot != "live", of->slot, of->number); };
    return place(left) < place(right);
  });
  out.reviews = out.review_buffer;
  if (plan_->proof) out.certified = plan_->proof->of(out.run, {history::peak_hours, who.peaks.speech_ms});
}

std::optional<std::string> history_feed::id_of(std::uint32_t user, std::uint64_t key) {
  if ((key & ~place_mask) != key_mark) return std::nullopt;
  const auto& who = open(user);
  const auto place = key & place_mask;
  if (place == 0 or place > who.run.count) return std::nullopt;
  auto number = who.first_id + place - 1;
  if (who.answers_and_commands > 0)
    for (std::size_t i = 0; i + 1 < place; ++i)
      number -= who.run.tag[i].whole() and history::is_broadcast_mark(who.run.at(i));
  if (const auto done = plan_->from->read_id(block_of(user), number, ids_buffers_, ids_); not done)
    throw std::runtime_error(done.error().message);
  if (not ids_.holds(number)) return std::nullopt;
  return ids_.has_text(number) ? std::string(ids_.text(number).id) : to_hex(ids_.key(number));
}

} // namespace fairuse::sim
