// SPDX-License-Identifier: Apache-2.0

#include "cli/cases/case_report.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"
#include "events/time_text.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using value_kind = sim::expected_value::kind;
using sim::case_result;
using sim::compared_value;

constexpr std::size_t shown_decisions_max = 25;

std::string name_of(const sim::expected_value& value) {
  switch (value.what) {
    case value_kind::stage:
      return "stage";
    case value_kind::release:
      return "release";
    case value_kind::sum:
      return "sum " + value.name;
    case value_kind::strikes:
      return "strikes";
    case value_kind::budget:
      return "budget";
    case value_kind::uploads:
      return "uploads";
    case value_kind::decisions:
      return value.name;
  }
  return {};
}

std::string place_of(const sim::case_file& file, yaml::place at) {
  return fmt::format("{}:{}:{}", file.file, at.line, at.column);
}

std::string time_of(const compared_value& value, const case_result& in) {
  return sim::case_time_text(value.of->when.instant(in.start), in.start);
}

/// Expected and seen, side by side.
std::string values_text(const case_result& of, std::size_t width) {
  text_table table({{"at", text_table::align::left},
                    {"user", text_table::align::left},
                    {"what", text_table::align::left},
                    {"expected", text_table::align::left},
                    {"seen", text_table::align::left},
                    {"differs", text_table::align::left}});
  for (const auto& each : of.values)
    table.add({time_of(each, of), each.user, name_of(*each.value), each.value->expected, each.seen,
               each.holds ? "" : fmt::format("line {}", each.value->at.line)});
  return table.text(width);
}

/// `day 1 11:01  cap_crossed daily`.
std::string decision_text(const json& of, time_ms start) {
  const auto& data = of["data"];
  const auto at = time_from(of["time"].get<std::string>()).value_or(0);
  auto text = fmt::format("{:<14} {} {}", sim::case_time_text(at, start), of["subject"].get<std::string>(),
                          data["decision"].get<std::string>());
  for (const auto* key : {"window", "score", "failure", "restriction"})
    if (data.contains(key)) text += " " + (data[key].is_string() ? data[key].get<std::string>() : data[key].dump());
  if (data.contains("from"))
    text += fmt::format(" {} -> {}", data["from"].get<std::string>(), data["to"].get<std::string>());
  return text;
}

/// Of the users whose values differ.
std::string decisions_text(const case_result& of) {
  std::string text;
  std::size_t count = 0;
  for (std::string_view rest = of.decisions; not rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const auto decision = json::parse(rest.substr(0, rest.find('\n')));
    const bool matters = std::any_of(of.values.begin(), of.values.end(), [&](const compared_value& each) {
      return not each.holds and each.user == decision["subject"].get<std::string>();
    });
    if (matters and ++count <= shown_decisions_max) text += "  " + decision_text(decision, of.start) + "\n";
  }
  if (count == 0) return "  nothing\n";
  return count <= shown_decisions_max ? text : text + fmt::format("  and {} more\n", count - shown_decisions_max);
}

std::string failure_text(const case_result& of, std::size_t width) {
  return values_text(of, width) + "decided:\n" + decisions_text(of);
}

std::string indented(std::string_view text) {
  std::string out;
  for (; not text.empty(); text.remove_prefix(text.find('\n') + 1))
    out.append("    ").append(text.substr(0, text.find('\n') + 1));
  return out;
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (each == '&')
      out += "&amp;";
    else if (each == '<')
      out += "&lt;";
    else if (each == '>')
      out += "&gt;";
    else if (each == '"')
      out += "&quot;";
    else
      // XML 1.0 has no other control characters.
      out += byte < 0x20 and each != '\n' and each != '\t' ? '?' : each;
  }
  return out;
}

std::size_t failed_of(const run_case_file& ran) {
  return static_cast<std::size_t>(
      std::count_if(ran.results.begin(), ran.results.end(), [](const auto& each) { return not each.passed(); }));
}

} // namespace

std::string case_text(const run_case_file& ran, std::size_t width) {
  auto text = ran.of->file + "\n";
  for (const auto& each : ran.results) {
    if (each.passed()) {
      text += fmt::format("  passed  {}\n", each.of->name);
      continue;
    }
    text += fmt::format("  FAILED  {} ({})\n", each.of->name, place_of(*ran.of, each.of->at));
    text += indented(failure_text(each, std::max<std::size_t>(width, 24) - 4));
  }
  return text;
}

std::string case_summary(const std::vector<run_case_file>& all) {
  std::size_t cases = 0;
  std::size_t failed = 0;
  for (const auto& each : all) {
    cases += each.results.size();
    failed += failed_of(each);
  }
  return fmt::format("{} cases: {} passed, {} failed\n", cases, cases - failed, failed);
}

std::string coverage_text(const std::vector<sim::policy_coverage>& all, std::size_t width) {
  std::string text;
  for (const auto& each : all) {
    std::string missing;
    std::size_t reached = 0;
    for (const auto& point : each.points) {
      reached += point.reached;
      if (not point.reached) missing.append(missing.empty() ? "" : ", ").append(point.name);
    }
    text += fmt::format("coverage of {}: {} of {}\n", each.of->name, reached, each.points.size());
    if (not missing.empty()) text += wrapped("  no case reaches: " + missing, 4, width) + "\n";
  }
  return text;
}

std::string case_json(const std::vector<run_case_file>& all, const std::vector<sim::policy_coverage>* coverage) {
  auto made = json::array();
  for (const auto& ran : all)
    for (const auto& each : ran.results) {
      auto values = json::array();
      for (const auto& value : each.values)
        values.push_back({{"place", place_of(*ran.of, value.value->at)},
                          {"at", time_of(value, each)},
                          {"user", value.user},
                          {"what", name_of(*value.value)},
                          {"expected", value.value->expected},
                          {"seen", value.seen},
                          {"holds", value.holds}});
      made.push_back({{"file", ran.of->file},
                      {"name", each.of->name},
                      {"policy", {{"name", each.of->rules->name}, {"digest", each.of->rules->digest}}},
                      {"passed", each.passed()},
                      {"values", std::move(values)}});
    }
  json whole = {{"cases", std::move(made)}};
  if (coverage == nullptr) return whole.dump() + "\n";
  auto& policies = whole["coverage"] = json::array();
  for (const auto& each : *coverage) {
    json points = json::object();
    for (const auto& point : each.points)
      points[point.name] = point.reached;
    policies.push_back({{"policy", each.of->name}, {"digest", each.of->digest}, {"reached", std::move(points)}});
  }
  return whole.dump() + "\n";
}

std::string case_junit(const std::vector<run_case_file>& all) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const auto& ran : all) {
    text += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", xml(ran.of->file),
                        ran.results.size(), failed_of(ran));
    for (const auto& each : ran.results) {
      text += fmt::format("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"",
                          xml(each.of->rules->name), xml(each.of->name), xml(ran.of->file), each.of->at.line);
      if (each.passed()) {
        text += "/>\n";
        continue;
      }
      text += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                          xml(place_of(*ran.of, each.of->at)), xml(failure_text(each, text_width)));
    }
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

} // namespace fairuse::cli
