// SPDX-License-Identifier: Apache-2.0

#include "config/policy_keys.hpp"

#include <set>
#include <sstream>

#include <boost/test/unit_test.hpp>

#include "tests/config/policy_samples.hpp"

using namespace fairuse;

namespace {

using key_set = std::set<std::string>;

// The keys that it visits, with `*` for a name that the file chooses.
class key_lister {
public:
  explicit key_lister(key_set& keys, std::string at = "") : keys_{keys}, at_{std::move(at)} {}

  void name(std::string_view key, const std::string&) { add(key); }
  void duration(std::string_view key, const std::int64_t&, const duration_key& = {}) { add(key); }
  void seconds(std::string_view key, const std::int32_t&) { add(key); }
  void ratio(std::string_view key, const std::int32_t&) { add(key); }
  void later_ratio(std::string_view key, const std::int32_t&) { add(key); }
  void count(std::string_view key, const std::uint32_t&, yaml::bounds) { add(key); }
  void flag(std::string_view key, const bool&) { add(key); }
  template <class T>
  void choice(std::string_view key, const T&, std::initializer_list<yaml::choice<T>>, const choice_key& = {}) {
    add(key);
  }
  void list(std::string_view key, words<const bool>, unknown_word) { add(key); }
  template <class Keys>
  void section(std::string_view key, Keys keys) {
    key_lister in{keys_, called(key)};
    keys(in);
  }
  void windows(std::string_view key, const std::vector<window_rule>&) {
    key_lister in{keys_, called(key) + ".*"};
    visit_window(in, any_window_);
  }
  void plans(std::string_view key, const policy&) {
    keys_.insert(called(key) + ".free");
    keys_.insert(called(key) + ".*.*");
  }
  void steps(std::string_view key, const std::vector<step_rule>&) {
    add(key);
    key_lister in{keys_, called(key) + "[]"};
    visit_step(in, any_step_);
  }

private:
  std::string called(std::string_view key) const { return at_ + (at_.empty() ? "" : ".") + std::string{key}; }
  void add(std::string_view key) { BOOST_TEST(keys_.insert(called(key)).second, called(key) << " is there twice"); }

  key_set& keys_;
  std::string at_;
  window_rule any_window_;
  step_rule any_step_;
};

key_set keys_of_the_table() {
  key_set keys;
  key_lister list{keys};
  const policy rules;
  visit_policy(list, rules);
  return keys;
}

void add_schema_keys(const yaml::node& of, const std::string& at, key_set& keys) {
  const auto* properties = of.find("properties");
  for (std::size_t i = 0; properties != nullptr and i < properties->items.size(); ++i)
    add_schema_keys(properties->items[i], at + (at.empty() ? "" : ".") + properties->keys[i].text, keys);
  const auto* others = of.find("additionalProperties");
  const bool names = others != nullptr and others->kind == yaml::node_kind::map;
  if (names) add_schema_keys(*others, at + ".*", keys);
  const auto* items = of.find("items");
  if (items != nullptr and items->find("properties") != nullptr) add_schema_keys(*items, at + "[]", keys);
  if (properties == nullptr and not names) keys.insert(at);
}

key_set keys_of_the_schema() {
  yaml::diagnostics problems{"policy.schema.json"};
  const auto root = yaml::load(samples::policies() / "policy.schema.json", problems);
  BOOST_REQUIRE_MESSAGE(root, problems.text());
  key_set keys;
  add_schema_keys(*root, "", keys);
  return keys;
}

// The first column of the table: one key or several, each in backticks. Variables of the environment have a table of
// their own, in upper case.
key_set keys_of_the_readme() {
  key_set keys;
  std::istringstream lines{samples::content(samples::policies() / "README.md")};
  for (std::string line; std::getline(lines, line);) {
    if (not line.starts_with("| `")) continue;
    std::istringstream cell{line.substr(2, line.find(" | ", 2) - 2)};
    for (std::string word; std::getline(cell, word, '`');) {
      if (word.empty() or word == ", ") continue;
      if (word.starts_with("FAIR_USE_") or word.starts_with("MAX_")) continue;
      for (const std::string_view name : {"PLAN", "NAME"})
        if (const auto found = word.find(name); found != std::string::npos) word.replace(found, name.size(), "*");
      keys.insert(word);
    }
  }
  return keys;
}

std::string missing(const key_set& all, const key_set& from) {
  std::string text;
  for (const auto& each : all)
    if (not from.contains(each)) text += each + " ";
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_keys)

BOOST_AUTO_TEST_CASE(the_schema_has_the_keys_of_the_table_and_no_others) {
  const auto table = keys_of_the_table();
  const auto schema = keys_of_the_schema();
  BOOST_TEST(table.size() > 40U);
  BOOST_TEST(missing(table, schema) == "", "config/policies/policy.schema.json lacks " << missing(table, schema));
  BOOST_TEST(missing(schema, table) == "", "config/policy_keys.hpp lacks " << missing(schema, table));
}

BOOST_AUTO_TEST_CASE(the_readme_has_the_keys_of_the_table_and_no_others) {
  const auto table = keys_of_the_table();
  const auto readme = keys_of_the_readme();
  BOOST_TEST(missing(table, readme) == "", "config/policies/README.md lacks " << missing(table, readme));
  BOOST_TEST(missing(readme, table) == "", "config/policy_keys.hpp lacks " << missing(readme, table));
}

BOOST_AUTO_TEST_CASE(a_value_in_memory_that_its_key_excludes_is_refused_at_that_key) {
  auto rules = samples::accepted(samples::least);
  rules.review.cleared_cooldown_ms = 91 * day_ms;
  rules.review.retry_after_ms = 13 * hour_ms;
  rules.steps[1].vad_threshold_nano = one_nano + 1;
  std::string found;
  for (const auto& each : contradictions(rules))
    found += yaml::join(each.at) + " " + each.message + "\n";
  BOOST_TEST(found ==
             "review.cleared.cooldown 91d is out of range; the most is 90d\n"
             "review.retry_after 13h is out of range; the most is 12h, to which repeated failures double it\n"
             "ladder.steps[1].actions.vad_threshold is out of range; it is 0 to 1\n");
}

BOOST_AUTO_TEST_SUITE_END()
