// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/end_record.hpp"

#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

constexpr std::string_view failing_text = "failing";

// What every line begins with.
std::string begin_record(const notice& what, std::string_view end, time_ms at) {
  std::string line = "{";
  json_members to{line};
  to.text("id", what.id);
  to.text("decision", what.decision);
  to.text("user", what.uid);
  to.text("about", to_text(what.about));
  if (what.at != stage::none) to.text("stage", to_text(what.at));
  to.text("end", end);
  to.time("time", at);
  return line;
}

} // namespace

std::string end_record(const notice& what, const delivery& end, bool with_body) {
  auto line = begin_record(what, to_text(end.how), end.at);
  json_members to{line, false};
  to.integer("attempts", end.attempts);
  if (end.status != 0) to.integer("status", end.status);
  to.optional_text("why", end.why);
  // The body is JSON itself.
  if (with_body and end.how == notice_end::gave_up) to.member("webhook").append(end.body);
  return line + '}';
}

std::string failing_record(const notice& what) { return begin_record(what, failing_text, what.tried_since) + '}'; }

void known_ends::take(std::string_view line) {
  const auto all = nlohmann::json::parse(line, nullptr, false);
  if (not all.is_object()) return;
  const auto id = text_in(all, "id");
  const auto end = text_in(all, "end");
  if (id.empty() or end.empty()) return;
  if (end == failing_text) {
    tried_.emplace(id, time_in(all, "time", never));
    return;
  }
  tried_.erase(id);
  ended_.insert(id);
}

time_ms known_ends::tried_since(const std::string& id) {
  const auto tried = tried_.extract(id);
  return tried ? tried.mapped() : never;
}

void known_ends::clear() {
  ended_.clear();
  tried_.clear();
}

} // namespace fairuse
