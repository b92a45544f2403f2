// SPDX-License-Identifier: Apache-2.0
#include "streams/history/row_batch.hpp"

#include <algorithm>

#include "base/pure/text.hpp"
#include "storage/bytes.hpp"

namespace fairuse::history {

namespace {

/// A group in its map, about.
constexpr std::size_t group_bytes = 96;
constexpr std::size_t read_ahead = 16;

} // namespace

std::size_t packed_row::read(std::string_view from, packed_row& out) {
  auto rest = from;
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  if (not take_varint(rest, key) or not take_varint(rest, value)) return 0;
  out.key = rest.substr(0, key);
  out.value = rest.substr(out.key.size(), value);
  return from.size() - rest.size() + key + value;
}

std::uint32_t row_batch::group_of(std::string_view name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  const auto made = numbers_.emplace(name, static_cast<std::uint32_t>(groups_.size())).first;
  groups_.push_back({made->first, 0});
  name_bytes_ += name.size();
  return made->second;
}

void row_batch::add(std::string_view group, std::string_view key, std::string_view value) {
  const auto number = group_of(group);
  ++groups_[number].rows;
  group_of_.push_back(number);
  const auto behind = key.substr(std::min(key.size(), sizeof(std::uint64_t)));
  places_.push_back({leading_number(key), leading_number(behind), bytes_.size()});
  append_varint(bytes_, key.size());
  append_varint(bytes_, value.size());
  bytes_.append(key).append(value);
}

std::size_t row_batch::memory_bytes() const {
  return bytes_.size() + places_.size() * (2 * sizeof(place) + sizeof(std::uint32_t)) + groups_.size() * group_bytes
         + name_bytes_;
}

packed_row row_batch::row_at(const place& where) const {
  packed_row row;
  packed_row::read(std::string_view(bytes_).substr(where.at), row);
  return row;
}

bool row_batch::is_before(const place& left, const place& right) const {
  if (left.first != right.first) return left.first < right.first;
  if (left.second != right.second) return left.second < right.second;
  return row_at(left).compare(row_at(right)) < 0;
}

void row_batch::sort() {
  std::vector<std::uint32_t> order(groups_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(),
            [this](std::uint32_t left, std::uint32_t right) { return groups_[left].name < groups_[right].name; });
  std::vector<std::size_t> next(groups_.size());
  std::size_t begin = 0;
  for (const auto number : order) {
    next[number] = begin;
    begin += groups_[number].rows;
  }
  std::vector<place> sorted(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i)
    sorted[next[group_of_[i]]++] = places_[i];
  places_.swap(sorted);
  std::vector<counted_group> groups;
  groups.reserve(order.size());
  auto from = places_.begin();
  for (const auto number : order) {
    groups.push_back(groups_[number]);
    const auto end = from + groups.back().rows;
    std::sort(from, end, [this](const place& left, const place& right) { return is_before(left, right); });
    from = end;
  }
  groups_.swap(groups);
}

bool row_batch::next_group(std::string_view& name, std::uint32_t& rows) {
  if (next_group_ == groups_.size()) return false;
  name = groups_[next_group_].name;
  rows = groups_[next_group_++].rows;
  return true;
}

std::string_view row_batch::next_row() {
  // Rows that follow each other lie anywhere.
  if (next_row_ + read_ahead < places_.size()) __builtin_prefetch(bytes_.data() + places_[next_row_ + read_ahead].at);
  const auto at = places_[next_row_++].at;
  packed_row row;
  const auto from = std::string_view(bytes_).substr(at);
  return from.substr(0, packed_row::read(from, row));
}

void row_batch::clear() {
  bytes_.clear();
  places_.clear();
  group_of_.clear();
  numbers_.clear();
  groups_.clear();
  name_bytes_ = next_group_ = next_row_ = 0;
}

} // namespace fairuse::history
