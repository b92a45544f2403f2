// SPDX-License-Identifier: Apache-2.0
//
// Binary mode: the corpus of structured lines, taken apart into headers and value, must end as the lines do.
#include <optional>
#include <tuple>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "events/json_scan.hpp"
#include "events/wire.hpp"
#include "tests/events/corpus.hpp"

using namespace fairuse;

namespace {

using headers = std::vector<wire_header>;

/// A record in binary mode that says what a structured line says.
struct taken_apart {
  std::vector<std::pair<std::string, std::optional<std::string>>> texts;
  std::optional<std::string> value;

  headers views() const {
    headers all;
    for (const auto& [name, text] : texts)
      all.push_back({name, text ? std::optional<std::string_view>(*text) : std::nullopt});
    return all;
  }
};

/// Nullopt: the line has no such form (it is no object, repeats a member, or an attribute is no text).
std::optional<taken_apart> take_apart(const std::string& line) {
  const auto parsed = nlohmann::ordered_json::parse(line, nullptr, false);
  if (not parsed.is_object()) return std::nullopt;
  taken_apart record;
  std::size_t index = 0;
  for (const auto& [name, value] : parsed.items()) {
    const auto here = index++;
    if (name == "data") {
      record.value = std::string(raw_member(line, here));
      continue;
    }
    if (name == "data_base64" or not(value.is_string() or value.is_null())) return std::nullopt;
    auto text = value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
    record.texts.emplace_back(name == "datacontenttype" ? "content-type" : "ce_" + name, std::move(text));
  }
  return record;
}

std::string outcome_of(const result<wire_event, refused>& result) {
  return result ? "accepted" : std::string(to_text(result.error().why)) + " at " + result.error().place;
}

const headers whole{{"ce_specversion", "1.0"},        {"ce_id", "e-1"},       {"ce_source", "gateway-a"},
                    {"ce_type", "fairuse.speech.v1"}, {"ce_subject", "u-17"}, {"ce_time", "2026-11-22T09:27:32.123Z"}};
constexpr std::string_view spoken = R"({"lane":"realtime","ms":58230})";

headers with(std::string_view name, std::optional<std::string_view> value) {
  auto all = whole;
  for (auto& each : all)
    if (each.name == name) {
      each.value = value;
      return all;
    }
  all.push_back({name, value});
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_binary)

BOOST_AUTO_TEST_CASE(what_is_valid_as_a_line_is_the_same_event_in_binary_mode) {
  wire_decoder decoder;
  event_arena arena;
  int compared = 0;
  for (const auto& line : corpus::lines("valid.ndjson")) {
    const auto record = take_apart(line);
    if (not record) continue; // an extension that is no text
    const auto from_line = decoder.decode(line, arena);
    const auto from_record = decoder.decode_record(record->views(), record->value, arena);
    BOOST_REQUIRE(from_line);
    BOOST_REQUIRE_MESSAGE(from_record, outcome_of(from_record) << ": " << line);
    BOOST_TEST(from_line->subject == from_record->subject);
    BOOST_TEST(wire_equal(from_line->what, from_record->what), line);
    ++compared;
  }
  BOOST_TEST(compared > 30);
}

BOOST_AUTO_TEST_CASE(what_is_refused_as_a_line_is_refused_for_the_same_reason) {
  wire_decoder decoder;
  event_arena arena;
  int compared = 0;
  for (const auto& row : corpus::lines("refused.tsv")) {
    const auto code = row.substr(0, row.find('\t'));
    const auto line = row.substr(row.rfind('\t') + 1);
    const auto record = take_apart(line);
    if (not record or code == "duplicate_key") continue;
    auto expected = outcome_of(decoder.decode(line, arena));
    // Attributes have another name here, and `data` is all of the value.
    const auto place = expected.substr(expected.rfind(' ') + 1);
    if (place == "datacontenttype")
      expected.replace(expected.size() - place.size(), place.size(), "content-type");
    else if (not place.starts_with("data"))
      expected.insert(expected.size() - place.size(), "ce_");
    const auto views = record->views();
    // `data` that is missing cannot be told from a tombstone, which is refused before its headers are read.
    if (record->value) BOOST_TEST(outcome_of(decoder.decode_binary(views, *record->value, arena)) == expected, line);
    ++compared;
  }
  BOOST_TEST(compared > 60);
}

BOOST_AUTO_TEST_CASE(headers_are_refused_by_their_own_names) {
  const std::string long_name(257, 'x');
  const std::vector<std::tuple<headers, std::string_view, std::string>> rows{
      {whole, spoken, "accepted"},
      {with("content-type", "application/json; charset=utf-8"), spoken, "accepted"},
      {with("content-type", std::nullopt), spoken, "accepted"},
      {with("ce_partitionkey", "u-17"), spoken, "accepted"},
      {with("ce_data", "ignored, as any extension"), spoken, "accepted"},
      {with("trace", "\xff"), spoken, "accepted"},
      {with("ce_\xff", "no attribute's name"), spoken, "accepted"},
      {with("ce_time", std::nullopt), spoken, "missing_field at ce_time"},
      {with("ce_time", "yesterday"), spoken, "time_out_of_range at ce_time"},
      {with("ce_id", ""), spoken, "empty_id at ce_id"},
      {with("ce_source", long_name), spoken, "source_too_long at ce_source"},
      {with("ce_subject", "\xc3("), spoken, "bad_utf8 at ce_subject"},
      {with("ce_subject", "a\nb"), spoken, "bad_value at ce_subject"},
      {with("ce_subject", "*"), spoken, "star_subject at ce_subject"},
      {with("ce_specversion", "0.3"), spoken, "bad_specversion at ce_specversion"},
      {with("ce_type", "fairuse.speech.v2"), spoken, "unknown_type at ce_type"},
      {with("content-type", "application/avro"), spoken, "bad_value at content-type"},
      {whole, "", "truncated at byte 0"},
      {whole, "null", "missing_field at data"},
      {whole, "[]", "wrong_type at data"},
      {whole, R"({"lane":"realtime","ms":)", "truncated at byte 24"},
      {whole, R"({"lane":"realtime","ms":-1})", "negative_duration at data.ms"},
      {whole, R"({"lane":"realtime","ms":1,"mss":2})", "unknown_field at data.mss"},
  };
  wire_decoder decoder;
  event_arena arena;
  for (const auto& [given, value, expected] : rows)
    BOOST_TEST(outcome_of(decoder.decode_record(given, value, arena)) == expected);
}

BOOST_AUTO_TEST_CASE(a_header_that_stands_twice_is_refused) {
  wire_decoder decoder;
  event_arena arena;
  for (const auto* name : {"ce_id", "content-type", "ce_partitionkey"}) {
    auto twice = whole;
    twice.push_back({name, "application/json"});
    twice.push_back({name, std::nullopt});
    BOOST_TEST(outcome_of(decoder.decode_binary(twice, spoken, arena)) == "duplicate_key at " + std::string(name));
  }
  auto others = whole;
  others.push_back({"trace", "1"});
  others.push_back({"trace", "2"});
  BOOST_TEST(outcome_of(decoder.decode_binary(others, spoken, arena)) == "accepted");
}

BOOST_AUTO_TEST_CASE(a_record_without_a_value_is_no_event_whatever_its_headers_say) {
  wire_decoder decoder;
  event_arena arena;
  const std::vector<headers> rows{
      {},
      {{"trace", "1"}},
      {{"content-type", "application/cloudevents+json"}},
      {{"content-type", "application/cloudevents-batch+json"}},
      {{"ce_id", "e-1"}},
      whole,
  };
  for (const auto& given : rows)
    BOOST_TEST(outcome_of(decoder.decode_record(given, std::nullopt, arena)) == "not_json at value");
  BOOST_TEST(outcome_of(decoder.decode_record({}, "", arena)) == "truncated at byte 0");
  BOOST_TEST(remedy(refusal::not_json, "value") != remedy(refusal::not_json, "byte 0"));
  BOOST_TEST(remedy(refusal::wrong_partition, "key").find("the event's subject as its key") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(a_value_beyond_the_limit_is_refused) {
  wire_decoder decoder{{.line_bytes_max = 16}};
  event_arena arena;
  BOOST_TEST(outcome_of(decoder.decode_binary(whole, spoken, arena)) == "too_large at byte 16");
}

BOOST_AUTO_TEST_CASE(a_score_is_read_as_it_was_written) {
  wire_decoder decoder;
  event_arena arena;
  const auto given = with("ce_type", "fairuse.review.v1");
  const auto result = decoder.decode_binary(
      given, R"( {"model":"m","usage_type":"podcast","request":"live-3","score":0.123456789999})", arena);
  BOOST_REQUIRE(result);
  BOOST_TEST(detail_of<review_answer>(result->what).score_nano == 123'456'789);
}

BOOST_AUTO_TEST_CASE(a_whole_event_is_one_and_else_the_headers_choose_the_mode) {
  std::string line = R"({"specversion":"1.0","id":"e-1","source":"gateway-a","type":"fairuse.speech.v1",)"
                     R"("subject":"u-17","time":"2026-11-22T09:27:32.123Z","data":)";
  line.append(spoken).append("}");
  const std::vector<std::tuple<headers, std::string_view, std::string>> rows{
      {{}, line, "accepted"},
      {{{"trace", "1"}}, line, "accepted"},
      {{{"content-type", "application/json"}}, line, "accepted"},
      {{{"content-type", "application/cloudevents+json; charset=UTF-8"}}, line, "accepted"},
      {with("content-type", "Application/CloudEvents+JSON"), line, "accepted"},
      {whole, line, "accepted"},
      {{{"content-type", "application/cloudevents+avro"}}, line, "accepted"},
      {{{"content-type", "application/cloudevents+avro"}}, spoken, "bad_value at content-type"},
      {{{"content-type", "application/cloudevents-batch+json"}}, "[]", "bad_value at content-type"},
      {with("content-type", "application/cloudevents+json"), spoken, "missing_field at specversion"},
      {whole, spoken, "accepted"},
      {{{"trace", "1"}}, spoken, "missing_field at specversion"},
      {{}, spoken, "missing_field at specversion"},
  };
  wire_decoder decoder;
  event_arena arena;
  for (const auto& [given, value, expected] : rows)
    BOOST_TEST(outcome_of(decoder.decode_record(given, value, arena)) == expected);
}

BOOST_AUTO_TEST_SUITE_END()
