// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/message_text.hpp"

#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace fairuse {

namespace {

constexpr std::int64_t tenth_of_hour_ms = hour_ms / 10;

std::string hours_text(std::int64_t ms, const language& words) {
  const auto tenths = (ms + tenth_of_hour_ms / 2) / tenth_of_hour_ms;
  return fmt::format("{}{}{}", tenths / 10, words.decimal_point, tenths % 10);
}

std::optional<std::string> sums_text(const notice& what, const language& words) {
  // A stage that an admin set does not follow from them.
  if (what.sums_ms.empty() or what.case_reference.empty()) return std::nullopt;
  std::string all;
  for (const auto& sum : what.sums_ms) {
    const auto known = words.windows.find(sum.first);
    const auto& name = known == words.windows.end() ? sum.first : known->second;
    const auto one = words.sum.filled(
        [&](std::string_view placeholder) { return placeholder == "hours" ? hours_text(sum.second, words) : name; });
    all.append(all.empty() ? "" : ", ").append(*one);
  }
  return all;
}

/// What a deployment without a name calls itself.
constexpr std::string_view nameless = "this service";

std::optional<std::string> value_of(std::string_view placeholder, const notice& what, const notifier_settings& settings,
                                    const language& words) {
  if (placeholder == "product") return settings.product.empty() ? std::string{nameless} : settings.product;
  if (placeholder == "appeal") return settings.appeal.empty() ? std::nullopt : std::optional{settings.appeal};
  if (placeholder == "until" and what.until == never) return std::nullopt;
  if (placeholder == "until")
    return date_text(what.until, time_zone::find(what.time_zone).value_or(time_zone{}), words);
  if (placeholder == "sums") return sums_text(what, words);
  if (placeholder == "used") return std::to_string(what.used_ms / minute_ms);
  if (placeholder == "budget") return std::to_string(what.budget_ms / minute_ms);
  if (what.case_reference.empty()) return std::nullopt;
  return what.case_reference;
}

} // namespace

std::string date_text(time_ms end, const time_zone& zone, const language& words) {
  const auto shown = zone.at((end + minute_ms - 1) / minute_ms * minute_ms);
  return *words.date.filled([&](std::string_view placeholder) -> std::optional<std::string> {
    if (placeholder == "day") return std::to_string(shown.day);
    if (placeholder == "month") return words.months.at(shown.month - 1);
    if (placeholder == "year") return std::to_string(shown.year);
    if (placeholder == "hour") return fmt::format("{:02}", shown.hour);
    if (placeholder == "minute") return fmt::format("{:02}", shown.minute);
    return shown.zone;
  });
}

notice_text text_of(const notice& what, const notifier_settings& settings) {
  const auto& words = language_for(settings.messages, what.locale, settings.default_locale);
  const auto& message = words.message(what.about, what.words, what.at);
  const auto value = [&](std::string_view placeholder) { return value_of(placeholder, what, settings, words); };
  notice_text made{.locale = words.locale, .subject = *message.subject.filled(value)};
  for (const auto& each : message.paragraphs)
    if (const auto filled = each.filled(value)) made.text.append(made.text.empty() ? "" : "\n\n").append(*filled);
  return made;
}

} // namespace fairuse
