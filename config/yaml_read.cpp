// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <utility>

#include "config/yaml.hpp"

namespace fairuse::yaml {

namespace {

std::string_view kind_text(const node& of) {
  switch (of.kind) {
    case node_kind::null:
      return "nothing";
    case node_kind::scalar:
      return "a single value";
    case node_kind::list:
      return "a list";
    case node_kind::map:
      return "a map";
  }
  return "something else";
}

// What was found, for "not ...".
std::string shown(const node& of) {
  if (of.kind != node_kind::scalar) return std::string{kind_text(of)};
  const auto cut = of.text.size() > 40 ? of.text.substr(0, 40) + "..." : of.text;
  return of.quoted ? "\"" + cut + "\"" : "'" + cut + "'";
}

bool is_scalar(const node& of, std::string_view where, std::string_view expected, diagnostics& out) {
  if (of.kind == node_kind::scalar) return true;
  out.error(of.at, std::string{where} + ": expected " + std::string{expected} + ", not " + std::string{kind_text(of)});
  return false;
}

bool all_digits(std::string_view text) {
  return not text.empty() and std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' and c <= '9'; });
}

// Why a number was refused, in words that say what to write instead.
std::string number_advice(const node& of, std::string_view expected) {
  const std::string_view text = of.text;
  if (of.quoted) return "expected " + std::string{expected} + ", not the text " + shown(of) + "; remove the quotes";
  const bool negative = text.starts_with('-');
  const auto digits = negative ? text.substr(1) : text;
  if (digits.size() > 1 and digits[0] == '0' and all_digits(digits))
    return shown(of) + " has a leading zero, which some readers take as octal; write it without";
  if (text.find_first_of("_, ") != std::string_view::npos) return shown(of) + ": write the number without separators";
  if (all_digits(digits)) return shown(of) + " is too large";
  return "expected " + std::string{expected} + ", not " + shown(of);
}

std::string duration_advice(const node& of) {
  const std::string_view text = of.text;
  if (text.starts_with('-')) return "a duration cannot be negative: " + shown(of);
  if (all_digits(text)) {
    if (text.size() > 1 and text[0] == '0')
      return shown(of) + " has a leading zero and no unit; write a duration such as 30s, 5m, 12h, 7d";
    return shown(of) + " needs a unit: " + of.text + "ms, " + of.text + "s, " + of.text + "m, " + of.text + "h or "
           + of.text + "d";
  }
  if (text.size() > 1 and text[0] == '0' and all_digits(text.substr(0, 2)))
    return shown(of) + " has a leading zero; write it without";
  if (text.find('.') != std::string_view::npos)
    return shown(of) + ": durations are whole numbers; write 1h30m instead of 1.5h";
  return shown(of) + " is not a duration; write whole numbers with the units d, h, m, s, ms, largest first, such as "
                     "12h or 1h30m";
}

template <class Format>
bool within(std::int64_t value, bounds range, const node& of, std::string_view where, diagnostics& out, Format format) {
  if (value >= range.min and value <= range.max) return true;
  auto message = std::string{where} + ": " + shown(of) + " is out of range; ";
  if (value < range.min)
    message += "the least is " + format(range.min);
  else
    message += "the most is " + format(range.max);
  out.error(of.at, message);
  return false;
}

} // namespace

std::optional<std::int64_t> read_duration(const node& of, std::string_view where, diagnostics& out, bounds range) {
  if (not is_scalar(of, where, "a duration", out)) return std::nullopt;
  const auto value = parse_duration(of.text);
  if (not value) {
    out.error(of.at, std::string{where} + ": " + duration_advice(of));
    return std::nullopt;
  }
  if (not within(*value, range, of, where, out, format_duration)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> read_decimal(const node& of, std::string_view where, diagnostics& out, int decimals,
                                         bounds range) {
  if (not is_scalar(of, where, "a number", out)) return std::nullopt;
  const auto value = of.quoted ? std::nullopt : parse_decimal(of.text, decimals);
  if (not value) {
    auto message = number_advice(of, "a number");
    if (of.text.find('%') != std::string::npos)
      message = shown(of) + ": write a fraction of 1, such as 0.7 for 70 %";
    else if (decimals > 0 and not of.quoted and parse_decimal(of.text, 0) == std::nullopt
             and of.text.find_first_of("eE") != std::string::npos)
      message = shown(of) + ": write it without an exponent";
    else if (not of.quoted and decimals < 17 and parse_decimal(of.text, 17))
      message = shown(of) + " has more than " + std::to_string(decimals) + " decimals";
    out.error(of.at, std::string{where} + ": " + message);
    return std::nullopt;
  }
  if (not within(*value, range, of, where, out, [&](std::int64_t v) { return format_decimal(v, decimals); }))
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> read_count(const node& of, std::string_view where, diagnostics& out, bounds range) {
  if (not is_scalar(of, where, "a whole number", out)) return std::nullopt;
  const auto value = of.quoted or of.text.find('.') != std::string::npos ? std::nullopt : parse_decimal(of.text, 0);
  if (not value) {
    out.error(of.at, std::string{where} + ": " + number_advice(of, "a whole number"));
    return std::nullopt;
  }
  if (not within(*value, range, of, where, out, [](std::int64_t v) { return std::to_string(v); })) return std::nullopt;
  return value;
}

std::optional<std::string> read_text(const node& of, std::string_view where, diagnostics& out) {
  if (not is_scalar(of, where, "text", out)) return std::nullopt;
  return of.text;
}

map_reader::map_reader(const node& of, std::string where, diagnostics& out)
  : of_{&of}, where_{std::move(where)}, out_{&out} {
  if (of.kind != node_kind::map and of.kind != node_kind::null)
    out.error(of.at, (where_.empty() ? "the file" : where_) + ": expected a map of keys and values, not "
                         + std::string{kind_text(of)});
}

std::string map_reader::called(std::string_view key) const {
  return where_.empty() ? std::string{key} : where_ + "." + std::string{key};
}

place map_reader::at(std::string_view key) const {
  const auto* value = of_->find(key);
  return value == nullptr ? of_->at : value->at;
}

void map_reader::error(std::string_view key, std::string message) {
  out_->error(at(key), called(key) + ": " + std::move(message));
}

const node* map_reader::any(std::string_view key, need how) {
  known_.emplace_back(key);
  const auto* value = of_->find(key);
  if (value != nullptr and value->kind == node_kind::null) {
    out_->error(value->at, called(key) + ": has no value; write one or remove the key");
    return nullptr;
  }
  if (value == nullptr and how == need::required and (of_->kind == node_kind::map or of_->kind == node_kind::null))
    out_->error(of_->at, "missing key '" + std::string{key} + "'" + (where_.empty() ? "" : " in " + where_));
  return value;
}

const node* map_reader::scalar(std::string_view key, need how, std::string_view expected) {
  const auto* value = any(key, how);
  if (value == nullptr or not is_scalar(*value, called(key), expected, *out_)) return nullptr;
  return value;
}

bool map_reader::text(std::string_view key, std::string& into, need how) {
  const auto* value = scalar(key, how, "text");
  if (value == nullptr) return false;
  into = value->text;
  return true;
}

bool map_reader::name(std::string_view key, std::string& into, need how) {
  const auto* value = scalar(key, how, "a name");
  if (value == nullptr) return false;
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (value->text.empty() or value->text.size() > 64 or value->text.find_first_not_of(letters) != std::string::npos) {
    error(key, shown(*value) + " is not a name: 1 to 64 letters, digits, dots, hyphens or underscores");
    return false;
  }
  into = value->text;
  return true;
}

bool map_reader::flag(std::string_view key, bool& into, need how) {
  const auto* value = scalar(key, how, "true or false");
  if (value == nullptr) return false;
  if (value->quoted or (value->text != "true" and value->text != "false")) {
    error(key, "expected true or false, not " + shown(*value));
    return false;
  }
  into = value->text == "true";
  return true;
}

bool map_reader::duration(std::string_view key, std::int64_t& into_ms, bounds range, need how) {
  const auto* value = any(key, how);
  const auto read = value == nullptr ? std::nullopt : read_duration(*value, called(key), *out_, range);
  into_ms = read.value_or(into_ms);
  return read.has_value();
}

bool map_reader::count(std::string_view key, std::int64_t& into, bounds range, need how) {
  const auto* value = any(key, how);
  const auto read = value == nullptr ? std::nullopt : read_count(*value, called(key), *out_, range);
  into = read.value_or(into);
  return read.has_value();
}

bool map_reader::count(std::string_view key, std::uint32_t& into, bounds range, need how) {
  std::int64_t value = 0;
  range.min = std::max<std::int64_t>(range.min, 0);
  range.max = std::min<std::int64_t>(range.max, std::numeric_limits<std::uint32_t>::max());
  if (not count(key, value, range, how)) return false;
  into = static_cast<std::uint32_t>(value);
  return true;
}

bool map_reader::count(std::string_view key, std::uint64_t& into, bounds range, need how) {
  std::int64_t value = 0;
  range.min = std::max<std::int64_t>(range.min, 0);
  if (not count(key, value, range, how)) return false;
  into = static_cast<std::uint64_t>(value);
  return true;
}

bool map_reader::decimal(std::string_view key, std::int64_t& into, int decimals, bounds range, need how) {
  const auto* value = any(key, how);
  const auto read = value == nullptr ? std::nullopt : read_decimal(*value, called(key), *out_, decimals, range);
  into = read.value_or(into);
  return read.has_value();
}

bool map_reader::ratio(std::string_view key, std::int32_t& into_nano, need how) {
  std::int64_t value = 0;
  if (not decimal(key, value, 9, {0, 1'000'000'000}, how)) return false;
  into_nano = static_cast<std::int32_t>(value);
  return true;
}

bool map_reader::texts(std::string_view key, std::vector<std::string>& into, need how) {
  const auto* value = list(key, how);
  if (value == nullptr) return false;
  std::vector<std::string> read;
  const auto errors_before = out_->error_count();
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const auto& item = value->items[i];
    const auto text = read_text(item, called(key) + "[" + std::to_string(i) + "]", *out_);
    if (not text) continue;
    if (std::find(read.begin(), read.end(), *text) != read.end())
      out_->error(item.at, called(key) + ": " + shown(item) + " is there twice");
    read.push_back(*text);
  }
  if (out_->error_count() != errors_before) return false;
  into = std::move(read);
  return true;
}

std::optional<map_reader> map_reader::map(std::string_view key, need how) {
  const auto* value = any(key, how);
  if (value == nullptr) return std::nullopt;
  map_reader nested{*value, called(key), *out_};
  if (value->kind != node_kind::map) return std::nullopt;
  return nested;
}

const node* map_reader::list(std::string_view key, need how) {
  const auto* value = any(key, how);
  if (value == nullptr) return nullptr;
  if (value->kind != node_kind::list) {
    error(key, "expected a list, not " + std::string{kind_text(*value)});
    return nullptr;
  }
  return value;
}

std::optional<std::size_t> map_reader::choose_index(std::string_view key, std::span<const std::string_view> names,
                                                    need how) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string{names[i]};
  const auto* value = scalar(key, how, all);
  if (value == nullptr) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), value->text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  error(key, "expected " + all + ", not " + shown(*value) + did_you_mean(value->text, names));
  return std::nullopt;
}

void map_reader::finish() {
  // More of them do not help, and a guess costs time for each.
  constexpr std::size_t named_max = 20;
  const std::vector<std::string_view> candidates{known_.begin(), known_.end()};
  const auto in = where_.empty() ? "" : " in " + where_;
  std::size_t unknown = 0;
  bool listed = false;
  for (const auto& key : of_->keys) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    if (++unknown > named_max) continue;
    // Of several, one says which keys there are.
    auto guess = did_you_mean(key.text, candidates);
    if (guess.empty() and not std::exchange(listed, true)) guess = did_you_mean_one_of(key.text, candidates);
    out_->error(key.at, "unknown key '" + key.text + "'" + in + guess);
  }
  if (unknown > named_max) out_->error(of_->at, std::to_string(unknown - named_max) + " more unknown keys" + in);
}

} // namespace fairuse::yaml
