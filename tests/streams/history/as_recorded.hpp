// SPDX-License-Identifier: Apache-2.0
//
// Packs what a deployment has kept, replays it as recorded, and compares with the deployment's decisions.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "sim/recorded_comparison.hpp"
#include "sim/recorded_replay.hpp"
#include "storage/case_reference.hpp"
#include "streams/history/packer.hpp"
#include "streams/history/sorted_decisions.hpp"
#include "streams/history/source_hooks.hpp"
#include "tests/test_folder.hpp"

namespace fairuse::history {

/// `kept`: those that found something once. FAIRUSE_SEEDS=from..to tries others.
inline std::vector<std::uint64_t> seeds_to_try(std::vector<std::uint64_t> kept) {
  const auto* wanted = std::getenv("FAIRUSE_SEEDS");
  if (wanted == nullptr) return kept;
  const std::string text(wanted);
  const auto last = std::stoull(text.substr(text.find("..") + 2));
  kept.clear();
  for (auto seed = std::stoull(text); seed <= last; ++seed)
    kept.push_back(seed);
  return kept;
}

struct recorded_check {
  /// Empty: equal.
  std::string difference;
  /// Why there is no replay.
  std::string refused;
  std::uint64_t equal = 0;
  sim::recorded_result made;
  history_contents contents;
};

struct recorded_wish {
  std::string case_key;
  unsigned workers = 1;
  std::uint64_t block_events = 50;
  sim::recorded_controls::policy_parser parse = parse_canonical;
  /// A decision of production on its way into the comparison.
  std::function<std::string(std::string line)> tampered = [](std::string line) { return line; };
};

/// `pack`: pack_local_store or pack_capture on something.
template <class Pack>
recorded_check as_recorded(const recorded_wish& wish, const Pack& pack) {
  const test_folder folder;
  packer to({.scratch = folder.path(), .block_events = wish.block_events});
  sorted_decisions production(folder.path());
  history_contents contents;
  source_hooks hooks;
  hooks.case_key = wish.case_key;
  hooks.decision = [&](std::span<const wire_header> headers, std::string_view value) {
    return production.add(headers, wish.tampered(std::string(value)));
  };
  const auto packed = pack(hooks, to, contents);
  BOOST_REQUIRE_MESSAGE(packed.has_value(), (packed ? std::string() : packed.error().message));
  auto file = history_writer::create(folder.file("a.history"), false);
  BOOST_REQUIRE(file.has_value());
  auto all = to.finish(**file, contents);
  BOOST_REQUIRE(all.has_value());
  BOOST_REQUIRE((*file)->finish(std::move(*all)).has_value());
  const auto reader = history_reader::open(folder.file("a.history"));
  BOOST_REQUIRE(reader.has_value());
  BOOST_REQUIRE(production.begin().has_value());
  recorded_check out;
  out.contents = (*reader)->contents();
  const auto under = sim::recorded_controls::make((*reader)->contents(), wish.parse);
  if (not under) {
    out.refused = under.error().message;
    return out;
  }
  sim::recorded_comparison compared([&production] { return production.next().value(); });
  sim::recorded_replay_options how;
  how.workers = wish.workers;
  how.case_of = case_naming_of(wish.case_key);
  const auto made = sim::replay_as_recorded(**reader, **under, how,
                                            [&compared](const user_decisions& each) { return compared.add(each); });
  if (not made) {
    out.refused = made.error().message;
    return out;
  }
  if (not compared.difference()) (void)compared.finish();
  out.made = *made;
  out.equal = compared.equal();
  if (const auto& where = compared.difference())
    out.difference = fmt::format("user {} slot {} decision {} byte {}\n  production {}\n  replay     {}", where->uid,
                                 where->slot, where->number, where->byte, where->production, where->replay);
  return out;
}

} // namespace fairuse::history
