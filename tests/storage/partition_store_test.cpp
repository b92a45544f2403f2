// SPDX-License-Identifier: Apache-2.0
//
// A partition's store: reads, crashes and restores.
#include "storage/partition_store.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <rocksdb/perf_context.h>

#include "core/query.hpp"
#include "storage/keys.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

constexpr time_ms start = 1'700'000'000'000;
constexpr std::string_view uid = "somebody";

/// What flushed() writes.
constexpr std::int64_t written_rows = 220;
std::string row_key(std::int64_t number) {
  return keys::core(keys::user_prefix("user-" + std::to_string(number % 150)));
}
std::string row_value(std::int64_t number) { return std::string(1'000, 'a') + std::to_string(number); }
std::map<std::string, std::string> rows_after(std::int64_t records) {
  std::map<std::string, std::string> all;
  for (std::int64_t number = 1; number <= records; ++number)
    all[row_key(number)] = row_value(number);
  return all;
}

void flip(const std::filesystem::path& path, std::size_t at, unsigned bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(static_cast<unsigned>(file.get()) ^ (1U << bit));
  file.seekp(static_cast<std::streamoff>(at)).put(byte);
}

struct map_store {
  map_store() {
    options.case_key = "a key for tests only";
    options.background = [this](std::function<void()> task) {
      if (at_once)
        task();
      else
        tasks.push_back(std::move(task));
    };
    options.clock = [] { return start; };
    policy live;
    live.name = "fair";
    live.windows = {{"daily", day_ms, hour_ms}, {"weekly", 7 * day_ms, 2 * hour_ms}};
    policies = policy_set::make(live, {});
    in_force = {true, false, policies.get()};
    open();
  }
  ~map_store() {
    work();
    at_once = true;
    store.reset();
  }

  void open() {
    auto opened = partition_store::open(folder, options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened.has_value() ? "" : opened.error().message));
    store = std::move(*opened);
  }
  /// Runs the writer's tasks.
  void work() {
    for (auto& task : std::exchange(tasks, {}))
      task();
  }
  void crash() {
    work();
    store->abandon();
    store.reset();
    open();
  }
  std::unique_ptr<user> load(time_ms now, std::string_view who = uid) {
    return std::move(store->load(std::span(&who, 1), *policies, now)[0]);
  }
  applied give(user& loaded, time_ms now, const event& given) {
    step_output out;
    advance(loaded, in_force, now, out);
    if (needs_older_ids(given, now)) {
      const auto older = store->load_ids(uid, hour_of(given.instant));
      loaded.ids.load(older.hour, older.keys);
    }
    return apply(loaded, in_force, now, given, horizon_events_ms, out);
  }
  static event speech(time_ms at, std::uint64_t key, std::int32_t ms = 30'000) {
    event made;
    made.time = made.instant = at;
    made.key = key;
    made.ms = ms;
    return made;
  }
  /// One epoch in which the user spoke at `at`.
  void speak(time_ms now, time_ms at, std::uint64_t key) {
    auto loaded = load(now);
    BOOST_REQUIRE(give(*loaded, now, speech(at, key)) == applied::accepted);
    store->add_user(uid, *loaded);
  }
  void commit(time_ms now) {
    auto meta = store->meta().value_or(partition_meta{});
    ++meta.epoch;
    meta.now = now;
    meta.cluster = "c";
    meta.changelog_next = ++next;
    store->each_open_row([&](const state_row& row) {
      changelog.emplace_back(std::string(row.key), row.value ? std::optional(std::string(*row.value)) : std::nullopt);
    });
    changelog.emplace_back(std::string(partition_meta_key()), encode_partition_meta(meta, false));
    store->commit(std::move(meta));
  }
  std::int64_t weekly(time_ms now) { return query_standing(*load(now), in_force, 0, now).windows[1].sum_ms; }
  std::map<std::string, std::string> rows() {
    std::map<std::string, std::string> all;
    BOOST_REQUIRE(store->each_row([&](const state_row& row) { all.emplace(row.key, *row.value); }).has_value());
    return all;
  }

  std::size_t logs_in_use() const {
    std::size_t count = 0;
    std::error_code removed; // RocksDB removes logs meanwhile.
    for (const auto& each : std::filesystem::directory_iterator(folder / "db")) {
      const bool log = each.path().extension() == ".log" and not std::filesystem::is_empty(each.path(), removed);
      count += log and not removed ? 1 : 0;
    }
    return count;
  }
  /// A copy of a store as a kill leaves it: tables whose logs are gone, and a log with later rows.
  std::filesystem::path flushed() {
    store.reset();
    options.write_buffer_bytes = std::uint64_t{64} * 1024;
    open();
    for (std::int64_t number = 1; number <= written_rows; ++number) {
      const auto key = row_key(number);
      const auto value = row_value(number);
      BOOST_REQUIRE(store->restore(std::vector<state_row>{{key, value}}, number).has_value());
    }
    while (logs_in_use() > 1)
      std::this_thread::yield();
    auto killed = scratch.file("killed");
    std::filesystem::copy(folder, killed, std::filesystem::copy_options::recursive);
    return killed;
  }
  /// The store opens with all rows up to the changelog's record that it names, or is damaged.
  void expect_no_gap(std::string_view what) {
    store.reset();
    auto opened = partition_store::open(folder, options);
    if (not opened) {
      BOOST_TEST((opened.error().fault == store_fault::damaged));
      return;
    }
    store = std::move(*opened);
    const auto read = store->meta() ? store->meta()->changelog_next : 0;
    BOOST_TEST((rows() == rows_after(read)), what);
    store->abandon();
  }

  test_folder scratch;
  std::filesystem::path folder = scratch.path() / "state";
  partition_store_options options;
  std::vector<std::function<void()>> tasks;
  bool at_once = false;
  std::shared_ptr<const policy_set> policies;
  controls in_force;
  std::unique_ptr<partition_store> store;
  std::vector<std::pair<std::string, std::optional<std::string>>> changelog;
  std::int64_t next = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(partition_stores, map_store)

BOOST_AUTO_TEST_CASE(a_read_sees_the_open_epoch_over_pending_over_the_disk) {
  speak(start, start, 1);
  BOOST_TEST(weekly(start) == 30'000);
  commit(start);
  BOOST_TEST(weekly(start) == 30'000);
  store->write_behind();
  speak(start + 1, start + 1, 2);
  commit(start + 1);
  speak(start + 2, start + 2, 3);
  BOOST_TEST(weekly(start + 2) == 90'000);
  work();
  store->write_behind();
  work();
  BOOST_TEST(weekly(start + 2) == 90'000);
  BOOST_TEST(store->pending_rows() == 0U);
}

BOOST_AUTO_TEST_CASE(an_aborted_epoch_leaves_nothing) {
  speak(start, start, 1);
  commit(start);
  speak(start + 1, start + 1, 2);
  store->drop_open();
  BOOST_TEST(store->open_rows() == 0U);
  BOOST_TEST(weekly(start + 1) == 30'000);
}

BOOST_AUTO_TEST_CASE(a_crash_leaves_whole_epochs_and_the_changelog_has_the_rest) {
  speak(start, start, 1);
  commit(start);
  store->write_behind();
  speak(start + 1, start + 1, 2);
  commit(start + 1);
  crash();
  BOOST_TEST(store->meta()->epoch == 1U);
  BOOST_TEST(weekly(start + 1) == 30'000);
  std::vector<state_row> tail;
  bool seen = false;
  for (const auto& [key, value] : changelog) {
    if (seen) tail.push_back({key, value ? std::optional<std::string_view>(*value) : std::nullopt});
    seen = seen or key == partition_meta_key();
  }
  BOOST_REQUIRE(store->restore(tail, 9).has_value());
  BOOST_TEST(store->meta()->restoring);
  BOOST_REQUIRE(store->end_restore(10).has_value());
  BOOST_TEST(store->meta()->epoch == 2U);
  BOOST_TEST(store->meta()->changelog_next == 10);
  BOOST_TEST(weekly(start + 1) == 60'000);
}

BOOST_AUTO_TEST_CASE(a_store_restored_from_nothing_has_the_same_rows) {
  for (std::uint64_t i = 1; i < 50; ++i) {
    speak(start + static_cast<time_ms>(i) * hour_ms, start + static_cast<time_ms>(i) * hour_ms, i);
    commit(start + static_cast<time_ms>(i) * hour_ms);
  }
  const auto before = changelog;
  map_store other;
  std::vector<state_row> all;
  for (const auto& [key, value] : before)
    all.push_back({key, value ? std::optional<std::string_view>(*value) : std::nullopt});
  BOOST_REQUIRE(other.store->restore(all, 1'000).has_value());
  BOOST_REQUIRE(other.store->end_restore(1'000).has_value());
  std::map<std::string, std::string> folded;
  for (const auto& [key, value] : before) {
    if (key == partition_meta_key()) continue;
    folded.erase(key);
    if (value) folded.emplace(key, *value);
  }
  BOOST_TEST((other.rows() == folded));
}

BOOST_AUTO_TEST_CASE(a_store_whose_manifest_lost_its_end_is_damaged) {
  at_once = true;
  speak(start, start, 1);
  commit(start);
  BOOST_REQUIRE(store->drain().has_value());
  store.reset();
  open();
  store.reset();
  for (const auto& file : std::filesystem::directory_iterator(folder / "db"))
    if (file.path().filename().string().starts_with("MANIFEST"))
      std::filesystem::resize_file(file.path(), file.file_size() - 1);
  const auto opened = partition_store::open(folder, options);
  BOOST_REQUIRE(not opened.has_value());
  BOOST_TEST((opened.error().fault == store_fault::damaged));
  BOOST_TEST(opened.error().message.find("lost its end") != std::string::npos);
}

/// A record's length that leads past the end hides the rest of a manifest from RocksDB (7.8 and 9.10), which then opens
/// a store without its newest tables and with the log behind them. Found by torture_store_4.1.
BOOST_AUTO_TEST_CASE(a_flipped_byte_in_manifest_or_log_leaves_no_gap) {
  const auto killed = flushed();
  for (const auto& each : std::filesystem::directory_iterator(killed / "db")) {
    const auto name = each.path().filename().string();
    const bool manifest = name.starts_with("MANIFEST");
    if (not manifest and each.path().extension() != ".log") continue;
    for (std::size_t at = 0; at < each.file_size(); at += manifest ? 1 : 1'999) {
      store.reset();
      std::filesystem::remove_all(folder);
      std::filesystem::copy(killed, folder, std::filesystem::copy_options::recursive);
      flip(folder / "db" / name, at, 2);
      expect_no_gap(name + ", byte " + std::to_string(at));
    }
  }
}

/// A kill inside RocksDB's first opening leaves it so. Found by tools/torture, seed 10 of kills on 4.1.
BOOST_AUTO_TEST_CASE(a_store_without_current_is_new_if_it_was_never_opened_and_damaged_if_it_was) {
  store.reset();
  std::filesystem::remove(folder / "db" / "CURRENT");
  const auto opened = partition_store::open(folder, options);
  BOOST_REQUIRE(not opened.has_value());
  BOOST_TEST((opened.error().fault == store_fault::damaged));
  std::filesystem::remove(folder / "manifest");
  BOOST_TEST(not partition_store::open(folder, options).has_value());
  for (const auto& file : std::filesystem::directory_iterator(folder / "db"))
    if (file.path().extension() == ".log") std::filesystem::remove(file); // The first log is made after CURRENT.
  open();
  BOOST_TEST(not store->meta().has_value());
}

BOOST_AUTO_TEST_CASE(hours_beyond_the_retention_are_deleted_from_the_changelog_too) {
  at_once = true;
  speak(start, start, 1);
  commit(start);
  BOOST_REQUIRE(store->drain().has_value());
  const auto later = start + 9 * day_ms;
  store->expire(later, 100);
  std::size_t deleted = 0;
  store->each_open_row([&](const state_row& row) { deleted += row.value ? 0 : 1; });
  BOOST_TEST(deleted == 1U);
  commit(later);
  BOOST_REQUIRE(store->drain().has_value());
  for (const auto& [key, value] : rows())
    BOOST_TEST((keys::parse_user_row(key)->kind != keys::user_row::hour));
}

BOOST_AUTO_TEST_CASE(a_users_own_log_is_read_over_all_layers_newest_last_and_goes_by_its_retention) {
  at_once = true;
  const auto add = [this](time_ms now, std::uint64_t epoch, std::uint32_t index, std::string_view row) {
    store->add_to_log(uid, now, epoch, index, row);
    store->add_to_log("somebody-else", now, epoch, index, "another's");
  };
  add(start, 1, 0, "one");
  commit(start);
  BOOST_REQUIRE(store->drain().has_value());
  at_once = false;
  add(start + 1, 2, 0, "two");
  add(start + 1, 2, 1, "three");
  commit(start + 1);
  // Pending epochs are one.
  add(start + 1, 3, 0, "four");
  commit(start + 1);
  add(start + 1, 4, 0, "five");
  const std::string who{uid};
  BOOST_TEST((store->log_of(who, 10) == std::vector<std::string>{"one", "two", "three", "four", "five"}));
  BOOST_TEST((store->log_of(who, 2) == std::vector<std::string>{"four", "five"}));
  store->drop_open();
  BOOST_TEST((store->log_of(who, 10) == std::vector<std::string>{"one", "two", "three", "four"}));
  BOOST_TEST(store->log_of("nobody", 10).empty());
  at_once = true;
  work();
  BOOST_REQUIRE(store->drain().has_value());
  store->expire(start + 400 * day_ms + 1, 100);
  BOOST_TEST((store->log_of(who, 10) == std::vector<std::string>{"two", "three", "four"}));
  BOOST_TEST(store->open_rows() == 2U);
}

BOOST_AUTO_TEST_CASE(an_erasure_takes_a_users_own_log_with_it) {
  at_once = true;
  speak(start, start, 1);
  store->add_to_log(uid, start, 1, 0, "before");
  commit(start);
  BOOST_REQUIRE(store->drain().has_value());
  auto loaded = load(start + 1);
  event erasure;
  erasure.kind = event_kind::erasure;
  erasure.time = erasure.instant = start + 1;
  erasure.key = 2;
  const event_detail wish = erasure_request{"ann", "asked for"};
  erasure.detail = &wish;
  BOOST_REQUIRE(give(*loaded, start + 1, erasure) == applied::accepted);
  store->add_user(uid, *loaded);
  store->add_to_log(uid, start + 1, 2, 0, "after");
  BOOST_TEST((store->log_of(std::string{uid}, 10) == std::vector<std::string>{"after"}));
  commit(start + 1);
  BOOST_REQUIRE(store->drain().has_value());
  BOOST_TEST((store->log_of(std::string{uid}, 10) == std::vector<std::string>{"after"}));
}

// With a million new users at once an epoch took minutes: each user without rows cost a walk over all rows behind its
// place.
BOOST_AUTO_TEST_CASE(loading_a_user_without_rows_reads_no_rows_of_others) {
  constexpr int others = 3'000;
  std::vector<std::string> keys_of_others;
  for (int i = 0; i < others; ++i)
    keys_of_others.push_back(keys::core(keys::user_prefix("another-user-" + std::to_string(i))));
  std::vector<state_row> puts;
  std::vector<state_row> erasures;
  for (const auto& key : keys_of_others) {
    puts.push_back({key, "a row"});
    erasures.push_back({key, std::nullopt});
  }
  BOOST_REQUIRE(store->restore(puts, 1).has_value());
  BOOST_REQUIRE(store->restore(erasures, 2).has_value());
  BOOST_REQUIRE(store->end_restore(2).has_value());
  auto& work_done = *rocksdb::get_perf_context();
  work_done.Reset();
  const auto fresh = load(start);
  BOOST_TEST(work_done.internal_delete_skipped_count < 3U);
  BOOST_TEST(work_done.internal_key_skipped_count < 3U);
  BOOST_TEST(fresh->standings.empty());
}

BOOST_AUTO_TEST_CASE(a_set_aside_store_leaves_room_for_a_new_one) {
  speak(start, start, 1);
  commit(start);
  work();
  store->abandon();
  store.reset();
  BOOST_REQUIRE(partition_store::set_aside(folder).has_value());
  open();
  BOOST_TEST(not store->meta());
  BOOST_TEST(std::filesystem::exists(scratch.file("state.set-aside") / "db"));
}

// Ids and buckets of an hour share a row, and only one of them may be in memory: late uploads whose beginning lies in
// an hour that memory keeps no ids of must not wipe these.
BOOST_AUTO_TEST_CASE(no_id_and_no_bucket_is_lost_with_late_uploads_and_passivation) {
  at_once = true;
  std::mt19937_64 random(7);
  event_arena arena;
  user awake;
  awake.changed.track = true;
  awake.metered.resize(policies->profiles().size());
  bind(awake, *policies, start);
  std::vector<event> seen;
  auto now = start;
  for (int round = 0; round < 400; ++round) {
    now += static_cast<time_ms>(random() % (2 * hour_ms));
    std::vector<event> today;
    for (std::uint64_t i = 0; i < random() % 4; ++i) {
      if (not seen.empty() and random() % 4 == 0) {
        today.push_back(seen[random() % seen.size()]);
        continue;
      }
      auto given = speech(now - static_cast<time_ms>(random() % (4 * day_ms)), random());
      if (random() % 2 == 0) {
        // From the last minutes of one hour into the next.
        given.time = given.instant / hour_ms * hour_ms - 5 * minute_ms;
        const auto end = static_cast<std::uint32_t>(20 * minute_ms);
        given.detail = arena.keep(event_detail{speech_segments{{{0, 60'000}, {end - 60'000, end}}}});
        given.instant = given.time + end;
        given.ms = 0;
      }
      today.push_back(given);
      seen.push_back(given);
    }
    if (today.empty()) continue;
    auto asleep = load(now);
    for (const auto& given : today) {
      // A user that is never passivated or written keeps every id itself.
      step_output out;
      advance(awake, in_force, now, out);
      const auto expected = apply(awake, in_force, now, given, horizon_events_ms, out);
      BOOST_REQUIRE((give(*asleep, now, given) == expected));
    }
    store->add_user(uid, *asleep);
    commit(now);
    if (round % 7 == 0) BOOST_REQUIRE(store->drain().has_value());
    BOOST_REQUIRE(query_standing(*load(now), in_force, 0, now).windows[1].sum_ms
                  == query_standing(awake, in_force, 0, now).windows[1].sum_ms);
  }
}

BOOST_AUTO_TEST_SUITE_END()
