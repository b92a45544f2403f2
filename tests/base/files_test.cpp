// SPDX-License-Identifier: Apache-2.0
#include "base/system/files.hpp"

#include <boost/test/unit_test.hpp>

#include "base/system/scratch_folder.hpp"

BOOST_AUTO_TEST_SUITE(base_files)

namespace {

using namespace fairuse;

struct one_folder {
  scratch_folder scratch{std::filesystem::temp_directory_path(), "fairuse-base"};
  std::filesystem::path file = scratch.path() / "file";
  std::filesystem::path fresh = scratch.path() / "file.new";

  std::string content() const { return read_file(file).value_or("cannot be read"); }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_file_comes_back_whole, one_folder) {
  for (const std::string& bytes : {std::string(), std::string("a\0b", 3), std::string(100'000, 'x')}) {
    BOOST_TEST(replace_file(file, bytes).has_value());
    BOOST_TEST((content() == bytes));
  }
  BOOST_TEST(not std::filesystem::exists(fresh));
}

BOOST_FIXTURE_TEST_CASE(a_file_comes_in_blocks, one_folder) {
  std::string bytes;
  for (int i = 0; bytes.size() < 200'000; ++i)
    bytes += std::to_string(i);
  BOOST_REQUIRE(replace_file(file, bytes).has_value());
  std::string seen;
  int blocks = 0;
  const auto read = read_blocks(file, [&](std::string_view block) {
    seen += block;
    ++blocks;
  });
  BOOST_TEST(read.has_value());
  BOOST_TEST((seen == bytes));
  BOOST_TEST(blocks > 1);
  BOOST_TEST(not read_blocks(scratch.path(), [](std::string_view) {}).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_status_comes_back_whole_too, one_folder) {
  for (const std::string& bytes : {std::string("one"), std::string("another")}) {
    BOOST_TEST(replace_file(file, bytes, durability::status).has_value());
    BOOST_TEST(content() == bytes);
  }
  BOOST_TEST(not std::filesystem::exists(fresh));
}

BOOST_FIXTURE_TEST_CASE(a_file_stays_until_its_replacement_is_committed, one_folder) {
  BOOST_TEST(replace_file(file, "old").has_value());
  {
    auto given_up = file_replacement::open(file);
    BOOST_TEST(given_up.value().write("half").has_value());
    BOOST_TEST(std::filesystem::exists(fresh));
  }
  BOOST_TEST(not std::filesystem::exists(fresh));
  BOOST_TEST(content() == "old");
  auto replacement = file_replacement::open(file);
  auto moved = std::move(replacement.value());
  BOOST_TEST(moved.write("n").has_value());
  BOOST_TEST(moved.write("ew").has_value());
  BOOST_TEST(content() == "old");
  BOOST_TEST(moved.commit().has_value());
  BOOST_TEST(content() == "new");
}

BOOST_FIXTURE_TEST_CASE(an_error_names_the_file_and_the_cause, one_folder) {
  const auto missing = read_file(file);
  BOOST_TEST(missing.error().message == "cannot read " + file.string() + ": No such file or directory");
  BOOST_TEST((missing.error().cause == std::errc::no_such_file_or_directory));
  BOOST_TEST((read_file(scratch.path()).error().cause == std::errc::is_a_directory));
  BOOST_TEST((replace_file(scratch.path() / "no" / "file", "").error().cause == std::errc::no_such_file_or_directory));
  std::filesystem::create_directories(file / "below");
  BOOST_TEST(not replace_file(file, "").has_value());
  BOOST_TEST(not std::filesystem::exists(fresh));
}

BOOST_AUTO_TEST_SUITE_END()
