// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/time_zone.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "base/system/files.hpp"

namespace fairuse {

namespace {

using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year;

constexpr std::int64_t day_s = 86'400;
constexpr std::size_t name_length_max = 64;

// The big-endian numbers of a file, one after the other.
class number_reader {
public:
  explicit number_reader(std::string_view bytes) : rest_{bytes} {}

  std::int64_t take(std::size_t width) {
    const auto bytes = take_bytes(width);
    std::uint64_t value = not bytes.empty() and (bytes[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const char each : bytes)
      value = value << 8U | static_cast<unsigned char>(each);
    return static_cast<std::int64_t>(value);
  }
  std::string_view take_bytes(std::size_t count) {
    failed_ |= count > rest_.size();
    const auto taken = rest_.substr(0, failed_ ? 0 : count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool failed() const { return failed_; }
  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
  bool failed_ = false;
};

struct file_header {
  char version = 0;
  std::size_t utc_marks = 0;
  std::size_t standard_marks = 0;
  std::size_t leap_seconds = 0;
  std::size_t changes = 0;
  std::size_t offsets = 0;
  std::size_t letters = 0;

  std::size_t bytes_behind(std::size_t time_width) const {
    return changes * (time_width + 1) + offsets * 6 + letters + leap_seconds * (time_width + 4) + standard_marks
           + utc_marks;
  }
};

std::optional<file_header> take_header(number_reader& from) {
  if (from.take_bytes(4) != "TZif") return std::nullopt;
  file_header head;
  head.version = static_cast<char>(from.take(1));
  from.take_bytes(15);
  for (auto* each :
       {&head.utc_marks, &head.standard_marks, &head.leap_seconds, &head.changes, &head.offsets, &head.letters}) {
    const auto count = from.take(4);
    if (count < 0 or count > 1 << 20) return std::nullopt;
    *each = static_cast<std::size_t>(count);
  }
  if (from.failed() or head.offsets == 0) return std::nullopt;
  return head;
}

// The rule of POSIX's TZ variable, such as CET-1CEST,M3.5.0,M10.5.0/3.
class rule_reader {
public:
  explicit rule_reader(std::string_view text) : rest_{text} {}

  std::optional<time_zone::forever_rule> read() {
    time_zone::forever_rule rule;
    if (not take_letters(rule.standard.letters) or not take_offset(rule.standard.seconds)) return std::nullopt;
    if (rest_.empty()) return rule;
    rule.summer = time_zone::offset{};
    auto& summer = *rule.summer;
    summer.seconds = rule.standard.seconds + 3'600;
    if (not take_letters(summer.letters)) return std::nullopt;
    if (not rest_.starts_with(',') and not take_offset(summer.seconds)) return std::nullopt;
    if (not take_change(rule.begin) or not take_change(rule.end) or not rest_.empty()) return std::nullopt;
    return rule;
  }

private:
  bool take(char wanted) {
    if (not rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_letters(std::string& into) {
    const bool quoted = take('<');
    const auto end = quoted ? rest_.find('>') : std::min(rest_.find_first_of("+-0123456789,"), rest_.size());
    if (end == std::string_view::npos or end == 0) return false;
    into = rest_.substr(0, end);
    rest_.remove_prefix(end + (quoted ? 1 : 0));
    return true;
  }

  // Hours, minutes, seconds.
  bool take_clock(std::int64_t& seconds) {
    const bool negative = take('-');
    if (not negative) take('+');
    seconds = 0;
    std::int64_t unit = 3'600;
    do {
      const auto count = take_number<unsigned>(rest_);
      if (not count or *count > 167) return false;
      seconds += unit * *count;
      unit /= 60;
    } while (unit > 0 and take(':'));
    if (negative) seconds = -seconds;
    return true;
  }

  // POSIX counts westwards.
  bool take_offset(std::int64_t& seconds) {
    if (not take_clock(seconds)) return false;
    seconds = -seconds;
    return true;
  }

  bool take_change(time_zone::change_rule& into) {
    using form = time_zone::change_rule::form;
    if (not take(',')) return false;
    const auto part = [this](unsigned& to, unsigned least, unsigned most) {
      const auto read = take_number<unsigned>(rest_);
      if (read) to = *read;
      return read and *read >= least and *read <= most;
    };
    if (take('M')) {
      if (not part(into.month, 1, 12) or not take('.') or not part(into.week, 1, 5) or not take('.')
          or not part(into.day, 0, 6))
        return false;
    } else {
      into.how = take('J') ? form::day_without_leap : form::day_from_zero;
      if (not part(into.day, into.how == form::day_without_leap ? 1 : 0, 365)) return false;
    }
    return not take('/') or take_clock(into.second);
  }

  std::string_view rest_;
};

// The change of a year, in the seconds of a clock on the wall before it.
std::int64_t second_of(const time_zone::change_rule& rule, year of) {
  using form = time_zone::change_rule::form;
  sys_days at = sys_days{of / 1 / 1};
  if (rule.how == form::month_week_day) {
    const weekday wanted{rule.day};
    at = rule.week == 5 ? sys_days{of / month{rule.month} / wanted[std::chrono::last]}
                        : sys_days{of / month{rule.month} / wanted[rule.week]};
  } else if (rule.how == form::day_from_zero) {
    at += days{rule.day};
  } else {
    // 1 March is the 60th day, in leap years, too.
    at += days{rule.day - 1 + (of.is_leap() and rule.day >= 60 ? 1 : 0)};
  }
  return at.time_since_epoch().count() * day_s + rule.second;
}

std::int64_t floor_days(std::int64_t seconds) { return (seconds - ((seconds % day_s) + day_s) % day_s) / day_s; }

std::chrono::year_month_day date_of(std::int64_t seconds) { return sys_days{days{floor_days(seconds)}}; }

const time_zone::offset& offset_by(const time_zone::forever_rule& rule, std::int64_t second) {
  if (not rule.summer) return rule.standard;
  const auto of = date_of(second + rule.standard.seconds).year();
  const auto begin = second_of(rule.begin, of) - rule.standard.seconds;
  const auto end = second_of(rule.end, of) - rule.summer->seconds;
  // South of the equator the year begins in summer.
  const bool is_summer = begin < end ? begin <= second and second < end : not(end <= second and second < begin);
  return is_summer ? *rule.summer : rule.standard;
}

bool is_name(std::string_view name) {
  constexpr std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/";
  return not name.empty() and name.size() <= name_length_max and name.front() != '/'
         and name.find_first_not_of(characters) == std::string_view::npos;
}

std::string zone_text(const time_zone::offset& of) {
  const auto first = of.letters.empty() ? '0' : of.letters.front();
  if (first != '+' and first != '-' and (first < '0' or first > '9')) return of.letters;
  const auto minutes = std::abs(of.seconds) / 60;
  return fmt::format("UTC{}{:02}:{:02}", of.seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

} // namespace

std::optional<time_zone> time_zone::find(std::string_view name, const std::filesystem::path& folder) {
  if (not is_name(name)) return std::nullopt;
  const auto file = folder / name;
  std::error_code failed;
  if (not std::filesystem::is_regular_file(file, failed)) return std::nullopt;
  const auto bytes = read_file(file);
  return bytes ? from(*bytes) : std::nullopt;
}

std::optional<time_zone> time_zone::from(std::string_view bytes) {
  number_reader rest{bytes};
  auto head = take_header(rest);
  if (not head) return std::nullopt;
  std::size_t time_width = 4;
  if (head->version >= '2') {
    // The same again with wider numbers, and more of them.
    rest.take_bytes(head->bytes_behind(time_width));
    head = take_header(rest);
    if (not head) return std::nullopt;
    time_width = 8;
  }
  time_zone made;
  made.changes_.resize(head->changes);
  for (auto& each : made.changes_)
    each.second = rest.take(time_width);
  for (auto& each : made.changes_)
    each.to = static_cast<std::size_t>(rest.take(1));
  made.offsets_.resize(head->offsets);
  std::vector<std::size_t> letters(head->offsets);
  for (std::size_t i = 0; i < head->offsets; ++i) {
    made.offsets_[i].seconds = rest.take(4);
    rest.take(1);
    letters[i] = static_cast<std::size_t>(rest.take(1));
  }
  const auto all_letters = rest.take_bytes(head->letters);
  rest.take_bytes(head->leap_seconds * (time_width + 4) + head->standard_marks + head->utc_marks);
  if (rest.failed()) return std::nullopt;
  for (std::size_t i = 0; i < head->offsets; ++i) {
    if (letters[i] >= all_letters.size()) return std::nullopt;
    const auto from_here = all_letters.substr(letters[i]);
    made.offsets_[i].letters = from_here.substr(0, from_here.find('\0'));
  }
  for (const auto& each : made.changes_)
    if (each.to >= made.offsets_.size()) return std::nullopt;
  auto rule = rest.rest();
  if (rule.size() >= 2 and rule.front() == '\n' and rule.back() == '\n')
    made.forever_ = rule_reader{rule.substr(1, rule.size() - 2)}.read();
  return made;
}

time_zone::offset time_zone::offset_at(std::int64_t second) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), second,
                                      [](std::int64_t at, const change& each) { return at < each.second; });
  if (after == changes_.end() and forever_) return offset_by(*forever_, second);
  return after == changes_.begin() ? offsets_.front() : offsets_[std::prev(after)->to];
}

civil_time time_zone::at(time_ms instant) const {
  const auto second = (instant - ((instant % 1'000) + 1'000) % 1'000) / 1'000;
  const auto here = offset_at(second);
  const auto shown = second + here.seconds;
  const auto date = date_of(shown);
  const auto of_day = shown - floor_days(shown) * day_s;
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = static_cast<unsigned>(of_day / 3'600),
          .minute = static_cast<unsigned>(of_day % 3'600 / 60),
          .zone = zone_text(here)};
}

} // namespace fairuse
