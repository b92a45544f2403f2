// SPDX-License-Identifier: Apache-2.0
#include "events/json_text.hpp"

#include <array>
#include <charconv>

#include <simdjson.h>

#include "base/pure/hex.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

constexpr std::array<bool, 256> needs_escape = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i)
    table.at(i) = true;
  table.at('"') = true;
  table.at('\\') = true;
  return table;
}();

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      out.append("\\u00");
      out.push_back(hex_digits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(hex_digits[static_cast<unsigned char>(c) & 0xf]);
  }
}

} // namespace

std::optional<std::size_t> find_utf8_fault(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::nullopt;
  constexpr std::size_t sequence_max = 4;
  std::size_t at = 0;
  for (std::size_t size = 1; at < text.size() and size <= sequence_max; ++size) {
    const auto sequence = text.substr(at, size);
    if (not simdjson::validate_utf8(sequence.data(), sequence.size())) continue;
    at += sequence.size();
    size = 0;
  }
  return at;
}

void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (not needs_escape[static_cast<unsigned char>(text[i])]) continue;
    out.append(text.substr(begin, i - begin));
    append_escape(out, text[i]);
    begin = i + 1;
  }
  out.append(text.substr(begin));
  out.push_back('"');
}

void append_json(std::string& out, std::int64_t value) {
  std::array<char, 20> digits; // -9223372036854775808
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_json_nano(std::string& out, std::int64_t value) {
  constexpr std::int64_t unit = 1'000'000'000;
  if (value < 0) out.push_back('-');
  const auto whole = value / unit;
  auto rest = value % unit;
  append_json(out, whole < 0 ? -whole : whole);
  if (rest == 0) return;
  rest = rest < 0 ? -rest : rest;
  out.push_back('.');
  for (auto weight = unit / 10; rest != 0; weight /= 10) {
    out.push_back(static_cast<char>('0' + rest / weight));
    rest %= weight;
  }
}

void json_members::time(std::string_view name, time_ms value) {
  member(name).push_back('"');
  append_time(out_, value);
  out_.push_back('"');
}

void json_members::texts(std::string_view name, std::span<const std::string> values) {
  auto& out = member(name);
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json(out, values[i]);
  }
  out.push_back(']');
}

} // namespace fairuse
