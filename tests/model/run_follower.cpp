// SPDX-License-Identifier: Apache-2.0
#include "tests/model/run_follower.hpp"

#include <algorithm>
#include <variant>

#include "tests/model/scenario.hpp"

namespace fairuse::model {

namespace {

/// What a run counts too. It is not asked for duplicates and refused events.
std::string counted(const step_output& of) {
  const auto& counts = of.counts;
  std::string text;
  for (const auto each : {counts.accepted, counts.moved_to_backfill, counts.stt_of_earlier_day, counts.review_cooldown,
                          counts.review_terminal, counts.review_pending})
    text += std::to_string(each) + " ";
  for (const auto each : counts.metered_ms)
    text += std::to_string(each) + " ";
  for (const auto& each : of.tallies) {
    text += "| ";
    for (const auto ms : {each.stt_ms, each.stt_blocked_ms, each.stt_economy_ms, each.upload_refused_ms})
      text += std::to_string(ms) + " ";
    for (const auto number : {each.reviews, each.synthetic, each.unanswered})
      text += std::to_string(number) + " ";
  }
  return text;
}

bool has_segments(const event& what) {
  return what.detail != nullptr and std::holds_alternative<speech_segments>(*what.detail);
}

} // namespace

void run_follower::add(time_ms now, const event& what) {
  const bool flat = (what.kind == event_kind::speech and not has_segments(what)) or what.kind == event_kind::stt;
  // Whole conversations are applied at once, and then a review no longer reads outlines.
  if (keys_.empty()) has_whole_talks_ = what.key % 2 == 0;
  const bool talk = what.kind == event_kind::conversation and not(has_whole_talks_ and keys_.size() % 3 == 0);
  now_.push_back(now);
  instant_.push_back(what.instant);
  keys_.push_back(what.key);
  auto without_text = what;
  without_text.text = nullptr;
  ids_[event_id(without_text)] = event_id(what);
  tags_.emplace_back(what.kind, what.from, not flat and not talk);
  ms_.push_back(flat ? what.ms : static_cast<std::int32_t>(talk ? conversations_.size() : whole_.size()));
  if (talk)
    conversations_.push_back(what);
  else if (not flat)
    whole_.push_back(what);
  if (keys_.size() < next_cut_) return;
  take();
  draws_ = draws_ * 1'664'525 + 1'013'904'223;
  next_cut_ = keys_.size() + 1 + (draws_ >> 16) % 9;
}

void run_follower::use(const controls& in_force) {
  if (in_force_.policies != nullptr) take();
  in_force_ = in_force;
}

void run_follower::take() {
  run_.now = now_.data();
  run_.instant = instant_.data();
  run_.ms = ms_.data();
  run_.tag = tags_.data();
  run_.key = keys_.data();
  run_.whole = whole_;
  run_.conversations = this;
  run_.count = keys_.size();
  while (taken_ < run_.count)
    taken_ = apply(who_, in_force_, run_, taken_, run_.count, out_);
}

void run_follower::advance_to(time_ms now) {
  take();
  advance(who_, in_force_, now, out_);
}

std::string run_follower::difference(const step_output& expected) {
  take();
  for (auto& each : out_.decisions)
    if (const auto id = ids_.find(each.cause); id != ids_.end()) each.cause = id->second;
  for (std::size_t i = 0; i < std::max(out_.decisions.size(), expected.decisions.size()); ++i) {
    const auto is = i < out_.decisions.size() ? describe(out_.decisions[i]) : "nothing";
    const auto wanted = i < expected.decisions.size() ? describe(expected.decisions[i]) : "nothing";
    if (is != wanted) return "decision " + std::to_string(i) + "\n  in runs:    " + is + "\n  one by one: " + wanted;
  }
  if (counted(out_) != counted(expected)) return "in runs " + counted(out_) + "\none by one " + counted(expected);
  return {};
}

} // namespace fairuse::model
