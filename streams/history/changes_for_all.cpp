// SPDX-License-Identifier: Apache-2.0
#include "streams/history/changes_for_all.hpp"

#include <algorithm>
#include <string>
#include <tuple>

namespace fairuse::history {

namespace {

/// Of two commands, or runs: which took effect first.
bool comes_before(const change_for_all& left, const change_for_all& right) {
  const auto place = [](const change_for_all& of) { return std::tuple(of.partition, of.epoch, not of.is_run); };
  if (place(left) != place(right)) return place(left) < place(right);
  return not left.is_run and before(left.what, right.what);
}

} // namespace

void changes_for_all::add(const incoming_event& command) {
  auto kept = command.what;
  kept.detail = texts_.keep(event_detail(*command.what.detail));
  kept.text = texts_.keep(command.what.text->source, command.what.text->id);
  commands_.push_back(
      {{command.partition, command.epoch, command.now, 0, false, kept}, command.previous_now, command.refused});
}

std::uint64_t changes_for_all::finish(history_contents& all) {
  // Where one of equal commands was refused, the shard took that one first; the others are duplicates.
  std::sort(commands_.begin(), commands_.end(), [](const given_command& left, const given_command& right) {
    if (comes_before(left.as, right.as) or comes_before(right.as, left.as)) return comes_before(left.as, right.as);
    return left.refused and not right.refused;
  });
  std::stable_sort(all.runs.begin(), all.runs.end(), [](const history_run& left, const history_run& right) {
    return std::tie(left.partition, left.epoch) < std::tie(right.partition, right.epoch);
  });
  std::uint64_t duplicates = 0;
  for (auto& each : commands_) {
    const auto& command = detail_of<admin_command>(each.as.what);
    const permanent_id id{each.as.what.key, command_content(command)};
    const bool first = note_permanent_id(known_[each.as.partition], id) == id_use::first;
    if (not first and not each.refused) ++duplicates;
    if (not first or each.refused) continue;
    each.as.number = static_cast<std::uint32_t>(all.broadcasts.size());
    const auto& text = *each.as.what.text;
    all.broadcasts.push_back({each.as.partition, each.as.now, each.as.what.instant, std::string(text.source),
                              std::string(text.id), command, each.as.epoch, each.previous_now});
    ordered_.push_back(each.as);
    if (command.verb == admin_verb::promote_policy) promotions_.emplace(each.as.partition, each.as.epoch);
  }
  auto number = static_cast<std::uint32_t>(all.broadcasts.size());
  for (const auto& each : all.runs)
    ordered_.push_back({each.partition, each.epoch, each.now, number++, true, {}});
  std::stable_sort(ordered_.begin(), ordered_.end(), comes_before);
  return duplicates;
}

std::span<const change_for_all> changes_for_all::of(std::int32_t partition) const {
  const auto [first, last] =
      std::equal_range(ordered_.begin(), ordered_.end(), change_for_all{.partition = partition},
                       [](const auto& left, const auto& right) { return left.partition < right.partition; });
  return {first, last};
}

} // namespace fairuse::history
