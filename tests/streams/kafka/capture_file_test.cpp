// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/capture_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

namespace fairuse::kafka {

namespace {

using records = std::vector<captured_record>;

records some_records(std::uint32_t seed, std::size_t count, std::size_t bytes_max) {
  std::mt19937 draw(seed);
  const auto text = [&]() -> std::optional<std::string> {
    if (draw() % 5 == 0) return std::nullopt;
    std::string made(draw() % (bytes_max + 1), '\0');
    for (auto& each : made)
      each = static_cast<char>(draw() % 7 == 0 ? draw() : 'a' + draw() % 3);
    return made;
  };
  records made;
  for (std::size_t i = 0; i < count; ++i) {
    captured_record one{.offset = static_cast<std::int64_t>(3 * i), .timestamp = static_cast<time_ms>(draw())};
    one.key = text();
    one.value = text();
    for (auto headers = draw() % 3; headers > 0; --headers)
      one.headers.emplace_back(text().value_or("name"), text());
    made.push_back(std::move(one));
  }
  return made;
}

capture_contents contents_of_two() {
  return {.program = "test",
          .made_at = 17,
          .app = "app",
          .cluster = "cluster",
          .partitions = 2,
          .per_partition = {{.partition = 0, .epochs = 3, .first_now = 5, .last_now = 9},
                            {.partition = 1, .first_epoch = 4}}};
}

/// Two sections, written in turns.
std::string write(const test_folder& folder, const records& one, const records& other) {
  const auto file = folder.file("a.capture");
  auto writer = capture_writer::create(file, true);
  BOOST_REQUIRE(writer.has_value());
  const auto journal = (*writer)->begin_section({.partition = 0, .kind = section_kind::journal, .topic = "journal"});
  const auto input =
      (*writer)->begin_section({.partition = 1, .kind = section_kind::input, .topic = "events", .low = 12});
  for (std::size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
    if (i < one.size()) (*writer)->add(journal, one[i]);
    if (i < other.size()) (*writer)->add(input, other[i]);
  }
  BOOST_REQUIRE((*writer)->finish(contents_of_two()).has_value());
  return file;
}

std::string bytes_of(const std::string& file) {
  std::ifstream from{file, std::ios::binary};
  return {std::istreambuf_iterator<char>(from), {}};
}

result<std::unique_ptr<capture_reader>, store_error> read(const std::string& bytes, bool check_digest) {
  const auto from = [&bytes](std::uint64_t at, std::span<char> out) {
    if (at > bytes.size() or out.size() > bytes.size() - at) return false;
    std::memcpy(out.data(), bytes.data() + at, out.size());
    return true;
  };
  return capture_reader::read(from, bytes.size(), {}, check_digest);
}

/// Nullopt: it is damaged, and that was said.
std::optional<records> all_of(const capture_reader& from, const capture_section& of) {
  auto cursor = from.records(of);
  records made;
  captured_record one;
  while (cursor.next(one))
    made.push_back(one);
  if (cursor.failure().has_value()) return made;
  BOOST_TEST(not cursor.failure().error().message.empty());
  return std::nullopt;
}

} // namespace

BOOST_AUTO_TEST_SUITE(capture_file)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const test_folder folder;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const auto one = some_records(seed, seed * 7, 60);
    const auto other = some_records(seed + 100, 300, seed % 4 == 0 ? 40'000 : 10);
    const auto file = write(folder, one, other);
    const auto read = capture_reader::open(file, {});
    BOOST_REQUIRE(read.has_value());
    const auto& all = (*read)->contents();
    BOOST_TEST(all.app == "app");
    BOOST_TEST(all.per_partition.size() == 2U);
    BOOST_TEST(all.per_partition[1].first_epoch == 4U);
    const auto* journal = all.find(0, section_kind::journal);
    const auto* input = all.find(1, section_kind::input, "events");
    BOOST_REQUIRE(journal != nullptr);
    BOOST_REQUIRE(input != nullptr);
    BOOST_TEST(input->low == 12);
    BOOST_TEST((all_of(**read, *journal) == one));
    BOOST_TEST((all_of(**read, *input) == other));
    BOOST_TEST((all.find(1, section_kind::journal) == nullptr));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_cut_anywhere_is_refused) {
  const test_folder folder;
  const auto whole = bytes_of(write(folder, some_records(1, 40, 20), some_records(2, 40, 20)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = whole.substr(0, size);
    const auto opened = read(cut, true);
    BOOST_REQUIRE(not opened.has_value());
    BOOST_REQUIRE(not opened.error().message.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_anywhere_is_refused) {
  const test_folder folder;
  const auto whole = bytes_of(write(folder, some_records(3, 40, 20), some_records(4, 40, 20)));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1U << (at % 8)));
    BOOST_REQUIRE(not read(flipped, true).has_value());
  }
}

BOOST_AUTO_TEST_CASE(behind_the_digest_nothing_is_believed_either) {
  const test_folder folder;
  const auto one = some_records(5, 40, 20);
  const auto whole = bytes_of(write(folder, one, some_records(6, 40, 20)));
  std::mt19937 draw(7);
  for (std::size_t round = 0; round < 4 * whole.size(); ++round) {
    auto flipped = whole;
    for (auto times = 1 + draw() % 3; times > 0; --times)
      flipped[draw() % flipped.size()] = static_cast<char>(draw());
    if (draw() % 4 == 0) flipped.resize(draw() % flipped.size());
    const auto opened = read(flipped, false);
    if (not opened.has_value()) continue;
    for (const auto& each : (*opened)->contents().sections)
      all_of(**opened, each);
  }
}

BOOST_AUTO_TEST_CASE(a_version_from_the_future_is_named) {
  const test_folder folder;
  auto whole = bytes_of(write(folder, {}, {}));
  whole[11] = 9;
  const auto opened = read(whole, true);
  BOOST_REQUIRE(not opened.has_value());
  BOOST_TEST((opened.error().fault == store_fault::newer));
  BOOST_TEST(opened.error().message.find("version 9") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_is_replaced_only_if_that_is_wanted) {
  const test_folder folder;
  const auto file = write(folder, {}, {});
  const auto before = bytes_of(file);
  const auto refused = capture_writer::create(file, false);
  BOOST_REQUIRE(not refused.has_value());
  BOOST_TEST((refused.error().fault == store_fault::misuse));
  {
    auto begun = capture_writer::create(file, true);
    BOOST_REQUIRE(begun.has_value());
    BOOST_TEST(std::filesystem::exists(file + ".part"));
  }
  BOOST_TEST(not std::filesystem::exists(file + ".part"));
  BOOST_TEST((bytes_of(file) == before));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_an_error) {
  const test_folder folder;
  BOOST_TEST(not capture_reader::open(folder.file("nothing"), {}).has_value());
  BOOST_TEST(not capture_reader::open(std::filesystem::temp_directory_path(), {}).has_value());
  BOOST_TEST(not capture_reader::open(folder.write("text", "a text that is no capture at all"), {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::kafka
