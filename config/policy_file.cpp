// SPDX-License-Identifier: Apache-2.0

#include "config/policy_file.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/policy_keys.hpp"

namespace fairuse {

namespace {

using yaml::diagnostics;
using yaml::map_reader;
using yaml::need;
using yaml::node;
using yaml::node_kind;

// Reads the keys that it visits from one map of a file.
class policy_reader {
public:
  // `broken`: takes the keys of this map that had errors.
  policy_reader(map_reader& from, std::set<std::string>* broken) : from_{from}, broken_{broken} {}

  void name(std::string_view key, std::string& into) {
    read(key, [&] { from_.name(key, into, need::required); });
  }

  void duration(std::string_view key, std::int64_t& into_ms, const duration_key& rule = {}) {
    read(key, [&] { from_.duration(key, into_ms, {rule.min_ms, yaml::duration_ms_max}, rule.how); });
  }

  void seconds(std::string_view key, std::int32_t& into_s) {
    read(key, [&] {
      std::int64_t ms = into_s * second_ms;
      if (not from_.duration(key, ms, {15 * second_ms, hour_ms})) return;
      if (hour_ms % ms != 0)
        from_.error(key, "an hour must be a whole number of buckets: 15s, 30s, 1m, 5m, 15m, 1h ...");
      else if (ms % second_ms != 0)
        from_.error(key, "must be whole seconds");
      else
        into_s = static_cast<std::int32_t>(ms / second_ms);
    });
  }

  void ratio(std::string_view key, std::int32_t& into_nano) {
    read(key, [&] { from_.ratio(key, into_nano); });
  }

  void later_ratio(std::string_view key, std::int32_t& into_nano) { ratio(key, into_nano); }

  void count(std::string_view key, std::uint32_t& into, yaml::bounds range) {
    read(key, [&] { from_.count(key, into, range); });
  }

  void flag(std::string_view key, bool& into) {
    read(key, [&] { from_.flag(key, into); });
  }

  template <class T>
  void choice(std::string_view key, T& into, std::initializer_list<yaml::choice<T>> choices,
              const choice_key& rule = {}) {
    read(key, [&] {
      const auto* given = from_.of().find(key);
      if (given != nullptr and given->kind == node_kind::map and not rule.not_a_map.empty()) {
        from_.any(key);
        from_.error(key, std::string{rule.not_a_map});
      } else {
        from_.choose(key, into, choices, rule.how);
      }
    });
  }

  void list(std::string_view key, words<bool> known, unknown_word about) {
    read(key, [&] {
      std::vector<std::string> given;
      if (not from_.texts(key, given)) return;
      for (const auto& [word, is_there] : known)
        *is_there = std::find(given.begin(), given.end(), word) != given.end();
      std::set<std::string> said;
      for (const auto& each : given) {
        const bool is_known =
            std::any_of(known.begin(), known.end(), [&](const auto& word) { return word.first == each; });
        if (not is_known and said.insert(about(each)).second) from_.error(key, about(each));
      }
    });
  }

  template <class Keys>
  void section(std::string_view key, Keys keys) {
    read(key, [&] {
      if (auto map = from_.map(key)) visit_all(*map, keys);
    });
  }

  void windows(std::string_view key, std::vector<window_rule>& into) {
    read(key, [&] { read_windows(key, into); });
  }

  void plans(std::string_view key, policy& into) {
    read(key, [&] { read_plans(key, into); });
  }

  void steps(std::string_view key, std::vector<step_rule>& into) {
    read(key, [&] {
      const auto* given = from_.list(key);
      if (given == nullptr) return;
      into.clear();
      for (std::size_t i = 0; i < given->items.size(); ++i) {
        map_reader map{given->items[i], from_.called(key) + "[" + std::to_string(i) + "]", from_.out()};
        into.push_back(read_step(map));
      }
    });
  }

private:
  template <class Read>
  void read(std::string_view key, Read from_file) {
    const auto errors_before = from_.out().error_count();
    from_file();
    if (broken_ != nullptr and from_.out().error_count() != errors_before) broken_->emplace(key);
  }

  template <class Keys>
  static void visit_all(map_reader& map, Keys keys) {
    policy_reader in{map, nullptr};
    keys(in);
    map.finish();
  }

  void read_windows(std::string_view key, std::vector<window_rule>& into) {
    const auto* given = from_.any(key, need::required);
    if (given == nullptr) return;
    if (given->kind != node_kind::map or given->items.empty())
      return from_.error(key, "expected at least one window, such as `daily: {span: 24h, cap: 2h}`");
    for (const auto& window : given->keys)
      window_names_.push_back(window.text);
    if (given->items.size() > windows_max)
      return from_.error(key,
                         std::to_string(given->items.size()) + " windows; the most is " + std::to_string(windows_max));
    for (std::size_t i = 0; i < given->items.size(); ++i) {
      const auto& [text, at] = given->keys[i];
      if (text.empty() or text.size() > 32
          or text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
        from_.out().error(at, "'" + text + "' is not a window name: 1 to 32 of a-z, 0-9, _");
      window_rule rule{.name = text};
      map_reader window{given->items[i], from_.called(key) + "." + text, from_.out()};
      visit_all(window, [&](auto& in) { visit_window(in, rule); });
      into.push_back(std::move(rule));
    }
    // YAML maps have no order, decisions have: the shortest window comes first.
    std::stable_sort(into.begin(), into.end(),
                     [](const window_rule& left, const window_rule& right) { return left.span_ms < right.span_ms; });
  }

  void read_plans(std::string_view key, policy& into) {
    auto plans = from_.map(key);
    if (not plans) return;
    if (const auto* free = plans->any("free"); free != nullptr) {
      if (free->kind == node_kind::map)
        plans->error("free", "lists the names of the free plans; a plan called 'free' cannot have caps of its own");
      else
        plans->texts("free", into.free_plans);
      std::sort(into.free_plans.begin(), into.free_plans.end());
    }
    for (std::size_t i = 0; i < plans->of().items.size(); ++i)
      if (const auto& plan = plans->of().keys[i].text; plan != "free")
        read_plan(plan, plans->called(plan), plans->of().items[i], into);
    std::sort(into.plans.begin(), into.plans.end(),
              [](const plan_rule& left, const plan_rule& right) { return left.plan < right.plan; });
  }

  void read_plan(const std::string& name, const std::string& called, const node& caps, policy& into) {
    auto& out = from_.out();
    map_reader plan{caps, called, out};
    if (caps.kind == node_kind::null)
      out.error(caps.at, called + ": has no caps; remove the plan or name one cap for each window");
    if (caps.kind != node_kind::map) return;
    plan_rule rule{.plan = name, .caps_ms = std::vector<std::int64_t>(into.windows.size())};
    for (std::size_t i = 0; i < into.windows.size(); ++i)
      plan.duration(into.windows[i].name, rule.caps_ms[i], {0, yaml::duration_ms_max}, need::required);
    const std::vector<std::string_view> names{window_names_.begin(), window_names_.end()};
    for (const auto& key : caps.keys)
      if (std::find(names.begin(), names.end(), key.text) == names.end())
        out.error(key.at,
                  called + ": there is no window '" + key.text + "'" + yaml::did_you_mean_one_of(key.text, names));
    into.plans.push_back(std::move(rule));
  }

  static step_rule read_step(map_reader& map) {
    step_rule rule;
    visit_all(map, [&](auto& in) { visit_step(in, rule); });
    // Keys without effect get one value, so that equal rules have equal digests.
    if (rule.strikes == 0) rule.within_ms = 0;
    if (rule.ends_after_ms == 0) rule.falls_to = stage::none;
    return rule;
  }

  map_reader& from_;
  std::set<std::string>* broken_;
  // As the file has them, also those that are refused.
  std::vector<std::string> window_names_;
};

// A section that had errors is left out: a contradiction that involves it would only repeat them.
void report_contradictions(const policy& rules, const node& root, const std::set<std::string>& broken,
                           diagnostics& out) {
  for (const auto& each : contradictions(rules)) {
    const auto touches = [&](const yaml::path& at) { return not at.empty() and broken.contains(at.front()); };
    if (not touches(each.at) and not touches(each.against))
      out.error(yaml::place_of(root, each.at), yaml::join(each.at) + ": " + each.message);
  }
}

} // namespace

policy default_policy() {
  policy rules;
  rules.free_plans = {"basic"};
  rules.ceiling.cap_ms = 30 * hour_ms;
  rules.review.cleared_below_nano = 350'000'000;
  rules.review.cleared_cooldown_ms = 72 * hour_ms;
  rules.review.check_interval_ms = 5 * minute_ms;
  rules.review.retry_after_ms = 15 * minute_ms;
  rules.steps = {
      {.at = stage::warning, .ends_after_ms = 30 * day_ms},
      {.at = stage::throttle,
       .strikes = 2,
       .within_ms = 7 * day_ms,
       .ends_after_ms = 7 * day_ms,
       .falls_to = stage::warning,
       .economy_stt = true,
       .vad_threshold_nano = 100'000'000},
      {.at = stage::restrict,
       .strikes = 3,
       .within_ms = 7 * day_ms,
       .ends_after_ms = 30 * day_ms,
       .falls_to = stage::throttle,
       .hard_caps = true},
  };
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  rules.budget.track_from_trigger = true;
  return rules;
}

std::optional<policy> bind_policy(const yaml::node& root, yaml::diagnostics& out) {
  if (root.kind != yaml::node_kind::map) {
    out.error(root.at, "a policy is a map of keys and values; it begins with `name:` and `windows:`");
    return std::nullopt;
  }
  auto rules = default_policy();
  map_reader top{root, "", out};
  std::set<std::string> broken;
  policy_reader reader{top, &broken};
  visit_policy(reader, rules);
  top.finish();
  report_contradictions(rules, root, broken, out);
  out.sort();
  if (not out.ok()) return std::nullopt;
  stamp_digest(rules);
  return rules;
}

std::optional<policy> parse_policy(std::string_view text, yaml::diagnostics& out) {
  const auto root = yaml::parse(text, out);
  return root ? bind_policy(*root, out) : std::nullopt;
}

std::optional<policy> parse_canonical(std::string_view text) {
  yaml::diagnostics untold{"policy"};
  return parse_policy(text, untold);
}

std::optional<policy> load_policy(const std::filesystem::path& file, yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  return root ? bind_policy(*root, out) : std::nullopt;
}

} // namespace fairuse
