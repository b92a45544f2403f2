// SPDX-License-Identifier: Apache-2.0
#include "events/time_text.hpp"

#include <array>

namespace fairuse {

namespace {

constexpr std::array<int, 13> days_before_month{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

/// Days from 0000-01-01 to 1970-01-01 in the proleptic Gregorian calendar.
constexpr std::int64_t epoch_day = 719'528;
constexpr std::int64_t first_day = -epoch_day;
constexpr std::int64_t last_day = 2'932'896; // 9999-12-31

constexpr bool is_leap(int year) { return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0); }

constexpr int days_in_month(int year, int month) {
  constexpr std::array<int, 13> days{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 and is_leap(year) ? 29 : days.at(static_cast<std::size_t>(month));
}

/// Days from 0000-01-01 to the first of January of `year`.
constexpr std::int64_t days_before_year(std::int64_t year) {
  // Year 0 is a leap year, so leap days before `year` count from it.
  return year == 0 ? 0 : 365 * year + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1;
}

static_assert(days_before_year(1970) == epoch_day);
static_assert(days_before_year(10'000) - epoch_day - 1 == last_day);

constexpr std::int64_t days_from_civil(int year, int month, int day) {
  const int leap_day = month > 2 and is_leap(year) ? 1 : 0;
  return days_before_year(year) + days_before_month.at(static_cast<std::size_t>(month)) + leap_day + day - 1
         - epoch_day;
}

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
  if (month < 1 or month > 12 or day < 1 or day > days_in_month(year, month) or hour > 23 or minute > 59 or second > 60)
    return std::nullopt;
  const auto value = days_from_civil(year, month, day) * day_ms + hour * hour_ms + minute * minute_ms
                     + second * second_ms + millisecond - offset_ms;
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
  day = day < first_day ? first_day : day > last_day ? last_day : day;
  const auto ordinal = day + epoch_day;
  // 146,097 days are 400 years; the estimate is exact or one year late.
  auto year = ordinal * 400 / 146'097;
  if (days_before_year(year + 1) <= ordinal)
    ++year;
  else if (days_before_year(year) > ordinal)
    --year;
  const auto day_of_year = static_cast<int>(ordinal - days_before_year(year));
  int month = 1;
  int day_of_month = day_of_year;
  while (day_of_month >= days_in_month(static_cast<int>(year), month))
    day_of_month -= days_in_month(static_cast<int>(year), month++);
  append_padded(out, year, 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, day_of_month + 1, 2);
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
