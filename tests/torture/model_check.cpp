// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "events/decision_json.hpp"
#include "events/time_text.hpp"
#include "storage/case_reference.hpp"
#include "streams/kafka/broker/partitioner.hpp"
#include "tests/model/naive_user.hpp"
#include "tests/torture/evidence.hpp"

namespace fairuse::torture {

namespace {

/// A refusal, by where the record stood.
using refusal_place = std::tuple<std::uint32_t, std::int64_t, refusal>;

struct addressed {
  std::string uid;
  event what;
  std::uint32_t topic = 0;
  std::int64_t offset = 0;
};

/// Between two broadcast commands.
struct controls_period {
  const event* begin = nullptr;
  bool enabled = false;
  bool killed = false;
};

kafka::key_hash hash_of(key_partitioner how) {
  if (how == key_partitioner::consistent) return kafka::key_hash::crc32;
  return how == key_partitioner::fnv1a ? kafka::key_hash::fnv1a : kafka::key_hash::murmur2;
}

refusal refusal_of(applied why) {
  if (why == applied::unknown_strike or why == applied::past_until or why == applied::no_appeal)
    return refusal::bad_value;
  if (why == applied::too_old) return refusal::too_old;
  return why == applied::future ? refusal::future : refusal::erased;
}

/// One partition, decided again by one naive user each.
class model_partition {
public:
  model_partition(const evidence& from, std::size_t partition, findings& out)
    : from_(from), partition_(partition), out_(out) {}

  void take(const epoch_record& record) {
    if (record.setup) begin_run(record);
    refused_.clear();
    events_.clear();
    commands_.clear();
    for (const auto& range : record.inputs)
      read(range);
    std::stable_sort(events_.begin(), events_.end(), [](const addressed& a, const addressed& b) {
      return a.uid != b.uid ? a.uid < b.uid : before(a.what, b.what);
    });
    apply_commands();
    if (periods_.size() > 1)
      decide_with_commands(record.now);
    else
      decide(record.now);
    previous_now_ = std::max(previous_now_, record.now);
    in_force_ = periods_.back();
    std::set<refusal_place> journal;
    for (const auto& each : record.refused)
      journal.emplace(each.topic, each.offset, each.why);
    if (journal != refused_)
      out_.fail(fmt::format("partition {} epoch {}: the model refuses {} records, the journal {}", partition_,
                            record.epoch, refused_.size(), journal.size()));
  }

  void compare() {
    for (auto& [uid, who] : users_)
      who->advance(previous_now_);
    std::map<std::string, std::vector<const stored_record*>> told;
    for (const auto& each : from_.decisions[partition_].records)
      if (const auto subject = each.header("ce_subject"); subject != "*") told[subject].push_back(&each);
    for (const auto& [uid, who] : users_)
      compare_user(uid, who->decisions, told[uid]);
    for (const auto& [uid, records] : told)
      if (users_.find(uid) == users_.end())
        out_.fail(
            fmt::format("partition {}: {} decisions about a user of whom nothing came", partition_, records.size()));
    out_.counts["model_users"] += users_.size();
  }

private:
  void begin_run(const epoch_record& record) {
    const auto& controls = record.setup->controls;
    out_.expect(controls.live == from_.deployment.live.digest, "a run began with another live policy");
    if (record.epoch == 0) {
      in_force_ = {nullptr, controls.enabled, controls.killed};
      return;
    }
    if (in_force_.enabled != controls.enabled or in_force_.killed != controls.killed)
      out_.fail(fmt::format("partition {} epoch {}: a run began with other switches than were in force", partition_,
                            record.epoch));
  }

  model::naive_user& user(const std::string& uid) {
    auto& who = users_[uid];
    if (not who) {
      who = std::make_unique<model::naive_user>(from_.deployment.live, from_.deployment.shadows,
                                                from_.deployment.settings.retention.usage_ms, review_mode::shared);
      who->set_controls(in_force_.enabled, in_force_.killed);
      who->reference = [this, uid](std::uint32_t strike) { return names_.reference(uid, strike); };
    }
    return *who;
  }

  void read(const input_range& range) {
    const auto& log = from_.inputs.at(range.topic)[partition_].records;
    auto at = std::lower_bound(log.begin(), log.end(), range.from,
                               [](const stored_record& each, std::int64_t offset) { return each.offset < offset; });
    for (; at != log.end() and at->offset < range.next; ++at)
      read(*at, range.topic);
  }

  void read(const stored_record& record, std::uint32_t topic) {
    std::vector<wire_header> headers;
    for (const auto& [name, value] : record.headers)
      headers.push_back({name, value});
    const auto read = decoder_.decode_record(headers, record.value, arena_);
    if (not read) {
      refused_.emplace(topic, record.offset, read.error().why);
      return;
    }
    const auto& settings = from_.deployment.settings.kafka;
    const auto count = static_cast<std::int32_t>(from_.partitions);
    const bool here = record.key and *record.key == read->subject
                      and (read->subject == "*"
                           or kafka::partition_of(hash_of(settings.partitioner), read->subject, count)
                                  == static_cast<std::int32_t>(partition_));
    if (not here)
      refused_.emplace(topic, record.offset, refusal::wrong_partition);
    else if (read->subject == "*")
      commands_.push_back(read->what);
    else
      events_.push_back({std::string(read->subject), read->what, topic, record.offset});
  }

  void apply_commands() {
    periods_.assign(1, in_force_);
    std::sort(commands_.begin(), commands_.end(), before);
    for (const auto& command : commands_) {
      if (not command_ids_.insert(command.key).second) continue;
      const auto& what = detail_of<admin_command>(command);
      auto next = periods_.back();
      if (what.verb == admin_verb::enable) next.enabled = what.on;
      if (what.verb == admin_verb::kill_switch) next.killed = what.on;
      if (next.enabled == periods_.back().enabled and next.killed == periods_.back().killed) continue;
      next.begin = &command;
      periods_.push_back(next);
      ++out_.counts["commands_to_everybody"];
    }
  }

  void apply(model::naive_user& who, const addressed& each, time_ms now) {
    const auto how = who.apply(now, each.what, horizon_wall_ms);
    if (how == applied::duplicate) ++out_.counts["duplicates"];
    if (is_refused(how)) refused_.emplace(each.topic, each.offset, refusal_of(how));
  }

  void decide(time_ms now) {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      auto& who = user(events_[i].uid);
      if (i == 0 or events_[i - 1].uid != events_[i].uid) who.advance(now);
      apply(who, events_[i], now);
    }
  }

  /// As a shard does it: timers due before a command's instant fire under the controls until then.
  void decide_with_commands(time_ms now) {
    for (const auto& each : events_)
      user(each.uid);
    auto next = events_.begin();
    for (auto& [uid, who] : users_) {
      who->advance(previous_now_);
      auto reached = previous_now_;
      for (std::size_t i = 1; i < periods_.size(); ++i) {
        const auto until = std::min(periods_[i].begin->instant - 1, now);
        if (until > reached) {
          hold(*who, periods_[i - 1]);
          who->advance(until);
          reached = until;
        }
      }
      hold(*who, periods_.back());
      who->advance(now);
      for (std::size_t i = 0; i < periods_.size(); ++i) {
        const auto* end = i + 1 < periods_.size() ? periods_[i + 1].begin : nullptr;
        hold(*who, periods_[i]);
        for (; next != events_.end() and next->uid == uid and (end == nullptr or before(next->what, *end)); ++next)
          apply(*who, *next, now);
      }
      hold(*who, periods_.back());
    }
  }

  static void hold(model::naive_user& who, const controls_period& what) { who.set_controls(what.enabled, what.killed); }

  void compare_user(const std::string& uid, const std::vector<decision>& wanted,
                    const std::vector<const stored_record*>& got) {
    out_.counts["model_decisions"] += wanted.size();
    for (std::size_t i = 0; i < std::max(wanted.size(), got.size()); ++i) {
      const auto is = i < got.size() ? got[i]->value.value_or("") : "nothing";
      const auto expected = i < wanted.size() ? bytes(wanted[i], uid, i < got.size() ? got[i] : nullptr) : "nothing";
      if (is == expected) continue;
      out_.fail(fmt::format("partition {}: decision {} of a user differs\n  topic: {}\n  model: {}", partition_, i, is,
                            expected));
      return;
    }
  }

  /// The record that must be on the topic, at this place.
  std::string bytes(const decision& what, const std::string& uid, const stored_record* beside) {
    const auto id = beside != nullptr ? beside->header("ce_id") : std::string("0-0-0");
    auto middle = std::string_view(id).substr(id.find('-') + 1);
    const auto epoch = take_number<std::uint64_t>(middle).value_or(0);
    std::string reference;
    const bool live = what.slot == nullptr or what.slot->enforced;
    if (live and what.strike != 0) reference = names_.reference(uid, what.strike);
    std::string value;
    append_decision_data(value, what,
                         {.id = id,
                          .source = from_.deployment.settings.source,
                          .uid = uid,
                          .case_reference = reference,
                          .epoch = epoch});
    return value;
  }

  const evidence& from_;
  case_namer names_{from_.case_key};
  std::size_t partition_;
  findings& out_;
  wire_decoder decoder_;
  event_arena arena_;
  std::map<std::string, std::unique_ptr<model::naive_user>> users_;
  std::set<std::uint64_t> command_ids_;
  std::vector<addressed> events_;
  std::vector<event> commands_;
  std::vector<controls_period> periods_;
  std::set<refusal_place> refused_;
  controls_period in_force_;
  time_ms previous_now_ = INT64_MIN;
};

} // namespace

void check_model(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs, findings& out) {
  model_partition model(from, partition, out);
  for (const auto& record : epochs)
    model.take(record);
  model.compare();
}

} // namespace fairuse::torture
