// SPDX-License-Identifier: Apache-2.0
//
// Events. The input is a line; or headers (`name: value`, one a line, without a colon: null), an empty line, and the
// value. A line is read alone as well, with the same result as a record without headers.
#include "events/wire.hpp"

#include <string>
#include <vector>

#include "tests/fuzz/check.hpp"

namespace {

using namespace fairuse;
using fuzz::expect;

void accepted(wire_decoder& decoder, const wire_event& read) {
  std::string line;
  append_event(line, read.subject, read.what);
  event_arena arena;
  const auto again = decoder.decode(line, arena);
  expect(static_cast<bool>(again), "what was accepted can be written and read");
  expect(again->subject == read.subject and wire_equal(again->what, read.what), "it is the same event");
}

void refused_well(const refused& why, std::size_t size) {
  expect(static_cast<std::size_t>(why.why) < refusal_count, "a refusal has a known reason");
  expect(why.place.size() <= size + 256, "a place is short");
}

std::vector<wire_header> headers_of(std::string_view text) {
  std::vector<wire_header> all;
  while (not text.empty()) {
    auto line = fuzz::take_until(text, "\n");
    const bool null = line.find(':') == std::string_view::npos;
    const auto name = fuzz::take_until(line, ": ");
    all.push_back({name, null ? std::nullopt : std::optional(line)});
  }
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire_decoder decoder;
  auto text = fuzz::text_of(data, size);
  event_arena arena;
  const auto line = decoder.decode(text, arena);
  line ? accepted(decoder, *line) : refused_well(line.error(), size);
  const auto bare = decoder.decode_record({}, text, arena);
  expect(static_cast<bool>(line) == static_cast<bool>(bare), "a record without headers is a line");
  if (line) expect(wire_equal(line->what, bare->what), "and the same line");

  const bool no_value = text.find("\n\n") == std::string_view::npos;
  const auto headers = headers_of(fuzz::take_until(text, "\n\n"));
  const auto record = decoder.decode_record(headers, no_value ? std::nullopt : std::optional(text), arena);
  record ? accepted(decoder, *record) : refused_well(record.error(), size);
  return 0;
}
