// SPDX-License-Identifier: Apache-2.0

#include "sim/mixed_traffic.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace fairuse::sim {

namespace {

/// Synthetic users that a worker takes at once.
constexpr std::uint32_t users_per_block = 64;

bool is_used(const history::history_reader& of, const std::string& prefix) {
  auto behind = prefix;
  ++behind.back();
  history::history_reader::buffers buffers;
  const auto& blocks = of.contents().blocks;
  for (std::size_t number = 0; number < blocks.size(); ++number) {
    if (blocks[number].last_uid < prefix or blocks[number].first_uid >= behind) continue;
    if (const auto done = of.read_block(number, {.form = history::event_form::run}, buffers); not done)
      throw std::runtime_error(done.error().message);
    const auto users = buffers.block.users();
    if (std::any_of(users.begin(), users.end(), [&](const auto& each) { return each.uid.starts_with(prefix); }))
      return true;
  }
  return false;
}

std::uint32_t users_of(const history_plan& plan) { return plan.ends.empty() ? 0 : plan.ends.back(); }

} // namespace

std::string free_prefix(const history::history_reader& of) {
  std::string prefix = "synthetic/";
  for (int number = 2; is_used(of, prefix); ++number)
    prefix = "synthetic-" + std::to_string(number) + "/";
  return prefix;
}

void add_synthetic(experiment& what, const synthetic_users& made, std::vector<std::uint32_t>& ends) {
  for (auto each : made.people.cohorts) {
    each.name = made.prefix + each.name;
    what.people.cohorts.push_back(std::move(each));
  }
  what.people.name = made.people.name;
  what.captured->synthetic_users = made.users;
  what.captured->synthetic_prefix = made.prefix;
  for (std::uint32_t left = made.users; left > 0;) {
    const auto count = std::min(left, users_per_block);
    ends.push_back(what.users += count);
    left -= count;
  }
}

mixed_feed::mixed_feed(const history_plan& plan, const synthetic_users& made, const composition& people,
                       const controls& in_force, time_ms end)
  : recorded_(plan, in_force, end),
    synthetic_(people, made.days, in_force, end),
    prefix_(&made.prefix),
    recorded_users_(users_of(plan)),
    recorded_groups_(static_cast<std::uint32_t>(plan.groups.size())) {}

void mixed_feed::fill(std::uint32_t user, simulated_user& out) {
  if (user < recorded_users_) {
    recorded_.fill(user, out);
    return;
  }
  synthetic_.fill(user - recorded_users_, out);
  out.uid.insert(0, *prefix_);
  out.group += recorded_groups_;
}

std::optional<std::string> mixed_feed::id_of(std::uint32_t user, std::uint64_t key) {
  return user < recorded_users_ ? recorded_.id_of(user, key) : std::nullopt;
}

} // namespace fairuse::sim
