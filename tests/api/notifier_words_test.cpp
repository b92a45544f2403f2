// SPDX-License-Identifier: Apache-2.0
//
// What people read: messages and times.

#include <algorithm>
#include <array>

#include <boost/test/unit_test.hpp>

#include "api/notifier/message_text.hpp"
#include "api/notifier/time_zone.hpp"
#include "base/pure/text.hpp"
#include "events/time_text.hpp"

using namespace fairuse;

namespace {

notifier_settings settings_of(std::string_view otherwise = "en") {
  notifier_settings made;
  made.product = "Listener";
  made.appeal = "https://listener.example/appeal";
  made.default_locale = otherwise;
  return made;
}

notice about_stage(stage at, wording words, std::string locale) {
  return {.id = "ntf_1",
          .decision = "0-1-1",
          .uid = "u",
          .about = notice_about::stage,
          .at = at,
          .words = words,
          .sums_ms = {{"daily", 8 * hour_ms + 20 * minute_ms}, {"monthly", 100 * hour_ms}},
          .case_reference = "FU-0123456789AB",
          .decided_at = *time_from("2026-03-01T10:00:00Z"),
          .until = *time_from("2026-03-31T21:59:59.999Z"),
          .locale = std::move(locale),
          .time_zone = "Europe/Berlin"};
}

notice about_other(notice_about about, std::string locale) {
  auto made = about_stage(stage::restrict, wording::misuse, std::move(locale));
  made.about = about;
  made.case_reference.clear();
  made.used_ms = 27 * minute_ms + 59'999;
  made.budget_ms = 30 * minute_ms;
  return made;
}

std::vector<notice> all_notices(const std::string& locale) {
  std::vector<notice> all;
  for (const auto words : {wording::misuse, wording::credits})
    for (const auto at : {stage::warning, stage::throttle, stage::restrict})
      all.push_back(about_stage(at, words, locale));
  for (const auto about : {notice_about::budget_low, notice_about::budget_exhausted, notice_about::exemption_ended})
    all.push_back(about_other(about, locale));
  return all;
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string clock_text(const civil_time& at) {
  return std::to_string(at.year) + '-' + std::to_string(at.month) + '-' + std::to_string(at.day) + ' '
         + std::to_string(at.hour) + ':' + std::to_string(at.minute) + ' ' + at.zone;
}

} // namespace

BOOST_AUTO_TEST_SUITE(notifier_messages)

BOOST_AUTO_TEST_CASE(a_warning_says_what_was_seen_when_it_ends_and_how_to_appeal) {
  const auto made = text_of(about_stage(stage::warning, wording::misuse, "en-GB"), settings_of());
  BOOST_TEST(made.locale == "en");
  BOOST_TEST(made.subject == "A note about your use of Listener");
  BOOST_TEST(made.text
             == "Hello,\n\nyour account has transcribed a good deal more speech than most people need: 8.3 hours (last "
                "24 hours), 100.0 hours (monthly).\n\nListener is made for your own conversations, and all who use it "
                "share its capacity. So we tell you early: this is a first note under our fair-use rules.\n\nIt lapses "
                "by itself after 1 April 2026, 00:00 (CEST).\n\nShould there be a good reason for it, or if we have it "
                "wrong, please tell us: https://listener.example/appeal\n\nYour reference: FU-0123456789AB");
}

BOOST_AUTO_TEST_CASE(german_has_its_own_numbers_and_dates) {
  const auto made = text_of(about_stage(stage::restrict, wording::credits, "de-AT"), settings_of());
  BOOST_TEST(made.locale == "de");
  BOOST_TEST(holds(made.text, "Bisher waren es 8,3 Stunden (letzte 24 Stunden), 100,0 Stunden (monthly)."));
  BOOST_TEST(holds(made.text, "nach dem 1. April 2026, 00:00 Uhr (CEST)."));
}

BOOST_AUTO_TEST_CASE(a_budget_is_told_in_whole_minutes) {
  const auto low = text_of(about_other(notice_about::budget_low, "en"), settings_of());
  BOOST_TEST(holds(low.text, "27 of the 30 minutes of transcription"));
  BOOST_TEST(holds(low.text, "from 1 April 2026, 00:00 (CEST)"));
}

BOOST_AUTO_TEST_CASE(every_message_of_every_language_is_whole_and_accuses_nobody) {
  constexpr std::array banned{"abus",    "fraud",    "violat",    "cheat",    "illegal", "guilt",   "suspici",
                              "punish",  "offen",    "accus",     "misuse",   "missbr",  "betrug",  "verstoß",
                              "verstöß", "verdacht", "straf",     "verdächt", "schuld",  "illegal", "warn",
                              "sperr",   "block",    "audiobook", "hörbuch"};
  for (const auto& [key, words] : shipped_messages())
    for (const auto& each : all_notices(words.locale)) {
      const auto made = text_of(each, settings_of());
      const auto all = made.subject + "\n" + made.text;
      BOOST_TEST(made.locale == words.locale);
      BOOST_TEST(not made.subject.empty());
      BOOST_TEST(all.find_first_of("{}") == std::string::npos, all);
      BOOST_TEST(holds(all, "Listener"), all);
      BOOST_TEST(holds(made.text, "https://listener.example/appeal"), all);
      const bool is_stage = each.about == notice_about::stage;
      BOOST_TEST(holds(made.text, "FU-0123456789AB") == is_stage, all);
      BOOST_TEST(holds(made.text, "100") == is_stage, all);
      BOOST_TEST(holds(made.text, "2026") == (each.about != notice_about::exemption_ended), all);
      for (const auto* word : banned)
        BOOST_TEST(not holds(lower(all), word), word << " in " << all);
    }
}

BOOST_AUTO_TEST_CASE(no_two_messages_are_the_same) {
  for (const auto& [key, words] : shipped_messages()) {
    std::vector<std::string> texts;
    for (const auto& each : all_notices(words.locale))
      texts.push_back(text_of(each, settings_of()).text);
    std::sort(texts.begin(), texts.end());
    BOOST_TEST((std::adjacent_find(texts.begin(), texts.end()) == texts.end()), words.locale);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_left_out) {
  auto what = about_stage(stage::throttle, wording::misuse, "en");
  what.until = never;
  what.case_reference.clear();
  what.sums_ms.clear();
  const auto made = text_of(what, settings_of());
  BOOST_TEST(not holds(made.text, "ends by itself"));
  BOOST_TEST(not holds(made.text, "reference"));
  BOOST_TEST(not holds(made.text, "most people need"));
  BOOST_TEST(made.text.starts_with("Hello,\n\nAll who use Listener"));
}

BOOST_AUTO_TEST_CASE(a_stage_that_an_admin_set_does_not_blame_the_usage) {
  auto what = about_stage(stage::warning, wording::misuse, "en");
  what.case_reference.clear();
  BOOST_TEST(text_of(what, settings_of()).text.starts_with("Hello,\n\nListener is made for"));
}

BOOST_AUTO_TEST_CASE(an_unknown_language_falls_back_and_an_unknown_zone_is_utc) {
  auto what = about_stage(stage::warning, wording::misuse, "fr-CA");
  what.time_zone = "Mars/Olympus";
  const auto made = text_of(what, settings_of("de"));
  BOOST_TEST(made.locale == "de");
  BOOST_TEST(holds(made.text, "31. März 2026, 22:00 Uhr (UTC)"), made.text);
}

BOOST_AUTO_TEST_CASE(hours_are_rounded_to_a_tenth) {
  const std::pair<std::int64_t, std::string_view> rows[] = {
      {0, " 0.0 hours"},       {179'999, " 0.0 hours"},   {180'000, " 0.1 hours"},
      {hour_ms, " 1.0 hours"}, {7'380'000, " 2.1 hours"}, {72 * hour_ms - 1, " 72.0 hours"},
  };
  auto what = about_stage(stage::warning, wording::misuse, "en");
  for (const auto& [ms, text] : rows) {
    what.sums_ms = {{"daily", ms}};
    BOOST_TEST(holds(text_of(what, settings_of()).text, std::string{":"} + std::string{text}), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(notifier_times)

BOOST_AUTO_TEST_CASE(an_instant_is_shown_as_clocks_show_it_there) {
  struct row {
    std::string_view zone;
    std::string_view instant;
    std::string_view shown;
  };
  // The last rows of a zone are beyond the changes that files list; Python's zoneinfo says the same.
  const row rows[] = {
      {"Etc/UTC", "2026-03-29T00:59:59Z", "2026-3-29 0:59 UTC"},
      {"Europe/Berlin", "2026-03-29T00:59:59Z", "2026-3-29 1:59 CET"},
      {"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-3-29 3:0 CEST"},
      {"Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25 2:59 CEST"},
      {"Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25 2:0 CET"},
      {"Europe/Berlin", "2045-07-01T12:00:00Z", "2045-7-1 14:0 CEST"},
      {"Europe/Berlin", "2045-12-01T12:00:00Z", "2045-12-1 13:0 CET"},
      {"Europe/Berlin", "2045-03-26T00:59:59Z", "2045-3-26 1:59 CET"},
      {"Europe/Berlin", "2045-03-26T01:00:00Z", "2045-3-26 3:0 CEST"},
      {"America/New_York", "2026-01-01T04:59:59Z", "2025-12-31 23:59 EST"},
      {"America/New_York", "2060-07-01T12:00:00Z", "2060-7-1 8:0 EDT"},
      {"Australia/Sydney", "2026-01-01T00:00:00Z", "2026-1-1 11:0 AEDT"},
      {"Australia/Sydney", "2060-01-01T00:00:00Z", "2060-1-1 11:0 AEDT"},
      {"Australia/Sydney", "2060-07-01T00:00:00Z", "2060-7-1 10:0 AEST"},
      {"America/Sao_Paulo", "2026-03-01T12:00:00Z", "2026-3-1 9:0 UTC-03:00"},
      {"Asia/Kathmandu", "2026-03-01T12:00:00Z", "2026-3-1 17:45 UTC+05:45"},
      {"Asia/Kolkata", "2060-03-01T12:00:00Z", "2060-3-1 17:30 IST"},
      {"Europe/Dublin", "2060-01-01T12:00:00Z", "2060-1-1 12:0 GMT"},
      {"Europe/Dublin", "2060-07-01T12:00:00Z", "2060-7-1 13:0 IST"},
      {"America/Nuuk", "2060-07-01T12:00:00Z", "2060-7-1 11:0 UTC-01:00"},
      {"Pacific/Auckland", "2028-02-29T12:00:00Z", "2028-3-1 1:0 NZDT"},
      {"Europe/Berlin", "1890-01-01T00:00:00Z", "1890-1-1 0:53 LMT"},
      {"Europe/Berlin", "1969-12-31T23:59:59.999Z", "1970-1-1 0:59 CET"},
  };
  for (const auto& each : rows) {
    const auto zone = time_zone::find(each.zone);
    BOOST_REQUIRE_MESSAGE(zone, each.zone);
    BOOST_TEST(clock_text(zone->at(*time_from(each.instant))) == each.shown);
  }
}

BOOST_AUTO_TEST_CASE(what_names_no_zone_finds_none) {
  for (const std::string_view name : {"", ".", "..", "../etc/passwd", "/etc/localtime", "Europe", "Europe/",
                                      "Mars/Olympus", "zone.tab", "Europe/Berlin\n"})
    BOOST_TEST(not time_zone::find(name).has_value(), name);
}

BOOST_AUTO_TEST_CASE(damaged_bytes_are_refused) {
  BOOST_TEST(not time_zone::from("").has_value());
  BOOST_TEST(not time_zone::from("TZif2").has_value());
  BOOST_TEST(not time_zone::from("TZif" + std::string(200, '\xFF')).has_value());
  // No offset at all.
  BOOST_TEST(not time_zone::from("TZif" + std::string(40, '\0')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
