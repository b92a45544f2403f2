// SPDX-License-Identifier: Apache-2.0
//
// Capture files, behind their digest and the checksums of zstd, which no random change would pass. An input is the
// length of a table of contents (2 bytes), the table, and the records of one frame; or, after two bytes of 0xff, a
// whole file.
#include <cstring>
#include <string>

#include <zstd.h>

#include "storage/bytes.hpp"
#include "streams/kafka/capture/capture_file.hpp"
#include "tests/fuzz/check.hpp"

using namespace fairuse;
using fuzz::expect;

namespace {

void append_frame(std::string& to, std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
  append_big_endian(to, static_cast<std::uint32_t>(packed.size()));
  to += packed;
}

std::string file_of(std::string_view input) {
  if (input.size() < 2) return std::string(input);
  const auto size = big_endian<std::uint16_t>(input.data());
  input.remove_prefix(2);
  if (size == 0xffff) return std::string(input);
  std::string file("FAIRUSE\x1a", 8);
  append_big_endian(file, std::uint32_t{1});
  const auto contents = input.substr(0, size);
  append_frame(file, input.substr(contents.size()));
  const std::uint64_t at = file.size();
  append_frame(file, contents);
  append_big_endian(file, at);
  return file + std::string(32, '\0');
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = file_of(fuzz::text_of(data, size));
  const auto from = [&file](std::uint64_t at, std::span<char> out) {
    if (at > file.size() or out.size() > file.size() - at) return false;
    std::memcpy(out.data(), file.data() + at, out.size());
    return true;
  };
  const auto opened = kafka::capture_reader::read(from, file.size(), {}, false);
  if (not opened) {
    expect(not opened.error().message.empty(), "a refusal says why");
    return 0;
  }
  for (const auto& section : (*opened)->contents().sections) {
    constexpr std::uint64_t enough = 10'000;
    auto records = (*opened)->records(section);
    kafka::captured_record one;
    std::uint64_t count = 0;
    while (count < enough and records.next(one))
      ++count;
    expect(count <= section.records, "no more records than are told");
    expect(count == enough or count == section.records or not records.failure(), "all records, or a sentence");
  }
  return 0;
}
