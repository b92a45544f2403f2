// SPDX-License-Identifier: Apache-2.0
//
// Rows of a store, a changelog and a journal. The first byte of the input chooses the decoder of the rest; what it
// accepts can be written and read again, with the same result.
#include "storage/rows.hpp"

#include <iterator>
#include <string>
#include <vector>

#include "core/policy_set.hpp"
#include "core/rules.hpp"
#include "storage/journal.hpp"
#include "storage/keys.hpp"
#include "storage/partition_meta.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace fairuse;
using fuzz::expect;

const policy_set& policies() {
  static const auto all = policy_set::make({}, {});
  return *all;
}

/// What is read can be written and read, and is then written the same.
template <class T, auto Read, auto Write, class Codec = row_codec>
void round_trip(std::string_view row) {
  static Codec codec;
  T first;
  if (not(codec.*Read)(row, first)) return;
  std::string once;
  (codec.*Write)(first, once);
  T again;
  expect((codec.*Read)(once, again), "what was read can be written and read");
  std::string twice;
  (codec.*Write)(again, twice);
  expect(once == twice, "and is the same");
}

/// A standing and when its slot was loaded.
struct standing_codec : row_codec {
  struct value {
    standing what;
    time_ms loaded = INT64_MIN;
  };
  bool read(std::string_view row, value& to) { return read_standing(row, to.what, to.loaded); }
  void write(const value& from, std::string& out) { write_standing(from.what, from.loaded, out); }
};

void erased(std::string_view row) {
  static row_codec codec;
  tombstone read;
  if (not codec.read_tombstone(row, read)) return;
  std::string once;
  codec.write_tombstone(read, once);
  tombstone again;
  expect(codec.read_tombstone(once, again) and again == read, "a tombstone can be written and read");
}

void hour(std::string_view row) {
  static row_codec codec;
  std::string_view buckets;
  std::string_view ids;
  if (not split_hour(row, buckets, ids)) return;
  constexpr hour_number some_hour = 480'000;
  user read;
  bind(read, policies(), 0);
  codec.read_bucket_hour(buckets, policies(), some_hour, read);
  std::vector<std::uint64_t> keys;
  codec.read_id_hour(ids, keys);
  std::string joined;
  join_hour(buckets, ids, joined);
  std::string_view again;
  expect(split_hour(joined, again, ids) and again == buckets, "an hour can be joined and split");
}

void meta(std::string_view row) {
  const auto read = decode_partition_meta(row);
  if (not read) return;
  const auto again = decode_partition_meta(encode_partition_meta(*read, true));
  expect(again and *again == *read, "a meta row can be written and read");
}

void journal(std::string_view row) {
  auto read = decode_epoch_record(row);
  if (not read) return;
  follows(row, {});
  const auto written = encode_epoch_record(*read, {});
  const auto again = decode_epoch_record(written);
  expect(again and *again == *read, "an epoch can be written and read");
  expect(follows(written, {}), "and follows on what it was written after");
}

void local(std::string_view row) {
  decode_meta(row);
  decode_journal(row);
  decode_dead_letter(row);
  decode_controls(row);
}

void key(std::string_view row) {
  if (row.empty()) return;
  keys::parse_user_row(row);
  keys::parse_due(row);
  keys::parse_log(row);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using reader = void (*)(std::string_view);
  constexpr reader readers[] = {
      round_trip<user, &row_codec::read_core, &row_codec::write_core>,
      round_trip<standing_codec::value, &standing_codec::read, &standing_codec::write, standing_codec>,
      round_trip<std::vector<conversation>, &row_codec::read_conversations, &row_codec::write_conversations>,
      erased,
      hour,
      meta,
      journal,
      local,
      key};
  if (size == 0) return 0;
  readers[data[0] % std::size(readers)](fuzz::text_of(data + 1, size - 1));
  return 0;
}
