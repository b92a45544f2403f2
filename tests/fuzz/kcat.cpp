// SPDX-License-Identifier: Apache-2.0
//
// Lines of `kcat -C -J`, and what a history takes of a record: an event, or a decision about a review.
#include <string>

#include "streams/history/kcat_record.hpp"
#include "streams/history/told_decision.hpp"
#include "tests/fuzz/check.hpp"

using namespace fairuse;
using namespace fairuse::history;
using fuzz::expect;

namespace {

void take_decision(decision_reader& decisions, const kcat_record& from) {
  expect(from.payload.has_value(), "a record of an unknown type has a value");
  const auto told = decisions.read(from.headers, *from.payload);
  if (not told) return;
  const auto asked = request_in(*told);
  if (not asked) return;
  expect(asked->what.uid == told->uid, "a request is of the decision's user");
  expect(asked->what.number > 0, "requests are counted from 1");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static kcat_decoder records;
  static wire_decoder events;
  static decision_reader decisions;
  std::string padded(fuzz::text_of(data, size));
  padded.append(wire_padding, '\0');
  const auto line = std::string_view(padded).substr(0, size);
  const auto shape = records.shape_of(line);
  kcat_record read;
  if (const auto done = records.decode(line, read); not done) {
    expect(static_cast<std::size_t>(done.error().why) < refusal_count, "a refusal has a known reason");
    return 0;
  }
  expect(shape == kcat_decoder::shape::record, "what can be decoded is known as a record");
  expect(read.partition >= 0, "partitions count from 0");
  event_arena arena;
  const auto what = events.decode_record(read.headers, read.payload, arena);
  if (not what and what.error().why == refusal::unknown_type) take_decision(decisions, read);
  return 0;
}
