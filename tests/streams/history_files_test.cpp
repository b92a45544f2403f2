// SPDX-License-Identifier: Apache-2.0
//
// Histories from files: CSV, what kcat prints, and what is none of it.
#include <algorithm>
#include <optional>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text.hpp"
#include "base/system/files.hpp"
#include "streams/history/csv_events.hpp"
#include "streams/history/csv_text.hpp"
#include "streams/history/input_lines.hpp"
#include "streams/history/pack_files.hpp"
#include "tests/streams/history_text.hpp"
#include "tests/streams/lines.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using namespace fairuse::history;

namespace {

using json = nlohmann::ordered_json;
using texts = std::vector<std::string>;

class packing {
public:
  pack_files_wish wish;

  packing() { wish.to = folder_.file("x.history"); }
  std::string file(std::string_view name, std::string_view text) { return folder_.write(name, text).string(); }
  result<packed_history, file_failure> pack(const texts& contents) {
    wish.files.clear();
    for (const auto& each : contents)
      wish.files.push_back(file(fmt::format("in-{}", wish.files.size()), each));
    wish.replace = true;
    return pack_files(wish);
  }
  packed_history good(const texts& contents) {
    auto done = pack(contents);
    BOOST_REQUIRE_MESSAGE(done, done.error().message);
    return std::move(*done);
  }
  std::string error(const texts& contents) {
    const auto done = pack(contents);
    BOOST_REQUIRE(not done);
    BOOST_TEST((done.error().fault == file_fault::unusable));
    return done.error().message;
  }
  std::string text() const { return text_of(wish.to); }
  std::string bytes() const { return *read_file(wish.to); }
  bool is_clean() const {
    for (const auto& each : std::filesystem::directory_iterator(folder_.path()))
      if (each.path().filename().string().starts_with("x.history") and each.path() != wish.to) return false;
    return true;
  }

private:
  test_folder folder_;
};

std::uint64_t refused_as(const packed_history& of, refusal why) {
  return of.contents.counts.refused[static_cast<std::size_t>(why)];
}

std::uint64_t speech(const packed_history& of) { return of.contents.counts.events[0]; }

/// As kcat prints it. `after`: seconds since test_start at which the broker got it; nullopt: the sender's own time.
std::string envelope(std::int64_t offset, std::optional<std::int64_t> after, const json& payload,
                     const json& headers = nullptr, int partition = 0) {
  json made = {{"topic", "fairuse.events.v1"}, {"partition", partition}, {"offset", offset}};
  made["tstype"] = after ? "logappend" : "create";
  made["ts"] = test_start + after.value_or(0) * second_ms;
  made["broker"] = 1;
  if (not headers.is_null()) made["headers"] = headers;
  made["key"] = "u";
  made["payload"] = payload;
  return made.dump() + "\n";
}

std::string without_end(std::string line) {
  line.pop_back();
  return line;
}

std::string spoken_record(std::int64_t offset, std::optional<std::int64_t> after, int id, int partition = 0) {
  return envelope(offset, after, without_end(speech_line("u", id, id * second_ms)), nullptr, partition);
}

std::string decision_record(std::int64_t offset, std::string_view kind, std::string_view request, bool is_binary) {
  const json data = {{"decision", kind}, {"slot", "live"}, {"request", request}};
  const auto time = to_time_text(test_start + offset * second_ms);
  if (is_binary)
    return envelope(offset, std::nullopt, data.dump(),
                    json::array({"ce_specversion", "1.0", "ce_id", "1", "ce_source", "s", "ce_type",
                                 "fairuse.decision.v1", "ce_subject", "u", "ce_time", time, "x", nullptr}));
  const json whole = {{"specversion", "1.0"}, {"id", "1"},    {"source", "s"}, {"type", "fairuse.decision.v1"},
                      {"subject", "u"},       {"time", time}, {"data", data}};
  return envelope(offset, std::nullopt, whole.dump());
}

constexpr std::string_view header = "user,at,ms\n";

class csv_packing : public packing {
public:
  explicit csv_packing(std::string_view columns = "uid=user,time=at,ms=ms") {
    wish.csv.columns = *csv_columns_from(columns);
  }
};

} // namespace

// CSV ----------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(csv_is_split_as_rfc_4180_says) {
  using state = csv_splitter::state;
  const struct {
    texts lines;
    state then;
    texts fields;
  } rows[] = {
      {{"a,b,c"}, state::whole, {"a", "b", "c"}},
      {{""}, state::whole, {""}},
      {{",,"}, state::whole, {"", "", ""}},
      {{R"("a,1",b)"}, state::whole, {"a,1", "b"}},
      {{R"("say ""hi""",b)"}, state::whole, {R"(say "hi")", "b"}},
      {{R"("",b)"}, state::whole, {"", "b"}},
      {{R"(b,"")"}, state::whole, {"b", ""}},
      {{R"(a,"one)", R"(two",b)"}, state::whole, {"a", "one\ntwo", "b"}},
      {{R"(a,"one)", "", R"(")"}, state::whole, {"a", "one\n\n"}},
      {{R"(a,"one)"}, state::open, {}},
      {{R"(a"b,c)"}, state::invalid, {}},
      {{R"("a"b,c)"}, state::invalid, {}},
      {{" a , b "}, state::whole, {" a ", " b "}},
  };
  csv_splitter splitter;
  for (const auto& row : rows) {
    splitter.begin();
    auto then = state::open;
    for (const auto& line : row.lines)
      then = splitter.take(line);
    BOOST_TEST((then == row.then), row.lines.front());
    if (then != state::whole) continue;
    const auto fields = splitter.fields();
    BOOST_TEST(texts(fields.begin(), fields.end()) == row.fields, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(columns_are_named_or_refused) {
  const struct {
    std::string_view text;
    std::string_view says;
  } rows[] = {
      {"uid=a,time=b,ms=c", ""},
      {"uid=a,time=b,ms=c,lane=d,id=e,source=f", ""},
      {"uid=a,time=b", "'ms' is missing"},
      {"", "'uid' is missing"},
      {"uid=a,time=b,ms", "'ms' is not FIELD=COLUMN"},
      {"uid=a,time=b,ms=", "'ms=' is not FIELD=COLUMN"},
      {"uid=a,time=b,ms=c,uid=d", "'uid' stands there twice"},
      {"uid=a,time=b,ms=c,who=d", "no field 'who'; there are uid, time, ms, lane, id, source"},
      {"uid=a,time=b,ms=c,source=d", "'source' without 'id'"},
  };
  for (const auto& row : rows) {
    const auto made = csv_columns_from(row.text);
    BOOST_TEST(made.has_value() == row.says.empty(), row.text);
    if (not made) BOOST_TEST(made.error().message.find(row.says) != std::string::npos, made.error().message);
  }
}

BOOST_AUTO_TEST_CASE(amounts_are_cut_to_milliseconds_without_binary_fractions) {
  const struct {
    std::string_view text;
    std::int64_t unit;
    std::optional<std::int64_t> ms;
  } rows[] = {
      {"0", 1, 0},
      {"1500", 1, 1'500},
      {"1.9", 1, 1},
      {"1.001", second_ms, 1'001},
      {"0.0019", second_ms, 1},
      {"1.5", minute_ms, 90'000},
      {"0.29", second_ms, 290},
      {"0.1", minute_ms, 6'000},
      {"-2", second_ms, -2'000},
      {"1.50", second_ms, 1'500},
      {"1.0000000000001", second_ms, 1'000},
      {"", 1, {}},
      {".5", 1, {}},
      {"5.", 1, {}},
      {"1e3", 1, {}},
      {"+1", 1, {}},
      {"--1", 1, {}},
      {" 1", 1, {}},
      {"1,5", 1, {}},
      {"0x10", 1, {}},
      {"99999999999999", 1, {}},
      {"1.5s", 1, {}},
  };
  for (const auto& row : rows)
    BOOST_TEST((decimal_ms(row.text, row.unit) == row.ms), row.text);
}

BOOST_AUTO_TEST_CASE(a_row_is_an_event_or_refused_with_line_and_reason) {
  const struct {
    std::string_view row;
    std::optional<refusal> why;
  } rows[] = {
      {"u,2026-01-01T00:00:00Z,1000", {}},
      {"\"u,1\",2026-01-01T01:00:00+01:00,0", {}},
      {"u,2026-01-01 00:00:00,1000", refusal::time_out_of_range},
      {"u,1999-12-31T23:59:59Z,1000", refusal::time_out_of_range},
      {"u,1767225600,1000", refusal::time_out_of_range},
      {"u,2026-01-01T00:00:00Z,much", refusal::wrong_type},
      {"u,2026-01-01T00:00:00Z,-1", refusal::negative_duration},
      {"u,2026-01-01T00:00:00Z,86400001", refusal::absurd_duration},
      {",2026-01-01T00:00:00Z,1", refusal::empty_subject},
      {"*,2026-01-01T00:00:00Z,1", refusal::star_subject},
      {"u\x01,2026-01-01T00:00:00Z,1", refusal::bad_value},
      {"u\xff,2026-01-01T00:00:00Z,1", refusal::bad_utf8},
      {"u,2026-01-01T00:00:00Z", refusal::missing_field},
      {"u,2026-01-01T00:00:00Z,1,2", refusal::unknown_field},
      {"u,2026-01-01T00:00:00Z,1\"2", refusal::bad_value},
      {"u,2026-01-01T00:00:00Z,\"1", refusal::truncated},
  };
  for (const auto& row : rows) {
    csv_packing all;
    const auto got = all.good({fmt::format("{}u,2026-01-01T00:00:00Z,7\n{}\n", header, row.row)});
    BOOST_TEST(speech(got) == (row.why ? 1U : 2U), row.row);
    if (not row.why) continue;
    BOOST_TEST(refused_as(got, *row.why) == 1U, row.row);
    BOOST_REQUIRE(got.read.refusals.size() == 1U);
    BOOST_TEST(got.read.refusals[0].where.ends_with("in-0:3"), got.read.refusals[0].where);
  }
}

BOOST_AUTO_TEST_CASE(lanes_ids_and_sources_come_from_columns) {
  csv_packing all("uid=user,time=at,ms=min,lane=lane,id=id,source=from");
  all.wish.csv.time = time_form::unix_s;
  all.wish.csv.unit_ms = minute_ms;
  const auto got =
      all.good({"from,id,lane,min,at,user,more\r\n"
                "app,1,sync,1.5,1700000000.5,u,x\r\n"
                "app,1,sync,1.5,1700000060,u,x\r\n"
                "app,2,,2,1700000000,u,x\r\n"
                "app,3,radio,2,1700000000,u,x\r\n"
                "app,,sync,2,1700000000,u,x\r\n"
                ",4,sync,2,1700000000,u,x\r\n"});
  const auto text = all.text();
  for (const std::string_view part :
       {R"("id":"2","source":"app")", R"("time":"2023-11-14T22:13:20.000Z")", R"({"lane":"realtime","ms":120000})",
        R"("id":"1","source":"app")", R"("time":"2023-11-14T22:13:20.500Z")", R"({"lane":"sync","ms":90000})"})
    BOOST_TEST(text.find(part) != std::string::npos, part);
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 2);
  BOOST_TEST(text.find(R"("id":"2")") < text.find(R"("id":"1")"));
  BOOST_TEST(got.contents.counts.duplicates == 1U);
  BOOST_TEST(refused_as(got, refusal::bad_value) == 1U);
  BOOST_TEST(refused_as(got, refusal::empty_id) == 1U);
  BOOST_TEST(refused_as(got, refusal::empty_source) == 1U);
}

BOOST_AUTO_TEST_CASE(a_csv_can_hold_speech_only) {
  const auto rows = std::string(header) + "u,2026-01-01T00:00:00Z,7\n";
  csv_packing all;
  const auto alone = all.good({rows});
  BOOST_TEST(alone.contents.could_hold(event_kind::speech));
  BOOST_TEST(not alone.contents.could_hold(event_kind::stt));
  BOOST_TEST(not alone.contents.arrivals_known);
  BOOST_TEST(all.good({rows, speech_line("u", 1, 0)}).contents.could_hold(event_kind::stt));
}

BOOST_AUTO_TEST_CASE(exports_that_overlap_count_once_in_any_order) {
  const auto rows = [](std::initializer_list<int> minutes) {
    std::string text(header);
    for (const auto each : minutes)
      text += fmt::format("u,2026-01-01T00:{:02}:00Z,7\n", each);
    return text;
  };
  csv_packing all;
  const auto got = all.good({rows({1, 2, 2, 3}), rows({2, 2, 3, 4})});
  const auto bytes = all.bytes();
  BOOST_TEST(speech(got) == 5U);
  BOOST_TEST(got.contents.counts.duplicates == 3U);
  all.good({rows({2, 2, 3, 4}), rows({1, 2, 2, 3})});
  BOOST_TEST(all.bytes() == bytes);
}

BOOST_AUTO_TEST_CASE(a_header_without_the_columns_is_refused_with_those_that_it_has) {
  csv_packing all;
  for (const std::string_view said : {"no column user, at, ms", "it has who, when, much"})
    BOOST_TEST(all.error({"who,when,much\n"}).find(said) != std::string::npos);
  BOOST_TEST(all.error({"user,at,ms,user\n"}).find("user twice") != std::string::npos);
  packing without;
  BOOST_TEST(without.error({"who,when,much\nu,1,2\n"}).find("--columns uid=") != std::string::npos);
}

// Lines --------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(lines_of_any_length_are_read_whole_or_cut) {
  constexpr std::size_t chunk = std::size_t{256} << 10;
  constexpr std::size_t longest = input_lines::line_bytes_max - 1;
  const std::size_t lengths[] = {0, 1, chunk - 1, chunk, chunk + 1, 3, 2 * chunk, 5 * chunk, 0, longest, 7};
  for (const std::string_view end : {"\n", "\r\n"}) {
    std::string text(byte_order_mark);
    for (const auto each : lengths)
      text.append(std::string(each, 'x')).append(end);
    text += "last";
    test_folder folder;
    const auto opened = input_lines::open(folder.write("in", text).string(), {});
    BOOST_REQUIRE(opened);
    auto& from = **opened;
    for (const auto each : lengths) {
      BOOST_REQUIRE(*from.next());
      BOOST_TEST(from.line().size() == each);
      BOOST_TEST(not from.is_cut());
      BOOST_TEST(from.is_blank() == (each == 0));
    }
    BOOST_REQUIRE(*from.next());
    BOOST_TEST(from.line() == "last");
    BOOST_TEST(from.number() == std::size(lengths) + 1);
    BOOST_TEST(not *from.next());
    BOOST_TEST(from.bytes_read() == text.size());
  }
}

// NDJSON -------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(events_are_sorted_by_instant_and_now_is_the_instant) {
  packing all;
  const auto got = all.good({"\xEF\xBB\xBF" + speech_line("u", 2, 20'000) + "\n \r\n" + account_line("u", 3, 5'000)
                             + "{\n" + speech_line("u", 1, 10'000) + "[]\n" + speech_line("u", 1, 10'000)});
  const auto text = all.text();
  BOOST_TEST(text.starts_with("u 5 "));
  BOOST_TEST(text.find("\nu 10 ") < text.find("\nu 20 "));
  BOOST_TEST(speech(got) == 2U);
  BOOST_TEST(got.contents.counts.duplicates == 1U);
  BOOST_TEST(got.contents.counts.empty_lines == 2U);
  BOOST_TEST(got.read.lines == 8U);
  BOOST_REQUIRE(got.read.refusals.size() == 2U);
  BOOST_TEST(got.read.refusals[0].where.ends_with("in-0:5"));
  BOOST_TEST(got.read.refusals[0].says.find("Send") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_refused_and_the_next_is_read) {
  packing all;
  const std::string much(std::size_t{40} << 20, 'x');
  const auto got = all.good({speech_line("u", 1, 0) + "{\"" + much + "\n" + speech_line("u", 2, 0) + "{\"" + much});
  BOOST_TEST(speech(got) == 2U);
  BOOST_TEST(refused_as(got, refusal::too_large) == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_no_input_is_named_and_nothing_is_left) {
  const struct {
    std::string content;
    std::string_view says;
  } rows[] = {
      {std::string("\x1f\x8b\x08\0\0", 5), "gzip: unpack it first, `zcat FILE | fairuse history pack - "},
      {"[" + without_end(speech_line("u", 1, 0)) + "]\n", "a JSON array: write one event a line"},
      {"{\n \"specversion\": \"1.0\"\n}\n", "JSON over several lines"},
      {"{\"user\":\"u\"}\n", "line 1 of"},
      {"\n\nhello\n", "line 3 of"},
      {"FUHIST\x1a\n", "is a history already"},
      {"", "no event in"},
      {"\n\n", "They have no line"},
      {"{\"specversion\":\"1.0\"}\n", "missing_field"},
  };
  for (const auto& row : rows) {
    packing all;
    const auto said = all.error({row.content});
    BOOST_TEST(said.find(row.says) != std::string::npos, said);
    BOOST_TEST(all.is_clean());
    BOOST_TEST(not std::filesystem::exists(all.wish.to));
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_lines_among_others_is_told) {
  packing all;
  const auto got = all.good({speech_line("u", 1, 0), ""});
  BOOST_REQUIRE(got.read.empty_files.size() == 1U);
  BOOST_TEST(got.read.empty_files[0].ends_with("in-1"));
}

// kcat ---------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_time_of_the_broker_is_an_arrival_and_never_goes_back) {
  packing all;
  const auto got = all.good(
      {spoken_record(0, 100, 1) + spoken_record(1, 90, 2) + spoken_record(2, 130, 3) + spoken_record(0, 50, 4, 1)});
  BOOST_TEST(got.contents.arrivals_known);
  const auto text = all.text();
  for (const auto* each : {"u 50 ", "\nu 100 ", "\nu 130 "})
    BOOST_TEST(text.find(each) != std::string::npos, text);
  BOOST_TEST(text.find("u 90 ") == std::string::npos);
  BOOST_TEST(got.contents.parts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_event_without_arrival_makes_all_unknown) {
  const auto known = spoken_record(0, 100, 1) + spoken_record(1, 110, 2);
  for (const auto& other : {spoken_record(2, std::nullopt, 3), speech_line("u", 3, 3'000)})
    for (const bool is_first : {false, true}) {
      packing all;
      const auto got = is_first ? all.good({other, known}) : all.good({known, other});
      BOOST_TEST(not got.contents.arrivals_known);
      BOOST_TEST(speech(got) == 3U);
      BOOST_TEST(got.read.lines == 3U);
      BOOST_TEST(all.text().find("u 100 ") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(dumps_that_overlap_give_the_same_history_in_any_order) {
  std::string early;
  std::string late;
  for (int i = 0; i < 30; ++i) {
    if (i < 20) early += spoken_record(i, 1'000 + 10 * i, i, i % 2);
    if (i >= 10) late += spoken_record(i, 1'000 + 10 * i, i, i % 2);
  }
  packing all;
  const auto got = all.good({early, late});
  const auto bytes = all.bytes();
  BOOST_TEST(speech(got) == 30U);
  BOOST_TEST(got.contents.counts.duplicates == 10U);
  for (const auto& files : {texts{late, early}, texts{early + late}, texts{late + early}}) {
    BOOST_TEST(speech(all.good(files)) == 30U);
    BOOST_TEST(all.bytes() == bytes);
  }
}

BOOST_AUTO_TEST_CASE(records_are_read_in_both_modes_and_refused_by_reason) {
  const auto headers = [](const char* type) {
    return json::array({"ce_specversion", "1.0", "ce_id", "b", "ce_source", "s", "ce_type", type, "ce_subject", "u",
                        "ce_time", to_time_text(test_start), "content-type", "application/json", "trace", nullptr});
  };
  const json data = R"({"lane":"sync","ms":5})";
  packing all;
  const auto got = all.good({envelope(0, {}, data, headers("fairuse.speech.v1")) + spoken_record(1, {}, 1)
                             + envelope(2, {}, nullptr) + envelope(3, {}, 17) + envelope(4, {}, data, headers("other"))
                             + envelope(5, {}, data, json::array({"ce_id"})) + "{\"topic\":1,\"partition\":0}\n"
                             + "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"payl\n"});
  BOOST_TEST(speech(got) == 2U);
  BOOST_TEST(got.contents.counts.lanes[static_cast<std::size_t>(lane::sync)] == 1U);
  BOOST_TEST(refused_as(got, refusal::not_json) == 1U);
  BOOST_TEST(refused_as(got, refusal::wrong_type) == 3U);
  BOOST_TEST(refused_as(got, refusal::unknown_type) == 1U);
  BOOST_TEST(refused_as(got, refusal::truncated) == 1U);
}

BOOST_AUTO_TEST_CASE(requests_and_time_outs_come_from_decisions) {
  const auto answer =
      without_end(wire_line("review", "u", 90, 40'000, R"({"request":"live-1","score":0.9,"usage_type":"podcast"})"));
  for (const bool is_binary : {false, true}) {
    packing all;
    const auto got = all.good({decision_record(30, "review_requested", "live-1", is_binary)
                                   + decision_record(31, "cap_crossed", "", is_binary)
                                   + decision_record(50, "review_requested", "live-2", is_binary)
                                   + decision_record(60, "review_timed_out", "live-2", is_binary)
                                   + decision_record(70, "review_requested", "live-3", is_binary),
                               spoken_record(0, {}, 1) + envelope(1, {}, answer)});
    for (const auto& each : got.read.refusals)
      BOOST_TEST_MESSAGE(each.says);
    BOOST_TEST(got.read.refusals.empty());
    BOOST_TEST(got.read.review_decisions == 4U);
    BOOST_TEST(got.read.other_decisions == 1U);
    const auto text = all.text();
    BOOST_TEST(text.substr(text.find("u live-1"))
               == "u live-1 answered 30 40\nu live-2 timed_out 50 60\nu live-3 open 70 ?\n");
  }
}

// Labels, outputs ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(labels_are_known_or_refused) {
  const struct {
    std::string_view content;
    std::string_view says;
  } rows[] = {
      {"uid,label\nu,misuse\nother,legitimate\nu,misuse\n", ""},
      {"more,label,uid\n1,exhausted,u\n2,misuse,other\n", ""},
      {"uid,label\nu,bad\n", ":2: 'bad' is no label; there are legitimate, misuse, exhausted"},
      {"uid,label\nu,misuse\nu,legitimate\n", ":3: the user has another label"},
      {"user,label\nu,misuse\n", "the columns uid and label"},
      {"uid,label\nu\n", ":2: 1 fields under a header of 2"},
      {"uid,label\n,misuse\n", ":2: the uid is empty"},
      {"uid,label\n\"u,misuse\n", ":2: it cannot be read as a row"},
      {"", "has no line"},
  };
  for (const auto& row : rows) {
    packing all;
    all.wish.labels = all.file("labels.csv", row.content);
    const auto got = all.pack({speech_line("u", 1, 0)});
    BOOST_TEST(got.has_value() == row.says.empty());
    if (got) {
      BOOST_TEST(got->read.labels == 2U);
      BOOST_TEST(got->labelled_users == 1U);
      BOOST_TEST(got->contents.labels.size() == 3U);
    } else {
      BOOST_TEST(got.error().message.find(row.says) != std::string::npos, got.error().message);
      BOOST_TEST(all.is_clean());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_stopped_leaves_nothing) {
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += speech_line("u" + std::to_string(i), i, i * 1'000);
  for (int allowed = 0; allowed < 12; ++allowed) {
    packing all;
    all.wish.memory_bytes = 1'000;
    all.wish.block_events = 10;
    all.wish.stopped = [left = allowed]() mutable { return left-- <= 0; };
    const auto got = all.pack({lines});
    // One block of the ten is the last at which it asks.
    if (got) continue;
    BOOST_TEST((got.error().fault == file_fault::stopped), got.error().message);
    BOOST_TEST(all.is_clean());
    BOOST_TEST(not std::filesystem::exists(all.wish.to));
  }
}

BOOST_AUTO_TEST_CASE(an_output_that_is_there_is_not_replaced_unasked) {
  packing all;
  all.wish.files = {all.file("in", speech_line("u", 1, 0))};
  BOOST_REQUIRE(pack_files(all.wish));
  const auto again = pack_files(all.wish);
  BOOST_REQUIRE(not again);
  BOOST_TEST((again.error().fault == file_fault::unusable));
  BOOST_TEST(again.error().message.find("--force") != std::string::npos);
  all.wish.replace = true;
  BOOST_TEST(pack_files(all.wish).has_value());
}
