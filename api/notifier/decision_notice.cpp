// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/decision_notice.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "api/notifier/webhook.hpp"
#include "api/record_headers.hpp"

namespace fairuse {

namespace {

using ordered = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, notice_about>, 4> kinds{{
    {"notification", notice_about::stage},
    {"budget_low", notice_about::budget_low},
    {"budget_exhausted", notice_about::budget_exhausted},
    {"exemption_ended", notice_about::exemption_ended},
}};

// Lines are written with a fixed order, and no text in them holds a quote that is not escaped. So most decisions are
// told apart without being parsed.
std::optional<notice_about> about_of(std::string_view line) {
  constexpr std::string_view begin = R"("data":{"decision":")";
  const auto at = line.find(begin);
  if (at == std::string_view::npos) return std::nullopt;
  line.remove_prefix(at + begin.size());
  const auto name = line.substr(0, line.find('"'));
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.first == name; });
  if (found == kinds.end()) return std::nullopt;
  return found->second;
}

void read_data(const ordered& data, notice& into) {
  into.at = stage_from(text_in(data, "to")).value_or(stage::none);
  into.words = text_in(data, "wording") == to_text(wording::credits) ? wording::credits : wording::misuse;
  into.type = usage_type_from(text_in(data, "usage_type")).value_or(usage_type::none);
  into.case_reference = text_in(data, "case");
  into.until = time_in(data, "until", never);
  into.used_ms = number_in(data, "used_ms");
  into.budget_ms = number_in(data, "limit_ms");
  if (const auto sums = data.find("sums"); sums != data.end() and sums->is_object())
    for (const auto& [window, ms] : sums->items())
      if (ms.is_number_integer()) into.sums_ms.emplace_back(window, ms.get<std::int64_t>());
}

} // namespace

std::optional<notice> notice_from_decision(std::string_view line) {
  const auto about = about_of(line);
  if (not about) return std::nullopt;
  const auto all = ordered::parse(line, nullptr, false);
  if (not all.is_object() or not all.contains("data") or not all["data"].is_object()) return std::nullopt;
  const auto& data = all["data"];
  if (text_in(data, "mode") == "shadow") return std::nullopt;
  notice made{.decision = text_in(all, "id"),
              .uid = text_in(all, "subject"),
              .about = *about,
              .decided_at = time_in(all, "time", 0)};
  made.id = webhook_id(text_in(all, "source"), made);
  read_data(data, made);
  if (made.about == notice_about::stage and made.at == stage::none) return std::nullopt;
  return made;
}

std::optional<notice> notice_from_record(const kafka::record& what, const std::vector<kafka::header>& headers,
                                         std::uint64_t& epoch) {
  if (not what.key or not what.value) return std::nullopt;
  const auto all = ordered::parse(*what.value, nullptr, false);
  if (not all.is_object()) return std::nullopt;
  notice made{.decision = text_in(all, "decision"),
              .uid = std::string{*what.key},
              .about = notice_about_from(text_in(all, "about")).value_or(notice_about::stage),
              .decided_at = time_from(header_in(headers, "ce_time")).value_or(0)};
  if (made.decision.empty()) return std::nullopt;
  made.id = webhook_id(header_in(headers, "ce_source"), made);
  read_data(all, made);
  made.at = stage_from(text_in(all, "stage")).value_or(stage::none);
  made.budget_ms = number_in(all, "budget_ms");
  made.locale = text_in(all, "locale");
  made.time_zone = text_in(all, "time_zone");
  epoch = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_in(all, "epoch")));
  return made;
}

} // namespace fairuse
