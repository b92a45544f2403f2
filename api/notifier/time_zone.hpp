// SPDX-License-Identifier: Apache-2.0
//
// Instants where a user is, by the time zone files of the machine (RFC 8536). The standard library of Debian 12 has no
// time zones yet, and the C library has one per process.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.hpp"

namespace fairuse {

/// As a clock on the wall shows it.
struct civil_time {
  int year = 0;
  unsigned month = 0; ///< 1 to 12
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  /// CEST; where the zone has no such letters UTC-03:00.
  std::string zone;
  friend bool operator==(const civil_time&, const civil_time&) = default;
};

class time_zone {
public:
  /// UTC.
  time_zone() = default;
  /// Nullopt: the machine knows no zone of this IANA name.
  static std::optional<time_zone> find(std::string_view name,
                                       const std::filesystem::path& folder = "/usr/share/zoneinfo");
  /// From the bytes of a time zone file; nullopt: they are none.
  static std::optional<time_zone> from(std::string_view bytes);

  civil_time at(time_ms instant) const;

  /// So many seconds ahead of UTC.
  struct offset {
    std::int64_t seconds = 0;
    std::string letters = "UTC";
  };
  /// The n-th weekday of a month (week 5: the last), or a day of the year, at a second of that day.
  struct change_rule {
    enum class form : std::uint8_t { month_week_day, day_without_leap, day_from_zero } how = form::month_week_day;
    unsigned month = 1;
    unsigned week = 1;
    unsigned day = 0;
    std::int64_t second = 7'200;
  };
  /// What holds after the last change that the file lists.
  struct forever_rule {
    offset standard;
    /// Nullopt: there is none.
    std::optional<offset> summer;
    change_rule begin;
    change_rule end;
  };

private:
  offset offset_at(std::int64_t second) const;

  struct change {
    std::int64_t second = 0;
    std::size_t to = 0;
  };
  std::vector<offset> offsets_{offset{}};
  /// By second.
  std::vector<change> changes_;
  std::optional<forever_rule> forever_;
};

} // namespace fairuse
