// SPDX-License-Identifier: Apache-2.0

#include "streams/failpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>

#include <unistd.h>

namespace fairuse::failpoint {

namespace detail {

std::atomic<bool> armed{false};

namespace {
// Written once, before any other thread runs.
std::string armed_name;
std::uint64_t armed_nth = 1;
std::atomic<std::uint64_t> passes{0};
} // namespace

void passed(std::string_view name) {
  if (name == armed_name and passes.fetch_add(1) + 1 == armed_nth) ::kill(::getpid(), SIGKILL);
}

} // namespace detail

namespace {

constexpr std::array<std::string_view, 7> all_names = {
    "epoch_sealed",  // the lines are cut off, no user has seen them
    "slices_done",   // every user has answered
    "batch_built",   // decisions, rows and journal of the commit are in memory
    "before_write",  // the writer has the commit
    "after_write",   // it is durable, nobody has been told
    "after_publish", // readers may see it
    "stopping",      // the last commit of an orderly stop is done
};

} // namespace

std::span<const std::string_view> names() { return all_names; }

bool arm(std::string_view text, std::string& problem) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  auto action = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  std::uint64_t nth = 1;
  if (const auto second = action.find(':'); second != std::string_view::npos) {
    const auto digits = action.substr(second + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), nth);
    if (error != std::errc{} or end != digits.data() + digits.size() or nth == 0) nth = 0;
    action = action.substr(0, second);
  }
  if (std::find(all_names.begin(), all_names.end(), name) == all_names.end() or action != "kill" or nth == 0) {
    problem = "FAIRUSE_FAIL must be <place>:kill[:<nth>], with a place of";
    for (const auto each : all_names)
      problem.append(" ").append(each);
    return false;
  }
  detail::armed_name = name;
  detail::armed_nth = nth;
  detail::armed = true;
  return true;
}

bool was_passed() { return not detail::armed or detail::passes > 0; }

} // namespace fairuse::failpoint
