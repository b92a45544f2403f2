// SPDX-License-Identifier: Apache-2.0

#include "sim/guard.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "config/yaml.hpp"
#include "core/policy.hpp"
#include "sim/figures.hpp"

namespace fairuse::sim {

namespace {

template <class T, std::size_t N>
using names = std::array<std::pair<std::string_view, T>, N>;

constexpr names<guard_figure, 4> rates{{{"fpr", guard_figure::fpr},
                                        {"fdr", guard_figure::fdr},
                                        {"caught", guard_figure::caught},
                                        {"missed", guard_figure::missed}}};
constexpr names<guard_figure, 2> amounts{{{"reviews", guard_figure::reviews}, {"harm", guard_figure::harm}}};
constexpr names<guard_bound, 3> bounds{
    {{"rate", guard_bound::rate}, {"lower", guard_bound::lower}, {"upper", guard_bound::upper}}};
constexpr names<guard_relation, 4> relations{{{"<", guard_relation::below},
                                              {"<=", guard_relation::at_most},
                                              {">", guard_relation::above},
                                              {">=", guard_relation::at_least}}};
constexpr std::string_view example = "write it as in `fpr_restrict.upper < 1%`";

template <class T, std::size_t N>
bool find(const names<T, N>& in, std::string_view text, T& into) {
  const auto found = std::find_if(in.begin(), in.end(), [text](const auto& each) { return each.first == text; });
  if (found != in.end()) into = found->second;
  return found != in.end();
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const auto end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::string unknown_figure(std::string_view word) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> known{"reviews", "harm"};
    for (const auto& [rate, figure] : rates)
      for (const auto at : counted_stages)
        known.push_back(std::string(rate) + "_" + std::string(to_text(at)));
    return known;
  }();
  const std::vector<std::string_view> candidates(all.begin(), all.end());
  return "'" + std::string(word) + "' is no figure" + yaml::did_you_mean_one_of(word, candidates);
}

/// `fpr_restrict.upper`, `reviews`.
result<void> read_figure(std::string_view word, guard& into) {
  const auto dot = word.find('.');
  const auto name = word.substr(0, dot);
  if (find(amounts, name, into.figure)) {
    if (dot != std::string_view::npos) return error{"'" + std::string(name) + "' is an amount and has no interval"};
    return {};
  }
  const auto line = std::min(name.find('_'), name.size());
  into.at = stage_from(name.substr(std::min(line + 1, name.size()))).value_or(stage::none);
  if (not find(rates, name.substr(0, line), into.figure) or into.at == stage::none) return error{unknown_figure(name)};
  if (dot != std::string_view::npos and not find(bounds, word.substr(dot + 1), into.bound))
    return error{"'" + std::string(word.substr(dot + 1)) + "' is none of rate, lower, upper"};
  return {};
}

std::optional<std::int64_t> read_rate(std::string_view word) {
  const bool percent = word.ends_with('%');
  const auto value = percent ? yaml::parse_decimal(word.substr(0, word.size() - 1), 7) : yaml::parse_decimal(word, 9);
  return value and *value >= 0 and *value <= 1'000'000'000 ? value : std::nullopt;
}

result<void> read_value(std::string_view word, guard& into) {
  const auto take = [&](const std::optional<std::int64_t>& value, const char* wanted) -> result<void> {
    if (not value) return error{"'" + std::string(word) + "' is no " + wanted};
    into.value = *value;
    return {};
  };
  if (into.figure == guard_figure::harm) return take(yaml::parse_duration(word), "duration such as 10h");
  if (into.figure == guard_figure::reviews) return take(yaml::parse_decimal(word, 0), "count");
  return take(read_rate(word), "rate such as 1% or 0.01");
}

template <class T>
bool relates(guard_relation how, T figure, T value) {
  switch (how) {
    case guard_relation::below:
      return figure < value;
    case guard_relation::at_most:
      return figure <= value;
    case guard_relation::above:
      return figure > value;
    case guard_relation::at_least:
      break;
  }
  return figure >= value;
}

const proportion& rate_of(const guard& of, const policy_figures& figures) {
  const auto& at = figures.stages[index_of(of.at)];
  switch (of.figure) {
    case guard_figure::fdr:
      return at.false_discovery;
    case guard_figure::caught:
      return at.hit[static_cast<std::size_t>(truth::misuse)];
    case guard_figure::missed:
      return at.missed;
    default:
      return at.hit[static_cast<std::size_t>(truth::legitimate)];
  }
}

guard_outcome check_rate(const guard& of, const proportion& figure) {
  const double value = static_cast<double>(of.value) / 1e9;
  const bool wants_low = of.relation == guard_relation::below or of.relation == guard_relation::at_most;
  if (figure.users == 0) return guard_outcome::not_enough_data;
  const double shown = of.bound == guard_bound::rate    ? *figure.rate()
                       : of.bound == guard_bound::lower ? figure.between.lower
                                                        : figure.between.upper;
  if (relates(of.relation, shown, value)) return guard_outcome::holds;
  // A guard that wants the whole interval on one side of its value certainly fails only if all of it is on the other.
  const bool strict = of.bound == (wants_low ? guard_bound::upper : guard_bound::lower);
  const double far_end = wants_low ? figure.between.lower : figure.between.upper;
  return strict and relates(of.relation, far_end, value) ? guard_outcome::not_enough_data : guard_outcome::fails;
}

} // namespace

result<guard> parse_guard(std::string_view text) {
  guard out;
  out.text = text;
  const auto words = words_of(text);
  const bool named = words.size() == 5 and words[3] == "for";
  if ((words.size() != 3 and not named) or not find(relations, words[1], out.relation))
    return error{"a guard is a figure, one of < <= > >=, and a value; " + std::string(example)};
  if (const auto read = read_figure(words[0], out); not read) return read.error();
  if (const auto read = read_value(words[2], out); not read) return read.error();
  if (named) out.policy = words[4];
  return out;
}

std::string doubt_about(const guard& of) {
  const bool amount = of.figure == guard_figure::reviews or of.figure == guard_figure::harm;
  const bool greatest = not amount and of.value == one_nano;
  const bool least = of.value == 0;
  const std::string percent =
      greatest ? of.text.find('%') == std::string::npos ? "1 is 100 %; for 1 % write `1%`" : "no share is above 100 %"
               : "";
  switch (of.relation) {
    case guard_relation::below:
      if (greatest) return "fails only if it is 100 %: " + percent;
      return least ? "can never hold: no figure is below 0" : "";
    case guard_relation::at_most:
      return greatest ? "always holds: " + percent : "";
    case guard_relation::above:
      return greatest ? "can never hold: " + percent : "";
    case guard_relation::at_least:
      break;
  }
  return least ? "always holds: no figure is below 0" : "";
}

std::string_view to_text(guard_outcome value) {
  switch (value) {
    case guard_outcome::holds:
      return "holds";
    case guard_outcome::fails:
      return "fails";
    case guard_outcome::not_enough_data:
      break;
  }
  return "not enough data";
}

guard_outcome check_guard(const guard& of, const policy_figures& figures) {
  if (of.figure == guard_figure::reviews or of.figure == guard_figure::harm) {
    const auto amount = of.figure == guard_figure::harm ? figures.harm_ms : static_cast<std::int64_t>(figures.reviews);
    if (not amount) return guard_outcome::not_enough_data;
    return relates(of.relation, *amount, of.value) ? guard_outcome::holds : guard_outcome::fails;
  }
  return check_rate(of, rate_of(of, figures));
}

} // namespace fairuse::sim
