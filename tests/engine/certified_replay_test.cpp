// SPDX-License-Identifier: Apache-2.0
//
// A replay with certificates reports what one without them does, of histories whose users are near the caps.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "config/policy_file.hpp"
#include "sim/history_feed.hpp"
#include "sim/report.hpp"
#include "sim/simulated_users.hpp"
#include "streams/history/packer.hpp"
#include "tests/engine/local_days.hpp"
#include "tests/streams/history/as_recorded.hpp"
#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {

namespace {

using history::incoming_event;

/// Users with events of all kinds, late and early, and policies whose caps are the peaks of some of them.
class random_month {
public:
  explicit random_month(std::uint64_t seed) : draw_(seed) {
    history::packer to({.scratch = folder_.path(), .block_events = 1 + below(60)});
    auto file = history::history_writer::create(folder_.file("a.history"), false);
    BOOST_REQUIRE(file.has_value());
    for (int user = 0; user < 24; ++user)
      fill(to, "u" + std::to_string(user));
    history::history_contents contents;
    contents.arrivals_known = true;
    contents.horizon_ms = day_ms;
    auto all = to.finish(**file, std::move(contents));
    BOOST_REQUIRE(all.has_value());
    BOOST_REQUIRE((*file)->finish(std::move(*all)).has_value());
    auto opened = history::history_reader::open(folder_.file("a.history"));
    BOOST_REQUIRE(opened.has_value());
    reader_ = std::move(*opened);
    read_peaks();
  }

  sim::experiment some_experiment() {
    sim::experiment what;
    for (std::uint64_t left = 1 + below(3); left > 0; --left)
      what.policies.push_back(some_policy("p" + std::to_string(left)));
    for (const auto& each : what.policies)
      what.retention_ms = std::max(what.retention_ms, sim::longest_span_ms(each));
    return what;
  }

  struct told {
    std::string report;
    std::uint64_t certified = 0;
    std::uint64_t decided = 0;
  };
  told replay(sim::experiment what, bool certificates, bool lists_all_users) const {
    sim::history_plan plan(*reader_);
    sim::set_captured(what, plan, "a.history");
    if (certificates) plan.proof.emplace(what.policies);
    const sim::run_rules rules(what);
    const auto result = sim::run_experiment(
        rules, {.workers = 2, .lists_all_users = lists_all_users},
        [&] { return std::make_unique<sim::history_feed>(plan, rules.in_force, rules.end); }, plan.ends);
    told out{sim::report_json(what, result, sim::figures_of(what, result), "test"), result.tally.certified_users, 0};
    for (const auto& each : sim::figures_of(what, result).policies)
      out.decided += each.crossings();
    return out;
  }

private:
  std::uint64_t below(std::uint64_t bound) { return draw_() % bound; }
  bool one_in(std::uint64_t bound) { return below(bound) == 0; }
  template <class Value>
  Value one_of(const std::vector<Value>& all) {
    return all[below(all.size())];
  }

  void add(history::packer& to, const std::string& uid, time_ms now, std::int64_t late_ms, event_kind kind,
           std::int32_t ms, event_detail detail = {}) {
    event what{.instant = now - late_ms, .time = now - late_ms, .kind = kind};
    what.from = one_of<lane>({lane::realtime, lane::realtime, lane::sync, lane::backfill});
    what.ms = ms;
    if (const auto* said = std::get_if<speech_segments>(&detail); said != nullptr)
      what.time -= said->segments.back().end_ms;
    const auto id = std::to_string(++events_);
    what.text = arena_.keep("test", id);
    what.key = event_key("test", id);
    if (not std::holds_alternative<std::monostate>(detail)) what.detail = arena_.keep(std::move(detail));
    incoming_event given{.uid = uid, .what = what, .epoch = events_, .now = now};
    BOOST_REQUIRE(to.add(given).has_value());
  }

  /// One of them, but for speech and STT.
  void add_fact(history::packer& to, const std::string& uid, time_ms now) {
    account_fact account;
    admin_command command{.verb = admin_verb::exempt, .actor = "ada", .reason = "r"};
    switch (below(8)) {
      case 0:
        account.credits_exhausted = one_in(2);
        return add(to, uid, now, 0, event_kind::account, 0, account);
      case 1:
        command.on = true;
        if (one_in(2)) command.until = now + one_of<time_ms>({1, hour_ms, day_ms, 3 * day_ms});
        return add(to, uid, now, 0, event_kind::admin, 0, command);
      case 2:
        command.verb = admin_verb::set_stage;
        command.to = stage::restrict;
        return add(to, uid, now, 0, event_kind::admin, 0, command);
      case 3:
        return add(to, uid, now, 0, event_kind::erasure, 0, erasure_request{"ada", "r"});
      case 4:
        return add(to, uid, now, 0, event_kind::review, 0, review_answer{.request = "live-1", .score_nano = one_nano});
      default:
        account.plan = one_of<std::string>({"basic", "plus", "pro"});
        return add(to, uid, now, 0, event_kind::account, 0, account);
    }
  }

  void fill(history::packer& to, const std::string& uid) {
    auto now = test_start + one_of<time_ms>({0, 1, hour_ms - 1, day_ms - 2'000});
    const bool is_early = one_in(4);
    const bool has_facts = one_in(3);
    for (auto left = 1 + below(30); left > 0; --left) {
      now += one_of<time_ms>({0, 1, minute_ms, 59 * minute_ms, hour_ms, 5 * hour_ms, 23 * hour_ms, 2 * day_ms});
      auto late = one_in(4) ? one_of<time_ms>({1, hour_ms, day_ms, day_ms + 1, 3 * day_ms}) : 0;
      if (is_early and one_in(3)) late = one_of<time_ms>({-1, -minute_ms, -2 * hour_ms});
      const auto ms = one_of<std::int32_t>({0, 1, minute_ms, 10 * minute_ms, hour_ms});
      if (has_facts and one_in(6))
        add_fact(to, uid, now);
      else if (one_in(5))
        add(to, uid, now, late, event_kind::stt, ms);
      else if (one_in(4))
        add(to, uid, now, late, event_kind::speech, 0,
            speech_segments{{{0, static_cast<std::uint32_t>(ms)}, {100, 30 * minute_ms}}});
      else
        add(to, uid, now, late, event_kind::speech, ms);
    }
  }

  void read_peaks() {
    history::history_reader::buffers read;
    for (std::size_t i = 0; i < reader_->contents().blocks.size(); ++i) {
      BOOST_REQUIRE(reader_->read_block(i, {.form = history::event_form::run}, read).has_value());
      for (const auto& who : read.block.users())
        peaks_.push_back(who.peaks);
    }
  }

  /// Of a user, or around it.
  std::int64_t near_a_peak() {
    return std::max<std::int64_t>(1, one_of(peaks_).speech_ms.at(below(6)) + one_of<std::int64_t>({-1, 0, 0, 0, 1}));
  }

  policy some_policy(const std::string& name) {
    const auto some_span = [this] {
      return one_of<std::int64_t>({hour_ms, 3 * hour_ms, 5 * hour_ms, 12 * hour_ms, day_ms, 2 * day_ms, 9 * day_ms});
    };
    policy made;
    made.name = name;
    made.metering = {one_of<std::int32_t>({60, 300, 3'600}), one_in(2) ? time_basis::event : time_basis::arrival,
                     one_of<std::int64_t>({0, hour_ms, day_ms})};
    made.enforced_lanes = {true, not one_in(3), one_in(2), true};
    made.windows = {{"first", some_span(), near_a_peak()}, {"second", some_span(), near_a_peak()}};
    made.free_plans = {"basic"};
    made.plans = {{"plus", {near_a_peak(), near_a_peak()}}};
    if (one_in(2)) made.ceiling = {some_span(), near_a_peak(), true};
    made.steps = {{.at = stage::warning}, {.at = stage::restrict, .hard_caps = true}};
    made.budget = {.per_utc_day_ms = minute_ms, .track_from_trigger = true, .charge_uploads = true};
    stamp_digest(made);
    return made;
  }

  test_folder folder_;
  std::mt19937_64 draw_;
  event_arena arena_;
  std::uint64_t events_ = 0;
  std::unique_ptr<history::history_reader> reader_;
  std::vector<history::user_peaks> peaks_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(certified_replay)

BOOST_AUTO_TEST_CASE(a_report_is_equal_with_and_without_certificates) {
  std::uint64_t certified = 0;
  std::uint64_t decided = 0;
  for (const auto seed : history::seeds_to_try({1, 2, 3, 4, 5, 6, 7, 8, 9, 10})) {
    random_month month(seed);
    const auto what = month.some_experiment();
    const auto with = month.replay(what, true, seed % 2 == 0);
    const auto without = month.replay(what, false, seed % 2 == 0);
    BOOST_TEST(with.report == without.report, "seed " << seed);
    BOOST_TEST(without.certified == 0U);
    certified += with.certified;
    decided += with.decided;
  }
  BOOST_TEST(certified > 0U);
  BOOST_TEST(decided > 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
