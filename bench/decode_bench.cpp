// SPDX-License-Identifier: Apache-2.0
//
// From a CloudEvents line to a struct. The target is 400 ns for a line of 300 bytes.
#include <string>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>

#include "events/decision_json.hpp"
#include "events/wire.hpp"

namespace {

using namespace fairuse;

constexpr std::string_view speech_ms =
    R"({"specversion":"1.0","id":"018fa2b0-7d1e-7c3a-9b2f-5f4e8d6c1a27","source":"/gateway/eu-west-1/listen-7f9c",)"
    R"("type":"fairuse.speech.v1","subject":"user-3f9a1c7e5b2d48f0","time":"2026-11-22T09:27:32.123Z",)"
    R"("datacontenttype":"application/json","partitionkey":"u-31","data":{"lane":"realtime","ms":58230}})";

constexpr std::string_view stt_ms =
    R"({"specversion":"1.0","id":"018fa2b0-7d1e-7c3a-9b2f-5f4e8d6c1a28","source":"/gateway/eu-west-1/listen-7f9c",)"
    R"("type":"fairuse.stt.v1","subject":"user-3f9a1c7e5b2d48f0","time":"2026-11-22T09:27:32.123Z",)"
    R"("datacontenttype":"application/json","partitionkey":"u-31","data":{"ms":60000,"provider":"d"}})";

constexpr std::string_view speech_segments =
    R"({"specversion":"1.0","id":"018fa2b0-7d1e-7c3a-9b2f-5f4e8d6c1a29","source":"/gateway/eu-west-1/listen-7f9c",)"
    R"("type":"fairuse.speech.v1","subject":"user-3f9a1c7e5b2d48f0","time":"2026-11-22T09:27:32.123Z","data":)"
    R"({"lane":"realtime","segments":[[0,1200],[1900,4410],[5000,9120],[9600,12000],[15040,17720],[20000,22100]]}})";

constexpr std::string_view review =
    R"({"specversion":"1.0","id":"018fa2b0-7d1e-7c3a-9b2f-5f4e8d6c1a2a","source":"/reviewer","type":)"
    R"("fairuse.review.v1","subject":"user-3f9a1c7e5b2d48f0","time":"2026-11-22T09:27:32.123Z","data":)"
    R"({"request":"live-3","score":0.85,"usage_type":"audiobook","confidence":0.9,"evidence":["one voice for 8 h"],)"
    R"("model":"gpt-5.1","prompt_version":"7"}})";

/// The arena is cleared as often as an epoch clears it, so that its growth is part of the measurement.
constexpr int lines_per_arena = 4096;

void decode(benchmark::State& state, std::string_view line) {
  std::string padded(line);
  padded.append(wire_padding, '\0');
  const auto view = std::string_view(padded).substr(0, line.size());
  wire_decoder decoder;
  event_arena arena;
  int used = 0;
  for (auto _ : state) {
    auto result = decoder.decode_padded(view, arena);
    if (not result) state.SkipWithError("the line was refused");
    benchmark::DoNotOptimize(result);
    if (++used == lines_per_arena) {
      arena.clear();
      used = 0;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
  state.counters["bytes"] = static_cast<double>(line.size());
}

void encode_event(benchmark::State& state) {
  wire_decoder decoder;
  event_arena arena;
  const auto result = decoder.decode(speech_ms, arena);
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_event(out, result->subject, result->what);
    benchmark::DoNotOptimize(out.data());
  }
}

void encode_decision(benchmark::State& state) {
  const slot_label live{"live", true, "fair", std::string(64, 'a'), {"daily", "3day", "weekly"}};
  decision crossed{.kind = decision_kind::cap_crossed, .why = reason::cap_exceeded, .slot = &live};
  crossed.time = 1'795'339'652'123;
  crossed.cause = "018fa2b0-7d1e-7c3a-9b2f-5f4e8d6c1a27";
  crossed.sum_count = 3;
  crossed.sums = {7'200'001, 9'000'000, 20'000'000};
  crossed.sum_ms = 7'200'001;
  crossed.cap_ms = 7'200'000;
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_decision(out, crossed, {.id = "0-17-1", .source = "fairuse", .uid = "user-3f9a1c7e5b2d48f0"});
    benchmark::DoNotOptimize(out.data());
  }
}

BENCHMARK_CAPTURE(decode, speech_ms, speech_ms);
BENCHMARK_CAPTURE(decode, stt_ms, stt_ms);
BENCHMARK_CAPTURE(decode, speech_segments, speech_segments);
BENCHMARK_CAPTURE(decode, review, review);
BENCHMARK(encode_event);
BENCHMARK(encode_decision);

} // namespace

BENCHMARK_MAIN();
