// SPDX-License-Identifier: Apache-2.0
#include "events/wire.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/events/corpus.hpp"

using namespace fairuse;

namespace {

struct decoding {
  wire_decoder decoder;
  event_arena arena;

  result<wire_event, refused> operator()(std::string_view line) { return decoder.decode(line, arena); }

  /// The one reason and place, or "accepted".
  std::string outcome(std::string_view line) {
    const auto result = decoder.decode(line, arena);
    return result ? "accepted" : std::string(to_text(result.error().why)) + " at " + result.error().place;
  }
};

std::string line_of(std::string_view type, std::string_view data, std::string_view subject = "u-17") {
  std::string line = R"({"specversion":"1.0","id":"e-1","source":"gateway-a","type":"fairuse.)";
  line.append(type).append(R"(.v1","subject":")").append(subject);
  line.append(R"(","time":"2026-11-22T09:27:32.123Z","data":)").append(data).append("}");
  return line;
}

constexpr time_ms spoken_at = 1'795'339'652'123;

struct refused_row {
  std::string code;
  std::string place;
  std::string line;
};

/// code, place, whether the schema sees it too, line.
std::vector<refused_row> refused_rows() {
  std::vector<refused_row> rows;
  for (const auto& text : corpus::lines("refused.tsv")) {
    const auto first = text.find('\t');
    const auto second = text.find('\t', first + 1);
    const auto third = text.find('\t', second + 1);
    rows.push_back({text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(third + 1)});
  }
  return rows;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire)

BOOST_AUTO_TEST_CASE(every_valid_line_decodes_and_comes_back) {
  decoding decode;
  for (const auto& line : corpus::lines("valid.ndjson")) {
    BOOST_TEST_CONTEXT(line) {
      const auto first = decode(line);
      BOOST_TEST_REQUIRE(static_cast<bool>(first), decode.outcome(line));
      std::string again;
      append_event(again, first->subject, first->what);
      const auto second = decode(again);
      BOOST_TEST_REQUIRE(static_cast<bool>(second), decode.outcome(again));
      BOOST_TEST(second->subject == first->subject);
      BOOST_TEST(wire_equal(first->what, second->what));
    }
  }
}

BOOST_AUTO_TEST_CASE(every_type_has_a_valid_line) {
  decoding decode;
  std::set<event_kind> met;
  for (const auto& line : corpus::lines("valid.ndjson"))
    if (const auto read = decode(line)) met.insert(read->what.kind);
  BOOST_TEST(met.size() == event_kind_count);
}

BOOST_AUTO_TEST_CASE(every_refused_line_names_its_reason_and_place) {
  decoding decode;
  for (const auto& [code, place, line] : refused_rows())
    BOOST_TEST(decode.outcome(line) == code + " at " + place, line);
}

BOOST_AUTO_TEST_CASE(every_reason_of_the_wire_has_a_line_that_meets_it) {
  // These have tests of their own below. The rest is for sealing.
  std::set<std::string> met{"too_deep", "too_large"};
  for (const auto& row : refused_rows())
    met.insert(row.code);
  for (std::size_t i = 0; i < static_cast<std::size_t>(refusal::too_old); ++i)
    BOOST_TEST(met.contains(std::string(to_text(static_cast<refusal>(i)))), to_text(static_cast<refusal>(i)));
}

BOOST_AUTO_TEST_CASE(every_reason_has_its_own_code_and_a_remedy) {
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i < refusal_count; ++i) {
    codes.insert(to_text(static_cast<refusal>(i)));
    BOOST_TEST(remedy(static_cast<refusal>(i), "value").ends_with('.'));
  }
  BOOST_TEST(codes.size() == refusal_count);
}

BOOST_AUTO_TEST_CASE(a_refused_line_does_not_disturb_the_next_one) {
  decoding decode;
  const auto good = line_of("stt", R"({"ms":5})");
  for (const auto& row : refused_rows()) {
    BOOST_TEST(decode.outcome(row.line) != "accepted");
    BOOST_TEST(decode.outcome(good) == "accepted");
  }
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused_and_costs_no_stack) {
  decoding decode;
  std::string deep = R"({"x":)" + std::string(2000, '[') + std::string(2000, ']') + "}";
  BOOST_TEST(decode.outcome(deep) == "too_deep at byte 68");
  BOOST_TEST(decode.outcome(std::string(500'000, '[')) == "too_deep at byte 64");
  // The limit itself: one object and 63 arrays in an extension attribute.
  auto line = line_of("stt", R"({"ms":5})");
  line.insert(1, R"("x":)" + std::string(63, '[') + std::string(63, ']') + ",");
  BOOST_TEST(decode.outcome(line) == "accepted");
  line = line_of("stt", R"({"ms":5})");
  line.insert(1, R"("x":)" + std::string(64, '[') + std::string(64, ']') + ",");
  BOOST_TEST(decode.outcome(line) == "too_deep at byte 68");
}

BOOST_AUTO_TEST_CASE(long_lines_are_refused_by_their_length_alone) {
  decoding decode;
  BOOST_TEST(decode.outcome(std::string(10'000'000, 'x')) == "too_large at byte 1048576");
  auto line = line_of("stt", R"({"ms":5})");
  line.append((std::size_t{1} << 20) - line.size(), ' ');
  BOOST_TEST(decode.outcome(line) == "accepted");
  BOOST_TEST(decode.outcome(line + " ") == "too_large at byte 1048576");
  wire_decoder small({.line_bytes_max = 100});
  event_arena arena;
  BOOST_TEST((small.decode(line_of("stt", R"({"ms":5})"), arena).error().why == refusal::too_large));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_refused) {
  decoding decode;
  BOOST_TEST(decode.outcome("{\"a\":\"\xff\"}") == "bad_utf8 at byte 6");
  BOOST_TEST(decode.outcome("{\"a\":\"\xed\xa0\x80\"}") == "bad_utf8 at byte 6");
  BOOST_TEST(decode.outcome("{\"a\":\"\xc3") == "truncated at byte 7");
  BOOST_TEST(decode.outcome(std::string(3, '\0')) == "not_json at byte 0");
  BOOST_TEST(decode.outcome("\xef\xbb\xbf{}") == "not_json at byte 0");
}

BOOST_AUTO_TEST_CASE(the_number_of_segments_is_bounded) {
  decoding decode;
  const auto with_segments = [](std::size_t count) {
    std::string data = R"({"lane":"sync","segments":[[0,9])";
    for (std::size_t i = 1; i < count; ++i)
      data.append(",[0,9]");
    return line_of("speech", data + "]}");
  };
  const auto most = decode(with_segments(wire_segments_max));
  BOOST_TEST_REQUIRE(static_cast<bool>(most));
  BOOST_TEST(detail_of<speech_segments>(most->what).segments.size() == wire_segments_max);
  BOOST_TEST(decode.outcome(with_segments(wire_segments_max + 1)) == "too_many at data.segments");
}

BOOST_AUTO_TEST_CASE(speech_in_ms_needs_no_detail_and_keeps_its_key) {
  decoding decode;
  const auto result = decode(line_of("speech", R"({"lane":"sync","ms":58230})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(result));
  const auto& e = result->what;
  BOOST_TEST(result->subject == "u-17");
  BOOST_TEST((e.kind == event_kind::speech));
  BOOST_TEST((e.from == lane::sync));
  BOOST_TEST(e.ms == 58'230);
  BOOST_TEST(e.time == spoken_at);
  BOOST_TEST(e.instant == spoken_at);
  BOOST_TEST(e.detail == nullptr);
  BOOST_TEST(e.text->id == "e-1");
  BOOST_TEST(e.text->source == "gateway-a");
  BOOST_TEST(e.key == event_key("gateway-a", "e-1"));
}

// No rule may read it.
BOOST_AUTO_TEST_CASE(the_lease_of_stt_stands_beside_the_event) {
  decoding decode;
  const auto leased = decode(line_of("stt", R"({"ms":5,"lease":"l-1"})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(leased));
  BOOST_TEST(leased->lease == "l-1");
  BOOST_TEST(leased->what.detail == nullptr);
  const auto next = decode(line_of("stt", R"({"ms":5})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(next));
  BOOST_TEST(next->lease.empty());
  BOOST_TEST(decode.outcome(line_of("stt", R"({"ms":5,"lease":7})")) == "wrong_type at data.lease");
  BOOST_TEST(decode.outcome(line_of("speech", R"({"lane":"sync","ms":5,"lease":"l-1"})"))
             == "unknown_field at data.lease");
}

BOOST_AUTO_TEST_CASE(the_instant_of_segments_is_the_end_of_the_latest) {
  decoding decode;
  const auto result = decode(line_of("speech", R"({"lane":"realtime","segments":[[9000,12000],[0,10000]]})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(result));
  BOOST_TEST(result->what.instant == spoken_at + 12'000);
  const auto& segments = detail_of<speech_segments>(result->what).segments;
  BOOST_TEST_REQUIRE(segments.size() == 2U);
  BOOST_TEST(segments[0].begin_ms == 9000U);
  BOOST_TEST(segments[1].end_ms == 10'000U);
}

BOOST_AUTO_TEST_CASE(no_segments_are_a_heartbeat) {
  decoding decode;
  const auto result = decode(line_of("speech", R"({"lane":"realtime","segments":[]})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(result));
  BOOST_TEST(result->what.detail == nullptr);
  BOOST_TEST(result->what.ms == 0);
}

BOOST_AUTO_TEST_CASE(an_overview_is_cut_at_two_hundred_characters_not_bytes) {
  decoding decode;
  std::string long_text;
  for (int i = 0; i < 300; ++i)
    long_text.append("€");
  const auto result = decode(line_of(
      "conversation", R"({"conversation":"c","lane":"sync","duration_ms":7,"overview":")" + long_text + R"("})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(result));
  const auto& fact = detail_of<conversation_fact>(result->what);
  BOOST_TEST(fact.overview == long_text.substr(0, 600));
  BOOST_TEST((fact.from == lane::sync));
  BOOST_TEST(fact.duration_ms == 7);
}

BOOST_AUTO_TEST_CASE(a_score_is_the_decimal_that_was_written) {
  decoding decode;
  const auto score_of = [&](std::string_view score) {
    const auto result = decode(
        line_of("review", R"({"usage_type":"podcast","score":)" + std::string(score) + R"(,"request":"live-3"})"));
    return result ? detail_of<review_answer>(result->what).score_nano : -1;
  };
  BOOST_TEST(score_of("0.7") == 700'000'000);
  BOOST_TEST(score_of("0.69999999999999999999") == 699'999'999);
  BOOST_TEST(score_of("7.0E-1") == 700'000'000);
  BOOST_TEST(score_of("0.3") == 300'000'000);
  BOOST_TEST(score_of("1") == 1'000'000'000);
}

BOOST_AUTO_TEST_CASE(commands_carry_only_their_own_arguments) {
  decoding decode;
  const auto result =
      decode(line_of("admin", R"({"command":"set_stage","stage":"throttle","actor":"anna","reason":"phone"})"));
  BOOST_TEST_REQUIRE(static_cast<bool>(result));
  const auto& command = detail_of<admin_command>(result->what);
  BOOST_TEST((command.verb == admin_verb::set_stage));
  BOOST_TEST((command.to == stage::throttle));
  BOOST_TEST(command.actor == "anna");
  BOOST_TEST(command.reason == "phone");
  const auto broadcast = decode(line_of("admin", R"({"command":"kill_switch","on":true,"actor":"ops"})", "*"));
  BOOST_TEST_REQUIRE(static_cast<bool>(broadcast));
  BOOST_TEST(broadcast->subject == "*");
  BOOST_TEST(detail_of<admin_command>(broadcast->what).on);
}

BOOST_AUTO_TEST_CASE(events_outlive_the_line_and_the_decoder) {
  event_arena arena;
  std::string_view subject;
  event e;
  {
    wire_decoder decoder;
    auto line = line_of("erasure", R"({"actor":"privacy","reason":"request 12"})");
    const auto result = decoder.decode(line, arena);
    BOOST_TEST_REQUIRE(static_cast<bool>(result));
    subject = result->subject;
    e = result->what;
    line.assign(line.size(), 'x');
  }
  BOOST_TEST(subject == "u-17");
  BOOST_TEST(e.text->id == "e-1");
  BOOST_TEST(detail_of<erasure_request>(e).reason == "request 12");
}

BOOST_AUTO_TEST_CASE(an_arena_that_was_cleared_holds_what_comes_next) {
  event_arena arena;
  constexpr int events = 50'000;
  for (int round = 0; round < 3; ++round) {
    std::vector<const event_text*> kept;
    const std::string source = "gateway-" + std::to_string(round);
    for (int i = 0; i < events; ++i)
      kept.push_back(arena.keep(source, std::to_string(i)));
    bool as_written = true;
    for (int i = 0; i < events; ++i) {
      const auto& text = *kept[static_cast<std::size_t>(i)];
      as_written = as_written and text.source == source and text.id == std::to_string(i);
    }
    BOOST_TEST(as_written);
    arena.clear();
  }
  auto moved = std::move(arena);
  BOOST_TEST(arena.keep("gateway-2", "e-1")->source == "gateway-2"); // NOLINT(bugprone-use-after-move)
  BOOST_TEST(moved.keep("gateway-2", "e-2")->source == "gateway-2");
}

BOOST_AUTO_TEST_CASE(synthetic_events_are_written_under_a_source_of_their_own) {
  event e;
  e.time = e.instant = spoken_at;
  e.key = 0xabcdef;
  e.ms = 5;
  std::string out;
  append_event(out, "u", e);
  BOOST_TEST(out
             == R"({"specversion":"1.0","id":"0000000000abcdef","source":"synthetic","type":"fairuse.speech.v1",)"
                R"("subject":"u","time":"2026-11-22T09:27:32.123Z","datacontenttype":"application/json",)"
                R"("data":{"lane":"realtime","ms":5}})");
}

BOOST_AUTO_TEST_SUITE_END()
