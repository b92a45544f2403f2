// SPDX-License-Identifier: Apache-2.0

#include "cli/cases/cut_history.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/system/files.hpp"
#include "events/decision_json.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"
#include "sim/cases/case_run.hpp"
#include "streams/history/history_target.hpp"
#include "streams/history/pack_files.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using sim::asked_review;
using sim::case_event;
using sim::user_traffic_parts;

void take(const history::block_user& who, cut_user& to) {
  to.uid = who.uid;
  to.partition = who.partition;
  for (const auto& step : who.steps)
    for (const auto& what : who.events.subspan(step.first, step.count)) {
      if (history::is_broadcast_mark(what)) continue;
      case_event made{to.uid, what, step.now};
      if (what.text != nullptr) made.what.text = to.arena.keep(what.text->source, what.text->id);
      if (what.detail != nullptr) made.what.detail = to.arena.keep(event_detail(*what.detail));
      to.parts.events.push_back(made);
    }
  for (const auto& each : who.reviews) {
    if (each.requested_at == never or each.number == 0) continue;
    const bool timed_out = each.ended == history::recorded_review::ending::timed_out;
    to.parts.reviews.push_back({each.slot, each.number, each.requested_at, timed_out ? each.ended_at : never});
  }
}

// Kcat ---------------------------------------------------------------------------------------------------------------

struct record {
  time_ms ts = 0;
  std::string_view topic;
  std::string value;
};

std::string review_decision(const std::string& uid, const asked_review& of, decision_kind kind, time_ms at) {
  std::string out = "{";
  json_members to(out);
  to.text("specversion", "1.0");
  to.text("id", fmt::format("{}/{}", request_name(of.slot, of.number), to_text(kind)));
  to.text("source", "fairuse/cut");
  to.text("type", "fairuse.decision.v1");
  to.text("subject", uid);
  to.time("time", at);
  auto& data = to.member("data");
  data.push_back('{');
  json_members in(data);
  in.text("decision", to_text(kind));
  in.text("request", request_name(of.slot, of.number));
  data.append("}}");
  return out;
}

std::vector<record> records_of(const cut_user& of, const user_traffic_parts& parts) {
  std::vector<record> all;
  for (const auto& each : parts.reviews) {
    all.push_back(
        {each.at, "fairuse.decisions.v1", review_decision(of.uid, each, decision_kind::review_requested, each.at)});
    if (each.timed_out_at != never)
      all.push_back({each.timed_out_at, "fairuse.decisions.v1",
                     review_decision(of.uid, each, decision_kind::review_timed_out, each.timed_out_at)});
  }
  for (const auto& each : parts.events) {
    auto& made = all.emplace_back(record{each.now, "fairuse.events.v1", {}});
    append_event(made.value, of.uid, each.what);
  }
  std::stable_sort(all.begin(), all.end(), [](const record& left, const record& right) { return left.ts < right.ts; });
  return all;
}

// Decisions ----------------------------------------------------------------------------------------------------------

std::string member_of(const json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() and found->is_string() ? found->get<std::string>() : std::string();
}

/// What has to stay of a decision.
std::string essence_of(const json& decision) {
  const auto& data = decision["data"];
  auto text = member_of(data, "decision");
  for (const auto* key : {"window", "restriction"})
    if (auto value = member_of(data, key); not value.empty()) text += " " + value;
  if (data.contains("from")) text += fmt::format(" {} -> {}", member_of(data, "from"), member_of(data, "to"));
  return text + fmt::format(" ({})", member_of(data["cause"], "reason"));
}

std::vector<json> decisions_in(const std::string& lines) {
  std::vector<json> all;
  for (std::string_view rest = lines; not rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
    all.push_back(json::parse(rest.substr(0, rest.find('\n'))));
  return all;
}

class minimiser {
public:
  minimiser(cut_user& of, const policy& rules, const history::history_contents& all, const cut_wish& wish)
    : of_(of), rules_(rules), all_(all), wish_(wish) {}

  result<kept_decision> run() {
    const auto whole = decided(of_.parts, never);
    if (not whole) return whole.error();
    if (wish_.number > whole->size())
      return error{fmt::format("of {} there are {} decisions, not {}", of_.uid, whole->size(), wish_.number)};
    const auto& kept = (*whole)[wish_.number - 1];
    const kept_decision made{essence_of(kept), time_from(kept["time"].get<std::string>()).value_or(0)};
    // What came later made no difference, but for answers: a replay gives them when it asks.
    auto parts = of_.parts;
    std::erase_if(parts.events, [&](const case_event& each) { return each.now > made.at; });
    std::erase_if(parts.reviews, [&](const asked_review& each) { return each.at > made.at; });
    const auto still = [&](const user_traffic_parts& candidate) { return holds(candidate, made); };
    if (not still(parts)) parts = of_.parts;
    if (not still(parts)) return error{"that decision follows from more than the user's own events"};
    auto reduced = reduce(std::move(parts), of_.arena, still);
    if (failure_) return *failure_;
    of_.parts = std::move(reduced);
    if (auto done = check_lines(made); not done) return done.error();
    return made;
  }

private:
  result<std::vector<json>> decided(const user_traffic_parts& parts, time_ms end) {
    const auto file = wish_.scratch / "cut.history";
    if (auto done = write_user(of_, parts, all_, file); not done) return done.error();
    const auto reader = history::history_reader::open(file);
    if (not reader) return error{reader.error().message};
    return decisions_in(sim::decisions_under(rules_, **reader, end));
  }

  bool holds(const user_traffic_parts& candidate, const kept_decision& wanted) {
    if (failure_ or candidate.events.empty()) return false;
    if (wish_.stopped and wish_.stopped()) failure_ = error{"interrupted"};
    if (failure_) return false;
    const auto all = decided(candidate, wanted.at);
    if (not all) {
      failure_ = all.error();
      return false;
    }
    return std::any_of(all->begin(), all->end(), [&](const json& each) { return essence_of(each) == wanted.says; });
  }

  // Whoever packs the lines has the decision.
  result<void> check_lines(const kept_decision& wanted) {
    const auto lines = wish_.scratch / "cut.kcat";
    if (auto done = replace_file(lines, kcat_lines(of_, of_.parts, all_.arrivals_known), durability::status); not done)
      return done;
    history::pack_files_wish wish;
    wish.files = {lines.string()};
    wish.to = wish_.scratch / "packed.history";
    const auto packed = pack_files(wish);
    if (not packed) return error{packed.error().message};
    const auto reader = history::history_reader::open(wish.to);
    if (not reader) return error{reader.error().message};
    const auto all = decisions_in(sim::decisions_under(rules_, **reader, wanted.at));
    if (std::any_of(all.begin(), all.end(), [&](const json& each) { return essence_of(each) == wanted.says; }))
      return {};
    return error{"the lines, packed again, do not make that decision: what was admitted then is refused now"};
  }

  cut_user& of_;
  const policy& rules_;
  const history::history_contents& all_;
  const cut_wish& wish_;
  std::optional<error> failure_;
};

} // namespace

result<void> read_user(const history::history_reader& from, const std::string& uid, cut_user& to) {
  const auto& blocks = from.contents().blocks;
  const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const history::block_entry& each) {
    return each.first_uid <= uid and uid <= each.last_uid;
  });
  history::history_reader::buffers buffers;
  if (block != blocks.end()) {
    const auto number = static_cast<std::size_t>(block - blocks.begin());
    if (const auto done = from.read_block(number, {.texts = true, .ids = true}, buffers); not done)
      return error{done.error().message};
    for (const auto& who : buffers.block.users())
      if (who.uid == uid) {
        take(who, to);
        return {};
      }
  }
  return error{fmt::format("there is no user {} in the history", uid)};
}

result<void> write_user(const cut_user& of, const user_traffic_parts& parts, const history::history_contents& all,
                        const std::filesystem::path& to) {
  auto target = history::history_target::open(to, true);
  if (not target) return error{target.error().message};
  history::packer pack({.scratch = target->scratch()});
  std::uint32_t place = 0;
  for (const auto& each : parts.events) {
    history::incoming_event row;
    row.uid = of.uid;
    row.what = each.what;
    row.partition = of.partition;
    row.now = all.arrivals_known ? each.now : each.what.instant;
    row.epoch = all.arrivals_known ? static_cast<std::uint64_t>(row.now) : 0;
    row.place = place++;
    if (const auto done = pack.add(row); not done) return error{done.error().message};
  }
  for (const auto& each : parts.reviews) {
    const history::incoming_request asked{
        .uid = of.uid, .slot = each.slot, .number = each.number, .requested_at = each.at};
    auto done = pack.add_request(asked);
    if (done and each.timed_out_at != never) done = pack.add_timeout(asked, each.timed_out_at);
    if (not done) return error{done.error().message};
  }
  history::history_contents contents;
  contents.program = all.program;
  contents.arrivals_known = all.arrivals_known;
  contents.pseudonymised = all.pseudonymised;
  contents.kinds = all.kinds;
  contents.retention_ms = all.retention_ms;
  contents.horizon_ms = all.horizon_ms;
  auto packed = pack.finish(target->writer(), std::move(contents));
  if (not packed) return error{packed.error().message};
  if (const auto done = target->finish(*packed); not done) return error{done.error().message};
  return {};
}

std::string kcat_lines(const cut_user& of, const user_traffic_parts& parts, bool arrivals_known) {
  std::string out;
  std::int64_t offset = 0;
  for (const auto& each : records_of(of, parts)) {
    out.push_back('{');
    json_members to(out);
    to.text("topic", each.topic);
    to.integer("partition", of.partition);
    to.integer("offset", offset++);
    to.text("tstype", arrivals_known ? "logappend" : "create");
    to.integer("ts", each.ts);
    to.text("key", of.uid);
    to.text("payload", each.value);
    out.append("}\n");
  }
  return out;
}

result<kept_decision> minimise(cut_user& of, const policy& rules, const history::history_contents& all,
                               const cut_wish& wish) {
  return minimiser(of, rules, all, wish).run();
}

} // namespace fairuse::cli
