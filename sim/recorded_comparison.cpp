// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_comparison.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace fairuse::sim {

namespace {

using kind = recorded_difference::kind;

constexpr std::size_t shown_before = 40;
constexpr std::size_t shown_bytes = 120;

std::string around(std::string_view line, std::size_t byte) {
  const auto begin = byte > shown_before ? byte - shown_before : 0;
  if (begin >= line.size()) return {};
  return (begin > 0 ? "..." : "") + std::string(line.substr(begin, shown_bytes))
         + (line.size() > begin + shown_bytes ? "..." : "");
}

} // namespace

bool recorded_comparison::add(const user_decisions& replayed) {
  if (not pass_users_before(&replayed.uid)) return false;
  if (not waiting_ or waiting_->uid != replayed.uid) return compare({replayed.uid, {}}, replayed);
  const bool same = compare(*waiting_, replayed);
  waiting_ = next_();
  return same;
}

bool recorded_comparison::finish() { return pass_users_before(nullptr); }

// The replay has none of them. `uid`: nullptr: all that are left.
bool recorded_comparison::pass_users_before(const std::string* uid) {
  if (not std::exchange(begun_, true)) waiting_ = next_();
  for (; waiting_ and (uid == nullptr or waiting_->uid < *uid); waiting_ = next_())
    if (not compare(*waiting_, {waiting_->uid, {}})) return false;
  return not difference_;
}

// By name of the slots of both.
bool recorded_comparison::compare(const user_decisions& ours, const user_decisions& replayed) {
  auto left = ours.slots.begin();
  auto right = replayed.slots.begin();
  while (left != ours.slots.end() or right != replayed.slots.end()) {
    const bool has_left = right == replayed.slots.end() or (left != ours.slots.end() and left->slot <= right->slot);
    const bool has_right = left == ours.slots.end() or (right != replayed.slots.end() and right->slot <= left->slot);
    const slot_decisions none{has_left ? left->slot : right->slot, {}};
    if (not compare_slot(ours.uid, has_left ? *left : none, has_right ? *right : none)) return false;
    left += has_left ? 1 : 0;
    right += has_right ? 1 : 0;
  }
  return true;
}

bool recorded_comparison::compare_slot(const std::string& uid, const slot_decisions& ours,
                                       const slot_decisions& replayed) {
  const auto [left, right] =
      std::mismatch(ours.lines.begin(), ours.lines.end(), replayed.lines.begin(), replayed.lines.end());
  const auto same = static_cast<std::uint64_t>(left - ours.lines.begin());
  equal_ += same;
  const bool has_left = left != ours.lines.end();
  const bool has_right = right != replayed.lines.end();
  if (not has_left and not has_right) return true;
  std::size_t byte = 0;
  if (has_left and has_right)
    byte = static_cast<std::size_t>(std::mismatch(left->begin(), left->end(), right->begin(), right->end()).first
                                    - left->begin());
  difference_ = {uid,
                 ours.slot,
                 same + 1,
                 has_left and has_right ? kind::other
                 : has_left             ? kind::missing
                                        : kind::extra,
                 byte,
                 has_left ? around(*left, byte) : std::string(),
                 has_right ? around(*right, byte) : std::string()};
  return false;
}

} // namespace fairuse::sim
