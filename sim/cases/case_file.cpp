// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/case_file.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "events/decision.hpp"
#include "events/time_text.hpp"

namespace fairuse::sim {

namespace {

using std::filesystem::path;
using yaml::need;
using kind = expected_value::kind;

constexpr std::array<std::string_view, 4> stage_names{"none", "warning", "throttle", "restrict"};
constexpr std::array<std::string_view, 2> upload_names{"accepted", "refused"};
constexpr std::array<std::string_view, 4> review_words{"recorded", "none", "failed", "late"};

/// Monday, 2026-01-05.
constexpr time_ms first_day = 1'767'571'200'000;

std::vector<std::string_view> decision_names() {
  std::vector<std::string_view> all;
  for (std::size_t i = 0; i < decision_kind_count; ++i)
    all.push_back(to_text(static_cast<decision_kind>(i)));
  return all;
}

/// What a file says for all of its cases, or a case for itself.
struct case_settings {
  std::shared_ptr<const policy> rules;
  std::optional<time_ms> start;
  std::optional<case_reviews> reviews;
};

class cases_reader {
public:
  cases_reader(const path& file, yaml::diagnostics& out) : file_(file), out_(out) {}

  case_file read(const yaml::node& root) {
    yaml::map_reader top{root, "", out_};
    case_file made;
    made.file = file_.string();
    const auto common = read_settings(top, {});
    const auto* list = top.list("cases", need::required);
    for (std::size_t i = 0; list != nullptr and i < list->items.size(); ++i)
      made.cases.push_back(read_case(list->items[i], fmt::format("cases[{}]", i), common));
    if (list != nullptr and list->items.empty()) top.error("cases", "there is no case");
    top.finish();
    return made;
  }

private:
  case_settings read_settings(yaml::map_reader& from, case_settings made) {
    if (std::string name; from.text("policy", name)) made.rules = read_policy(from, name);
    if (std::string text; from.text("start", text)) {
      const auto midnight = time_from(text + "T00:00:00Z");
      if (not midnight) from.error("start", "'" + text + "' is no day such as 2026-03-01");
      made.start = midnight;
    }
    if (const auto* value = from.any("reviews")) made.reviews = read_reviews(*value, from.called("reviews"));
    return made;
  }

  std::shared_ptr<const policy> read_policy(yaml::map_reader& from, const std::string& name) {
    const auto preset = preset_text(name);
    const auto file = file_.parent_path() / name;
    yaml::diagnostics problems{preset ? "preset " + name : file.string()};
    std::error_code ignored;
    std::optional<policy> rules;
    if (preset)
      rules = parse_policy(*preset, problems);
    else if (std::filesystem::is_regular_file(file, ignored))
      rules = load_policy(file, problems);
    else
      from.error("policy", "'" + name + "' is neither a policy file nor a preset"
                               + yaml::did_you_mean_one_of(name, preset_names));
    out_.add(problems);
    return rules ? std::make_shared<const policy>(std::move(*rules)) : nullptr;
  }

  case_reviews read_reviews(const yaml::node& of, const std::string& where) {
    case_reviews made;
    if (of.kind == yaml::node_kind::map) {
      yaml::map_reader users{of, where, out_};
      for (const auto& key : of.keys)
        users.ratio(key.text, made.by_user[key.text], need::required);
      return made;
    }
    const auto text = yaml::read_text(of, where, out_);
    if (not text or *text == "recorded") return made;
    made.none = *text == "none";
    made.failed = *text == "failed";
    made.late = *text == "late";
    const auto score = yaml::parse_decimal(*text, 9);
    if (score and *score >= 0 and *score <= 1'000'000'000)
      made.score_nano = static_cast<std::int32_t>(*score);
    else if (not made.none and not made.failed and not made.late)
      out_.error(of.at, fmt::format("{}: '{}' is no score from 0 to 1, and none of recorded, none, failed, late{}",
                                    where, *text, yaml::did_you_mean(*text, review_words)));
    return made;
  }

  policy_case read_case(const yaml::node& of, const std::string& where, const case_settings& common) {
    policy_case made;
    made.at = of.at;
    yaml::map_reader from{of, where, out_};
    from.text("name", made.name, need::required);
    const auto own = read_settings(from, common);
    made.rules = own.rules;
    if (made.rules == nullptr and out_.ok()) from.error("policy", "there is no policy, of the case or of the file");
    made.start = own.start;
    made.reviews = own.reviews.value_or(case_reviews{});
    read_usage(from, made);
    if (not made.sentences.empty() and not made.start) made.start = first_day;
    const auto* list = from.list("expect", need::required);
    if (list != nullptr and list->items.empty()) from.error("expect", "nothing is expected");
    for (std::size_t i = 0; list != nullptr and i < list->items.size(); ++i)
      made.expected.push_back(read_expectation(list->items[i], fmt::format("{}.expect[{}]", where, i), made));
    from.finish();
    return made;
  }

  void read_usage(yaml::map_reader& from, policy_case& into) {
    const auto* of = from.any("usage", need::required);
    if (of == nullptr) return;
    const auto where = from.called("usage");
    if (of->kind == yaml::node_kind::map) {
      yaml::map_reader files{*of, where, out_};
      if (std::string name; files.text("history", name)) into.history = there(files, "history", name);
      if (std::vector<std::string> names; files.texts("files", names))
        for (const auto& each : names)
          into.files.push_back(there(files, "files", each));
      if (into.history.empty() == into.files.empty()) files.error("files", "there is either `history` or `files`");
      files.finish();
      return;
    }
    if (of->kind != yaml::node_kind::list or of->items.empty()) {
      out_.error(of->at, where + ": a list of sentences, or a map with `history` or `files`");
      return;
    }
    for (std::size_t i = 0; i < of->items.size(); ++i)
      read_said(of->items[i], fmt::format("{}[{}]", where, i), into);
  }

  std::string there(yaml::map_reader& from, std::string_view key, const std::string& name) {
    const auto file = file_.parent_path() / name;
    std::error_code ignored;
    if (not std::filesystem::is_regular_file(file, ignored)) from.error(key, "there is no file " + file.string());
    return file.string();
  }

  void read_said(const yaml::node& of, const std::string& where, policy_case& into) {
    const auto text = yaml::read_text(of, where, out_);
    if (not text) return;
    auto read = read_sentence(*text);
    if (read) {
      into.sentences.push_back(std::move(*read));
      return;
    }
    auto at = of.at;
    at.column += static_cast<std::uint32_t>(read.error().at + (of.quoted ? 1 : 0));
    out_.error(at, read.error().message);
  }

  // Expectations -----------------------------------------------------------------------------------------------------

  expectation read_expectation(const yaml::node& of, const std::string& where, const policy_case& in) {
    expectation made;
    made.at = of.at;
    yaml::map_reader from{of, where, out_};
    if (std::string text; from.text("at", text, need::required)) {
      const auto when = case_time_from(text);
      if (not when) from.error("at", "'" + text + "' is no time such as `day 1 11:00` or 2026-03-01T11:00:00Z");
      made.when = when.value_or(case_time{});
    }
    from.text("user", made.user);
    check_user(from, made, in);
    read_values(from, made, in);
    if (made.values.empty() and out_.ok()) out_.error(of.at, where + " says nothing that must hold");
    from.finish();
    return made;
  }

  void check_user(yaml::map_reader& from, const expectation& of, const policy_case& in) {
    std::set<std::string_view> users;
    for (const auto& each : in.sentences)
      users.insert(each.user);
    const std::vector<std::string_view> names(users.begin(), users.end());
    if (of.user.empty() and names.size() == 1) return;
    if (of.user.empty())
      from.error("user", "it is not said of which user this is" + yaml::did_you_mean_one_of("", names));
    else if (not names.empty() and not users.contains(of.user))
      from.error("user", "'" + of.user + "' does nothing in this case" + yaml::did_you_mean_one_of(of.user, names));
  }

  void add(expectation& to, kind what, std::string name, std::string expected, const yaml::node& of) {
    auto at = of.at;
    at.column += of.quoted ? 1 : 0;
    to.values.push_back({what, std::move(name), std::move(expected), at, of.text});
  }

  void read_values(yaml::map_reader& from, expectation& to, const policy_case& in) {
    read_word(from, to, "stage", kind::stage, stage_names);
    read_word(from, to, "uploads", kind::uploads, upload_names);
    if (std::string text; from.text("release", text)) {
      const auto when = case_time_from(text);
      if (not when and text != "never") from.error("release", "'" + text + "' is neither a time nor `never`");
      add(to, kind::release, {}, text, *from.of().find("release"));
    }
    if (std::int64_t value = 0; from.count("strikes", value))
      add(to, kind::strikes, {}, std::to_string(value), *from.of().find("strikes"));
    if (std::int64_t value = 0; from.duration("budget", value))
      add(to, kind::budget, {}, yaml::format_duration(value), *from.of().find("budget"));
    read_sums(from, to, in);
    read_decisions(from, to);
  }

  void read_word(yaml::map_reader& from, expectation& to, std::string_view key, kind what,
                 std::span<const std::string_view> known) {
    std::string text;
    if (not from.text(key, text)) return;
    if (std::find(known.begin(), known.end(), text) == known.end())
      from.error(key, fmt::format("'{}' is not known{}", text, yaml::did_you_mean_one_of(text, known)));
    add(to, what, {}, text, *from.of().find(key));
  }

  void read_sums(yaml::map_reader& from, expectation& to, const policy_case& in) {
    auto sums = from.map("sums");
    if (not sums or in.rules == nullptr) return;
    for (const auto& window : in.rules->windows)
      if (std::int64_t value = 0; sums->duration(window.name, value))
        add(to, kind::sum, window.name, yaml::format_duration(value), *sums->of().find(window.name));
    sums->finish();
  }

  void read_decisions(yaml::map_reader& from, expectation& to) {
    auto counts = from.map("decisions");
    if (not counts) return;
    for (const auto name : decision_names())
      if (std::int64_t value = 0; counts->count(name, value))
        add(to, kind::decisions, std::string(name), std::to_string(value), *counts->of().find(name));
    counts->finish();
  }

  const path& file_;
  yaml::diagnostics& out_;
};

} // namespace

std::optional<case_file> load_cases(const path& file, yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  if (not root) return std::nullopt;
  auto made = cases_reader(file, out).read(*root);
  return out.ok() ? std::optional(std::move(made)) : std::nullopt;
}

} // namespace fairuse::sim
