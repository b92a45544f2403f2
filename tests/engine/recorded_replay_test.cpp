// SPDX-License-Identifier: Apache-2.0
//
// A local store decided once more as it was recorded: the same decisions, whatever happened on the way.
#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "tests/engine/local_days.hpp"
#include "tests/streams/history/as_recorded.hpp"
#include "tests/streams/lines.hpp"

namespace fairuse {

namespace {

using history::as_recorded;
using history::recorded_check;
using history::recorded_wish;
using history::seeds_to_try;

recorded_check verified(const local_days& days, recorded_wish wish = {}) {
  wish.case_key = local_days::case_key;
  return as_recorded(wish, [&](const auto& hooks, auto& to, auto& into) {
    return history::pack_local_store(days.state(), hooks, to, into);
  });
}

/// Policies that decide something every few minutes.
std::string small_policy(const std::string& name, int cap_minutes, const std::string& more = {}) {
  return "name: " + name + "\nwindows: {hour: {span: 1h, cap: " + std::to_string(cap_minutes)
         + "m}, half: {span: 12h, cap: 3h}}\nplans: {free: [basic], pro: {hour: 40m, half: 6h}}\n"
           "ceiling: {span: 6h, cap: 5h}\n"
           "review: {cooldown: 90m, cleared: {below: 0.3, cooldown: 4h}, check_interval: 5m, timeout: 20m, "
           "retry_after: 10m}\n"
           "ladder:\n  steps:\n"
           "    - {stage: warning, ends_after: 5h, falls_to: none}\n"
           "    - {stage: throttle, strikes: 1, within: 1d, ends_after: 7h, falls_to: warning}\n"
           "    - {stage: restrict, strikes: 2, within: 1d, ends_after: 9h, falls_to: throttle, actions: {caps: hard}}\n"
           "budget: {stage: restrict, per_utc_day: 5m, charge: [stt, upload]}\n"
         + more;
}

/// Lines of a few users, and runs over them under changing configurations.
class random_days {
public:
  /// `step_ms`: at most so long from one line to the next; `more`: of the deployment.
  explicit random_days(std::uint64_t seed, std::int64_t step_ms = 12 * minute_ms, std::string more = {})
    : step_ms_(step_ms), more_(std::move(more)), draw_(seed) {
    // Policies differ in it, so that promotions end the slot `off` and bring it back.
    const auto off = [seed](unsigned policy) {
      return std::string((seed >> policy & 3) == 0 ? "off: nothing\n" : "off: shadow\n");
    };
    const std::string asks = "reviews: ask\n";
    days.write("a.yaml", small_policy("a", 10, off(0)));
    days.write("a2.yaml", small_policy("a", 15, off(1)));
    days.write("b.yaml", small_policy("b", 6, asks + off(2)));
    days.write("c.yaml", small_policy("c", 20, "metering: {bucket: 5m, time_basis: arrival}\n" + off(3)));
    days.write("d.yaml", small_policy("d", 30, asks + off(4)));
  }

  void run(int runs) {
    for (int i = 0; i < runs; ++i) {
      std::string lines;
      for (auto count = 20 + below(200); count > 0; --count)
        lines += line();
      const auto commit_bytes = std::uint64_t{1} << (below(3) == 0 ? 20 : 1 + below(14));
      days.run_as(days.write("local.yaml", deployment()), lines, commit_bytes);
    }
  }

  local_days days;

private:
  std::uint64_t below(std::uint64_t bound) { return draw_() % bound; }
  bool one_in(std::uint64_t bound) { return below(bound) == 0; }
  template <class Value>
  Value one_of(const std::vector<Value>& all) {
    return all[below(all.size())];
  }

  std::string deployment() {
    std::string shadows;
    for (const auto* each : {"b", "c", "d"})
      if (not one_in(3)) shadows += (shadows.empty() ? "" : ", ") + std::string(each) + ".yaml";
    // Once c was promoted, its metering cannot be taken back.
    if (one_in(3) and not promotes_c_) live_ = one_in(2) ? "a.yaml" : "a2.yaml";
    return fmt::format(
               "enabled: {}\nkill_switch: {}\nsource: test\nexempt: [{}]\nstreams: {{kind: local}}\n"
               "policies: {{live: {}, shadow: [{}]}}\n",
               not one_in(5), one_in(8), one_in(4) ? "u3" : "", live_, shadows)
           + more_;
  }

  std::string line() {
    // Often several lines at one instant.
    if (not one_in(4)) now_ += static_cast<std::int64_t>(below(static_cast<std::uint64_t>(step_ms_)));
    const auto uid = "u" + std::to_string(below(5));
    const auto late = one_in(12) ? static_cast<std::int64_t>(below(30 * hour_ms)) : 0;
    switch (below(24)) {
      case 0:
        return made("stt", uid, 0, fmt::format(R"({{"ms":{},"provider":"p"}})", 1 + below(200'000)));
      case 1:
        return made("account", uid, late,
                    one_in(2) ? fmt::format(R"({{"plan":"{}"}})", one_of<std::string>({"basic", "pro", "unlimited"}))
                              : fmt::format(R"({{"credits_exhausted":{}}})", one_in(2)));
      case 2:
        return made(
            "conversation", uid, 0,
            fmt::format(R"({{"conversation":"c{}","title":"t","overview":"o","category":"k{}","duration_ms":{},)"
                        R"("lane":"sync"}})",
                        below(30), below(3), below(7'200'000)));
      case 3:
      case 4:
      case 5:
        return made("review", uid, 0, answer());
      case 6:
        return made("admin", uid, 0, command());
      case 7:
        return one_in(3) ? made("erasure", uid, 0, R"({"actor":"ada","reason":"r"})") : again();
      case 8:
        return one_in(2) ? made("admin", "*", one_in(2) ? static_cast<std::int64_t>(below(hour_ms)) : 0, broadcast())
                         : again();
      default:
        return made("speech", uid, late, speech());
    }
  }

  std::string made(const char* type, const std::string& uid, std::int64_t late, const std::string& data) {
    last_.push_back(wire_line(type, uid, ++id_, now_ - late, data));
    return last_.back();
  }

  std::string again() {
    return last_.empty() ? std::string() : last_[last_.size() - 1 - below(std::min<std::uint64_t>(last_.size(), 40))];
  }

  std::string speech() {
    const auto lane = one_of<std::string>({"realtime", "sync", "realtime", "backfill"});
    if (one_in(4))
      return fmt::format(R"({{"lane":"{}","segments":[[0,{}],[400000,{}]]}})", lane, 1 + below(399'000),
                         400'001 + below(900'000));
    return fmt::format(R"({{"lane":"{}","ms":{}}})", lane, one_in(10) ? 0 : below(600'000));
  }

  std::string answer() {
    const auto request =
        fmt::format("{}-{}", one_of<std::string>({"live", "live", "b", "d", "off", "nowhere"}), 1 + below(6));
    if (one_in(5)) return fmt::format(R"({{"request":"{}","failed":"busy"}})", request);
    return fmt::format(R"({{"request":"{}","score":0.{},"usage_type":"audiobook","confidence":0.8,"model":"m",)"
                       R"("prompt_version":"1"}})",
                       request, below(10));
  }

  std::string command() {
    const std::string by = R"(,"actor":"ada","reason":"r"})";
    switch (below(6)) {
      case 0:
        return R"({"command":"set_stage","stage":")" + one_of<std::string>({"none", "warning", "throttle", "restrict"})
               + "\"" + by;
      case 1:
        return R"({"command":"reset")" + by;
      case 2:
        return fmt::format(R"({{"command":"clear_strike","strike":{})", 1 + below(4)) + by;
      case 3:
        return fmt::format(R"({{"command":"resolve","strike":{},"notes":"n")", 1 + below(4)) + by;
      default:
        return fmt::format(R"({{"command":"exempt","on":{})", one_in(2)) + by;
    }
  }

  std::string broadcast() {
    const std::string by = R"(,"actor":"ada","reason":"r"})";
    if (one_in(3)) return fmt::format(R"({{"command":"promote_policy","policy":"{}")", promoted()) + by;
    return fmt::format(R"({{"command":"{}","on":{})", one_in(3) ? "enable" : "kill_switch", one_in(2)) + by;
  }

  std::string promoted() {
    auto name = one_of<std::string>({"b", "c", "d"});
    promotes_c_ = promotes_c_ or name == "c";
    return name;
  }

  std::int64_t step_ms_;
  std::string more_;
  std::mt19937_64 draw_;
  bool promotes_c_ = false;
  std::int64_t now_ = 0;
  int id_ = 0;
  std::string live_ = "a.yaml";
  std::vector<std::string> last_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(recorded_replay)

BOOST_AUTO_TEST_CASE(the_day_of_the_demo_is_decided_again) {
  local_days days;
  days.run(samples::content(samples::source_folder() / "config/demo/day.ndjson"), 1 << 16);
  const auto made = verified(days);
  BOOST_TEST(made.refused == "");
  BOOST_TEST(made.difference == "");
  BOOST_TEST(made.equal > 50U);
  BOOST_TEST(made.made.slots.at("live").decisions > 20U);
}

BOOST_AUTO_TEST_CASE(what_happens_to_stores_is_decided_again) {
  std::map<std::string, std::uint64_t> decisions;
  for (const auto seed : seeds_to_try({1, 2, 3, 4, 5, 8, 10, 11, 15, 88})) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_days random(seed);
      random.run(1 + static_cast<int>(seed % 6));
      const auto made = verified(random.days, {.workers = 1 + static_cast<unsigned>(seed % 3)});
      BOOST_TEST(made.refused == "");
      BOOST_TEST(made.difference == "");
      for (const auto& [slot, of] : made.made.slots)
        decisions[slot] += of.decisions;
    }
  }
  for (const auto& [slot, count] : decisions)
    BOOST_TEST_MESSAGE(slot << " " << count);
}

// Shadows are away for longer than usage is kept.
BOOST_AUTO_TEST_CASE(what_happens_to_stores_in_weeks_is_decided_again) {
  for (const auto seed : seeds_to_try({1, 2, 3, 4, 5, 6, 8})) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_days random(seed, 3 * hour_ms, "retention: {usage: 3d, input: 400d, decisions: 400d}\n");
      random.run(6);
      const auto made = verified(random.days);
      BOOST_TEST(made.refused == "");
      BOOST_TEST(made.difference == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_decision_of_production_that_was_changed_is_found) {
  local_days days;
  days.run(samples::content(samples::source_folder() / "config/demo/day.ndjson"));
  std::size_t count = 0;
  const auto made = verified(days, {.tampered = [&count](std::string line) {
                               if (++count == 40) line.replace(line.find("\"reason\":\""), 10, "\"Reason\":\"");
                               return line;
                             }});
  BOOST_TEST(made.difference.find("Reason") != std::string::npos, made.difference);
  BOOST_TEST(made.equal > 0U);
}

BOOST_AUTO_TEST_CASE(a_store_that_lost_its_first_input_is_decided_again_from_a_checkpoint_on) {
  std::map<std::string, std::uint64_t> decisions;
  std::uint64_t idle = 0;
  for (const auto seed : seeds_to_try({1, 2, 3, 4, 5, 6, 7, 8, 35})) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const bool is_dense = seed % 2 == 0;
      random_days random(seed, is_dense ? 40 * minute_ms : 3 * hour_ms,
                         "retention: {usage: 3d, input: 9d, decisions: 400d}\n");
      random.run(is_dense ? 20 : 8);
      const auto made = verified(random.days, {.workers = 1 + static_cast<unsigned>(seed % 3)});
      BOOST_TEST(made.refused == "");
      BOOST_TEST(made.difference == "");
      BOOST_TEST((made.contents.start == history::history_start::checkpoint));
      idle += made.contents.counts.idle_users;
      for (const auto& [slot, of] : made.made.slots)
        decisions[slot] += of.decisions;
    }
  }
  for (const auto& [slot, count] : decisions)
    BOOST_TEST_MESSAGE(slot << " " << count);
  BOOST_TEST_MESSAGE(idle << " idle");
}

BOOST_AUTO_TEST_CASE(a_store_without_its_first_input_and_checkpoints_is_refused_with_a_remedy) {
  local_days days;
  for (int day = 0; day < 30; ++day)
    days.run(speech_line("ann", day, day * day_ms), 1, "retention: {usage: 8d, input: 9d, decisions: 400d}\n");
  std::filesystem::remove_all(std::filesystem::path(days.state()) / "checkpoints");
  const auto made = verified(days);
  BOOST_TEST(made.refused.find("begins cold") != std::string::npos, made.refused);
  BOOST_TEST(made.refused.find("--policy") != std::string::npos, made.refused);
}

BOOST_AUTO_TEST_CASE(what_other_rules_decided_is_refused_and_the_builds_are_named) {
  history::history_contents of;
  of.start = history::history_start::first_epoch;
  of.runs.push_back({.partition = 3, .epoch = 0, .rules = 1, .program = "0.9"});
  of.runs.push_back({.partition = 3, .epoch = 70, .rules = decision_rules, .program = "1.0"});
  const auto made = sim::recorded_controls::make(of);
  BOOST_REQUIRE(not made.has_value());
  const auto& says = made.error().message;
  BOOST_TEST(says.find("from epoch 0 of partition 3 on by rules 1 (fairuse 0.9)") != std::string::npos, says);
  const auto ours = "from epoch 70 of partition 3 on by rules " + std::to_string(decision_rules) + " (fairuse 1.0)";
  BOOST_TEST(says.find(ours) != std::string::npos, says);
}

BOOST_AUTO_TEST_CASE(rules_that_changed_other_outputs_alone_are_no_obstacle) {
  for (const auto rules : {same_decisions_since, decision_rules}) {
    history::history_contents of;
    of.start = history::history_start::first_epoch;
    of.runs.push_back({.partition = 0, .epoch = 0, .rules = rules, .program = "1.0"});
    const auto made = sim::recorded_controls::make(of);
    BOOST_TEST((made.has_value() or made.error().message.find("by rules") == std::string::npos));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
