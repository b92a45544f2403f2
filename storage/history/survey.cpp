// SPDX-License-Identifier: Apache-2.0
#include "storage/history/survey.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/pure/quantile.hpp"
#include "core/metering.hpp"

namespace fairuse::history {

namespace {

/// All speech of an event, overlaps once.
std::int64_t spoken_ms(const event& what, std::vector<spoken>& parts) {
  if (what.kind != event_kind::speech or what.detail == nullptr) return what.ms;
  unite(what, parts);
  std::int64_t sum = 0;
  for (const auto& each : parts)
    sum += each.end - each.begin;
  return sum;
}

/// Speech of user-days, of one user after the other.
class day_meter {
public:
  void add_user(const block_user& who) {
    days_.clear();
    for (const auto& each : who.events) {
      if (each.kind != event_kind::speech) continue;
      const auto ms = spoken_ms(each, parts_);
      if (ms > 0) days_.emplace_back(each.instant / day_ms, ms);
    }
    std::sort(days_.begin(), days_.end());
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < days_.size(); ++i) {
      sum += days_[i].second;
      if (i + 1 < days_.size() and days_[i + 1].first == days_[i].first) continue;
      // Beyond 49 days of speech on one day the number stands still.
      sums_.push_back(
          static_cast<std::uint32_t>(std::min<std::int64_t>(sum, std::numeric_limits<std::uint32_t>::max())));
      sum = 0;
    }
  }

  void finish(history_survey& out) {
    out.user_days = sums_.size();
    if (sums_.empty()) return;
    std::sort(sums_.begin(), sums_.end());
    for (std::size_t i = 0; i < daily_percents.size(); ++i)
      out.daily_ms.at(i) = quantile_of(sums_, daily_percents.at(i));
  }

private:
  std::vector<spoken> parts_;
  std::vector<std::pair<std::int64_t, std::int64_t>> days_;
  std::vector<std::uint32_t> sums_;
};

void append_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char each : text) {
    if (each == '"') out.push_back('"');
    out.push_back(each);
  }
  out.push_back('"');
}

/// REQUIRES: `parts` are the united segments of an event at `time`.
std::vector<std::string> segment_texts(const std::vector<spoken>& parts, time_ms time) {
  std::vector<std::string> made;
  for (const auto& each : parts)
    made.push_back(fmt::format("{}-{}", each.begin - time, each.end - time));
  return made;
}

} // namespace

result<void, store_error> visit_blocks(const history_reader& from, const block_visit& visit) {
  history_reader::buffers buffers;
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < from.contents().blocks.size(); ++i) {
    if (auto done = from.read_block(i, {.texts = true, .ids = true}, buffers); not done) return done;
    events += from.contents().blocks[i].sizes.events;
    if (not visit(buffers.block, events)) return {};
  }
  return {};
}

result<history_survey, store_error> survey(const history_reader& from,
                                           const std::function<void(std::uint64_t events)>& progress) {
  history_survey out;
  out.labelled.resize(from.contents().labels.size());
  day_meter days;
  bool is_whole = true;
  const auto done = visit_blocks(from, [&](const history_block& block, std::uint64_t events) {
    for (const auto& who : block.users()) {
      is_whole = is_whole and (not who.label or *who.label < out.labelled.size());
      if (is_whole and who.label) ++out.labelled[*who.label];
      days.add_user(who);
    }
    if (progress) progress(events);
    return is_whole;
  });
  if (not done) return done.error();
  if (not is_whole) return damaged("it is damaged: a user has a label that its contents do not have");
  days.finish(out);
  return out;
}

void append_csv(std::string& out, const block_user& who) {
  std::vector<spoken> parts;
  for (const auto& step : who.steps) {
    for (const auto& each : who.events.subspan(step.first, step.count)) {
      if (each.kind != event_kind::speech and each.kind != event_kind::stt) continue;
      const bool is_speech = each.kind == event_kind::speech;
      append_field(out, who.uid);
      fmt::format_to(std::back_inserter(out), ",{},{},{},{},{},{},", to_text(each.kind),
                     is_speech ? to_text(each.from) : "", step.now, each.instant, each.time, spoken_ms(each, parts));
      append_field(out, each.text != nullptr ? each.text->source : std::string_view());
      out.push_back(',');
      append_field(out, event_id(each));
      out.push_back(',');
      if (is_speech and each.detail != nullptr)
        out += fmt::format("{}", fmt::join(segment_texts(parts, each.time), " "));
      out.push_back('\n');
    }
  }
}

} // namespace fairuse::history
