// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/labelled_review.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <simdjson.h>

#include "events/json_scan.hpp"
#include "events/time_text.hpp"

namespace fairuse {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t conversations_max = 30;
constexpr std::size_t label_bytes_max = 4'096;
constexpr std::int64_t minutes_max = 30 * 24 * 60;

error wrong(std::string_view member, std::string_view what) {
  return error{std::string(member) + " " + std::string(what)};
}

/// Refuses members that are there twice or that are not in `known`.
template <std::size_t N>
result<void> check_members(dom::object object, const std::array<std::string_view, N>& known, std::string_view where) {
  std::array<bool, N> seen{};
  for (const auto field : object) {
    const auto at = static_cast<std::size_t>(std::find(known.begin(), known.end(), field.key) - known.begin());
    if (at == N) return error{std::string(where) + " has a member that is not known"};
    if (std::exchange(seen[at], true)) return wrong(known[at], "is there twice");
  }
  return {};
}

result<void> take_text(dom::object from, std::string_view name, std::string& into) {
  dom::element value;
  if (from[name].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS or text.size() > label_bytes_max)
    return wrong(name, "is no text of at most 4096 bytes");
  into = text;
  return {};
}

result<void> take_count(dom::object from, std::string_view name, std::int64_t most, std::int64_t& into) {
  dom::element value;
  if (from[name].get(value) != simdjson::SUCCESS) return {};
  if (value.get(into) != simdjson::SUCCESS or into < 0 or into > most) return wrong(name, "is out of range");
  return {};
}

result<shown_conversation> read_conversation(dom::element from) {
  static constexpr std::array<std::string_view, 7> known{"id",      "title",  "overview", "category",
                                                         "minutes", "source", "ended_at"};
  dom::object object;
  if (from.get(object) != simdjson::SUCCESS) return error{"a conversation is no object"};
  if (const auto good = check_members(object, known, "a conversation"); not good) return good.error();
  shown_conversation one;
  for (const auto& [name, into] :
       {std::pair{"id", &one.id}, {"title", &one.title}, {"overview", &one.overview}, {"category", &one.category}})
    if (const auto good = take_text(object, name, *into); not good) return good.error();
  if (one.id.empty()) return wrong("id", "is missing in a conversation");
  std::int64_t minutes = 0;
  if (const auto good = take_count(object, "minutes", minutes_max, minutes); not good) return good.error();
  one.duration_ms = minutes * minute_ms;
  std::string source = "realtime";
  if (const auto good = take_text(object, "source", source); not good) return good.error();
  const auto from_lane = lane_from(source);
  if (not from_lane) return wrong("source", "is not realtime, sync, backfill or custom");
  one.from = *from_lane;
  std::string ended;
  if (const auto good = take_text(object, "ended_at", ended); not good) return good.error();
  const auto at = ended.empty() ? std::optional<time_ms>{0} : time_from(ended);
  if (not at) return wrong("ended_at", "is no time such as 2026-11-22T09:27:32Z");
  one.at = *at;
  return one;
}

result<void> read_conversations(dom::object line, review_request& into) {
  dom::array list;
  if (line["conversations"].get(list) != simdjson::SUCCESS) return wrong("conversations", "is missing");
  for (const auto each : list) {
    auto one = read_conversation(each);
    if (not one) return one.error();
    if (std::any_of(into.conversations.begin(), into.conversations.end(),
                    [&](const shown_conversation& other) { return other.id == one->id; }))
      return wrong("id", "is there twice");
    into.conversations.push_back(std::move(*one));
  }
  if (into.conversations.empty() or into.conversations.size() > conversations_max)
    return wrong("conversations", "holds 1 to 30 conversations");
  return {};
}

result<void> read_recipes(dom::object line, review_request& into) {
  dom::element value;
  if (line["recipes"].get(value) != simdjson::SUCCESS) return {};
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return wrong("recipes", "is no list");
  for (const auto each : list) {
    std::string_view name;
    const auto is_text = each.get(name) == simdjson::SUCCESS;
    const auto at = std::find(recipe_names.begin(), recipe_names.end(), name) - recipe_names.begin();
    if (not is_text or at == static_cast<std::ptrdiff_t>(recipe_names.size()))
      return wrong("recipes", "names no recipe: audiobook, prerecorded, commercial or podcast");
    into.recipes = static_cast<std::uint8_t>(into.recipes | 1U << at);
  }
  return {};
}

result<void> read_windows(dom::object line, review_request& into) {
  static constexpr std::array<std::string_view, 3> known{"window", "sum_ms", "cap_ms"};
  dom::element value;
  if (line["windows"].get(value) != simdjson::SUCCESS) return {};
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return wrong("windows", "is no list");
  for (const auto each : list) {
    dom::object object;
    if (each.get(object) != simdjson::SUCCESS) return wrong("windows", "holds more than objects");
    if (const auto good = check_members(object, known, "a window"); not good) return good.error();
    exceeded_window one;
    constexpr std::int64_t most = std::int64_t{3'650} * day_ms;
    if (const auto good = take_text(object, "window", one.window); not good) return good.error();
    if (const auto good = take_count(object, "sum_ms", most, one.sum_ms); not good) return good.error();
    if (const auto good = take_count(object, "cap_ms", most, one.cap_ms); not good) return good.error();
    into.windows.push_back(std::move(one));
  }
  return {};
}

result<void> read_label(dom::object line, labelled_review& into) {
  if (line["misuse"].get(into.misuse) != simdjson::SUCCESS) return wrong("misuse", "must be true or false");
  if (const auto good = take_text(line, "cohort", into.cohort); not good) return good.error();
  std::string type;
  if (const auto good = take_text(line, "usage_type", type); not good) return good.error();
  if (type.empty()) return {};
  into.type = usage_type_from(type);
  if (not into.type or into.type == usage_type::free_exhausted)
    return wrong("usage_type", "is none that a reviewer may name");
  return {};
}

} // namespace

result<labelled_review> read_labelled(std::string_view line) {
  static constexpr std::array<std::string_view, 6> known{"conversations", "recipes",    "windows",
                                                         "misuse",        "usage_type", "cohort"};
  dom::parser parser;
  dom::object object;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS or find_lone_surrogate(line))
    return error{"is no JSON object"};
  if (const auto good = check_members(object, known, "it"); not good) return good.error();
  labelled_review made;
  made.request.request = "live-1";
  if (const auto good = read_conversations(object, made.request); not good) return good.error();
  if (const auto good = read_recipes(object, made.request); not good) return good.error();
  if (const auto good = read_windows(object, made.request); not good) return good.error();
  if (const auto good = read_label(object, made); not good) return good.error();
  return made;
}

} // namespace fairuse
