// SPDX-License-Identifier: Apache-2.0
#include "tests/api/intake_model.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fairuse::intake {

namespace {

using kafka::isolation;
using simlog::log_entry;

std::string place(const std::string& topic, std::int32_t partition, std::int64_t offset) {
  return fmt::format("{} [{}] offset {}", topic, partition, offset);
}

std::string key_of(std::uint64_t number) { return fmt::format("r{}", number); }

/// As `key value`.
std::string text_of(const log_entry& entry) {
  return fmt::format("{} {}", entry.what.key.value_or("-"), entry.what.value.value_or("-"));
}

std::string text_of(const intake_output& output) { return fmt::format("{} {}", output.key, output.value); }

} // namespace

bool follows_nothing(std::uint64_t number) { return number % 7 == 0; }

std::vector<intake_output> results_of(std::uint64_t number) {
  std::vector<intake_output> all;
  for (std::uint64_t i = 0; i < number % 3; ++i)
    all.push_back({results, key_of(number), fmt::format("result {}", i), {{"of", key_of(number)}}});
  return all;
}

bool is_told_early(std::uint64_t number) { return number % 2 == 0; }

intake_output told_early(std::uint64_t number, bool ends) {
  return {early, key_of(number), ends ? "ends" : "begins", {{"of", key_of(number)}}};
}

std::vector<intake_output> nonsense() { return {{results, "nonsense", "", {}}, {early, "nonsense", "", {}}}; }

std::string metadata_of(std::int32_t partition, std::int64_t offset) { return fmt::format("{}:{}", partition, offset); }

intake_model::intake_model(simlog::simulated_log& log, std::int32_t partitions)
  : log_(log), facts_(static_cast<std::size_t>(partitions)), seen_(static_cast<std::size_t>(partitions)) {}

void intake_model::look() {
  for (std::int32_t p = 0; p < partitions(); ++p)
    for (const auto& each : log_.records({input, p}, isolation::committed))
      facts_[index(p)].try_emplace(each.offset, fact{.number = std::stoull(each.what.key->substr(1))});
}

void intake_model::remove_before(std::int32_t partition, std::int64_t offset) {
  const auto committed = this->committed(partition).offset;
  for (auto& [at, each] : facts_[index(partition)])
    if (at < offset and at >= committed) each.removed = true;
}

const fact& intake_model::find(std::int32_t partition, std::int64_t offset) const {
  const auto& known = facts_.at(index(partition));
  const auto found = known.find(offset);
  if (found == known.end()) throw broken_promise("there is no " + place(input, partition, offset));
  return found->second;
}

simlog::stored_offset intake_model::committed(std::int32_t partition) const {
  const auto& all = log_.group(group_name).committed();
  const auto found = all.find({input, partition});
  return found == all.end() ? simlog::stored_offset{} : found->second;
}

void intake_model::check_offsets() {
  for (std::int32_t p = 0; p < partitions(); ++p) {
    auto& before = seen_[index(p)];
    const auto now = committed(p);
    if (now == before) continue;
    const auto where = place(input, p, now.offset);
    if (now.offset <= before.offset)
      throw broken_promise(where + " is committed behind " + std::to_string(before.offset));
    if (now.metadata != metadata_of(p, now.offset)) throw broken_promise(where + " is committed with " + now.metadata);
    const auto& known = facts_[index(p)];
    for (auto each = known.lower_bound(before.offset); each != known.end() and each->first < now.offset; ++each)
      if (not each->second.finished and not each->second.removed)
        throw broken_promise(where + " is committed, and " + std::to_string(each->first) + " is not finished");
    before = now;
  }
}

bool intake_model::is_all_committed() const {
  for (std::int32_t p = 0; p < partitions(); ++p) {
    const auto& known = facts_[index(p)];
    const auto last =
        std::find_if(known.rbegin(), known.rend(), [](const auto& each) { return not each.second.removed; });
    if (last != known.rend() and committed(p).offset <= last->first) return false;
  }
  return true;
}

void intake_model::check_outputs(bool calm) const {
  for (std::int32_t p = 0; p < partitions(); ++p) {
    check_results(p);
    check_early(p, calm);
  }
}

// Those of a removed record may be there, all of them, or not.
void intake_model::check_results(std::int32_t partition) const {
  const auto made = log_.records({results, partition}, isolation::committed);
  auto next = made.begin();
  for (const auto& [offset, each] : facts_[index(partition)]) {
    const auto expected = follows_nothing(each.number) ? std::vector<intake_output>{} : results_of(each.number);
    const bool is_there = not expected.empty() and next != made.end() and next->what.key == expected.front().key;
    if (each.removed and not is_there) continue;
    for (const auto& output : expected) {
      if (next == made.end()) throw broken_promise(place(input, partition, offset) + " has no " + text_of(output));
      if (text_of(*next) != text_of(output))
        throw broken_promise(place(results, partition, next->offset) + " is " + text_of(*next) + ", not "
                             + text_of(output));
      if (next->what.headers != std::vector{std::pair{std::string{"of"}, std::optional{output.key}}})
        throw broken_promise(place(results, partition, next->offset) + " has other headers");
      ++next;
    }
  }
  if (next != made.end())
    throw broken_promise(place(results, partition, next->offset) + " is too much: " + text_of(*next));
}

void intake_model::check_early(std::int32_t partition, bool calm) const {
  std::map<std::string, int> counts;
  for (const auto& each : log_.records({early, partition}, isolation::committed))
    ++counts[text_of(each)];
  for (const auto& [offset, each] : facts_[index(partition)]) {
    if (follows_nothing(each.number) or not is_told_early(each.number)) continue;
    const int ends = counts[text_of(told_early(each.number, true))];
    const int begins = counts[text_of(told_early(each.number, false))];
    if (ends == 0 and not each.removed) throw broken_promise(place(input, partition, offset) + " was not told early");
    if (calm and (ends > 1 or begins > 1)) throw broken_promise(place(input, partition, offset) + " was told twice");
    counts.erase(text_of(told_early(each.number, true)));
    counts.erase(text_of(told_early(each.number, false)));
  }
  if (not counts.empty())
    throw broken_promise(place(early, partition, 0) + " and on: nobody told " + counts.begin()->first);
}

} // namespace fairuse::intake
