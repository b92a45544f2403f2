// SPDX-License-Identifier: Apache-2.0

#include "config/message_texts.hpp"

#include <boost/test/unit_test.hpp>

#include "base/system/files.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;

namespace {

std::string shipped(std::string_view locale) {
  return *read_file(samples::source_folder() / "config/messages" / (std::string{locale} + ".yaml"));
}

struct messages_fixture {
  void write(std::string_view locale, const std::string& text) { folder.write(std::string{locale} + ".yaml", text); }

  // English with one text in another's place.
  void write_changed(std::string_view from, std::string_view to) {
    auto text = shipped("en");
    const auto at = text.find(from);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, from);
    write("en", text.replace(at, from.size(), to));
  }

  message_set loaded() {
    yaml::diagnostics problems{""};
    auto all = load_messages(folder.path(), problems);
    said = problems.text();
    fine = problems.ok();
    return all;
  }

  std::string refused() {
    loaded();
    BOOST_TEST(not fine);
    return said;
  }

  test_folder folder;
  std::string said;
  bool fine = false;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(message_files, messages_fixture)

BOOST_AUTO_TEST_CASE(the_shipped_files_are_those_that_are_compiled_in) {
  yaml::diagnostics problems{""};
  const auto all = load_messages(samples::source_folder() / "config/messages", problems);
  BOOST_TEST(problems.text() == "");
  BOOST_REQUIRE(all.size() == shipped_messages().size());
  for (const auto& [key, each] : all) {
    const auto& compiled = shipped_messages().at(key);
    BOOST_TEST(each.locale == compiled.locale);
    BOOST_TEST(each.months == compiled.months, boost::test_tools::per_element());
    for (std::size_t i = 0; i < each.messages.size(); ++i)
      BOOST_TEST(each.messages.at(i).paragraphs.size() == compiled.messages.at(i).paragraphs.size());
  }
}

BOOST_AUTO_TEST_CASE(a_language_falls_back_to_its_first_part_and_then_to_the_default) {
  write("de", shipped("de"));
  write("en", shipped("en"));
  write("pt-BR", shipped("en"));
  const auto all = loaded();
  BOOST_REQUIRE_MESSAGE(fine, said);
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"de", "de"},    {"de-AT", "de"}, {"DE-at-1996", "de"}, {"pt-br", "pt-BR"}, {"pt-BR-x", "pt-BR"},
      {"pt-PT", "en"}, {"pt", "en"},    {"", "en"},           {"-", "en"},        {"fr", "en"},
  };
  for (const auto& [wanted, found] : rows)
    BOOST_TEST(language_for(all, wanted, "EN").locale == found, wanted);
}

BOOST_AUTO_TEST_CASE(each_message_has_its_place) {
  const auto& english = shipped_messages().at("en");
  const auto subject = [&](notice_about about, wording words, stage at) {
    return english.message(about, words, at).subject.filled([](auto) { return "X"; }).value();
  };
  BOOST_TEST(subject(notice_about::stage, wording::misuse, stage::warning) == "A note about your use of X");
  BOOST_TEST(subject(notice_about::stage, wording::misuse, stage::restrict)
             == "Transcription in your X account is limited");
  BOOST_TEST(subject(notice_about::stage, wording::credits, stage::warning)
             == "The free minutes of your X plan are used up");
  BOOST_TEST(subject(notice_about::budget_low, wording::misuse, stage::none)
             == "Today's transcription in X is nearly used up");
  BOOST_TEST(subject(notice_about::budget_exhausted, wording::credits, stage::restrict)
             == "Today's transcription in X is used up");
  BOOST_TEST(subject(notice_about::exemption_ended, wording::misuse, stage::warning)
             == "The usual rules hold for your X account again");
}

BOOST_AUTO_TEST_CASE(a_text_without_the_value_of_a_placeholder_is_none) {
  const text_template text{{{"until ", false}, {"until", true}, {".", false}}};
  BOOST_TEST(text.filled([](std::string_view name) { return std::string{name} + "!"; }).value() == "until until!.");
  BOOST_TEST(not text.filled([](auto) { return std::nullopt; }).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_at_its_place) {
  struct row {
    std::string_view from;
    std::string_view to;
    std::string message;
  };
  const row rows[] = {
      {"{until}", "{untill}",
       "en.yaml:18:9: error: misuse.warning.text[3]: there is no {untill} here; did you mean 'until'?"},
      {"{sums}", "{used}",
       "en.yaml:15:9: error: misuse.warning.text[1]: there is no {used} here; known: "
       "product, appeal, until, sums, case"},
      {"use of {product}", "use, {case}",
       "en.yaml:12:14: error: misuse.warning.subject: there is no {case} here; known: product"},
      {"{until}", "{until", "misuse.warning.text[3]: a brace without its other one; a placeholder is written {until}"},
      {"{until}", "until}", "misuse.warning.text[3]: a brace without its other one; a placeholder is written {until}"},
      {"budget_low:", "budget_lower:", "en.yaml:4:1: error: missing key 'budget_low'"},
      {"  throttle:", "  throtle:", "en.yaml:11:3: error: missing key 'throttle' in misuse"},
      {", December]", "]", "words.months: expected 12 names, not 11"},
      {"{hours} hours", "{hour} hours", "words.sum: there is no {hour} here; did you mean 'hours'?"},
  };
  for (const auto& each : rows) {
    write_changed(each.from, each.to);
    const auto text = refused();
    BOOST_TEST(holds(text, each.message), text);
  }
}

BOOST_AUTO_TEST_CASE(a_message_that_may_be_empty_is_refused) {
  auto text = shipped("en");
  const auto begin = text.find("  subject: The usual rules");
  text.resize(begin);
  write("en", text + "  subject: s\n  text: []\n");
  BOOST_TEST(holds(refused(), "exemption_ended.text: every paragraph may be left out"));
}

BOOST_AUTO_TEST_CASE(a_message_that_does_not_say_how_to_appeal_is_warned_of) {
  write_changed("please tell us: {appeal}", "please tell us");
  loaded();
  BOOST_TEST(fine, said);
  BOOST_TEST(holds(said, "warning: misuse.warning.text: does not say how to appeal: {appeal}"), said);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_named_as_no_language_is_refused) {
  write("e", shipped("en"));
  BOOST_TEST(holds(refused(), "is not named as a language, such as en.yaml or pt-BR.yaml"));
}

BOOST_AUTO_TEST_CASE(two_files_of_one_language_are_refused) {
  write("pt-BR", shipped("en"));
  write("pt-br", shipped("en"));
  BOOST_TEST(holds(refused(), "pt-br.yaml: error: is a second file of this language"), said);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_refused) {
  yaml::diagnostics problems{"d.yaml"};
  load_messages(folder.path() / "none", problems);
  BOOST_TEST(holds(problems.text(), "cannot read the folder"));
}

BOOST_AUTO_TEST_SUITE_END()
