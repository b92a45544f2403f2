// SPDX-License-Identifier: Apache-2.0
//
// A local store in a folder of its own, with two policies, and what tests do to it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include <boost/test/unit_test.hpp>
#include <rocksdb/db.h>

#include "core/query.hpp"
#include "storage/local_store.hpp"
#include "storage/rocks.hpp"
#include "tests/test_folder.hpp"

namespace fairuse::local_store_tests {

inline constexpr time_ms start = 1'700'000'000'000;
inline constexpr std::string_view uid = "somebody";

struct fixture {
  fixture() {
    options.case_key = "a key for tests only";
    policy live;
    live.name = "fair";
    live.windows = {{"daily", day_ms, hour_ms}, {"weekly", 7 * day_ms, 2 * hour_ms}};
    policy shadow = live;
    shadow.name = "other";
    policies = policy_set::make(live, {shadow});
    in_force = {true, false, policies.get()};
    open();
  }

  void open() {
    store.reset();
    auto opened = local_store::open(folder, options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened.has_value() ? "" : opened.error().message));
    store = std::move(*opened);
  }
  store_error refusal() {
    store.reset();
    const auto opened = local_store::open(folder, options);
    BOOST_REQUIRE(not opened.has_value());
    return opened.error();
  }
  /// Leaves the store closed.
  void remove_row(const std::string& key) {
    store.reset();
    rocksdb::DB* opened = nullptr;
    BOOST_REQUIRE(rocksdb::DB::Open({}, rocks_folder(folder).string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    BOOST_REQUIRE(db->Delete({}, key).ok());
  }
  void epoch(time_ms now, std::uint32_t lines = 0) { store->add_epoch(store->meta().epoch + 1, now, lines); }
  void commit() {
    BOOST_REQUIRE(store->commit().has_value());
    BOOST_REQUIRE(store->wait().has_value());
  }
  std::unique_ptr<user> load(std::string_view who, time_ms now) {
    const std::string_view names[] = {who};
    return std::move(store->load(names, *policies, now)[0]);
  }
  applied give(user& loaded, time_ms now, event given) {
    step_output out;
    advance(loaded, in_force, now, out);
    return apply(loaded, in_force, now, given, horizon_events_ms, out);
  }
  static event speech(time_ms at, std::uint64_t key, std::int32_t ms = 30'000) {
    event made;
    made.time = made.instant = at;
    made.key = key;
    made.ms = ms;
    return made;
  }
  void erase(user& loaded, time_ms now) {
    const event_detail detail = erasure_request{"support", "asked for it"};
    const event_text text{"support", "erase-1"};
    event given = speech(now, 2);
    given.kind = event_kind::erasure;
    given.detail = &detail;
    given.text = &text;
    BOOST_TEST((give(loaded, now, given) == applied::accepted));
  }
  std::int64_t weekly(const user& loaded, time_ms at) {
    return query_standing(loaded, in_force, 0, at).windows[1].sum_ms;
  }
  /// All bytes of all files of the store.
  std::string everything() {
    std::string all;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
      if (file.is_regular_file()) {
        std::ifstream in(file.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(in), {});
      }
    return all;
  }

  test_folder scratch;
  std::filesystem::path folder = scratch.path();
  store_options options;
  std::shared_ptr<const policy_set> policies;
  controls in_force;
  std::unique_ptr<local_store> store;
};

} // namespace fairuse::local_store_tests
