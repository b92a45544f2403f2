// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <map>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <rapidcheck.h>

#include "base/system/files.hpp"
#include "events/wire.hpp"
#include "storage/history/history_file.hpp"
#include "tests/events/any_event.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using namespace fairuse::history;

namespace {

struct kept_event {
  time_ms now = 0;
  bool new_step = true;
  sample drawn;
};

struct kept_user {
  user_head head;
  user_peaks peaks;
  std::deque<kept_event> events;
  std::vector<recorded_review> reviews;
  std::string state;
};

recorded_review any_review() {
  recorded_review made;
  made.slot = some_text();
  made.number = *rc::gen::arbitrary<std::uint32_t>();
  made.requested_at = *rc::gen::elementOf(std::vector<time_ms>{never, 0, 1'700'000'000'000});
  made.ended = static_cast<recorded_review::ending>(*rc::gen::inRange(0, 4));
  made.ended_at = *rc::gen::inRange<time_ms>(0, 1'800'000'000'000);
  made.said.failed = some_text();
  made.said.score_nano = *rc::gen::inRange(0, 1'000'000'001);
  made.said.type = static_cast<usage_type>(*rc::gen::inRange(0, 8));
  return made;
}

kept_user any_user(const std::string& uid) {
  kept_user made;
  made.head.uid = uid;
  made.head.partition = *rc::gen::inRange(0, 1'000);
  if (*rc::gen::arbitrary<bool>()) made.head.label = *rc::gen::inRange(0U, 9U);
  for (auto& peak : made.peaks.speech_ms)
    peak = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000);
  time_ms now = *rc::gen::inRange<time_ms>(wire_time_min, wire_time_end);
  const auto count = *rc::gen::inRange(0, 12);
  for (int i = 0; i < count; ++i) {
    auto& each = made.events.emplace_back();
    each.new_step = i == 0 or *rc::gen::arbitrary<bool>();
    if (each.new_step) now += *rc::gen::elementOf(std::vector<time_ms>{0, 1, 65'534, 65'535, 65'536, day_ms});
    each.now = now;
    fill(each.drawn);
    if (*rc::gen::arbitrary<bool>()) each.drawn.what.text = nullptr;
  }
  for (auto left = *rc::gen::inRange(0, 3); left > 0; --left)
    made.reviews.push_back(any_review());
  made.state = some_text();
  return made;
}

std::map<std::string, kept_user> any_users() {
  std::map<std::string, kept_user> made;
  for (auto left = *rc::gen::inRange(1, 8); left > 0; --left) {
    const auto uid = some_id();
    made[uid] = any_user(uid);
  }
  return made;
}

/// Blocks of `per_block` users.
void write(history_writer& to, const std::map<std::string, kept_user>& users, std::uint32_t per_block,
           bool holds_states = false) {
  if (holds_states) to.hold_states();
  block_builder builder(holds_states);
  const auto count = [&builder] { return builder.sizes().users + builder.sizes().idle_users; };
  for (const auto& [uid, who] : users) {
    builder.begin_user(who.head);
    for (const auto& each : who.events)
      builder.add(each.now, each.new_step, each.drawn.what);
    for (const auto& each : who.reviews)
      builder.add_review(each);
    if (holds_states) builder.set_state(who.state);
    builder.end_user(who.peaks);
    if (count() == per_block) BOOST_TEST_REQUIRE(to.add(builder.finish()).has_value());
  }
  if (count() > 0) BOOST_TEST_REQUIRE(to.add(builder.finish()).has_value());
}

history_contents contents_of(const std::map<std::string, kept_user>& users, bool holds_states = false) {
  history_contents all;
  all.program = "a test";
  for (const auto& [uid, who] : users)
    ++(holds_states and who.events.empty() ? all.counts.idle_users : all.counts.users);
  if (holds_states) {
    all.start = history_start::checkpoint;
    all.checkpoints.push_back({.partition = 3,
                               .epoch = 5,
                               .now = 6,
                               .profiles = {{{.bucket_s = 300}, 7, 8}, {{.basis = time_basis::arrival}}},
                               .slots = {{{"off", INT64_MIN}, {"fair-2", 9}}}});
    all.checkpoints.push_back({.partition = 4});
  }
  all.broadcasts.push_back(
      {3, 4, 5, "s", "i", {.verb = admin_verb::promote_policy, .policy = "fair-2", .digest = "0123456789ab"}, 6, 3});
  all.runs.push_back({.partition = 3,
                      .epoch = 1,
                      .now = 2,
                      .enabled = true,
                      .live = "d",
                      .shadows = {"e", "f"},
                      .retention_ms = 8 * day_ms,
                      .rules = 2,
                      .program = "fairuse 1"});
  all.runs.push_back({.partition = 4, .previous_now = -7, .killed = true});
  all.timer_cuts.push_back({3, 6, 2, "ann"});
  all.timer_cuts.push_back({3, 9, INT64_MIN, ""});
  all.labels.push_back({"audiobook", "misuse"});
  all.policies.push_back({"d", "name: fair"});
  all.in_force.push_back({1, 2, "live", "d"});
  all.parts.push_back({1, 2, 3});
  all.counts.refused[4] = 7;
  return all;
}

/// What is known of all users, as it was written.
void check_changes(const history_contents& read, const history_contents& written) {
  const auto run = [](const history_run& of) {
    return std::tie(of.partition, of.epoch, of.now, of.previous_now, of.enabled, of.killed, of.live, of.shadows,
                    of.retention_ms, of.rules, of.program);
  };
  const auto cut = [](const timer_cut& of) { return std::tie(of.partition, of.epoch, of.fired_now, of.last_uid); };
  BOOST_TEST_REQUIRE(read.runs.size() == written.runs.size());
  for (std::size_t i = 0; i < read.runs.size(); ++i)
    BOOST_TEST((run(read.runs[i]) == run(written.runs[i])));
  BOOST_TEST_REQUIRE(read.timer_cuts.size() == written.timer_cuts.size());
  for (std::size_t i = 0; i < read.timer_cuts.size(); ++i)
    BOOST_TEST((cut(read.timer_cuts[i]) == cut(written.timer_cuts[i])));
  const auto checkpoint = [](const history_checkpoint& of) {
    std::string text = fmt::format("{} {} {}", of.partition, of.epoch, of.now);
    for (const auto& each : of.profiles)
      text += fmt::format(" {}/{}/{} {} {}", each.profile.bucket_s, static_cast<int>(each.profile.basis),
                          each.profile.fresh_within_ms, each.since, each.loaded);
    if (of.slots) text += " slots";
    for (const auto& each : of.slots.value_or(std::vector<slot_age>()))
      text += fmt::format(" {} {}", each.slot, each.loaded);
    return text;
  };
  BOOST_TEST_REQUIRE(read.checkpoints.size() == written.checkpoints.size());
  for (std::size_t i = 0; i < read.checkpoints.size(); ++i)
    BOOST_TEST(checkpoint(read.checkpoints[i]) == checkpoint(written.checkpoints[i]));
  BOOST_TEST(read.broadcasts.front().epoch == 6U);
  BOOST_TEST(read.broadcasts.front().previous_now == 3);
}

/// What is read of an event: without `ids` its place is its key.
bool is_same(const event& read, const event& kept, std::size_t place, history_reader::wanted_parts wanted) {
  auto expected = kept;
  event_detail cut;
  if (not wanted.ids) {
    expected.key = place + 1;
    expected.text = nullptr;
    if (read.text != nullptr) return false;
  }
  if (not wanted.texts and kept.kind == event_kind::conversation) {
    auto fact = detail_of<conversation_fact>(kept);
    fact.title.clear();
    fact.overview.clear();
    cut = std::move(fact);
    expected.detail = &cut;
  }
  return wire_equal(read, expected);
}

void check_user(const block_user& read, const kept_user& kept, history_reader::wanted_parts wanted) {
  RC_ASSERT(read.uid == kept.head.uid);
  RC_ASSERT(read.partition == kept.head.partition);
  RC_ASSERT(read.label == kept.head.label);
  RC_ASSERT(read.peaks == kept.peaks);
  RC_ASSERT(read.state == (wanted.states ? kept.state : std::string()));
  RC_ASSERT(read.reviews.size() == kept.reviews.size());
  for (std::size_t i = 0; i < kept.reviews.size(); ++i) {
    RC_ASSERT(read.reviews[i].slot == kept.reviews[i].slot);
    RC_ASSERT(read.reviews[i].requested_at == kept.reviews[i].requested_at);
    RC_ASSERT(read.reviews[i].said.failed == kept.reviews[i].said.failed);
  }
  std::vector<time_ms> nows;
  for (const auto& step : read.steps)
    nows.insert(nows.end(), step.count, step.now);
  RC_ASSERT(nows.size() == kept.events.size());
  RC_ASSERT(read.events.size() == kept.events.size());
  for (std::size_t i = 0; i < kept.events.size(); ++i) {
    const auto& each = kept.events[i];
    RC_ASSERT(nows[i] == each.now);
    RC_ASSERT(is_same(read.events[i], each.drawn.what, i, wanted));
    RC_ASSERT(read.run.now[i] == each.now);
    RC_ASSERT(is_same(read.run.at(i), each.drawn.what, i, {}));
  }
}

/// A history of three users in two blocks, as bytes.
std::string small_history(bool holds_states = false) {
  const test_folder folder;
  const auto file = folder.path() / "small.history";
  std::map<std::string, kept_user> users;
  for (const std::string uid : {"ann", "anna", "bob"}) {
    auto& who = users[uid];
    who.head.uid = uid;
    who.state = "what was known of " + uid;
    for (int i = 0; i < (holds_states and uid == "anna" ? 0 : 40); ++i) {
      auto& each = who.events.emplace_back();
      each.now = 1'700'000'000'000 + i * minute_ms;
      auto& what = each.drawn.what;
      what.time = what.instant = each.now - 1'000;
      what.ms = 30'000 + i;
      what.text = each.drawn.arena.keep("gateway", "id-" + std::to_string(i));
      what.key = event_key(what.text->source, what.text->id);
    }
  }
  auto writer = history_writer::create(file, false);
  BOOST_TEST_REQUIRE(writer.has_value());
  write(**writer, users, 2, holds_states);
  BOOST_TEST_REQUIRE((*writer)->finish(contents_of(users, holds_states)).has_value());
  return *read_file(file);
}

random_access bytes_of_file(const std::string& bytes) {
  return [&bytes](std::uint64_t at, std::span<char> out) {
    if (at > bytes.size() or out.size() > bytes.size() - at) return false;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    return true;
  };
}

/// What a reader of everything gets: the events as text, or the error.
std::string read_all(const std::string& bytes) {
  const auto opened = history_reader::read(bytes_of_file(bytes), bytes.size());
  if (not opened) return "error: " + opened.error().message;
  std::string text;
  history_reader::buffers buffers;
  for (std::size_t i = 0; i < (*opened)->contents().blocks.size(); ++i) {
    if (const auto done = (*opened)->read_block(i, {.texts = true, .ids = true, .states = true}, buffers); not done)
      return "error: " + done.error().message;
    for (const auto& who : buffers.block.users()) {
      text.append(who.uid).append(who.state);
      for (const auto& each : who.events)
        append_event(text, who.uid, each);
    }
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_history_gives_back_what_was_written) {
  BOOST_TEST(rc::check([] {
    const test_folder folder;
    const auto file = folder.path() / "a.history";
    const auto users = any_users();
    const auto per_block = *rc::gen::inRange(1U, 5U);
    const auto holds_states = *rc::gen::arbitrary<bool>();
    auto writer = history_writer::create(file, false);
    RC_ASSERT(writer.has_value());
    write(**writer, users, per_block, holds_states);
    RC_ASSERT((*writer)->finish(contents_of(users, holds_states)).has_value());
    const auto opened = history_reader::open(file);
    RC_ASSERT(opened.has_value());
    const auto& reader = **opened;
    RC_ASSERT(reader.contents().broadcasts.size() == 1);
    RC_ASSERT(reader.contents().broadcasts[0].what.policy == "fair-2");
    RC_ASSERT(reader.contents().broadcasts[0].what.digest == "0123456789ab");
    RC_ASSERT(reader.contents().counts.refused[4] == 7);
    RC_ASSERT(reader.contents().labels[0].truth == "misuse");
    history_reader::buffers buffers;
    using wanted_parts = history_reader::wanted_parts;
    for (const auto wanted : {wanted_parts{false, false}, wanted_parts{true, false}, wanted_parts{false, true},
                              wanted_parts{true, true}, wanted_parts{false, true, holds_states}}) {
      std::vector<const kept_user*> there;
      for (const auto& [uid, who] : users)
        if (wanted.states or not holds_states or not who.events.empty()) there.push_back(&who);
      auto kept = there.begin();
      for (std::size_t i = 0; i < reader.contents().blocks.size(); ++i) {
        const auto done = reader.read_block(i, wanted, buffers);
        if (not done) RC_FAIL(done.error().message);
        for (const auto& who : buffers.block.users())
          check_user(who, **kept++, wanted);
      }
      RC_ASSERT(kept == there.end());
    }
  }));
}

BOOST_AUTO_TEST_CASE(runs_commands_and_timers_come_back_as_they_were_written) {
  const test_folder folder;
  auto writer = history_writer::create(folder.file("a.history"), false);
  BOOST_TEST_REQUIRE(writer.has_value());
  (*writer)->hold_states();
  const auto written = contents_of({}, true);
  BOOST_TEST_REQUIRE((*writer)->finish(written).has_value());
  const auto opened = history_reader::open(folder.file("a.history"));
  BOOST_TEST_REQUIRE(opened.has_value());
  check_changes((*opened)->contents(), written);
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_a_history_is_an_error) {
  for (const bool holds_states : {false, true}) {
    const auto whole = small_history(holds_states);
    const auto expected = read_all(whole);
    BOOST_TEST_REQUIRE(not expected.starts_with("error"), expected);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      auto damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      const auto seen = read_all(damaged);
      BOOST_TEST(seen.starts_with("error"), "byte " << at << " of " << whole.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_history_without_states_has_the_bytes_of_before_there_were_any) {
  BOOST_TEST(small_history().substr(8, 4) == std::string("\0\0\0\2", 4));
  BOOST_TEST(small_history(true).substr(8, 4) == std::string("\0\0\0\3", 4));
}

BOOST_AUTO_TEST_CASE(an_id_is_read_with_those_around_it_alone) {
  constexpr int events = 1'300;
  const test_folder folder;
  const auto file = folder.path() / "a.history";
  block_builder builder;
  builder.begin_user({.uid = "ann"});
  for (int i = 0; i < events; ++i) {
    const event_text text{"gateway", i % 3 == 0 ? "an-id" : "another-id"};
    event what;
    what.key = i % 2 == 0 ? static_cast<std::uint64_t>(i) : event_key(text.source, text.id);
    if (i % 2 != 0) what.text = &text;
    builder.add(i, true, what);
  }
  builder.end_user({});
  auto writer = history_writer::create(file, false);
  BOOST_TEST_REQUIRE(writer.has_value());
  BOOST_TEST_REQUIRE((*writer)->add(builder.finish()).has_value());
  auto contents = contents_of({});
  contents.counts.users = 1;
  BOOST_TEST_REQUIRE((*writer)->finish(std::move(contents)).has_value());
  const auto opened = history_reader::open(file);
  BOOST_TEST_REQUIRE(opened.has_value());
  history_reader::buffers buffers;
  block_ids ids;
  for (const int place : {0, 1, 127, 128, 129, 1'299, 700}) {
    const auto number = static_cast<std::size_t>(place);
    BOOST_TEST_REQUIRE((*opened)->read_id(0, number, buffers, ids).has_value());
    BOOST_TEST_REQUIRE(ids.holds(number));
    BOOST_TEST(ids.end() - ids.first() <= 128U);
    BOOST_TEST(ids.has_text(number) == (place % 2 != 0));
    if (place % 2 != 0)
      BOOST_TEST(ids.text(number).id == (place % 3 == 0 ? "an-id" : "another-id"));
    else
      BOOST_TEST(ids.key(number) == static_cast<std::uint64_t>(place));
  }
  BOOST_TEST_REQUIRE((*opened)->read_id(0, events, buffers, ids).has_value());
  BOOST_TEST(not ids.holds(events));
}

BOOST_AUTO_TEST_CASE(a_history_that_was_cut_is_an_error_at_every_length) {
  const auto whole = small_history();
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(read_all(whole.substr(0, size)).starts_with("error"), "length " << size);
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_named_and_the_others_are_read) {
  auto bytes = small_history();
  const auto second = (*history_reader::read(bytes_of_file(bytes), bytes.size()))->contents().blocks[1].parts[0].at;
  bytes[second + 5] = static_cast<char>(bytes[second + 5] ^ 1);
  const auto opened = history_reader::read(bytes_of_file(bytes), bytes.size());
  BOOST_TEST_REQUIRE(opened.has_value());
  history_reader::buffers buffers;
  BOOST_TEST((*opened)->read_block(0, {}, buffers).has_value());
  const auto done = (*opened)->read_block(1, {}, buffers);
  BOOST_TEST_REQUIRE(not done.has_value());
  BOOST_TEST(done.error().message == "block 2 of 2 is damaged: the checksum of its facts does not hold");
}

BOOST_AUTO_TEST_CASE(foreign_bytes_in_a_block_are_an_error_and_no_crash) {
  BOOST_TEST(rc::check([] {
    const auto facts = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const auto conversations = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const auto texts = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const auto ids = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    id_index index;
    (void)decode_id_index(ids, index);
    block_ids read;
    (void)decode_ids(ids, read);
    history_block out;
    (void)decode_block({facts, conversations, texts, &read}, event_form::events, out);
  }));
}

BOOST_AUTO_TEST_CASE(a_history_that_is_not_finished_leaves_nothing) {
  const test_folder folder;
  const auto file = folder.path() / "a.history";
  { const auto writer = history_writer::create(file, false); }
  BOOST_TEST(std::filesystem::is_empty(folder.path()));
}
