// SPDX-License-Identifier: Apache-2.0

#include "sim/experiment_file.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/system/files.hpp"
#include "base/system/sha256.hpp"
#include "config/lint.hpp"
#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "core/policy_set.hpp"
#include "sim/population_file.hpp"

namespace fairuse::sim {

namespace {

using std::filesystem::path;
using yaml::need;

std::string digest_of(const path& file) {
  const auto bytes = read_file(file);
  return sha256_hex(bytes ? *bytes : std::string());
}

/// One experiment file while it is read.
class experiment_reader {
public:
  experiment_reader(const path& file, const yaml::node& root, policy_advice about_policies, yaml::diagnostics& out)
    : file_(file), about_policies_(about_policies), top_(root, "", out), out_(out) {}

  void read(experiment& into);

private:
  template <class T, class Load, class Read>
  std::optional<T> file_or_map(std::string_view key, need how, std::string& digest, Load load, Read read);
  std::optional<std::string> file_of(std::string_view key);
  void read_history(experiment& into);
  void refuse(std::initializer_list<std::string_view> keys, std::string_view why);
  void read_policies(experiment& into);
  std::optional<policy> read_policy(const yaml::node& of, std::string_view where);
  void check_policy(const policy& rules, const yaml::node& of, const experiment& in);
  void read_guards(experiment& into);
  void read_prices(experiment& into);

  const path& file_;
  policy_advice about_policies_;
  yaml::map_reader top_;
  yaml::diagnostics& out_;
};

/// A value that is either a file's name or a map in this file. `digest` becomes the SHA-256 of the file that has it.
template <class T, class Load, class Read>
std::optional<T> experiment_reader::file_or_map(std::string_view key, need how, std::string& digest, Load load,
                                                Read read) {
  const auto* of = top_.any(key, how);
  if (of == nullptr) return std::nullopt;
  if (of->kind == yaml::node_kind::map) {
    digest = digest_of(file_);
    return read(*of);
  }
  const auto file = file_of(key);
  if (not file) return std::nullopt;
  yaml::diagnostics problems{*file};
  auto value = load(*file, problems);
  out_.add(problems);
  digest = digest_of(*file);
  return value;
}

/// Relative to this file; nullopt: it names none that is there.
std::optional<std::string> experiment_reader::file_of(std::string_view key) {
  const auto* of = top_.any(key);
  const auto name = of == nullptr ? std::nullopt : yaml::read_text(*of, key, out_);
  if (not name) return std::nullopt;
  const auto file = file_.parent_path() / *name;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file, ignored)) return file.string();
  top_.error(key, "there is no file " + file.string());
  return std::nullopt;
}

void experiment_reader::refuse(std::initializer_list<std::string_view> keys, std::string_view why) {
  for (const auto key : keys)
    if (top_.any(key) != nullptr) top_.error(key, std::string(why));
}

void experiment_reader::read_history(experiment& into) {
  if (top_.any("history") == nullptr) {
    refuse({"labels", "controls"}, "it is about a history, and this experiment names none; add `history: FILE`");
    return;
  }
  auto& from = into.from.emplace();
  from.has_population = top_.has("population");
  if (auto file = file_of("history")) from.file = std::move(*file);
  if (auto file = file_of("labels")) from.labels = std::move(*file);
  top_.choose<bool>("controls", from.keeps_switches, {{"on", false}, {"recorded", true}});
  if (not from.has_population)
    refuse({"users", "days"},
           "the users and days are the history's; remove it, or add a `population` for synthetic users beside them");
}

std::optional<policy> experiment_reader::read_policy(const yaml::node& of, std::string_view where) {
  const auto name = yaml::read_text(of, where, out_);
  if (not name) return std::nullopt;
  const auto preset = preset_text(*name);
  const auto file = file_.parent_path() / *name;
  yaml::diagnostics problems{preset ? "preset " + *name : file.string()};
  std::optional<yaml::node> root;
  std::error_code ignored;
  if (preset)
    root = yaml::parse(*preset, problems);
  else if (std::filesystem::is_regular_file(file, ignored))
    root = yaml::load(file, problems);
  else
    out_.error(of.at, std::string(where) + ": '" + *name + "' is neither a policy file nor a preset"
                          + yaml::did_you_mean_one_of(*name, preset_names));
  auto rules = root ? bind_policy(*root, problems) : std::nullopt;
  if (rules and about_policies_ == policy_advice::warnings) lint(*rules, *root, problems);
  out_.add(problems);
  return rules;
}

void experiment_reader::check_policy(const policy& rules, const yaml::node& of, const experiment& in) {
  if (auto why = why_not_added(rules, in); not why.empty()) out_.error(of.at, std::move(why));
}

void experiment_reader::read_policies(experiment& into) {
  const auto* list = top_.list("policies", need::required);
  if (list == nullptr) return;
  if (list->items.empty() or list->items.size() > policies_max)
    top_.error("policies", "an experiment has 1 to " + std::to_string(policies_max) + " policies");
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto& of = list->items[i];
    auto rules = read_policy(of, "policies[" + std::to_string(i) + "]");
    if (not rules) continue;
    // A history has all of a user's past: without a retention no window is cut short.
    if (into.from and not top_.has("retention"))
      into.retention_ms = std::max(into.retention_ms, longest_span_ms(*rules));
    check_policy(*rules, of, into);
    into.policies.push_back(std::move(*rules));
  }
  if (into.policies.empty()) return;
  const auto shadows = std::vector(into.policies.begin() + 1, into.policies.end());
  if (const auto fits = policy_set::check(into.policies.front(), shadows, review_mode::alone); not fits)
    top_.error("policies", fits.error().message);
}

void experiment_reader::read_guards(experiment& into) {
  const auto* list = top_.list("guards");
  if (list == nullptr) return;
  std::vector<std::string_view> policies;
  for (const auto& each : into.policies)
    policies.emplace_back(each.name);
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto& of = list->items[i];
    const auto where = "guards[" + std::to_string(i) + "]";
    const auto text = yaml::read_text(of, where, out_);
    if (not text) continue;
    auto read = parse_guard(*text);
    const auto known = [&](const std::string& policy) {
      return policy.empty() or std::find(policies.begin(), policies.end(), policy) != policies.end();
    };
    if (not read)
      out_.error(of.at, where + ": " + read.error().message);
    else if (not known(read->policy))
      out_.error(of.at, where + ": the experiment has no policy '" + read->policy + "'"
                            + yaml::did_you_mean_one_of(read->policy, policies));
    else {
      if (const auto doubt = doubt_about(*read); not doubt.empty())
        out_.report(yaml::severity::warning, of.at, where + ": `" + *text + "` " + doubt);
      into.guards.push_back(std::move(*read));
    }
  }
}

void experiment_reader::read_prices(experiment& into) {
  auto prices = top_.map("prices");
  if (not prices) return;
  constexpr int micro = 6;
  constexpr yaml::bounds range{0, 1'000'000'000};
  price_list list;
  prices->name("currency", list.currency);
  prices->decimal("stt_minute", list.stt_minute, micro, range, need::required);
  list.economy_minute = list.stt_minute;
  prices->decimal("economy_minute", list.economy_minute, micro, range);
  prices->decimal("review", list.review, micro, range);
  prices->finish();
  into.prices = list;
}

void experiment_reader::read(experiment& into) {
  into.name = file_.stem().string();
  top_.name("name", into.name);
  read_history(into);
  const bool is_synthetic = not into.from or into.from->has_population;
  if (is_synthetic) {
    top_.count("users", into.users, {1, users_max});
    if (top_.count("days", into.days, {1, 3'650}) and into.from) into.from->days = into.days;
  }
  top_.count("seed", into.seed);
  top_.duration("retention", into.retention_ms, {day_ms, 400 * day_ms});
  const auto how = is_synthetic ? need::required : need::optional;
  auto people = file_or_map<population>(
      "population", how, into.inputs.population,
      [](const path& file, yaml::diagnostics& out) { return load_population(file, out); },
      [this](const yaml::node& of) { return read_population(of, out_); });
  const auto* whom = people ? &*people : nullptr;
  auto reviewer = file_or_map<reviewer_model>(
      "reviewer", how, into.inputs.reviewer,
      [whom](const path& file, yaml::diagnostics& out) { return load_reviewer(file, whom, out); },
      [this, whom](const yaml::node& of) { return read_reviewer(of, whom, out_); });
  read_policies(into);
  read_guards(into);
  read_prices(into);
  top_.finish();
  if (people) into.people = std::move(*people);
  if (reviewer) into.reviewer = std::move(*reviewer);
  into.inputs.experiment = digest_of(file_);
}

} // namespace

std::optional<experiment> load_experiment(const path& file, yaml::diagnostics& out, policy_advice about_policies) {
  const auto root = yaml::load(file, out);
  if (not root) return std::nullopt;
  experiment what;
  experiment_reader(file, *root, about_policies, out).read(what);
  return out.ok() ? std::optional(std::move(what)) : std::nullopt;
}

bool is_experiment(const yaml::node& root) {
  const auto* policies = root.find("policies");
  return root.find("population") != nullptr or root.find("history") != nullptr
         or (policies != nullptr and policies->kind == yaml::node_kind::list);
}

} // namespace fairuse::sim
