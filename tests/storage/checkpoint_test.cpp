// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint.hpp"

#include <fstream>
#include <map>
#include <set>

#include <boost/test/unit_test.hpp>

#include "base/system/files.hpp"
#include "core/rules.hpp"
#include "storage/keys.hpp"
#include "storage/local_reader.hpp"
#include "storage/local_store.hpp"
#include "storage/rows.hpp"
#include "storage/user_state.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

/// A Monday, 00:00 UTC.
constexpr time_ms monday = 1'699'833'600'000;
static_assert((monday / day_ms + 3) % 7 == 0 and monday % day_ms == 0);
constexpr time_ms week_ms = 7 * day_ms;

struct fixture {
  fixture() {
    options.case_key = "a key for tests only";
    options.input_retention_ms = 20 * day_ms;
    policy live;
    live.name = "fair";
    live.windows = {{"daily", day_ms, hour_ms}};
    policies = policy_set::make(live, {});
    in_force = {true, false, policies.get()};
    open();
  }

  void open() {
    store.reset();
    auto opened = local_store::open(folder.path(), options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened.has_value() ? "" : opened.error().message));
    store = std::move(*opened);
  }
  std::unique_ptr<local_reader> reader() {
    auto opened = local_reader::open(folder.path());
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened.has_value() ? "" : opened.error().message));
    return std::move(*opened);
  }
  /// One commit of one epoch, in which somebody speaks; and what is under way is done.
  void commit(time_ms now, std::string_view uid = "ann", event_kind kind = event_kind::speech) {
    store->add_epoch(store->meta().epoch + 1, now, 0);
    store->meta().settings["at"] = std::to_string(now);
    const std::string_view names[] = {uid};
    const auto who = std::move(store->load(names, *policies, now)[0]);
    const event_detail detail = erasure_request{"support", "asked for it"};
    const event_text text{"test", "1"};
    event what;
    what.kind = kind;
    what.time = what.instant = now;
    what.key = static_cast<std::uint64_t>(now);
    what.ms = 60'000;
    what.text = &text;
    if (kind == event_kind::erasure) what.detail = &detail;
    step_output out;
    advance(*who, in_force, now, out);
    BOOST_TEST((apply(*who, in_force, now, what, horizon_events_ms, out) == applied::accepted));
    store->add_user(uid, *who);
    BOOST_REQUIRE(store->commit().has_value());
    BOOST_REQUIRE(store->wait().has_value());
    store->wait_for_checkpoint();
  }
  std::vector<std::uint64_t> commits() const {
    std::vector<std::uint64_t> all;
    for (const auto& each : checkpoints_of(folder.path()))
      all.push_back(each.commit);
    return all;
  }
  std::unique_ptr<checkpoint_reader> opened(std::uint64_t commit) const {
    for (const auto& each : checkpoints_of(folder.path()))
      if (each.commit == commit) {
        auto made = checkpoint_reader::open(each);
        BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
        return std::move(*made);
      }
    BOOST_FAIL("there is no checkpoint of commit " << commit);
    return nullptr;
  }
  /// Hours of usage by user.
  static std::map<std::string, std::set<hour_number>> hours_in(const checkpoint_reader& from) {
    std::map<std::string, std::set<hour_number>> all;
    BOOST_TEST(from.each_user([&](std::string_view uid, std::string_view state) -> checkpoint_reader::visit_result {
                     auto& hours = all[std::string(uid)];
                     BOOST_TEST(each_state_row(state, [&](std::string_view key, std::string_view) {
                       const auto row = keys::parse_behind_prefix(key);
                       if (row and row->kind == keys::user_row::hour) hours.insert(row->hour);
                       return key.empty() or row.has_value();
                     }));
                     return {};
                   })
                   .has_value());
    return all;
  }

  test_folder folder;
  store_options options;
  std::shared_ptr<const policy_set> policies;
  controls in_force;
  std::unique_ptr<local_store> store;
};

using all_commits = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(a_checkpoint, fixture)

BOOST_AUTO_TEST_CASE(is_the_state_before_the_first_commit_of_a_week) {
  commit(monday + hour_ms);
  commit(monday + 2 * day_ms, "bob");
  BOOST_TEST(commits().empty());
  commit(monday + week_ms, "cleo");
  commit(monday + week_ms + 1);
  BOOST_TEST(commits() == all_commits{2U}, boost::test_tools::per_element());
  const auto made = opened(2);
  BOOST_TEST(made->meta().epoch == 2U);
  BOOST_TEST(made->meta().now == monday + 2 * day_ms);
  BOOST_TEST(made->meta().settings.at("at") == std::to_string(monday + 2 * day_ms));
  const auto hours = hours_in(*made);
  BOOST_TEST(hours.size() == 2U);
  BOOST_TEST(hours.at("ann").count(hour_of(monday + hour_ms)) == 1U);
  BOOST_TEST(hours.at("bob").count(hour_of(monday + 2 * day_ms)) == 1U);
}

BOOST_AUTO_TEST_CASE(is_taken_once_after_a_jump_of_several_weeks) {
  commit(monday);
  commit(monday + 2 * week_ms + 5);
  commit(monday + 2 * week_ms + 6 * day_ms);
  BOOST_TEST(commits() == all_commits{1U}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(leaves_out_hours_that_no_window_reads) {
  commit(monday);
  commit(monday + 12 * day_ms);
  commit(monday + 2 * week_ms);
  const auto hours = hours_in(*opened(2));
  BOOST_TEST(hours.at("ann").size() == 1U);
  BOOST_TEST(hours.at("ann").count(hour_of(monday + 12 * day_ms)) == 1U);
}

BOOST_AUTO_TEST_CASE(has_what_erasures_leave_and_nothing_else_of_their_users) {
  commit(monday, "ann");
  commit(monday + 1, "bob");
  commit(monday + 2, "bob", event_kind::erasure);
  commit(monday + week_ms);
  const auto made = opened(3);
  BOOST_TEST(hours_in(*made).size() == 1U);
  std::size_t erased = 0;
  BOOST_TEST(made->each_erased([&](std::string_view hash, std::string_view row) -> checkpoint_reader::visit_result {
                   tombstone left;
                   BOOST_TEST(hash.size() == 32U);
                   BOOST_TEST(row_codec().read_tombstone(row, left));
                   BOOST_TEST(left.erased_at == monday + 2);
                   ++erased;
                   return {};
                 })
                 .has_value());
  BOOST_TEST(erased == 1U);
}

BOOST_AUTO_TEST_CASE(stays_as_long_as_kept_input_follows_it) {
  for (int day = 0; day < 60; ++day)
    commit(monday + day * day_ms);
  // Input is kept for 20 days: that of days 39 to 59 follows commit 39 and later ones.
  BOOST_TEST(commits() == (all_commits{42U, 49U, 56U}), boost::test_tools::per_element());
  const auto oldest = reader()->oldest_checkpoint();
  BOOST_REQUIRE(oldest.has_value());
  BOOST_REQUIRE(*oldest != nullptr);
  BOOST_TEST((*oldest)->commit() == 42U);
  auto from = (*oldest)->commits_behind();
  const auto kept = reader();
  const auto behind = kept->logs().commits(from, 1);
  BOOST_REQUIRE(behind.has_value());
  BOOST_REQUIRE(behind->size() == 1U);
  BOOST_TEST(behind->front().number == 43U);
}

BOOST_AUTO_TEST_CASE(that_nothing_follows_is_no_beginning) {
  commit(monday);
  commit(monday + week_ms);
  const auto first = reader()->oldest_checkpoint();
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST((*first)->commit() == 1U);
  std::filesystem::rename(checkpoints_of(folder.path())[0].file,
                          folder.path() / "checkpoints" / "00000000000000000002.checkpoint");
  const auto none = reader()->oldest_checkpoint();
  BOOST_REQUIRE(none.has_value());
  BOOST_TEST((*none == nullptr));
}

BOOST_AUTO_TEST_CASE(that_a_crash_left_unfinished_is_removed_and_the_week_gets_another_one) {
  commit(monday);
  commit(monday + week_ms);
  store.reset();
  const auto whole = checkpoints_of(folder.path())[0].file;
  auto part = whole;
  part += ".part";
  std::filesystem::rename(whole, part);
  open();
  BOOST_TEST(not std::filesystem::exists(part));
  commit(monday + week_ms + day_ms);
  commit(monday + week_ms + 2 * day_ms);
  BOOST_TEST(commits() == all_commits{2U}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(is_not_taken_again_after_a_restart) {
  commit(monday);
  commit(monday + week_ms);
  open();
  commit(monday + week_ms + 1);
  BOOST_TEST(commits() == all_commits{1U}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(that_the_commit_behind_it_did_not_survive_is_the_one_of_its_week) {
  commit(monday);
  const auto copy = folder.path() / "copy";
  options.failpoint = [&](std::string_view at) {
    // As a crash between the checkpoint and its commit leaves it; and the next commit is of the same week.
    if (at != "storage.after_checkpoint") return;
    std::filesystem::copy(folder.path() / "checkpoints", copy / "checkpoints");
  };
  open();
  std::filesystem::create_directories(copy);
  std::filesystem::copy(folder.path() / "db", copy / "db", std::filesystem::copy_options::recursive);
  std::filesystem::copy(folder.path() / "published", copy / "published");
  commit(monday + week_ms);
  store.reset();
  options.failpoint = {};
  auto opened = local_store::open(copy, options);
  BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
  store = std::move(*opened);
  commit(monday + week_ms + 1);
  commit(monday + week_ms + 2);
  BOOST_TEST(checkpoints_of(copy).size() == 1U);
}

BOOST_AUTO_TEST_CASE(that_cannot_be_written_is_told_once_and_tried_again) {
  commit(monday);
  std::ofstream(folder.path() / "checkpoints") << "a file in its place";
  commit(monday + week_ms);
  const auto told = store->take_checkpoint_failure();
  BOOST_REQUIRE(told.has_value());
  BOOST_TEST(told->find("checkpoint cannot be written") != std::string::npos, *told);
  commit(monday + week_ms + 1);
  BOOST_TEST(not store->take_checkpoint_failure().has_value());
  std::filesystem::remove(folder.path() / "checkpoints");
  commit(monday + week_ms + 2);
  BOOST_TEST(commits() == all_commits{3U}, boost::test_tools::per_element());
  BOOST_TEST(not store->take_checkpoint_failure().has_value());
}

BOOST_AUTO_TEST_CASE(is_never_read_otherwise_than_it_was_written) {
  for (int user = 0; user < 40; ++user)
    commit(monday + user, "user-" + std::to_string(user));
  commit(monday + 50, "user-3", event_kind::erasure);
  commit(monday + week_ms);
  const auto place = checkpoints_of(folder.path())[0];
  const auto whole = hours_in(*opened(place.commit));
  const auto bytes = *read_file(place.file);
  std::size_t refused = 0;
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 400);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    auto other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0x20);
    BOOST_REQUIRE(replace_file(place.file, other, durability::status).has_value());
    const auto made = checkpoint_reader::open(place);
    if (made) {
      BOOST_TEST((hours_in(**made) == whole), "byte " << at);
      continue;
    }
    ++refused;
    BOOST_TEST(made.error().message.find(place.file.string()) != std::string::npos, made.error().message);
  }
  BOOST_TEST(refused > 100U);
  BOOST_REQUIRE(replace_file(place.file, bytes.substr(0, bytes.size() / 2), durability::status).has_value());
  BOOST_TEST((checkpoint_reader::open(place).error().fault == store_fault::damaged));
}

BOOST_AUTO_TEST_CASE(of_another_store_is_refused) {
  commit(monday);
  commit(monday + week_ms);
  const auto place = checkpoints_of(folder.path())[0];
  const auto bytes = *read_file(place.file);
  const test_folder other;
  auto opened = local_store::open(other.path(), options);
  store = std::move(*opened);
  commit(monday + 1, "bob");
  commit(monday + week_ms);
  BOOST_REQUIRE(replace_file(checkpoints_of(other.path())[0].file, bytes, durability::status).has_value());
  const auto made = local_reader::open(other.path());
  BOOST_REQUIRE(made.has_value());
  const auto none = (*made)->oldest_checkpoint();
  BOOST_REQUIRE(not none.has_value());
  BOOST_TEST(none.error().message.find("another store") != std::string::npos, none.error().message);
}

BOOST_AUTO_TEST_SUITE_END()
