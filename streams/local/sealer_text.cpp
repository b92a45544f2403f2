// SPDX-License-Identifier: Apache-2.0
//
// sealer_state as text: JSON, because it is small and operators read it.

#include <nlohmann/json.hpp>

#include "streams/local/local_sink.hpp"

namespace fairuse {

std::string encode_sealer_state(const sealer_state& state) {
  // Earlier builds read `opening` as a number of lines.
  nlohmann::json text = {{"epoch", state.epoch}, {"opening", state.opening ? 1 : 0}, {"future_run", state.future_run}};
  if (state.now != not_started) text["now"] = state.now;
  if (state.first != not_started) text["first"] = state.first;
  for (const auto& each : state.erasures)
    text["erasures"].push_back({{"uid", each.uid}, {"until", each.until}});
  return text.dump();
}

std::optional<sealer_state> decode_sealer_state(std::string_view text) {
  const auto read = nlohmann::json::parse(text, nullptr, false);
  if (not read.is_object()) return std::nullopt;
  sealer_state state;
  try {
    state.epoch = read.at("epoch").get<std::uint64_t>();
    state.future_run = read.at("future_run").get<std::uint64_t>();
    state.now = read.value("now", not_started);
    state.first = read.value("first", not_started);
    state.opening = read.at("opening").get<std::uint64_t>() > 0 or state.now == not_started;
    for (const auto& each : read.value("erasures", nlohmann::json::array()))
      state.erasures.push_back({each.at("uid").get<std::string>(), each.at("until").get<time_ms>()});
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  return state;
}

} // namespace fairuse
