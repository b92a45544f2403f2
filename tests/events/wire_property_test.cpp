// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "events/time_text.hpp"
#include "events/wire.hpp"
#include "tests/events/any_event.hpp"
#include "tests/events/corpus.hpp"

using namespace fairuse;

namespace {

/// Draw events and encode them: `decode` gives them back.
template <class Decode>
void check_decoding(const Decode& decode) {
  BOOST_TEST(rc::check([&] {
    sample s;
    fill(s);
    std::string line;
    append_event(line, s.subject, s.what);
    RC_LOG() << line;
    event_arena arena;
    const auto result = decode(s, line, arena);
    if (not result) RC_FAIL(std::string(to_text(result.error().why)) + " at " + result.error().place);
    RC_ASSERT(result->subject == s.subject);
    RC_ASSERT(wire_equal(result->what, s.what));
    std::string again;
    append_event(again, result->subject, result->what);
    RC_ASSERT(again == line);
  }));
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_properties)

BOOST_AUTO_TEST_CASE(decoding_what_was_encoded_gives_the_event) {
  wire_decoder decoder;
  check_decoding([&](const sample&, std::string_view line, event_arena& arena) { return decoder.decode(line, arena); });
}

BOOST_AUTO_TEST_CASE(both_modes_carry_the_same_event) {
  wire_decoder decoder;
  check_decoding([&](const sample& s, std::string_view line, event_arena& arena) {
    // Quotes inside of texts are escaped, so this occurs once.
    constexpr std::string_view before_data = R"("datacontenttype":"application/json","data":)";
    const auto begin = line.find(before_data) + before_data.size();
    const auto data = line.substr(begin, line.size() - begin - 1);
    const auto time = to_time_text(s.what.time);
    const auto type = "fairuse." + std::string(to_text(s.what.kind)) + ".v1";
    std::vector<wire_header> headers{
        {"ce_specversion", "1.0"}, {"ce_id", s.what.text->id}, {"ce_source", s.what.text->source},  {"ce_type", type},
        {"ce_subject", s.subject}, {"ce_time", time},          {"content-type", "application/json"}};
    std::rotate(headers.begin(), headers.begin() + *rc::gen::inRange(0, 7), headers.end());
    return decoder.decode_record(headers, data, arena);
  });
}

BOOST_AUTO_TEST_CASE(damaged_lines_decode_or_are_refused_and_nothing_else) {
  auto lines = corpus::lines("valid.ndjson");
  wire_decoder decoder;
  BOOST_TEST(rc::check([&] {
    auto line = *rc::gen::elementOf(lines);
    const auto changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes and not line.empty(); ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, line.size());
      const auto byte = *rc::gen::oneOf(
          rc::gen::arbitrary<char>(), rc::gen::element('"', '\\', '{', '}', '[', ']', ',', ':', '-', 'u', '9', '\xed'));
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          line[at] = byte;
          break;
        case 1:
          line.insert(at, 1, byte);
          break;
        case 2:
          line.erase(at, *rc::gen::inRange<std::size_t>(1, 9));
          break;
        default:
          line.resize(at);
      }
    }
    event_arena arena;
    const auto result = decoder.decode(line, arena);
    if (not result) {
      RC_ASSERT(static_cast<std::size_t>(result.error().why) < static_cast<std::size_t>(refusal::too_old));
      RC_ASSERT(not result.error().place.empty());
      return;
    }
    // Whatever is accepted is an event that the wire can hold.
    std::string again;
    append_event(again, result->subject, result->what);
    const auto second = decoder.decode(again, arena);
    RC_ASSERT(static_cast<bool>(second));
    RC_ASSERT(wire_equal(result->what, second->what));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
