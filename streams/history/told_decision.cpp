// SPDX-License-Identifier: Apache-2.0
#include "streams/history/told_decision.hpp"

#include <algorithm>

#include <simdjson.h>

#include "base/pure/numbers.hpp"
#include "events/decision.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "streams/history/json_members.hpp"

namespace fairuse::history {

namespace dom = simdjson::dom;

namespace {

constexpr std::string_view decision_type = "fairuse.decision.v1";

bool read_data(dom::element data, told_decision& out) {
  if (data["decision"].get(out.kind) != simdjson::SUCCESS) return false;
  out.slot = text_or_empty(data["slot"]);
  out.request = text_or_empty(data["request"]);
  out.cause = text_or_empty(data["cause"]["event"]);
  std::uint64_t epoch = 0;
  if (data["epoch"].get(epoch) == simdjson::SUCCESS) out.epoch = epoch;
  return true;
}

constexpr std::string_view chain_begin = R"({"specversion":"1.0",)";

/// What the commit adds to the data. Inside a text the quotes of a name would be escaped.
void cut_commit(std::string& data) {
  constexpr std::string_view digits = "0123456789";
  // The epoch is the last member: a window may have the same name.
  if (const auto epoch = data.rfind(R"(,"epoch":)"); epoch != std::string::npos)
    if (const auto end = data.find_first_not_of(digits, epoch + 9); data.find_first_not_of('}', end) == data.npos)
      data.erase(epoch, end - epoch);
  constexpr std::string_view name = R"(,"case":")";
  if (const auto reference = data.rfind(name); reference != std::string::npos)
    data.erase(reference, data.find('"', reference + name.size()) + 1 - reference);
}

} // namespace

struct decision_reader::parser {
  dom::parser values;
};

decision_reader::decision_reader() : parser_{std::make_unique<parser>()} {}
decision_reader::~decision_reader() = default;

std::optional<told_decision> decision_reader::read(std::span<const wire_header> headers, std::string_view value) {
  const auto header = [&](std::string_view name) {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const wire_header& each) { return each.name == name; });
    return found == headers.end() ? std::string_view() : found->value.value_or(std::string_view());
  };
  dom::element whole;
  if (parser_->values.parse(value.data(), value.size()).get(whole) != simdjson::SUCCESS) return std::nullopt;
  told_decision out;
  std::string_view time;
  if (header("ce_type") == decision_type) {
    out.uid = header("ce_subject");
    time = header("ce_time");
    if (not read_data(whole, out)) return std::nullopt;
  } else if (text_or_empty(whole["type"]) == decision_type) {
    out.uid = text_or_empty(whole["subject"]);
    time = text_or_empty(whole["time"]);
    dom::element data;
    if (whole["data"].get(data) != simdjson::SUCCESS or not read_data(data, out)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  const auto at = time_from(time);
  if (not at) return std::nullopt;
  out.time = *at;
  return out;
}

std::string chain_line(const told_decision& of, std::span<const wire_header> headers, std::string_view value) {
  std::string line(chain_begin);
  if (headers.empty()) {
    // Behind id and source.
    line += value.substr(std::min(value.find(R"("type":"fairuse.decision.v1","subject":)"), value.size()));
  } else {
    line += R"("type":"fairuse.decision.v1","subject":)";
    append_json(line, of.uid);
    line += R"(,"time":")" + to_time_text(of.time) + R"(","datacontenttype":"application/json","data":)";
    line.append(value).push_back('}');
  }
  cut_commit(line);
  return line;
}

std::optional<told_request> request_in(const told_decision& from) {
  const bool timed_out = from.kind == to_text(decision_kind::review_timed_out);
  if (not timed_out and from.kind != to_text(decision_kind::review_requested)) return std::nullopt;
  // `live-3`: a slot may have a dash in its name.
  const auto dash = from.request.rfind('-');
  if (dash == std::string_view::npos or from.uid.empty()) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(from.request.substr(dash + 1));
  if (not number) return std::nullopt;
  return told_request{
      {.uid = from.uid, .slot = from.request.substr(0, dash), .number = *number, .requested_at = from.time}, timed_out};
}

} // namespace fairuse::history
