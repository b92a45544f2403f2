// SPDX-License-Identifier: Apache-2.0
#include "events/time_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace fairuse {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t day_number(const year_month_day& date) { return sys_days(date).time_since_epoch().count(); }

constexpr year_month_day date_of(int year, int month, int day) {
  return {std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
          std::chrono::day(static_cast<unsigned>(day))};
}

constexpr std::int64_t first_day = day_number(date_of(0, 1, 1));
constexpr std::int64_t last_day = day_number(date_of(9999, 12, 31));

/// Reads fixed-width fields from the front; the first mismatch makes `ok` false for good.
struct reader {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t count) {
    if (rest.size() < count) return fail();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest[i] < '0' or rest[i] > '9') return fail();
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return value;
  }

  char one_of(std::string_view allowed) {
    if (rest.empty() or allowed.find(rest.front()) == std::string_view::npos) {
      fail();
      return '\0';
    }
    const char found = rest.front();
    rest.remove_prefix(1);
    return found;
  }

  /// Any number of digits, at least one; keeps the first three as milliseconds.
  int fraction_ms() {
    int value = 0;
    int weight = 100;
    std::size_t count = 0;
    for (; count < rest.size() and rest[count] >= '0' and rest[count] <= '9'; ++count) {
      value += weight * (rest[count] - '0');
      weight /= 10;
    }
    rest.remove_prefix(count);
    return count == 0 ? fail() : value;
  }

  int fail() {
    ok = false;
    rest = {};
    return 0;
  }
};

void append_padded(std::string& out, std::int64_t value, int width) {
  std::array<char, 4> text{};
  for (int i = width - 1; i >= 0; --i) {
    text.at(static_cast<std::size_t>(i)) = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text.data(), static_cast<std::size_t>(width));
}

} // namespace

std::optional<time_ms> time_from(std::string_view text) {
  reader in{text};
  const int year = in.digits(4);
  in.one_of("-");
  const int month = in.digits(2);
  in.one_of("-");
  const int day = in.digits(2);
  in.one_of("Tt");
  const int hour = in.digits(2);
  in.one_of(":");
  const int minute = in.digits(2);
  in.one_of(":");
  const int second = in.digits(2);
  int millisecond = 0;
  if (in.rest.starts_with('.')) {
    in.one_of(".");
    millisecond = in.fraction_ms();
  }
  const char zone = in.one_of("Zz+-");
  std::int64_t offset_ms = 0;
  if (zone == '+' or zone == '-') {
    const int offset_hour = in.digits(2);
    in.one_of(":");
    const int offset_minute = in.digits(2);
    if (offset_hour > 23 or offset_minute > 59) return std::nullopt;
    offset_ms = (zone == '+' ? 1 : -1) * (offset_hour * hour_ms + offset_minute * minute_ms);
  }
  if (not in.ok or not in.rest.empty()) return std::nullopt;
  const auto date = date_of(year, month, day);
  if (not date.ok() or hour > 23 or minute > 59 or second > 60) return std::nullopt;
  const auto value =
      day_number(date) * day_ms + hour * hour_ms + minute * minute_ms + second * second_ms + millisecond - offset_ms;
  // Leap seconds exist only as the last second of a UTC day.
  if (second == 60 and (value - millisecond) % day_ms != 0) return std::nullopt;
  return value;
}

void append_time(std::string& out, time_ms value) {
  auto day = value / day_ms;
  auto rest = value % day_ms;
  if (rest < 0) {
    rest += day_ms;
    --day;
  }
  const year_month_day date(sys_days(days(std::clamp(day, first_day, last_day))));
  append_padded(out, static_cast<int>(date.year()), 4);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out.push_back('T');
  append_padded(out, rest / hour_ms, 2);
  out.push_back(':');
  append_padded(out, rest / minute_ms % 60, 2);
  out.push_back(':');
  append_padded(out, rest / second_ms % 60, 2);
  out.push_back('.');
  append_padded(out, rest % second_ms, 3);
  out.push_back('Z');
}

std::string to_time_text(time_ms value) {
  std::string text;
  append_time(text, value);
  return text;
}

} // namespace fairuse
