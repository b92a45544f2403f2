// SPDX-License-Identifier: Apache-2.0

#include "streams/unusable_input.hpp"

#include <fmt/format.h>

namespace fairuse {

namespace {

using std::string_view_literals::operator""sv;

/// Packed files begin with these bytes; the tool writes the content to stdout.
constexpr struct {
  std::string_view magic;
  std::string_view format;
  std::string_view tool;
} packed[] = {
    {"\x1f\x8b"sv, "gzip", "zcat"}, {"\x28\xb5\x2f\xfd"sv, "zstd", "zstdcat"},     {"\xfd\x37zXZ"sv, "xz", "xzcat"},
    {"BZh"sv, "bzip2", "bzcat"},    {"PK\x03\x04"sv, "a zip archive", "unzip -p"},
};

} // namespace

std::string describe_unusable_input(std::string_view first_line, std::string_view reader) {
  for (const auto& each : packed)
    if (first_line.starts_with(each.magic))
      return fmt::format("It looks like {}: unpack it first, `{} FILE | {}`", each.format, each.tool, reader);
  const auto wide = [&](std::size_t at) { return first_line.size() > at and first_line[at] == '\0'; };
  if (first_line.starts_with("\xff\xfe") or first_line.starts_with("\xfe\xff") or wide(0) != wide(1))
    return "It looks like UTF-16: write it as UTF-8, `iconv -f UTF-16 -t UTF-8 FILE`";
  if (first_line.find('\0') != std::string_view::npos)
    return "It is no text: an event is one JSON object a line (docs/events-format.md)";
  const auto begin = first_line.find_first_not_of(" \t");
  const auto text = first_line.substr(begin == std::string_view::npos ? first_line.size() : begin);
  if (text.starts_with('[')) return "It looks like a JSON array: write one event a line, `jq -c '.[]' FILE`";
  if (text.starts_with('{') and text.find('"') == std::string_view::npos)
    return "It looks like JSON over several lines: write one event a line, `jq -c . FILE`";
  if (not text.starts_with('{') and text.find_first_of(",;\t") != std::string_view::npos)
    return "It looks like CSV: an event is a JSON object (docs/events-format.md)";
  return "An event is one JSON object a line (docs/events-format.md)";
}

} // namespace fairuse
