// SPDX-License-Identifier: Apache-2.0

#include "config/yaml.hpp"

#include <array>
#include <cstring>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;

namespace {

// Diagnostics of reading `text` and nothing of it.
std::string said_of(const std::string& text) {
  yaml::diagnostics problems{"f"};
  const auto root = yaml::parse(text, problems);
  BOOST_TEST((not root or problems.ok() or root->kind != yaml::node_kind::null));
  return problems.text();
}

struct duration_row {
  std::string_view text;
  std::int64_t ms; // -1: refused
};

} // namespace

BOOST_AUTO_TEST_SUITE(yaml_reading)

BOOST_AUTO_TEST_CASE(a_duration_is_whole_numbers_with_units_largest_first) {
  constexpr std::array rows{
      duration_row{"0", 0},        duration_row{"12h", 43'200'000}, duration_row{"1h30m", 5'400'000},
      duration_row{"250ms", 250},  duration_row{"7d", 604'800'000}, duration_row{"1d1h1m1s1ms", 90'061'001},
      duration_row{"90s", 90'000}, duration_row{"0s", 0},           duration_row{"10000d", 864'000'000'000},
      duration_row{"10001d", -1},  duration_row{"12", -1},          duration_row{"", -1},
      duration_row{"h", -1},       duration_row{"1.5h", -1},        duration_row{"-1h", -1},
      duration_row{"1m1h", -1},    duration_row{"1h1h", -1},        duration_row{"010h", -1},
      duration_row{"1 h", -1},     duration_row{"1H", -1},          duration_row{"99999999999999999999d", -1},
      duration_row{"1h30", -1},    duration_row{"9999d99999h", -1}, duration_row{"12h ", -1},
  };
  for (const auto& row : rows)
    BOOST_TEST(yaml::parse_duration(row.text).value_or(-1) == row.ms, row.text);
}

BOOST_AUTO_TEST_CASE(a_formatted_duration_reads_back_as_itself) {
  BOOST_TEST(yaml::format_duration(24 * 3'600'000) == "24h");
  BOOST_TEST(yaml::format_duration(30LL * 86'400'000) == "30d");
  const bool held = rc::check([](std::uint64_t any) {
    const auto ms = static_cast<std::int64_t>(any % static_cast<std::uint64_t>(yaml::duration_ms_max + 1));
    RC_ASSERT(yaml::parse_duration(yaml::format_duration(ms)) == ms);
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(a_formatted_decimal_reads_back_as_itself) {
  BOOST_TEST(yaml::format_decimal(700'000'000, 9) == "0.7");
  BOOST_TEST(yaml::format_decimal(-1, 6) == "-0.000001");
  BOOST_TEST(yaml::parse_decimal("+0.1", 9).value() == 100'000'000);
  BOOST_TEST(yaml::parse_decimal("0.70", 1).value() == 7);
  for (const auto* text : {"", ".", ".5", "5.", "1e3", "0x10", "010", "1_000", "0.75", "--1", "1.2.3", "nan"})
    BOOST_TEST(not yaml::parse_decimal(text, 1).has_value(), text);
  const bool held = rc::check([](std::int64_t any) {
    const auto value = any % 1'000'000'000'000'000;
    RC_ASSERT(yaml::parse_decimal(yaml::format_decimal(value, 9), 9) == value);
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(what_yaml_permits_and_people_regret_is_refused_with_its_place) {
  BOOST_TEST(said_of("a: 1\nb: 2\na: 3\n") == "f:3:1: error: duplicate key 'a', first on line 1\n");
  BOOST_TEST(holds(said_of("a: &x {b: 1}\n"), "f:1:4: error: anchors (&name) are refused"));
  BOOST_TEST(holds(said_of("a: &x 1\nb: *x\n"), "f:2:4: error: aliases (*name) are refused"));
  BOOST_TEST(holds(said_of("a: !!int 1\n"), "tags"));
  BOOST_TEST(holds(said_of("[1]: 2\n"), "a key must be text"));
  BOOST_TEST(said_of("---\na: 1\n---\nb: 2\n")
             == "f:4:1: error: a second YAML document begins here; a file holds one\n");
  BOOST_TEST(said_of("") == "f: error: is empty\n");
  BOOST_TEST(said_of("# nothing\n") == "f: error: is empty\n");
  BOOST_TEST(holds(said_of("a: [1, 2\n"), "error: not YAML: "));
  BOOST_TEST(said_of("a:\n \tb: 1\n")
             == "f:2:2: error: not YAML: a tab stands before the text of this line; YAML is indented with spaces\n");
  BOOST_TEST(said_of("a:\n  b: [1,\n\t2]\n").empty());
  BOOST_TEST(said_of(std::string{"a: \0b", 5}) == "f:1:4: error: holds control characters; is it UTF-8 text?\n");
  BOOST_TEST(said_of("a: 1\nb: Sch\xf6n\n") == "f:2:7: error: is no UTF-8; save the file in this encoding\n");
  BOOST_TEST(said_of("\xEF\xBB\xBF\xff: 1\n") == "f:1:1: error: is no UTF-8; save the file in this encoding\n");
  BOOST_TEST(said_of("a: Sch\xc3\xb6n\n") == "");
  BOOST_TEST(holds(said_of(std::string(5'000, '[')), "nested deeper than 32 levels"));
  BOOST_TEST(holds(said_of(std::string(yaml::file_bytes_max + 1, 'a')), "larger than 1 MiB"));
}

BOOST_AUTO_TEST_CASE(an_alias_bomb_is_refused_before_anything_is_expanded) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    bomb += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 9; ++i)
      bomb += std::string{i == 0 ? "" : ", "} + "*" + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  BOOST_TEST(holds(said_of(bomb), "aliases"));
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_crlf_and_json_are_read_like_plain_yaml) {
  yaml::diagnostics problems{"f"};
  for (const std::string text : {"a: {b: 12h}\n",
                                 "\xEF\xBB\xBF"
                                 "a:\r\n  b: 12h\r\n",
                                 "{\"a\":\r\n\t{\"b\":\t\"12h\"}}", "{\"a\":{\"b\":\"12h\"}}"}) {
    const auto root = yaml::parse(text, problems);
    BOOST_REQUIRE_MESSAGE(root, problems.text());
    const auto* value = yaml::node_at(*root, {"a", "b"});
    BOOST_REQUIRE(value != nullptr);
    BOOST_TEST(value->text == "12h");
  }
  BOOST_TEST(problems.ok());
}

BOOST_AUTO_TEST_CASE(any_bytes_are_read_or_refused_and_never_thrown_at_the_caller) {
  const bool held = rc::check([] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "a", ":", " ", "\n", "- ", "[", "]", "{", "}", ",", "&x", "*x", "!!t", "\"", "'", "#", "|", ">", "?", "%", "\t",
        "---", "...", "<<", "\xC3", "\xEF\xBB\xBF", "0", "~", "@", "`"));
    std::string text;
    for (const auto& each : pieces)
      text += each;
    yaml::diagnostics problems{"f"};
    const auto root = yaml::parse(text, problems);
    RC_ASSERT(root.has_value() or not problems.ok());
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(a_reader_collects_every_fault_and_sets_only_what_is_right) {
  yaml::diagnostics problems{"f"};
  const auto root = yaml::parse(
      "users: 1_000\nrate: 70%\nseed: '1'\ndays: 030\nflag: yes\nspan: 12\nlist: [a, a]\n"
      "kind: colour\nusres: 3\nempty:\ncount: 1.5\nsmall: 0\n",
      problems);
  BOOST_REQUIRE(root);
  yaml::map_reader top{*root, "", problems};
  std::uint32_t users = 7;
  std::int32_t rate = 8;
  std::uint64_t seed = 9;
  std::int64_t other = 10;
  bool flag = true;
  std::vector<std::string> list;
  int kind = 11;
  std::string name = "kept";
  BOOST_TEST(not top.count("users", users));
  BOOST_TEST(not top.ratio("rate", rate));
  BOOST_TEST(not top.count("seed", seed));
  BOOST_TEST(not top.count("days", other));
  BOOST_TEST(not top.flag("flag", flag));
  BOOST_TEST(not top.duration("span", other));
  BOOST_TEST(not top.texts("list", list));
  BOOST_TEST(not top.choose("kind", kind, {{"colours", 1}, {"shapes", 2}}));
  BOOST_TEST(not top.text("empty", name));
  BOOST_TEST(not top.count("count", other));
  BOOST_TEST(not top.count("small", other, {.min = 1}));
  BOOST_TEST(not top.name("missing", name, yaml::need::required));
  BOOST_TEST(not top.map("absent").has_value());
  top.finish();
  BOOST_TEST((users == 7 and rate == 8 and seed == 9 and other == 10 and flag and list.empty() and kind == 11));
  BOOST_TEST(name == "kept");
  problems.sort();
  BOOST_TEST(problems.text() ==
             "f:1:1: error: missing key 'missing'\n"
             "f:1:8: error: users: '1_000': write the number without separators\n"
             "f:2:7: error: rate: '70%': write a fraction of 1, such as 0.7 for 70 %\n"
             "f:3:7: error: seed: expected a whole number, not the text \"1\"; remove the quotes\n"
             "f:4:7: error: days: '030' has a leading zero, which some readers take as octal; write it without\n"
             "f:5:7: error: flag: expected true or false, not 'yes'\n"
             "f:6:7: error: span: '12' needs a unit: 12ms, 12s, 12m, 12h or 12d\n"
             "f:7:11: error: list: 'a' is there twice\n"
             "f:8:7: error: kind: expected colours or shapes, not 'colour'; did you mean 'colours'?\n"
             "f:9:1: error: unknown key 'usres'; did you mean 'users'?\n"
             "f:10:1: error: empty: has no value; write one or remove the key\n"
             "f:11:8: error: count: expected a whole number, not '1.5'\n"
             "f:12:8: error: small: '0' is out of range; the least is 1\n");
}

BOOST_AUTO_TEST_CASE(a_guess_is_offered_for_near_words_only) {
  const std::vector<std::string_view> words{"cooldown", "cleared", "score", "timeout"};
  BOOST_TEST(yaml::nearest("cooldwon", words) == "cooldown");
  BOOST_TEST(yaml::nearest("scroe", words) == "score");
  BOOST_TEST(yaml::nearest("banana", words) == "");
  BOOST_TEST(yaml::did_you_mean("timout", words) == "; did you mean 'timeout'?");
  BOOST_TEST(yaml::did_you_mean("banana", words) == "");
}

BOOST_AUTO_TEST_CASE(where_no_guess_is_near_the_words_are_listed) {
  const std::vector<std::string_view> words{"score", "timeout"};
  BOOST_TEST(yaml::did_you_mean_one_of("timout", words) == "; did you mean 'timeout'?");
  BOOST_TEST(yaml::did_you_mean_one_of("banana", words) == "; known: score, timeout");
  BOOST_TEST(yaml::did_you_mean_one_of("banana", {}) == "");
  const std::vector<std::string_view> many(26, "score");
  BOOST_TEST(yaml::did_you_mean_one_of("banana", many) == "");
  yaml::diagnostics problems{"f"};
  const auto root = yaml::parse("banana: 1\ncherry: 2\nscroe: 3\n", problems);
  yaml::map_reader reader{*root, "", problems};
  reader.any("score");
  reader.any("timeout");
  reader.finish();
  BOOST_TEST(problems.text()
             == "f:1:1: error: unknown key 'banana'; known: score, timeout\n"
                "f:2:1: error: unknown key 'cherry'\n"
                "f:3:1: error: unknown key 'scroe'; did you mean 'score'?\n");
}

BOOST_AUTO_TEST_CASE(a_value_can_be_assigned_as_if_the_file_had_said_it) {
  yaml::diagnostics problems{"f"};
  auto root = yaml::parse("a: {b: 1}\nsteps:\n  - {stage: warning, x: 1}\n  - {stage: throttle}\n", problems);
  BOOST_REQUIRE(root);
  BOOST_TEST(yaml::assign(*root, yaml::split("a.b"), "2h"));
  BOOST_TEST(yaml::assign(*root, yaml::split("new.deep.key"), "3"));
  BOOST_TEST(yaml::assign(*root, yaml::split("steps.throttle.x"), "4"));
  BOOST_TEST(yaml::assign(*root, yaml::split("steps.0.x"), "5"));
  BOOST_TEST(yaml::node_at(*root, {"a", "b"})->text == "2h");
  BOOST_TEST(yaml::node_at(*root, {"new", "deep", "key"})->text == "3");
  BOOST_TEST(yaml::node_at(*root, {"steps", "1", "x"})->text == "4");
  BOOST_TEST(yaml::node_at(*root, {"steps", "warning", "x"})->text == "5");
  BOOST_TEST(not yaml::assign(*root, yaml::split("a.b.c"), "1"));
  BOOST_TEST(not yaml::assign(*root, yaml::split("a"), "1"));
  BOOST_TEST(not yaml::assign(*root, yaml::split("steps.7.x"), "1"));
  BOOST_TEST((yaml::place_of(*root, {"steps", "1", "nothing"}) == yaml::place{4, 5}));
  BOOST_TEST(yaml::join({"ladder", "steps", "0", "within"}) == "ladder.steps[0].within");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_refused) {
  const test_folder folder;
  yaml::diagnostics problems{"f"};
  BOOST_TEST(not yaml::load(folder.path() / "nothing.yaml", problems).has_value());
  BOOST_TEST(not yaml::load(folder.path(), problems).has_value());
  BOOST_TEST(not yaml::load("/dev/zero", problems).has_value());
  BOOST_TEST(problems.text() == "f: error: no such file\nf: error: is a folder, not a file\n"
                                "f: error: larger than 1 MiB, which no configuration is\n");
}

BOOST_AUTO_TEST_SUITE_END()
