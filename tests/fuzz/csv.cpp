// SPDX-License-Identifier: Apache-2.0
//
// Rows of a CSV. An input is a byte that chooses form of time and unit, then lines; the first record is the header,
// whose columns are taken in the order of the fields.
#include <string>
#include <string_view>
#include <vector>

#include "events/wire.hpp"
#include "streams/history/csv_events.hpp"
#include "streams/history/csv_text.hpp"
#include "tests/fuzz/check.hpp"

using namespace fairuse;
using namespace fairuse::history;
using fuzz::expect;

namespace {

/// The next record; false: there is none.
bool next_record(std::string_view& text, csv_splitter& to) {
  to.begin();
  while (not text.empty()) {
    const auto then = to.take(fuzz::take_until(text, "\n"));
    if (then == csv_splitter::state::open) continue;
    return then == csv_splitter::state::whole;
  }
  return false;
}

std::string quoted(const std::string& field) {
  std::string out = "\"";
  for (const char each : field)
    out.append(each == '"' ? 2 : 1, each);
  return out + '"';
}

/// Fields in quotes are read as the same fields.
void comes_back(std::span<const std::string> fields) {
  std::string text;
  for (const auto& each : fields)
    text += (text.empty() ? "" : ",") + quoted(each);
  csv_splitter again;
  std::string_view rest = text;
  expect(next_record(rest, again), "what was read can be written and read");
  expect(std::vector(fields.begin(), fields.end()) == std::vector(again.fields().begin(), again.fields().end()),
         "it is the same record");
}

csv_options options_of(unsigned chosen, std::span<const std::string> header) {
  csv_options made;
  made.time = static_cast<time_form>(chosen % 3);
  constexpr std::int64_t units[] = {1, second_ms, minute_ms};
  made.unit_ms = units[chosen / 3 % 3];
  for (std::size_t i = 0; i < header.size() and i < made.columns.size(); ++i)
    made.columns[i] = header[i];
  return made;
}

void accepted(const incoming_event& read) {
  const auto& what = read.what;
  expect(what.ms >= 0 and what.ms <= day_ms, "a day at most");
  expect(what.time == what.instant and what.time >= wire_time_min and what.time < wire_time_end, "a time of the wire");
  if (not read.has_id) return;
  std::string line;
  append_event(line, read.uid, what);
  static wire_decoder decoder;
  event_arena arena;
  const auto again = decoder.decode(line, arena);
  expect(static_cast<bool>(again), "an accepted row is an event of the wire");
  expect(again->subject == read.uid and wire_equal(again->what, what), "it is the same event");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto text = fuzz::text_of(data + 1, size - 1);
  csv_splitter records;
  if (not next_record(text, records)) return 0;
  comes_back(records.fields());
  const auto chosen = options_of(data[0], records.fields());
  const auto is_named = [&](csv_field field) { return not chosen.column(field).empty(); };
  const bool has_all = is_named(csv_field::uid) and is_named(csv_field::time) and is_named(csv_field::ms);
  const auto columns = csv_events::make(chosen, records.fields());
  if (not columns) {
    expect(not columns.error().message.empty(), "a refusal says why");
    return 0;
  }
  event_arena arena;
  while (not text.empty()) {
    if (not next_record(text, records)) continue;
    comes_back(records.fields());
    if (not has_all) continue;
    incoming_event read;
    arena.clear();
    if (const auto done = columns->read(records.fields(), arena, read); not done)
      expect(not done.error().says.empty(), "a refusal says why");
    else
      accepted(read);
  }
  return 0;
}
