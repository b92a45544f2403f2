// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstdlib>

#include "config/yaml.hpp"

namespace fairuse::yaml {

namespace {

struct unit {
  std::string_view text;
  std::int64_t ms;
};

// Largest first: the order in which a duration has to name them.
constexpr std::array<unit, 5> units{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool is_digit(char c) { return c >= '0' and c <= '9'; }

// At most 18 digits, so that the value fits.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() and is_digit(text[length]))
    ++length;
  if (length == 0 or length > 18 or (length > 1 and text[0] == '0')) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text.substr(0, length))
    value = value * 10 + (c - '0');
  text.remove_prefix(length);
  return value;
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::vector<std::size_t>> cost(left.size() + 1, std::vector<std::size_t>(right.size() + 1));
  for (std::size_t i = 0; i <= left.size(); ++i)
    cost[i][0] = i;
  for (std::size_t j = 0; j <= right.size(); ++j)
    cost[0][j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i)
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[left.size()][right.size()];
}

} // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (text.empty()) return std::nullopt;
  while (not text.empty()) {
    const auto value = take_number(text);
    if (not value) return std::nullopt;
    std::size_t length = 0;
    while (length < text.size() and not is_digit(text[length]))
      ++length;
    const auto word = text.substr(0, length);
    while (next_unit < units.size() and units[next_unit].text != word)
      ++next_unit;
    if (next_unit == units.size() or *value > duration_ms_max / units[next_unit].ms) return std::nullopt;
    total += *value * units[next_unit].ms;
    ++next_unit;
    text.remove_prefix(length);
  }
  if (total > duration_ms_max) return std::nullopt;
  return total;
}

std::string format_duration(std::int64_t ms) {
  if (ms == 0) return "0";
  // 24h and 72h are how people name rolling windows; from a week on they count days.
  const bool in_days = ms % units[0].ms == 0 and ms / units[0].ms > 3;
  std::string text;
  for (std::size_t i = in_days ? 0 : 1; i < units.size(); ++i) {
    const auto count = ms / units[i].ms;
    if (count != 0) text += std::to_string(count) + std::string{units[i].text};
    ms %= units[i].ms;
  }
  return text;
}

std::optional<std::int64_t> parse_decimal(std::string_view text, int decimals) {
  const bool negative = text.starts_with('-');
  if (negative or text.starts_with('+')) text.remove_prefix(1);
  auto value = take_number(text);
  if (not value) return std::nullopt;
  std::int64_t fraction = 0;
  int left = decimals;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    while (text.size() > 1 and text.ends_with('0'))
      text.remove_suffix(1);
    for (const char c : text) {
      if (not is_digit(c) or (left == 0 and c != '0')) return std::nullopt;
      if (left == 0) continue;
      fraction = fraction * 10 + (c - '0');
      --left;
    }
  } else if (not text.empty()) {
    return std::nullopt;
  }
  std::int64_t scale = 1;
  for (int i = 0; i < decimals; ++i)
    scale *= 10;
  for (; left > 0; --left)
    fraction *= 10;
  if (*value > (std::numeric_limits<std::int64_t>::max() - fraction) / scale) return std::nullopt;
  const auto result = *value * scale + fraction;
  return negative ? -result : result;
}

std::string format_decimal(std::int64_t value, int decimals) {
  auto digits = std::to_string(std::llabs(value));
  const auto wide = static_cast<std::size_t>(decimals);
  if (digits.size() <= wide) digits.insert(0, wide + 1 - digits.size(), '0');
  auto whole = digits.substr(0, digits.size() - wide);
  auto fraction = digits.substr(digits.size() - wide);
  while (fraction.ends_with('0'))
    fraction.pop_back();
  return (value < 0 ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // A third of the letters may be wrong; with more, a guess misleads.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  if (word.size() > 64) return "";
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return std::string{best};
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto guess = nearest(word, candidates);
  return guess.empty() ? "" : "; did you mean '" + guess + "'?";
}

std::string did_you_mean_one_of(std::string_view word, std::span<const std::string_view> candidates) {
  if (auto guess = did_you_mean(word, candidates); not guess.empty() or candidates.empty()) return guess;
  constexpr std::size_t listed_max = 25;
  if (candidates.size() > listed_max) return "";
  std::string all;
  for (const auto each : candidates)
    all.append(all.empty() ? "; known: " : ", ").append(each);
  return all;
}

} // namespace fairuse::yaml
