// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/case_time.hpp"

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "events/time_text.hpp"

namespace fairuse::sim {

namespace {

constexpr std::uint32_t days_max = 3'650;

/// A number of so many digits at most, up to `most`.
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t digits, std::int64_t most) {
  const auto before = text.size();
  if (text.starts_with('-')) return std::nullopt;
  const auto value = take_number<std::int64_t>(text);
  if (not value or before - text.size() > digits or *value > most) return std::nullopt;
  return value;
}

bool take_mark(std::string_view& text, char mark) {
  if (not text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

} // namespace

std::optional<std::int64_t> clock_from(std::string_view text) {
  const auto hours = take_digits(text, 2, 24);
  if (not hours or not take_mark(text, ':') or text.size() < 2) return std::nullopt;
  const auto minutes = take_digits(text, 2, 59);
  if (not minutes) return std::nullopt;
  auto ms = *hours * hour_ms + *minutes * minute_ms;
  if (take_mark(text, ':')) {
    const auto seconds = take_digits(text, 2, 59);
    if (not seconds) return std::nullopt;
    ms += *seconds * second_ms;
    if (take_mark(text, '.')) {
      if (text.size() != 3) return std::nullopt;
      const auto fraction = take_digits(text, 3, 999);
      if (not fraction) return std::nullopt;
      ms += *fraction;
    }
  }
  return text.empty() and ms <= day_ms ? std::optional(ms) : std::nullopt;
}

std::optional<case_time> case_time_from(std::string_view text) {
  constexpr std::string_view word = "day ";
  if (not text.starts_with(word)) {
    const auto at = time_from(text);
    return at ? std::optional(case_time{*at, false}) : std::nullopt;
  }
  text.remove_prefix(word.size());
  const auto day = take_digits(text, 4, days_max);
  if (not day or *day < 1) return std::nullopt;
  if (text.empty()) return case_time{(*day - 1) * day_ms, true};
  if (not take_mark(text, ' ')) return std::nullopt;
  const auto clock = clock_from(text);
  return clock ? std::optional(case_time{(*day - 1) * day_ms + *clock, true}) : std::nullopt;
}

std::string case_time_text(time_ms at, time_ms start) {
  const auto from = at - start;
  if (from < 0 or from / day_ms >= days_max) return to_time_text(at);
  const auto clock = from % day_ms;
  auto text = fmt::format("day {} {:02}:{:02}", from / day_ms + 1, clock / hour_ms, clock % hour_ms / minute_ms);
  const auto seconds = clock % minute_ms;
  if (seconds == 0) return text;
  text += fmt::format(":{:02}", seconds / second_ms);
  return seconds % second_ms == 0 ? text : text + fmt::format(".{:03}", seconds % second_ms);
}

} // namespace fairuse::sim
