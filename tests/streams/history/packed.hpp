// SPDX-License-Identifier: Apache-2.0
//
// Packs a history and reads it back, event by event.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "storage/history/history_file.hpp"
#include "streams/history/packer.hpp"
#include "tests/test_folder.hpp"

namespace fairuse::history {

/// An event that is in a history, in the order of a user's events.
struct packed_event {
  std::string uid;
  time_ms now = 0;
  std::string source;
  std::string id;
  friend bool operator==(const packed_event&, const packed_event&) = default;
};

struct unpacked_history {
  history_contents contents;
  std::vector<packed_event> events;
  /// Of speech without segments.
  std::int64_t spoken_ms = 0;
  std::map<std::string, std::vector<recorded_review>> reviews;
  /// Of all parts of all blocks.
  std::vector<std::uint64_t> checksums;
};

inline void add_events(const block_user& who, unpacked_history& to) {
  for (const auto& what : who.events)
    if (what.kind == event_kind::speech and what.detail == nullptr) to.spoken_ms += what.ms;
  for (const auto& step : who.steps)
    for (const auto& what : who.events.subspan(step.first, step.count))
      if (not is_broadcast_mark(what))
        to.events.push_back(
            {std::string(who.uid), step.now, std::string(what.text->source), std::string(what.text->id)});
  to.reviews[std::string(who.uid)].assign(who.reviews.begin(), who.reviews.end());
}

/// What `fill` puts into a packer.
inline unpacked_history packed(const std::function<void(packer&, history_contents&)>& fill) {
  const test_folder folder;
  packer to({.scratch = folder.path()});
  unpacked_history made;
  fill(to, made.contents);
  auto file = history_writer::create(folder.file("a.history"), false);
  BOOST_REQUIRE(file.has_value());
  auto all = to.finish(**file, made.contents);
  BOOST_REQUIRE(all.has_value());
  BOOST_REQUIRE((*file)->finish(std::move(*all)).has_value());
  const auto reader = history_reader::open(folder.file("a.history"));
  BOOST_REQUIRE_MESSAGE(reader.has_value(), (reader ? std::string() : reader.error().message));
  made.contents = (*reader)->contents();
  history_reader::buffers read;
  for (std::size_t i = 0; i < made.contents.blocks.size(); ++i) {
    BOOST_REQUIRE((*reader)->read_block(i, {.texts = true, .ids = true}, read).has_value());
    for (const auto& who : read.block.users())
      add_events(who, made);
    for (const auto& part : made.contents.blocks[i].parts)
      made.checksums.push_back(part.checksum);
  }
  return made;
}

/// Ids of a user's events, in order, with a space between.
inline std::string ids_of(const unpacked_history& from, std::string_view uid) {
  std::string all;
  for (const auto& each : from.events)
    if (each.uid == uid) all += (all.empty() ? "" : " ") + each.id;
  return all;
}

} // namespace fairuse::history
