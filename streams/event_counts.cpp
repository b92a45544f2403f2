// SPDX-License-Identifier: Apache-2.0

#include "streams/event_counts.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "streams/decision_ids.hpp"

namespace fairuse {

namespace {

std::size_t index_of(event_kind kind) { return static_cast<std::size_t>(kind); }

template <class Counts>
void add_each(Counts& to, const Counts& from) {
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] += from[i];
}

} // namespace

// Whatever is said of an event apart from the others is rare, so all are accepted first.
void event_counts::add(const epoch& sealed, const epoch_result& decided) {
  if (not sealed.events.empty()) newest = INT64_MIN;
  for (const auto& each : sealed.events) {
    ++accepted[index_of(each.what.kind)];
    newest = std::max(newest, each.what.instant);
  }
  accepted[index_of(event_kind::admin)] += sealed.commands.size();
  const auto take = [this](event_kind kind, by_kind& to, std::uint64_t count = 1) {
    accepted[index_of(kind)] -= count;
    to[index_of(kind)] += count;
  };
  for (const auto& of : decided.outcomes) {
    for (const auto& each : of.unused)
      take(each.kind, each.why == applied::stale ? stale : duplicates);
    for (const auto& each : of.refused)
      take(each.what->kind, refused);
  }
  take(event_kind::admin, duplicates, decided.broadcast->duplicates.size());
  take(event_kind::admin, refused, decided.broadcast->impossible.size());
}

event_counts& event_counts::operator+=(const event_counts& other) {
  static_assert(sizeof(event_counts) == 4 * sizeof(by_kind) + sizeof(time_ms), "add the new member below, too");
  add_each(accepted, other.accepted);
  add_each(duplicates, other.duplicates);
  add_each(stale, other.stale);
  add_each(refused, other.refused);
  if (other.newest != INT64_MIN) newest = other.newest;
  return *this;
}

void decision_counts::add(const decision& what) {
  const std::string_view slot = is_live(what) ? "live" : std::string_view{what.slot->slot};
  auto found = of_slots.find(slot);
  if (found == of_slots.end()) found = of_slots.try_emplace(std::string{slot}).first;
  ++found->second[static_cast<std::size_t>(what.kind)];
}

void decision_counts::add(const epoch_result& decided) {
  for (const auto& each : decided.broadcast->decisions)
    add(each);
  for (const auto& of : decided.outcomes)
    for (const auto& each : of.wrote.decisions)
      add(each);
}

decision_counts& decision_counts::operator+=(const decision_counts& other) {
  for (const auto& [slot, counts] : other.of_slots)
    add_each(of_slots[slot], counts);
  return *this;
}

} // namespace fairuse
