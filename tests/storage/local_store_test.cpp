// SPDX-License-Identifier: Apache-2.0
#include "storage/local_store.hpp"

#include <cstdlib>
#include <fstream>

#include <boost/test/unit_test.hpp>
#include <rocksdb/db.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/query.hpp"
#include "storage/keys.hpp"
#include "storage/local_reader.hpp"
#include "storage/rocks.hpp"
#include "storage/stored_logs.hpp"
#include "tests/storage/local_store_fixture.hpp"

using namespace fairuse;
using namespace fairuse::local_store_tests;

namespace {

/// The logs and manifests that a reader reads.
std::vector<std::filesystem::path> logs_of(const std::filesystem::path& store) {
  std::vector<std::filesystem::path> all;
  for (const auto& each : std::filesystem::directory_iterator(store / "db")) {
    const auto name = each.path().filename().string();
    if ((name.starts_with("MANIFEST") or name.ends_with(".log")) and each.file_size() > 0) all.push_back(each.path());
  }
  return all;
}

/// Switches the kind of the first record between its own and a "recyclable" one, which is not written here.
void flip_kind(const std::filesystem::path& log) {
  constexpr std::streamoff at = 6;
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const auto byte = static_cast<char>(file.get() ^ 4);
  file.seekp(at).put(byte);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(a_local_store, fixture)

BOOST_AUTO_TEST_CASE(goes_on_where_it_stopped) {
  store->meta().inputs = {{"events.ndjson", 17, 1, "abc"}};
  store->meta().settings["answer"] = "42";
  store->meta().controls = {true, false, "live-digest", {"one", "two"}};
  epoch(start, 1);
  store->add_lines("a line");
  store->add_decision("{\"n\":1}");
  store->keep_policy("live-digest", "name: fair");
  const auto expected = store->meta();
  commit();

  open();
  BOOST_TEST((store->meta() == expected));
  BOOST_TEST(store->committed() == 1U);
  BOOST_TEST(store->committed_epoch() == 1U);
  BOOST_TEST(store->policy_text("live-digest") == "name: fair");
  BOOST_TEST(store->policy_text("unknown").empty());
}

BOOST_AUTO_TEST_CASE(keeps_what_was_committed_and_nothing_else) {
  epoch(start);
  store->add_decision("first");
  commit();
  epoch(start + 1);
  store->add_decision("never committed");

  open();
  BOOST_TEST(store->meta().epoch == 1U);
  log_cursor cursor;
  const auto all = store->logs().decisions(cursor, 10);
  BOOST_REQUIRE(all.has_value());
  BOOST_TEST(*all == std::vector<std::string>{"first"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(shows_a_user_as_added_before_any_commit) {
  auto loaded = load(uid, start);
  BOOST_TEST(loaded->changed.track);
  BOOST_TEST((give(*loaded, start, speech(start, 1)) == applied::accepted));
  store->add_user(uid, *loaded);
  BOOST_TEST(not loaded->changed.any());

  // In the open commit, in the running one, and after a restart.
  auto again = load(uid, start);
  BOOST_TEST(weekly(*again, start) == 30'000);
  BOOST_TEST((give(*again, start, speech(start, 1)) == applied::duplicate));
  BOOST_TEST(load("somebody else", start)->metered[0].size() == 0U);
  epoch(start);
  BOOST_REQUIRE(store->commit().has_value());
  again = load(uid, start);
  BOOST_TEST((give(*again, start + 1, speech(start, 2)) == applied::accepted));
  store->add_user(uid, *again);
  BOOST_TEST(weekly(*load(uid, start), start) == 60'000);
  epoch(start + 1);
  commit();
  open();
  again = load(uid, start + 1);
  BOOST_TEST(weekly(*again, start) == 60'000);
  BOOST_TEST((give(*again, start + 2, speech(start, 2)) == applied::duplicate));
}

BOOST_AUTO_TEST_CASE(reads_older_ids_and_old_hours_only_when_asked) {
  auto loaded = load(uid, start);
  give(*loaded, start, speech(start, 11));
  store->add_user(uid, *loaded);
  epoch(start);
  commit();

  const auto later = start + 3 * day_ms;
  loaded = load(uid, later);
  BOOST_TEST(not loaded->ids.has(hour_of(start)));
  const auto older = store->load_ids(uid, hour_of(start));
  BOOST_TEST(older.keys == std::vector<std::uint64_t>{11}, boost::test_tools::per_element());
  BOOST_TEST(weekly(*loaded, later) == 30'000);
  BOOST_TEST(load(uid, start + 20 * day_ms)->metered[0].size() == 0U);
  BOOST_TEST(store->load_ids("nobody", 5).keys.empty());
}

BOOST_AUTO_TEST_CASE(refuses_to_lose_ids) {
  auto loaded = load(uid, start);
  loaded->note_id_hour(hour_of(start));
  store->add_user(uid, *loaded);
  BOOST_TEST(not store->failure().has_value());
  epoch(start);
  const auto status = store->commit();
  BOOST_REQUIRE(not status.has_value());
  BOOST_TEST((status.error().fault == store_fault::misuse));
}

// A shadow that was not loaded meanwhile.
BOOST_AUTO_TEST_CASE(what_stands_in_a_slot_goes_on_as_numbers_when_it_is_loaded_again) {
  const auto slot = static_cast<std::size_t>(policies->slot_named("other"));
  const auto shadow_of = [slot](const user& who) {
    return who.standings.empty() ? nullptr : who.standings[slot].get();
  };
  epoch(start);
  auto loaded = load(uid, start);
  loaded->standings.resize(policies->slot_count());
  loaded->standings[slot] = std::make_unique<standing>(
      standing{.at = stage::warning, .until = start + day_ms, .last_strike = 3, .last_request = 5});
  loaded->changed.standings = 1U << slot;
  store->add_user(uid, *loaded);
  commit();
  BOOST_TEST((shadow_of(*load(uid, start))->at == stage::warning));
  const auto again = policy_set::make(policies->live().rules, {policies->slots()[slot].rules}, 8 * day_ms,
                                      review_mode::shared, {{}, {{"other", start}}});
  const std::string_view names[] = {uid};
  const auto back = std::move(store->load(names, *again, start)[0]);
  BOOST_TEST((shadow_of(*back)->at == stage::none));
  BOOST_TEST((shadow_of(*back)->until == never));
  BOOST_TEST(shadow_of(*back)->last_strike == 3U);
  BOOST_TEST(shadow_of(*back)->last_request == 5U);
  BOOST_TEST(back->next_due == never);
}

BOOST_AUTO_TEST_CASE(an_erased_user_leaves_a_keyed_hash_and_numbers) {
  // Input and decisions have uids and go by retention; here only state is written.
  const std::string_view who = "a-very-recognisable-uid";
  auto loaded = load(who, start);
  give(*loaded, start, speech(start, 1));
  loaded->standings.resize(policies->slots().size());
  for (const std::size_t slot : {0U, 2U}) {
    loaded->standings[slot] = std::make_unique<standing>();
    loaded->standings[slot]->last_strike = 7;
    loaded->standings[slot]->last_request = static_cast<std::uint32_t>(slot + 20);
    loaded->standings[slot]->until = start + day_ms;
  }
  loaded->next_due = start + day_ms + 1;
  loaded->admin_ids.push_back({99, 7});
  loaded->changed.core = true;
  loaded->changed.standings = 5;
  store->add_user(who, *loaded);
  epoch(start);
  commit();
  BOOST_TEST(store->erased_at(who) == INT64_MIN);

  // Only the live slot is loaded now; the shadow's numbers stay all the same.
  policies = policy_set::make(policies->live().rules, {});
  in_force.policies = policies.get();
  loaded = load(who, start + 1);
  erase(*loaded, start + 1);
  store->add_user(who, *loaded);
  BOOST_TEST(store->erased_at(who) == start + 1);
  BOOST_TEST(store->erased_at("another") == INT64_MIN);
  epoch(start + 1);
  commit();
  BOOST_TEST(store->due_users().empty());

  open();
  BOOST_TEST(store->erased_at(who) == start + 1);
  store.reset();
  BOOST_TEST(everything().find(who) == std::string::npos);
  open();
  auto shadow = policies->live().rules;
  shadow.name = "other";
  policies = policy_set::make(policies->live().rules, {shadow});
  in_force.policies = policies.get();
  loaded = load(who, start + 2);
  BOOST_TEST(loaded->erased_at == start + 1);
  BOOST_TEST((loaded->admin_ids == std::vector<permanent_id>{{99, 7}}));
  BOOST_TEST(loaded->standings[0]->last_strike == 7U);
  BOOST_TEST(loaded->standings[0]->last_request == 20U);
  BOOST_TEST(loaded->standings[2]->last_request == 22U);
  BOOST_TEST(weekly(*loaded, start + 2) == 0);
  BOOST_TEST((give(*loaded, start + 2, speech(start, 3)) == applied::erased));

  // What comes after the erasure is kept again.
  BOOST_TEST((give(*loaded, start + 2, speech(start + 2, 4)) == applied::accepted));
  store->add_user(who, *loaded);
  epoch(start + 2);
  commit();
  loaded = load(who, start + 2);
  BOOST_TEST(weekly(*loaded, start + 2) == 30'000);
  BOOST_TEST(loaded->erased_at == start + 1);

  options.case_key = "another key for tests";
  BOOST_TEST((refusal().fault == store_fault::wrong_key));
}

// One commit, as two: what the erasure leaves is not in the store yet when the slot is unloaded.
BOOST_AUTO_TEST_CASE(an_erased_user_leaves_the_numbers_of_a_slot_that_the_same_commit_unloads) {
  for (const bool back : {false, true}) {
    const std::string who = back ? "erased-and-back" : "erased";
    const auto with_shadow = policies;
    auto loaded = load(who, start);
    give(*loaded, start, speech(start, 1));
    loaded->standings.resize(policies->slots().size());
    loaded->standings[2] = std::make_unique<standing>();
    loaded->standings[2]->last_strike = 7;
    loaded->changed.standings = 4;
    erase(*loaded, start + 1);
    if (back) {
      loaded->standings[2]->at = stage::warning;
      loaded->standings[2]->last_strike = 8;
      loaded->changed.standings = 4;
    }
    const auto without = policy_set::make(policies->live().rules, {});
    bind(*loaded, *without, start + 2);
    store->add_user(who, *loaded);
    epoch(start + 2);
    commit();
    loaded = load(who, start + 3);
    BOOST_REQUIRE(loaded->standings[2]);
    BOOST_TEST(loaded->standings[2]->last_strike == (back ? 8U : 7U));
    BOOST_TEST((loaded->standings[2]->at == (back ? stage::warning : stage::none)));
  }
}

BOOST_AUTO_TEST_CASE(stops_before_the_disk_is_full) {
  options.reserve_bytes = std::uint64_t{1} << 60;
  open();
  epoch(start);
  store->add_decision("too much");
  BOOST_REQUIRE(store->commit().has_value());
  const auto status = store->wait();
  BOOST_REQUIRE(not status.has_value());
  BOOST_TEST((status.error().fault == store_fault::disk_full));
  BOOST_TEST(status.error().message.find("Disk full") == 0U);
  epoch(start);
  BOOST_TEST(not store->commit().has_value());

  options.reserve_bytes = 0;
  open();
  BOOST_TEST(store->committed() == 0U);
}

BOOST_AUTO_TEST_CASE(is_one_process_at_a_time) {
  const auto second = local_store::open(folder, options);
  BOOST_REQUIRE(not second.has_value());
  BOOST_TEST((second.error().fault == store_fault::locked));
}

BOOST_AUTO_TEST_CASE(refuses_epochs_out_of_order) {
  epoch(start);
  store->add_epoch(3, start, 0);
  BOOST_TEST((store->commit().error().fault == store_fault::misuse));
  open();
  epoch(start);
  epoch(start - 1);
  BOOST_TEST((store->commit().error().fault == store_fault::misuse));
}

BOOST_AUTO_TEST_CASE(misses_published_commits_that_are_gone) {
  epoch(start);
  commit();
  store.reset();
  std::filesystem::remove_all(folder / "db");
  // An empty store in its place would be a silent loss.
  BOOST_TEST((refusal().fault == store_fault::damaged));
  BOOST_TEST(not std::filesystem::exists(folder / "db" / "CURRENT"));
}

BOOST_AUTO_TEST_CASE(tells_its_commits_with_inputs_and_refusals) {
  store->meta().controls = {true, false, "d1", {}};
  epoch(start, 2);
  store->add_lines("one\ntwo");
  store->add_dead_letter({refusal::bad_value, "data.ms", "stdin", 2, 1, "two", "A sentence."});
  epoch(start + 5, 1);
  store->add_lines("three\n");
  store->add_decision("{}");
  store->meta().controls.killed = true;
  commit();
  epoch(start + 5);
  commit();

  log_cursor cursor;
  const auto all = store->logs().commits(cursor, 10);
  BOOST_REQUIRE(all.has_value());
  BOOST_REQUIRE(all->size() == 2U);
  const auto& first = (*all)[0];
  BOOST_TEST(first.input == "one\ntwo\nthree\n");
  BOOST_REQUIRE(first.epochs.size() == 2U);
  BOOST_TEST(first.rules == decision_rules);
  BOOST_TEST(first.epochs[1].number == 2U);
  BOOST_TEST(first.epochs[1].now == start + 5);
  BOOST_TEST(first.epochs[1].lines == 1U);
  BOOST_REQUIRE(first.refusals.size() == 1U);
  BOOST_TEST(first.refusals[0].commit_line == 1U);
  BOOST_TEST(not first.controls.killed);
  BOOST_TEST((*all)[1].controls.killed);
  BOOST_TEST((*all)[1].input.empty());
  cursor.clear();
  const auto dead_letters = store->logs().dead_letters(cursor, 10);
  BOOST_REQUIRE(dead_letters.has_value());
  BOOST_REQUIRE(dead_letters->size() == 1U);
  BOOST_TEST((*dead_letters)[0].what.bytes == "two");
  BOOST_TEST((*dead_letters)[0].what.note == "A sentence.");
  BOOST_TEST((*dead_letters)[0].epoch == 1U);
}

BOOST_AUTO_TEST_CASE(forgets_by_retention) {
  options.input_retention_ms = 10 * day_ms;
  options.decision_retention_ms = 20 * day_ms;
  open();
  epoch(start, 1);
  store->add_lines("old");
  store->add_decision("old");
  commit();
  epoch(start + 15 * day_ms);
  store->add_decision("new");
  commit();

  const auto count = [this] {
    log_cursor journal;
    log_cursor made;
    return std::pair(store->logs().commits(journal, 10)->size(), store->logs().decisions(made, 10)->size());
  };
  BOOST_TEST((count() == std::pair<std::size_t, std::size_t>(1, 2)));
  epoch(start + 30 * day_ms);
  commit();
  BOOST_TEST((count() == std::pair<std::size_t, std::size_t>(1, 1)));
  open();
  BOOST_TEST((count() == std::pair<std::size_t, std::size_t>(1, 1)));
}

// RocksDB rewrites the file with the second commit, and not yet the one with the first.
BOOST_AUTO_TEST_CASE(opens_when_any_part_of_what_expired_is_gone) {
  options.input_retention_ms = 10 * day_ms;
  open();
  std::vector<std::string> written;
  for (const auto day : {0, 6, 12, 15, 18}) {
    const auto now = start + day * day_ms;
    epoch(now);
    commit();
    written.push_back(keys::commit(keys::journal_type, now, store->meta().epoch));
  }
  remove_row(written[1]);
  open();
  log_cursor journal;
  BOOST_TEST(store->logs().commits(journal, 10)->size() == 3U);
  remove_row(written[3]);
  BOOST_TEST(refusal().message.find("commit 4 is missing from the journal") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(is_read_beside_the_engine_up_to_what_was_published) {
  epoch(start);
  store->add_decision("one");
  auto loaded = load(uid, start);
  give(*loaded, start, speech(start, 1));
  store->add_user(uid, *loaded);
  store->keep_policy("d", "text");
  commit();
  auto reader = local_reader::open(folder);
  BOOST_REQUIRE_MESSAGE(reader.has_value(), (reader.has_value() ? "" : reader.error().message));
  log_cursor cursor;
  BOOST_TEST((*reader)->logs().decisions(cursor, 10)->size() == 1U);
  auto found = (*reader)->load(uid, *policies, start);
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(weekly(**found, start) == 30'000);
  BOOST_TEST((*(*reader)->load("nobody", *policies, start) == nullptr));
  BOOST_TEST(*(*reader)->policy_text("d") == "text");

  epoch(start + 1);
  store->add_decision("two");
  store->add_decision("three");
  commit();
  BOOST_TEST((*reader)->logs().decisions(cursor, 10)->empty());
  BOOST_REQUIRE((*reader)->catch_up().has_value());
  const auto more = (*reader)->logs().decisions(cursor, 10);
  BOOST_TEST(*more == (std::vector<std::string>{"two", "three"}), boost::test_tools::per_element());
  BOOST_TEST((*reader)->meta().epoch == 2U);
}

BOOST_AUTO_TEST_CASE(a_cursor_that_is_behind_no_decision_is_known) {
  for (const auto* text : {"one", "two"}) {
    epoch(start);
    store->add_decision(text);
    commit();
  }
  const auto& logs = store->logs();
  BOOST_TEST(logs.epoch_of("").value_or(99) == 0U);
  log_cursor first;
  BOOST_TEST(logs.decisions(first, 1)->size() == 1U);
  BOOST_TEST(logs.epoch_of(first).value_or(99) == 1U);
  auto last = first;
  BOOST_TEST(logs.decisions(last, 1)->size() == 1U);
  BOOST_TEST(logs.epoch_of(last).value_or(99) == 2U);
  auto beyond = last;
  beyond.back() = '\xff';
  auto other = last;
  other[0] = 'x';
  for (const auto& wrong :
       {beyond, other, last + '\0', last.substr(1), std::string(last.size(), '\xff'), std::string("o")})
    BOOST_TEST(not logs.epoch_of(wrong).has_value(), wrong.size());
}

/// RocksDB's reader of secondaries never returns from such a header, nor does that of its writer since 9.x; flip_test
/// found both.
BOOST_AUTO_TEST_CASE(is_refused_when_a_record_header_of_a_log_or_manifest_changed_its_kind) {
  epoch(start);
  store->add_decision("one");
  commit();
  store.reset();
  const auto logs = logs_of(folder);
  BOOST_REQUIRE(logs.size() >= 2U);
  for (const auto& log : logs) {
    flip_kind(log);
    const auto is_refused = [&log](const auto& opened) {
      BOOST_REQUIRE(not opened.has_value());
      BOOST_TEST((opened.error().fault == store_fault::damaged));
      BOOST_TEST(opened.error().message.find("a record header in " + log.filename().string()) != std::string::npos);
      BOOST_TEST(opened.error().message.find("at byte 0") != std::string::npos);
    };
    is_refused(local_reader::open(folder));
    is_refused(local_store::open(folder, options));
    flip_kind(log);
  }
  BOOST_TEST(local_reader::open(folder).has_value());
}

/// RocksDB takes it for a record that a crash has torn, and says nothing of tables that it does not know then.
BOOST_AUTO_TEST_CASE(is_not_read_when_the_length_of_its_manifests_last_record_leads_past_the_end) {
  epoch(start);
  commit();
  open(); // What was in the log is a table now.
  store.reset();
  for (const auto& log : logs_of(folder))
    if (log.extension() != ".log") std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1);
  const auto reader = local_reader::open(folder);
  BOOST_REQUIRE(not reader.has_value());
  BOOST_TEST((reader.error().fault == store_fault::damaged));
  BOOST_TEST(reader.error().message.find("manifest") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_its_failpoints_in_order) {
  std::string seen;
  options.failpoint = [&seen](std::string_view name) { seen.append(name).append(1, ' '); };
  open();
  epoch(start);
  commit();
  BOOST_TEST(seen == "storage.before_write storage.after_write storage.after_publish ");
}

BOOST_AUTO_TEST_SUITE_END()
