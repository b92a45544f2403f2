// SPDX-License-Identifier: Apache-2.0
#include "base/system/files.hpp"

#include <fstream>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

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

BOOST_FIXTURE_TEST_CASE(what_is_no_file_of_its_own_is_not_waited_for, one_folder) {
  BOOST_REQUIRE(replace_file(file, "content").has_value());
  BOOST_TEST(read_plain_file(file).value_or("") == "content");
  const auto pipe = scratch.path() / "pipe";
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto link = scratch.path() / "link";
  std::filesystem::create_symlink(file, link);
  for (const auto& each : {pipe, link, std::filesystem::path{"/dev/zero"}, scratch.path()}) {
    const auto read = read_plain_file(each);
    BOOST_REQUIRE(not read.has_value());
    BOOST_TEST(read.error().message == "cannot read " + each.string() + ": what is there is no file of its own");
  }
  BOOST_TEST(read_plain_file(fresh).error().message == "cannot read " + fresh.string() + ": No such file or directory");
}

BOOST_FIXTURE_TEST_CASE(a_status_comes_back_whole_too, one_folder) {
  for (const std::string& bytes : {std::string("one"), std::string("another")}) {
    BOOST_TEST(replace_file(file, bytes, durability::status).has_value());
    BOOST_TEST(content() == bytes);
  }
  BOOST_TEST(not std::filesystem::exists(fresh));
}

BOOST_FIXTURE_TEST_CASE(two_writers_of_one_file_do_not_meet, one_folder) {
  auto first = file_replacement::open(file);
  BOOST_REQUIRE(first.has_value());
  const auto second = file_replacement::open(file);
  BOOST_REQUIRE(not second.has_value());
  BOOST_TEST(second.error().message.find("another process is writing it") != std::string::npos);
  BOOST_TEST(first->write("first").has_value());
  BOOST_TEST(first->commit().has_value());
  BOOST_TEST(content() == "first");
}

BOOST_FIXTURE_TEST_CASE(what_a_crash_left_is_removed_with_its_mode, one_folder) {
  std::ofstream(fresh) << "left over";
  std::filesystem::permissions(fresh, std::filesystem::perms::all);
  auto made = file_replacement::open(file, ".new", 0600);
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->commit().has_value());
  BOOST_TEST(content() == "");
  const auto mine = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  BOOST_TEST((std::filesystem::status(file).permissions() == mine));
}

BOOST_FIXTURE_TEST_CASE(a_link_in_the_way_of_the_new_content_is_refused, one_folder) {
  std::ofstream(file) << "victim";
  std::filesystem::create_symlink(file, scratch.path() / "other.new");
  BOOST_TEST(not replace_file(scratch.path() / "other", "new").has_value());
  BOOST_TEST(content() == "victim");
}

BOOST_FIXTURE_TEST_CASE(the_target_of_a_link_is_replaced_also_where_it_is_not_there_yet, one_folder) {
  const auto link = scratch.path() / "link";
  std::filesystem::create_symlink(file, link);
  for (const std::string& bytes : {std::string("one"), std::string("another")}) {
    BOOST_TEST(replace_file(link, bytes).has_value());
    BOOST_TEST(content() == bytes);
    BOOST_TEST(std::filesystem::is_symlink(link));
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_no_file_is_written_as_it_is, one_folder) {
  BOOST_TEST(replace_file("/dev/null", "nothing").has_value());
  BOOST_TEST(std::filesystem::is_character_file("/dev/null"));
  BOOST_TEST(not replace_file("/dev/full", "much").has_value());
  BOOST_TEST(std::filesystem::is_character_file("/dev/full"));
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
