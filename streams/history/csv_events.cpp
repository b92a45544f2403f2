// SPDX-License-Identifier: Apache-2.0
#include "streams/history/csv_events.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "base/pure/numbers.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"

namespace fairuse::history {

namespace {

constexpr std::array<std::string_view, csv_field_count> field_names{"uid", "time", "ms", "lane", "id", "source"};

/// The source of ids where no column says one.
constexpr std::string_view csv_source = "fairuse/csv";

constexpr std::int64_t whole_max = 10'000'000'000'000;

csv_refusal refuse(refusal why, const std::string& column, std::string_view says) {
  return {why, fmt::format("column {}: {}", column, says)};
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 or byte == 0x7F; }

/// As the wire has names: 1 to 256 bytes, no control characters.
result<void, csv_refusal> check_name(const std::string& text, const std::string& column, refusal if_empty,
                                     refusal if_long) {
  if (text.empty()) return refuse(if_empty, column, "it is empty");
  if (text.size() > wire_name_bytes_max)
    return refuse(if_long, column, fmt::format("it is longer than {} bytes", wire_name_bytes_max));
  if (std::any_of(text.begin(), text.end(), is_control))
    return refuse(refusal::bad_value, column, "it has control characters");
  if (not simdjson::validate_utf8(text.data(), text.size())) return refuse(refusal::bad_utf8, column, "it is no UTF-8");
  return {};
}

} // namespace

std::string_view to_text(csv_field value) { return field_names.at(static_cast<std::size_t>(value)); }

std::optional<time_form> time_form_from(std::string_view text) {
  if (text == "rfc3339") return time_form::rfc3339;
  if (text == "unix") return time_form::unix_s;
  if (text == "unix_ms") return time_form::unix_ms;
  return std::nullopt;
}

result<std::array<std::string, csv_field_count>> csv_columns_from(std::string_view text) {
  std::array<std::string, csv_field_count> made;
  while (not text.empty()) {
    const auto pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos or equals + 1 == pair.size())
      return error{fmt::format("'{}' is not FIELD=COLUMN, such as uid=user", pair)};
    const auto found = std::find(field_names.begin(), field_names.end(), pair.substr(0, equals));
    if (found == field_names.end())
      return error{
          fmt::format("there is no field '{}'; there are {}", pair.substr(0, equals), fmt::join(field_names, ", "))};
    auto& column = made.at(static_cast<std::size_t>(found - field_names.begin()));
    if (not column.empty()) return error{fmt::format("the field '{}' stands there twice", *found)};
    column = pair.substr(equals + 1);
  }
  for (const auto field : {csv_field::uid, csv_field::time, csv_field::ms})
    if (made.at(static_cast<std::size_t>(field)).empty())
      return error{fmt::format("the field '{}' is missing: uid, time and ms are needed", to_text(field))};
  const auto named = [&](csv_field field) { return not made.at(static_cast<std::size_t>(field)).empty(); };
  if (named(csv_field::source) and not named(csv_field::id))
    return error{"'source' without 'id' says nothing: a row is known by both"};
  return made;
}

std::optional<std::int64_t> decimal_ms(std::string_view text, std::int64_t unit_ms) {
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative ? 1 : 0);
  const auto point = text.find('.');
  const auto digits = text.substr(0, point);
  const auto whole = digits.starts_with('-') ? std::nullopt : parse_number<std::int64_t>(digits);
  if (not whole or *whole > whole_max) return std::nullopt;
  std::int64_t fraction = 0;
  if (point != std::string_view::npos) {
    auto rest = text.substr(point + 1);
    if (rest.empty() or rest.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    // In 1e-9 of the unit: finer ones are less than a ms.
    std::int64_t weight = 1'000'000'000;
    for (const char digit : rest.substr(0, 9))
      fraction += (weight /= 10) * (digit - '0');
  }
  const auto ms = *whole * unit_ms + fraction * unit_ms / 1'000'000'000;
  return is_negative ? -ms : ms;
}

result<csv_events> csv_events::make(const csv_options& options, std::span<const std::string> header) {
  csv_events made;
  made.options_ = options;
  made.width_ = header.size();
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < csv_field_count; ++i) {
    const auto& name = options.columns.at(i);
    if (name.empty()) continue;
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      missing.push_back(name);
      continue;
    }
    if (std::find(found + 1, header.end(), name) != header.end())
      return error{fmt::format("its header has the column {} twice", name)};
    made.places_.at(i) = static_cast<std::size_t>(found - header.begin());
  }
  if (missing.empty()) return made;
  return error{
      fmt::format("its header has no column {}; it has {}", fmt::join(missing, ", "), fmt::join(header, ", "))};
}

const std::string* csv_events::cell(std::span<const std::string> row, csv_field field) const {
  const auto& place = places_.at(static_cast<std::size_t>(field));
  return place ? &row[*place] : nullptr;
}

result<void, csv_refusal> csv_events::read_time(std::string_view text, event& out) const {
  const auto& column = options_.column(csv_field::time);
  std::optional<time_ms> time;
  std::string_view form;
  switch (options_.time) {
    case time_form::rfc3339:
      time = time_from(text);
      form = "no RFC 3339 time such as 2026-11-22T09:27:32Z (--time-format knows others)";
      break;
    case time_form::unix_s:
      time = decimal_ms(text, second_ms);
      form = "no number of seconds since 1970";
      break;
    case time_form::unix_ms:
      time = decimal_ms(text, 1);
      form = "no number of milliseconds since 1970";
      break;
  }
  // Years of another unit tell a wrong format best.
  if (not time) return refuse(refusal::time_out_of_range, column, form);
  if (*time < wire_time_min or *time >= wire_time_end)
    return refuse(refusal::time_out_of_range, column, "it is not in the years 2000 to 2099; is --time-format right?");
  out.time = out.instant = *time;
  return {};
}

result<void, csv_refusal> csv_events::read_amount(std::string_view text, event& out) const {
  const auto& column = options_.column(csv_field::ms);
  const auto ms = decimal_ms(text, options_.unit_ms);
  if (not ms) return refuse(refusal::wrong_type, column, "no decimal number");
  if (text.starts_with('-')) return refuse(refusal::negative_duration, column, "it is negative");
  if (*ms > day_ms) return refuse(refusal::absurd_duration, column, "it is more than 24 hours; is --units right?");
  out.ms = static_cast<std::int32_t>(*ms);
  return {};
}

result<void, csv_refusal> csv_events::read(std::span<const std::string> row, event_arena& arena,
                                           incoming_event& out) const {
  if (row.size() != width_)
    return csv_refusal{row.size() < width_ ? refusal::missing_field : refusal::unknown_field,
                       fmt::format("{} fields under a header of {}", row.size(), width_)};
  out = {};
  auto& what = out.what;
  const auto& uid = *cell(row, csv_field::uid);
  if (auto done = check_name(uid, options_.column(csv_field::uid), refusal::empty_subject, refusal::subject_too_long);
      not done)
    return done;
  if (uid == "*") return refuse(refusal::star_subject, options_.column(csv_field::uid), "'*' is no user");
  out.uid = uid;
  if (auto done = read_time(*cell(row, csv_field::time), what); not done) return done;
  if (auto done = read_amount(*cell(row, csv_field::ms), what); not done) return done;
  if (const auto* text = cell(row, csv_field::lane); text != nullptr and not text->empty()) {
    const auto named = lane_from(*text);
    if (not named)
      return refuse(refusal::bad_value, options_.column(csv_field::lane),
                    "no lane; there are realtime, sync, backfill, custom");
    what.from = *named;
  }
  const auto* id = cell(row, csv_field::id);
  out.has_id = id != nullptr;
  if (not out.has_id) return {};
  if (auto done = check_name(*id, options_.column(csv_field::id), refusal::empty_id, refusal::id_too_long); not done)
    return done;
  const auto* source = cell(row, csv_field::source);
  if (source != nullptr)
    if (auto done =
            check_name(*source, options_.column(csv_field::source), refusal::empty_source, refusal::source_too_long);
        not done)
      return done;
  what.text = arena.keep(source != nullptr ? std::string_view(*source) : csv_source, *id);
  what.key = event_key(what.text->source, what.text->id);
  return {};
}

} // namespace fairuse::history
