// SPDX-License-Identifier: Apache-2.0
//
// Output and input records as JSON, one object a line, for tests with other libraries: {"topic", "key", "value",
// "headers": [[name, value], ...]}.
//
//   kafka_records samples    every kind of output record, of one user
//   kafka_records decode     input records from stdin -> {"event": CloudEvents line} or {"refused": reason, "place"}
#include <functional>
#include <iostream>

#include <nlohmann/json.hpp>

#include "events/decision_json.hpp"
#include "events/wire.hpp"
#include "streams/kafka/outputs/outputs.hpp"
#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::kafka;
using json = nlohmann::ordered_json;

namespace {

json text_or_null(std::optional<std::string_view> text) { return text ? json(std::string(*text)) : json(nullptr); }

void print(const output& what) {
  json headers = json::array();
  for (const auto& [name, value] : what.headers)
    headers.push_back({std::string(name), text_or_null(value)});
  std::cout << json{{"topic", to_text(what.to)},
                    {"key", text_or_null(what.key)},
                    {"value", text_or_null(what.value)},
                    {"headers", headers}}
                   .dump()
            << '\n';
}

policy named(std::string name, char digit) {
  auto p = test::fair();
  p.name = std::move(name);
  p.digest = std::string(64, digit);
  p.steps[1].vad_threshold_nano = 100'000'000;
  return p;
}

policy curious() {
  auto p = named("curious", 'b');
  p.review.shadow_asks = true;
  return p;
}

/// A user who reaches the last stage, is exempted, and is erased in the end.
class sample_records {
public:
  sample_records() { user_.who.changed.track = true; }

  void run() {
    user_.speak(hour_ms);
    user_.converse("c-\"1\"", hour_ms, "w\xc3\xb6rk");
    for (int day = 0; day < 4; ++day) {
      user_.misuse(day == 0 ? 0.1 : 0.9);
      user_.stt(31 * minute_ms);
      seal({}, day == 0);
      user_.wait(80 * hour_ms);
    }
    user_.credits(true);
    user_.set_stage(stage::restrict);
    user_.speak(11 * hour_ms);
    user_.stt(31 * minute_ms);
    seal();
    user_.plan("unlimited");
    user_.exempt(true);
    seal();
    user_.promote("curious");
    broadcast_outcome broadcast;
    broadcast.decisions.push_back(promotion(*user_.policies, promote_command(), user_.now));
    seal(std::move(broadcast), true);
    user_.erase();
    seal();
  }

private:
  event promote_command() {
    return user_.make(
        event_kind::admin, 0,
        admin_command{.verb = admin_verb::promote_policy, .actor = "ada", .reason = "tried", .policy = "curious"});
  }

  void seal(broadcast_outcome broadcast = {}, bool controls_changed = false) {
    broadcast.in_force = user_.in_force;
    outcome one;
    one.uid = "user-\xc3\xa9";
    one.who = &user_.who;
    one.wrote = std::move(user_.out);
    user_.out.clear();
    const dead_record dead_letter{.topic = "fairuse.events.v1",
                                  .partition = 3,
                                  .offset = static_cast<std::int64_t>(epoch_),
                                  .why = refusal::truncated,
                                  .place = "byte 5",
                                  .key = "user",
                                  .value = "{\"a\":",
                                  .headers = {{"trace", "1"}}};
    writer_.write(++epoch_, user_.now, {&one, 1}, broadcast, controls_changed, {&dead_letter, 1}, print);
    user_.who.changed.clear();
  }

  test::user_fixture user_{named("fair", 'a'), {curious()}};
  std::uint64_t epoch_ = 0;
  output_writer writer_{"fairuse/eu", 3, case_namer{"a key of the tests"}};
};

void decode_all() {
  wire_decoder decoder;
  for (std::string line; std::getline(std::cin, line);) {
    const auto record = json::parse(line);
    const auto& given = record.at("headers");
    std::vector<wire_header> headers;
    for (const auto& pair : given)
      headers.push_back({pair.at(0).get_ref<const std::string&>(),
                         pair.at(1).is_null()
                             ? std::nullopt
                             : std::optional<std::string_view>(pair.at(1).get_ref<const std::string&>())});
    event_arena arena;
    const auto& value = record.at("value").get_ref<const std::string&>();
    const auto read = decoder.decode_record(headers, value, arena);
    std::string text;
    if (read) append_event(text, read->subject, read->what);
    std::cout << (read ? json{{"event", text}}
                       : json{{"refused", to_text(read.error().why)}, {"place", read.error().place}})
                     .dump()
              << '\n';
  }
}

} // namespace

int main(int count, char** words) {
  const std::string_view verb = count == 2 ? words[1] : "";
  if (verb == "samples")
    sample_records().run();
  else if (verb == "decode")
    decode_all();
  else
    return 2;
  return 0;
}
