// SPDX-License-Identifier: Apache-2.0
//
// Speech as rows of a CSV, under a header that names the columns.
// Threads: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

/// What a column can hold.
enum class csv_field : std::uint8_t { uid, time, ms, lane, id, source };
inline constexpr std::size_t csv_field_count = 6;
std::string_view to_text(csv_field value);

enum class time_form : std::uint8_t { rfc3339, unix_s, unix_ms };
std::optional<time_form> time_form_from(std::string_view text);

struct csv_options {
  /// By csv_field; empty: no column. All empty: not given.
  std::array<std::string, csv_field_count> columns;
  time_form time = time_form::rfc3339;
  /// Of the column `ms`.
  std::int64_t unit_ms = 1;

  const std::string& column(csv_field field) const { return columns.at(static_cast<std::size_t>(field)); }
  bool is_given() const { return not column(csv_field::uid).empty(); }
};

/// `uid=user,time=started_at,ms=speech_ms`: the columns. The error says what is missing or unknown.
result<std::array<std::string, csv_field_count>> csv_columns_from(std::string_view text);

/// `1.25` in units of so many ms, truncated to ms. Nullopt: no decimal number without exponent, or beyond 10^13.
std::optional<std::int64_t> decimal_ms(std::string_view text, std::int64_t unit_ms);

/// Why a row is no event.
struct csv_refusal {
  refusal why = refusal::bad_value;
  /// For people; holds no value of the row.
  std::string says;
};

class csv_events {
public:
  /// The error names columns that the header does not have, and those that it has.
  static result<csv_events> make(const csv_options& options, std::span<const std::string> header);

  /// `out` with uid, event and has_id; its texts are in the arena. REQUIRES: uid, time and ms have columns.
  result<void, csv_refusal> read(std::span<const std::string> row, event_arena& arena, incoming_event& out) const;

private:
  const std::string* cell(std::span<const std::string> row, csv_field field) const;
  result<void, csv_refusal> read_time(std::string_view text, event& out) const;
  result<void, csv_refusal> read_amount(std::string_view text, event& out) const;

  csv_options options_;
  std::array<std::optional<std::size_t>, csv_field_count> places_;
  std::size_t width_ = 0;
};

} // namespace fairuse::history
