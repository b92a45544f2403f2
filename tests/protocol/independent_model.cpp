// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/independent_model.hpp"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "events/decision_json.hpp"
#include "events/wire.hpp"
#include "storage/case_reference.hpp"
#include "streams/kafka/broker/partitioner.hpp"
#include "tests/model/naive_user.hpp"

namespace fairuse::protocol {

namespace {

struct addressed {
  std::string uid;
  event what;
  std::pair<std::uint32_t, std::int64_t> place;
};

/// Controls from an event on.
struct controls_period {
  const event* begin = nullptr;
  bool enabled = false;
  bool killed = false;
};

class naive_partition {
public:
  naive_partition(fixture& in, std::int32_t partition)
    : in_(in), partition_(partition), rules_(in.rules_for("naive", in.fresh_folder(), 0)) {
    in_force_ = {nullptr, rules_.configured.enabled, rules_.configured.killed};
  }

  /// Places of dead letters that the rules make, and of tombstones.
  std::set<std::pair<std::uint32_t, std::int64_t>> take(const epoch_record& record) {
    events_.clear();
    commands_.clear();
    refused_.clear();
    epoch_ = record.epoch;
    for (const auto& range : record.inputs)
      read(range);
    apply_commands();
    std::stable_sort(events_.begin(), events_.end(),
                     [](const addressed& a, const addressed& b) { return before(a.what, b.what); });
    for (const auto& uid : users_due(record))
      take(uid, record.now);
    last_now_ = record.now;
    return refused_;
  }

  const std::map<std::string, model::naive_user>& users() const { return users_; }
  const model_outcome& outcome() const { return outcome_; }

private:
  void read(const input_range& range) {
    const auto& topic = in_.inputs().at(range.topic);
    for (const auto& entry : records_in(in_, topic, partition_, range.from, range.next)) {
      if (not entry.what.value) {
        refused_.emplace(range.topic, entry.offset);
        continue;
      }
      const auto decoded = decoder_.decode(*entry.what.value, arena_);
      if (not decoded or entry.what.key != std::string(decoded->subject)) continue;
      if (decoded->subject == "*") {
        commands_.push_back(decoded->what);
        continue;
      }
      const auto belongs = kafka::partition_of(kafka::key_hash::murmur2, decoded->subject, in_.settings.partitions);
      if (belongs == partition_)
        events_.push_back({std::string(decoded->subject), decoded->what, {range.topic, entry.offset}});
    }
  }

  void apply_commands() {
    periods_.assign(1, {nullptr, in_force_.enabled, in_force_.killed});
    std::stable_sort(commands_.begin(), commands_.end(), before);
    for (const auto& each : commands_) {
      if (not applied_.insert(each.key).second) {
        ++outcome_.duplicates;
        continue;
      }
      ++outcome_.commands;
      const auto& what = detail_of<admin_command>(each);
      (what.verb == admin_verb::enable ? in_force_.enabled : in_force_.killed) = what.on;
      const auto& was = periods_.back();
      if (was.enabled != in_force_.enabled or was.killed != in_force_.killed)
        periods_.push_back({&each, in_force_.enabled, in_force_.killed});
    }
  }

  std::set<std::string> users_due(const epoch_record& record) {
    std::set<std::string> uids;
    for (const auto& [uid, who] : users_) {
      if (uids.size() >= record.timers_max) break;
      if (who.next_due() <= record.now) uids.insert(uid);
    }
    for (const auto& each : events_)
      uids.insert(each.uid);
    return uids;
  }

  // Timers that are due before a command fire under the controls before it; then events in their order.
  void take(const std::string& uid, time_ms now) {
    auto& who = users_
                    .try_emplace(uid, rules_.configured.live, rules_.configured.shadows, rules_.usage_retention_ms,
                                 review_mode::shared)
                    .first->second;
    who.reference = [this, uid](std::uint32_t strike) { return names_.reference(uid, strike); };
    auto reached = last_now_;
    for (std::size_t i = 1; i < periods_.size(); ++i) {
      const auto until = std::min(periods_[i].begin->instant - 1, now);
      if (until <= reached) continue;
      who.set_controls(periods_[i - 1].enabled, periods_[i - 1].killed);
      who.advance(until);
      reached = until;
    }
    who.set_controls(periods_.back().enabled, periods_.back().killed);
    who.advance(now);
    std::size_t at = 0;
    for (const auto& each : events_) {
      if (each.uid != uid) continue;
      while (at + 1 < periods_.size() and not before(each.what, *periods_[at + 1].begin))
        ++at;
      who.set_controls(periods_[at].enabled, periods_[at].killed);
      const auto how = who.apply(now, each.what, rules_.horizon_ms);
      outcome_.duplicates += how == applied::duplicate;
      outcome_.stale += how == applied::stale;
      if (how == applied::accepted)
        outcome_.applied[uid].push_back(
            {epoch_, now, std::string(each.what.text->source), std::string(each.what.text->id)});
      if (is_refused(how)) refused_.insert(each.place);
    }
    who.set_controls(periods_.back().enabled, periods_.back().killed);
  }

  fixture& in_;
  std::int32_t partition_;
  kafka::engine_rules rules_;
  case_namer names_{rules_.case_key};
  wire_decoder decoder_;
  event_arena arena_;
  std::map<std::string, model::naive_user> users_;
  std::vector<addressed> events_;
  std::vector<event> commands_;
  std::vector<controls_period> periods_;
  std::set<std::uint64_t> applied_;
  std::set<std::pair<std::uint32_t, std::int64_t>> refused_;
  controls_period in_force_;
  time_ms last_now_ = INT64_MIN;
  std::uint64_t epoch_ = 0;
  model_outcome outcome_;
};

std::string header_of(const simlog::stored_record& what, std::string_view name) {
  for (const auto& [key, value] : what.headers)
    if (key == name) return value.value_or("");
  return {};
}

void compare_user(fixture& in, const committed_log& of, const std::string& uid, const std::vector<decision>& expected,
                  const std::vector<const simlog::stored_record*>& real) {
  const auto rules = in.rules_for("names", {}, 0);
  case_namer names(rules.case_key);
  for (std::size_t i = 0; i < std::max(expected.size(), real.size()); ++i) {
    std::string makes = "nothing";
    const std::string is = i < real.size() ? real[i]->value.value_or("null") : "nothing";
    if (i < expected.size()) {
      const auto& what = expected[i];
      const auto id = i < real.size() ? header_of(*real[i], "ce_id") : std::string("?");
      // <partition>-<epoch>-<number>
      const auto from = id.find('-') + 1;
      std::optional<std::uint64_t> epoch;
      if (i < real.size()) epoch = std::stoull(id.substr(from, id.find('-', from) - from));
      std::string reference;
      const bool live = what.slot == nullptr or what.slot->enforced;
      if (live and what.strike != 0) reference = names.reference(uid, what.strike);
      makes.clear();
      append_decision_data(makes, what,
                           {.id = id, .source = rules.source, .uid = uid, .case_reference = reference, .epoch = epoch});
    }
    if (is != makes)
      throw broken_invariant(fmt::format("I1/I2/I11: decision {} of {} [{}] is\n    {}\n  and the model makes\n    {}",
                                         i, uid, of.partition, is, makes));
  }
}

} // namespace

model_outcome outcome_of_model(fixture& in, const committed_log& of) {
  naive_partition model(in, of.partition);
  for (const auto& each : of.epochs)
    model.take(each.record);
  return model.outcome();
}

void check_decisions(fixture& in, const committed_log& of) {
  naive_partition model(in, of.partition);
  for (const auto& each : of.epochs) {
    std::set<std::pair<std::uint32_t, std::int64_t>> refused;
    for (const auto& dead_letter : each.record.refused)
      if (dead_letter.why == refusal::too_old or dead_letter.why == refusal::future
          or dead_letter.why == refusal::erased
          or (dead_letter.why == refusal::bad_value
              and (dead_letter.place == "data.strike" or dead_letter.place == "data.until"))
          or (dead_letter.why == refusal::not_json and dead_letter.place == "value"))
        refused.emplace(dead_letter.topic, dead_letter.offset);
    if (model.take(each.record) != refused)
      throw broken_invariant(
          fmt::format("I1: epoch {} [{}] refuses other events than the model", each.record.epoch, of.partition));
  }
  std::map<std::string, std::vector<const simlog::stored_record*>> real;
  const auto entries = in.log.records({in.topics.decisions, of.partition}, kafka::isolation::committed);
  for (const auto& entry : entries)
    real[*entry.what.key].push_back(&entry.what);
  for (const auto& [uid, who] : model.users())
    compare_user(in, of, uid, who.decisions, real[uid]);
  for (const auto& [uid, decisions] : real)
    if (uid != "*" and not model.users().contains(uid))
      throw broken_invariant(
          fmt::format("I2: decisions of {} [{}], of whom the model knows nothing", uid, of.partition));
}

} // namespace fairuse::protocol
