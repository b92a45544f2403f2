// SPDX-License-Identifier: Apache-2.0
//
// A block of a history, behind its checksums and zstd, which no random change would pass. An input is the lengths of
// its facts, conversations and texts (2 bytes each), then these and the ids.
#include <algorithm>
#include <string_view>

#include "storage/bytes.hpp"
#include "storage/history/history_block.hpp"
#include "tests/fuzz/check.hpp"

using namespace fairuse;
using fuzz::expect;

namespace {

std::string_view take(std::string_view& from, std::size_t size) {
  const auto taken = from.substr(0, std::min(size, from.size()));
  from.remove_prefix(taken.size());
  return taken;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto whole = fuzz::text_of(data, size);
  if (whole.size() < 6) return 0;
  std::string_view rest = whole;
  const auto facts_size = big_endian<std::uint16_t>(rest.data());
  const auto conversations_size = big_endian<std::uint16_t>(rest.data() + 2);
  const auto texts_size = big_endian<std::uint16_t>(rest.data() + 4);
  rest.remove_prefix(6);
  const auto facts = take(rest, facts_size);
  const auto conversations = take(rest, conversations_size);
  const auto texts = take(rest, texts_size);
  history::id_index index;
  (void)history::decode_id_index(rest, index);
  history::block_ids ids;
  if (const auto done = history::decode_ids(rest, ids); not done) {
    expect(not done.error().message.empty(), "a refusal says why");
    return 0;
  }
  history::history_block block;
  if (const auto done = history::decode_block({facts, conversations, texts, &ids}, history::event_form::events, block);
      not done) {
    expect(not done.error().message.empty(), "a refusal says why");
    expect(block.users().empty(), "a refused block has no users");
    return 0;
  }
  for (const auto& who : block.users()) {
    std::size_t events = 0;
    for (const auto& step : who.steps) {
      expect(step.first == events, "steps follow each other");
      events += step.count;
    }
    expect(events == who.events.size(), "every event is in a step");
  }
  return 0;
}
