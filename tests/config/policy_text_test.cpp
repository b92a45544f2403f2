// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "base/system/sha256.hpp"
#include "config/policy_file.hpp"
#include "tests/config/policy_samples.hpp"

using namespace fairuse;
using samples::accepted;
using samples::least;

namespace {

// The tree as flow YAML, the keys of every map in an order drawn by `pick`.
template <class Pick>
std::string shuffled(const yaml::node& of, Pick pick) {
  if (of.kind == yaml::node_kind::scalar) return of.quoted ? "\"" + of.text + "\"" : of.text;
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < of.items.size(); ++i) {
    auto part = shuffled(of.items[i], pick);
    if (of.kind == yaml::node_kind::map) part.insert(0, of.keys[i].text + ": ");
    // Lists mean their order.
    const auto at = of.kind == yaml::node_kind::map ? pick(parts.size() + 1) : parts.size();
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(at), std::move(part));
  }
  std::string text;
  for (const auto& part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return of.kind == yaml::node_kind::map ? "{" + text + "}" : "[" + text + "]";
}

// Every scalar of a tree, as the way to it.
void scalars(const yaml::node& of, const yaml::path& here, std::vector<yaml::path>& out) {
  if (of.kind == yaml::node_kind::scalar) out.push_back(here);
  for (std::size_t i = 0; i < of.items.size(); ++i) {
    auto next = here;
    next.push_back(of.kind == yaml::node_kind::map ? of.keys[i].text : std::to_string(i));
    scalars(of.items[i], next, out);
  }
}

yaml::node tree(const std::string& text) {
  yaml::diagnostics problems{"t"};
  auto root = yaml::parse(text, problems);
  BOOST_REQUIRE_MESSAGE(root, problems.text());
  return *root;
}

// Defaults that the schema promises, written into `root` where they are missing.
void write_defaults(const yaml::node& schema, const yaml::path& here, yaml::node& root) {
  if (const auto* value = schema.find("default"); value != nullptr and value->kind == yaml::node_kind::scalar)
    BOOST_TEST(yaml::assign(root, here, value->text));
  const auto* properties = schema.find("properties");
  for (std::size_t i = 0; properties != nullptr and i < properties->items.size(); ++i) {
    auto next = here;
    next.push_back(properties->keys[i].text);
    write_defaults(properties->items[i], next, root);
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_text)

BOOST_AUTO_TEST_CASE(the_hash_is_sha_256) {
  BOOST_TEST(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_CASE(the_digest_is_the_hash_of_the_canonical_form) {
  const auto rules = accepted(least);
  BOOST_TEST(rules.digest == sha256_hex(canonical(rules)));
}

BOOST_AUTO_TEST_CASE(the_canonical_form_is_a_policy_file_with_the_same_digest) {
  for (const auto* file : {"fair.yaml", "omi-2026-03.yaml", "omi-newest.yaml"}) {
    const auto rules = accepted(samples::content(samples::policies() / file));
    const auto again = accepted(canonical(rules));
    BOOST_TEST(canonical(again) == canonical(rules));
    BOOST_TEST(again.digest == rules.digest);
  }
  const auto odd = accepted(least + "plans: {\"a \\\"b\\\" \\\\ \\u00e9: ,\": {daily: 3h}, free: [\"#1\"]}\n");
  BOOST_TEST(accepted(canonical(odd)).digest == odd.digest);
}

BOOST_AUTO_TEST_CASE(comments_format_key_order_and_written_defaults_do_not_change_the_digest) {
  const auto plain = accepted(least);
  BOOST_TEST(accepted("# a comment\nwindows:\n    daily:\n        cap: 120m\n        span: 1d\nname: \"x\"\n").digest
             == plain.digest);
  BOOST_TEST(accepted(least + "review: {score: 0.70, cooldown: 720m}\noff: shadow\n").digest == plain.digest);
  BOOST_TEST(accepted("{\"name\": \"x\", \"windows\": {\"daily\": {\"span\": \"24h\", \"cap\": \"2h\"}}}").digest
             == plain.digest);
}

BOOST_AUTO_TEST_CASE(any_order_of_keys_gives_the_same_digest) {
  const auto root = tree(samples::content(samples::policies() / "fair.yaml"));
  const auto expected = accepted(samples::content(samples::policies() / "fair.yaml")).digest;
  const bool held = rc::check([&] {
    const auto text = shuffled(root, [](std::size_t count) { return *rc::gen::inRange<std::size_t>(0, count); });
    yaml::diagnostics problems{"shuffled"};
    const auto rules = parse_policy(text, problems);
    RC_ASSERT(rules.has_value());
    RC_ASSERT(rules->digest == expected);
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(every_effective_value_changes_the_digest) {
  const auto original = accepted(samples::content(samples::policies() / "fair.yaml"));
  const auto root = tree(canonical(original));
  std::vector<yaml::path> ways;
  scalars(root, {}, ways);
  BOOST_TEST(ways.size() > 60U);
  const std::vector<std::string> others{"25h",      "20m",      "30s",    "1h",      "0.41",     "0.01",
                                        "1",        "5",        "true",   "false",   "event",    "arrival",
                                        "meter",    "ask",      "skip",   "review",  "warning",  "none",
                                        "restrict", "stage",    "upload", "default", "deadline", "nothing",
                                        "keep",     "economy",  "hard",   "enforce", "soft",     "finished_reviews",
                                        "standard", "throttle", "26h",    "1d"};
  std::set<std::string> digests{original.digest};
  for (const auto& way : ways) {
    bool changed = false;
    for (const auto& value : others) {
      auto copy = root;
      BOOST_REQUIRE(yaml::assign(copy, way, value));
      yaml::diagnostics problems{"changed"};
      const auto rules = bind_policy(copy, problems);
      if (not rules or rules->digest == original.digest) continue;
      changed = true;
      break;
    }
    // No single value changes these: `strikes` needs `within` and the other way round, `falls_to` needs an end, a
    // ladder has one order, and a ceiling can refuse uploads only.
    const auto name = yaml::join(way);
    const bool idle = name == "ladder.steps[0].strikes" or name == "ladder.steps[0].within"
                      or name == "ladder.steps[0].falls_to" or name.ends_with("].stage")
                      or name == "ceiling.refuses[0]";
    BOOST_TEST((changed or idle), name);
  }
  const auto strikes = accepted(least + "budget: {per_utc_day: 0}\nladder: {steps: [{stage: warning, strikes: 1, within: "
                                        "7d}]}\n");
  BOOST_TEST(strikes.digest
             != accepted(least + "budget: {per_utc_day: 0}\nladder: {steps: [{stage: warning}]}\n").digest);
  BOOST_TEST(accepted(least + "ceiling: {refuses: []}\n").digest != accepted(least).digest);
}

BOOST_AUTO_TEST_CASE(the_schema_promises_the_defaults_that_the_loader_has) {
  const auto schema = tree(samples::content(samples::policies() / "policy.schema.json"));
  auto root = tree(least);
  write_defaults(schema, {}, root);
  yaml::diagnostics problems{"defaults"};
  const auto rules = bind_policy(root, problems);
  BOOST_REQUIRE_MESSAGE(rules, problems.text());
  BOOST_TEST(canonical(*rules) == canonical(accepted(least)));
}

BOOST_AUTO_TEST_SUITE_END()
