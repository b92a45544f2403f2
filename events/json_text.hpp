// SPDX-License-Identifier: Apache-2.0
//
// Writing JSON: byte-stable, no locale, no floating point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "events/event.hpp"

namespace fairuse {

/// Where `text` stops being UTF-8; nullopt: it is UTF-8. What people write is asked before it goes into JSON.
std::optional<std::size_t> find_utf8_fault(std::string_view text);

/// Append a JSON string with its quotes. Escapes what JSON demands and nothing more. REQUIRES: UTF-8.
void append_json(std::string& out, std::string_view text);

void append_json(std::string& out, std::int64_t value);

/// Append a number in units of 1e-9 as an exact decimal: 850'000'000 is `0.85`.
void append_json_nano(std::string& out, std::int64_t value);

/// Writes the members of one object, with the commas between them; the braces are the caller's.
/// REQUIRES: names that need no escapes.
class json_members {
public:
  /// `first`: nothing stands in the object yet.
  explicit json_members(std::string& out, bool first = true) : out_(out), first_(first) {}

  /// The name; the value is the caller's to append.
  std::string& member(std::string_view name) {
    out_.append(first_ ? "\"" : ",\"").append(name).append("\":");
    first_ = false;
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json(member(name), value); }
  /// An empty text is left out.
  void optional_text(std::string_view name, std::string_view value) {
    if (not value.empty()) text(name, value);
  }
  void texts(std::string_view name, std::span<const std::string> values);
  void integer(std::string_view name, std::int64_t value) { append_json(member(name), value); }
  void nano(std::string_view name, std::int64_t value) { append_json_nano(member(name), value); }
  void truth(std::string_view name, bool value) { member(name).append(value ? "true" : "false"); }
  void time(std::string_view name, time_ms value);
  /// `never` is left out.
  void optional_time(std::string_view name, time_ms value) {
    if (value != never) time(name, value);
  }

private:
  std::string& out_;
  bool first_;
};

} // namespace fairuse
