// SPDX-License-Identifier: Apache-2.0

#include "streams/local/input_reader.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fmt/format.h>

#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {
namespace {

/// Reads an input and gathers what comes.
struct reading {
  explicit reading(reader_options options, const read_position& from = {}) {
    auto opened = input_reader::open(std::move(options), queue);
    BOOST_REQUIRE(opened.has_value());
    reader = std::move(*opened);
    reader->go_on_from(from);
    reader->start();
  }

  /// Take batches until `enough`, or the end of the input.
  void take_until(const std::function<bool()>& enough) {
    while (not enough()) {
      auto batch = queue.pop();
      if (batch == nullptr and queue.at_end()) return;
      if (batch == nullptr) {
        queue.wait(std::chrono::milliseconds{1'000});
        continue;
      }
      for (std::size_t i = 0; i < batch->lines.size(); ++i) {
        lines.emplace_back(batch->text(i));
        numbers.push_back(batch->first_line + i);
      }
      if (batch->ends_content) ends.push_back(lines.size());
      batches.push_back(std::move(batch));
    }
  }

  void take_all() {
    take_until([] { return false; });
  }

  batch_queue queue{4};
  std::unique_ptr<input_reader> reader;
  std::vector<std::unique_ptr<input_batch>> batches;
  std::vector<std::string> lines;
  std::vector<std::uint64_t> numbers;
  /// After how many lines content ended.
  std::vector<std::size_t> ends;
};

using strings = std::vector<std::string>;

/// Without an instant at which the file is shorter.
void overwrite(const std::filesystem::path& file, const std::string& text) {
  std::fstream to{file, std::ios::in | std::ios::out | std::ios::binary};
  to << text << std::flush;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reading_lines)

BOOST_AUTO_TEST_CASE(lines_come_as_they_are_whatever_the_size_of_a_chunk) {
  const test_folder folder;
  const auto file =
      folder.write("a", "one\r\n\n two \n" + std::string(300, 'x') + "\n" + std::string("a\0b", 3) + "\nend");
  const strings expected = {"one", "", " two ", std::string(300, 'x'), std::string("a\0b", 3), "end"};
  for (const std::size_t chunk : {8U, 11U, 64U, 4'096U}) {
    reading all{{.file = file, .until_end = true, .chunk_bytes = chunk}};
    all.take_all();
    BOOST_TEST(all.lines == expected, boost::test_tools::per_element());
    BOOST_TEST(all.numbers.back() == 6U);
    BOOST_TEST(all.batches.back()->end_offset == std::filesystem::file_size(file));
    std::string bytes;
    for (const auto& batch : all.batches)
      bytes += batch->bytes();
    BOOST_TEST(bytes.size() == std::filesystem::file_size(file));
  }
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_at_the_beginning_belongs_to_no_line) {
  const test_folder folder;
  const std::string mark = "\xEF\xBB\xBF";
  const struct {
    std::string text;
    strings lines;
  } table[] = {
      {mark + "one\n" + mark + "two\n", {"one", mark + "two"}},
      {mark + "\r\none", {"", "one"}},
      {mark, {}},
      {mark.substr(0, 2) + "\n", {mark.substr(0, 2)}},
  };
  for (const auto& row : table)
    for (const std::size_t chunk : {8U, 4'096U}) {
      const auto file = folder.write("a", row.text);
      reading all{{.file = file, .until_end = true, .chunk_bytes = chunk}};
      all.take_all();
      BOOST_TEST(all.lines == row.lines, boost::test_tools::per_element());
      BOOST_TEST(all.batches.back()->end_offset == row.text.size());
    }
}

BOOST_AUTO_TEST_CASE(a_mark_is_skipped_again_whenever_reading_begins_at_the_first_byte) {
  const test_folder folder;
  const auto file = folder.write("a", "\xEF\xBB\xBFone\ntwo\n");
  reading growing{{.file = file}};
  growing.take_until([&] { return growing.lines.size() == 2; });
  const auto& first = *growing.batches.front();
  BOOST_TEST(first.offset_of(0) == 3U);
  BOOST_TEST(first.offset_of(1) == 7U);
  for (const std::size_t line : {0U, 1U, 2U}) {
    reading rest{{.file = file, .until_end = true}, {first.offset_of(line), line, fingerprint_at(first, line)}};
    rest.take_all();
    BOOST_TEST(rest.lines.size() == 2U - line);
    if (line < 2) BOOST_TEST(rest.lines.front() == first.text(line));
  }
  folder.write("a", "\xEF\xBB\xBF\x33\n");
  growing.take_until([&] { return growing.lines.size() == 3; });
  BOOST_TEST(growing.lines.back() == "3");
}

BOOST_AUTO_TEST_CASE(every_kind_of_line_is_told_apart) {
  const test_folder folder;
  const auto file = folder.write(
      "a", speech_line("u", 1, 0) + "{\n   \n"
               + wire_line("admin", "*", 2, 0, R"({"command":"kill_switch","on":true,"actor":"a","reason":"r"})"));
  reading all{{.file = file, .until_end = true}};
  all.take_all();
  const auto& batch = *all.batches.front();
  BOOST_REQUIRE(batch.lines.size() == 4U);
  BOOST_TEST((batch.lines[0].kind == line_kind::event));
  BOOST_TEST((batch.lines[1].kind == line_kind::refused));
  BOOST_TEST((batch.lines[2].kind == line_kind::empty));
  BOOST_TEST((batch.lines[3].kind == line_kind::command));
  BOOST_TEST(batch.events.at(0).uid == "u");
}

BOOST_AUTO_TEST_CASE(a_line_beyond_all_bounds_keeps_its_beginning_and_is_measured) {
  const test_folder folder;
  const auto file = folder.write("a", "short\n" + std::string(5'000, 'x') + "\nnext\n");
  reading all{{.file = file, .until_end = true, .chunk_bytes = 64, .line_keep_bytes = 256}};
  all.take_all();
  BOOST_REQUIRE(all.lines.size() == 3U);
  BOOST_TEST(all.lines[1] == std::string(256, 'x'));
  BOOST_TEST(all.lines[2] == "next");
  BOOST_TEST(all.numbers[2] == 3U);
  const auto& cut = *all.batches.at(1);
  BOOST_TEST((cut.refusals.at(0).why == refusal::too_large));
  BOOST_TEST(cut.refusals.at(0).place.find("cut to 256 of 5000 bytes") == 0U);
  BOOST_TEST(all.batches.back()->end_offset == std::filesystem::file_size(file));
}

BOOST_AUTO_TEST_CASE(reading_goes_on_at_any_line_and_the_position_is_recognised) {
  const test_folder folder;
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += speech_line("u", i, i);
  const auto file = folder.write("a", text);
  reading all{{.file = file, .until_end = true, .chunk_bytes = 1'000}};
  all.take_all();
  const int descriptor = ::open(file.c_str(), O_RDONLY);
  for (const auto& batch : all.batches)
    for (std::size_t i = 0; i <= batch->lines.size(); ++i) {
      const read_position here{batch->offset_of(i), batch->first_line - 1 + i, fingerprint_at(*batch, i)};
      BOOST_REQUIRE(still_matches(descriptor, here));
    }
  const auto& from = *all.batches.at(7);
  reading rest{{.file = file, .until_end = true}, {from.offset_of(1), from.first_line, fingerprint_at(from, 1)}};
  rest.take_all();
  BOOST_TEST(rest.numbers.front() == from.first_line + 1);
  BOOST_TEST(rest.lines.front() == from.text(1));
  BOOST_TEST(rest.lines.size() == 200 - from.first_line);
  ::close(descriptor);
}

BOOST_AUTO_TEST_CASE(a_growing_file_is_followed_and_its_last_line_waits_for_its_end) {
  const test_folder folder;
  const auto file = folder.write("a", "one\ntw");
  reading growing{{.file = file}};
  growing.take_until([&] { return growing.lines.size() == 1; });
  folder.write("a", "o\nthree\n", true);
  growing.take_until([&] { return growing.lines.size() == 3; });
  BOOST_TEST(growing.lines == (strings{"one", "two", "three"}), boost::test_tools::per_element());
  growing.reader->stop();
  growing.take_all();
  BOOST_TEST(growing.lines.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_file_that_was_replaced_or_cut_is_read_from_its_beginning) {
  const test_folder folder;
  const auto file = folder.write("a", "one\ntwo\nrest");
  std::atomic<int> notices{0};
  reading growing{{.file = file, .notice = [&](const std::string&) { ++notices; }}};
  growing.take_until([&] { return growing.lines.size() == 2; });
  std::filesystem::rename(folder.write("b", "three\n"), file);
  growing.take_until([&] { return growing.lines.size() == 4; });
  BOOST_TEST(growing.lines == (strings{"one", "two", "rest", "three"}), boost::test_tools::per_element());
  BOOST_TEST(growing.numbers.back() == 1U);
  folder.write("a", "4\n");
  growing.take_until([&] { return growing.lines.size() == 5; });
  BOOST_TEST(growing.lines.back() == "4");
  BOOST_TEST(notices == 2);
  BOOST_TEST(growing.ends == (std::vector<std::size_t>{3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stop_tells_whether_the_next_run_will_find_what_was_read) {
  const struct {
    const char* name;
    std::function<void(const test_folder&)> change;
    bool ends;
    std::size_t lines;
  } table[] = {
      {"untouched", [](const auto&) {}, false, 2},
      {"grown", [](const auto& folder) { folder.write("a", "st\n", true); }, false, 2},
      {"moved away", [](const auto& folder) { std::filesystem::rename(folder.file("a"), folder.file("b")); }, true, 3},
      {"replaced", [](const auto& folder) { std::filesystem::rename(folder.write("b", "4\n"), folder.file("a")); },
       true, 3},
      {"emptied", [](const auto& folder) { std::filesystem::resize_file(folder.file("a"), 0); }, true, 3},
      {"rewritten", [](const auto& folder) { overwrite(folder.file("a"), "six\nsix\nsix\n"); }, true, 3},
  };
  for (const auto& row : table)
    BOOST_TEST_CONTEXT(row.name) {
      const test_folder folder;
      reading growing{{.file = folder.write("a", "one\ntwo\nre")}};
      growing.take_until([&] { return growing.lines.size() == 2; });
      row.change(folder);
      growing.reader->stop();
      growing.take_all();
      BOOST_TEST(growing.ends.size() == (row.ends ? 1U : 0U));
      if (row.ends) BOOST_TEST(growing.ends.at(0) == row.lines);
      BOOST_TEST(not growing.queue.at_whole_end());
    }
}

BOOST_AUTO_TEST_CASE(what_was_added_before_a_file_was_replaced_is_read_to_its_end) {
  const test_folder folder;
  const auto file = folder.write("a", "1\n");
  reading growing{{.file = file}};
  growing.take_until([&] { return growing.lines.size() == 1; });
  for (int i = 2; i < 40; i += 2) {
    folder.write("a", std::to_string(i) + "\n", true);
    std::filesystem::rename(file, folder.file("old"));
    folder.write("a", std::to_string(i + 1) + "\n");
    growing.take_until([&] { return growing.lines.back() == std::to_string(i + 1); });
  }
  strings every;
  for (int i = 1; i < 40; ++i)
    every.push_back(std::to_string(i));
  BOOST_TEST(growing.lines == every, boost::test_tools::per_element());
}

namespace {

/// `count` lines of 100 bytes that begin with `letter`.
std::string lines_of(char letter, int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += fmt::format("{}{:098}\n", letter, i);
  return text;
}

strings lines_in(std::string text) {
  strings all;
  std::istringstream in{std::move(text)};
  for (std::string line; std::getline(in, line);)
    all.push_back(line);
  return all;
}

bool ends_with(const strings& all, const strings& last) {
  return all.size() >= last.size() and std::equal(last.rbegin(), last.rend(), all.rbegin());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_file_that_was_rewritten_in_place_is_read_from_its_beginning) {
  const struct {
    const char* name;
    std::string before;
    std::string after;
  } table[] = {
      {"twice as long", lines_of('a', 3), lines_of('b', 6)},
      {"of equal length", lines_of('a', 3), lines_of('b', 3)},
      {"longer than what is compared", lines_of('a', 100), lines_of('b', 150)},
      {"with the same end", lines_of('a', 2) + lines_of('c', 10), lines_of('b', 2) + lines_of('c', 20)},
      {"while the end of a line was missing", lines_of('a', 3) + "rest", lines_of('b', 3) + "rest, whole\n"},
  };
  for (const auto& row : table)
    BOOST_TEST_CONTEXT(row.name) {
      const test_folder folder;
      const auto file = folder.write("a", row.before);
      std::vector<std::string> notices;
      reading growing{{.file = file, .notice = [&](const std::string& what) { notices.push_back(what); }}};
      const auto whole = static_cast<std::size_t>(std::count(row.before.begin(), row.before.end(), '\n'));
      growing.take_until([&] { return growing.lines.size() == whole; });
      overwrite(file, row.after);
      growing.take_until([&] { return ends_with(growing.lines, lines_in(row.after)); });
      const auto before = lines_in(row.before);
      BOOST_REQUIRE(growing.lines.size() >= before.size());
      BOOST_TEST(std::equal(before.begin(), before.end(), growing.lines.begin()));
      BOOST_TEST(growing.numbers.back() == lines_in(row.after).size());
      growing.reader->stop();
      growing.take_all();
      BOOST_TEST(notices.at(0).find("rewritten") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_position_is_that_of_the_bytes_that_were_read) {
  const test_folder folder;
  const auto file = folder.write("a", lines_of('a', 100));
  reading all{{.file = file, .until_end = true, .chunk_bytes = 1'000, .line_keep_bytes = 2'000}};
  all.take_all();
  const auto& last = *all.batches.back();
  const read_position end{last.end_offset, 100, fingerprint_at(last, last.lines.size())};
  overwrite(file, lines_of('b', 150));
  reading rest{{.file = file, .until_end = true}, end};
  rest.take_all();
  BOOST_TEST(rest.lines == lines_in(lines_of('b', 150)), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_line_beyond_all_bounds_ends_where_its_file_was_rewritten_or_replaced) {
  for (const bool replaced : {false, true}) {
    const test_folder folder;
    const auto file = folder.write("a", "short\n" + std::string(5'000, 'x'));
    reading growing{{.file = file, .chunk_bytes = 64, .line_keep_bytes = 256}};
    growing.take_until([&] { return growing.lines.size() == 1; });
    if (replaced)
      std::filesystem::rename(folder.write("b", "next\n"), file);
    else
      overwrite(file, lines_of('b', 60));
    growing.take_until(
        [&] { return ends_with(growing.lines, replaced ? strings{"next"} : lines_in(lines_of('b', 60))); });
    BOOST_TEST(growing.lines[1].find_first_not_of('x') == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_a_file_holds_last_is_read_whole_however_often_it_is_rewritten) {
  const test_folder folder;
  const auto file = folder.write("a", lines_of('a', 40));
  reading growing{{.file = file, .chunk_bytes = 1'000}};
  for (int i = 0; i < 30; ++i) {
    const auto content = lines_of(static_cast<char>('b' + i % 20), 40 + i);
    overwrite(file, content);
    growing.take_until([&] { return ends_with(growing.lines, lines_in(content)); });
  }
  BOOST_TEST(growing.numbers.back() == 69U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named) {
  batch_queue queue{4};
  const auto missing = input_reader::open({.file = "/no/such/file"}, queue);
  BOOST_TEST(missing.error().message.find("/no/such/file") != std::string::npos);
  const test_folder folder;
  const auto no_file = input_reader::open({.file = folder.file("")}, queue);
  BOOST_TEST(no_file.error().message.find("no file") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
