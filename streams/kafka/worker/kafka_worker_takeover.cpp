// SPDX-License-Identifier: Apache-2.0
//
// S1 and S2: the producer and the group; and the partitions that the group assigns and revokes.
#include <utility>

#include <fmt/format.h>

#include "streams/failpoint.hpp"
#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::kafka {

// Outputs, then inputs: the engine writes its own commands there.
std::vector<std::string> kafka_worker::all_topics() const {
  auto topics = rules_.outputs.all();
  topics.insert(topics.end(), rules_.inputs.begin(), rules_.inputs.end());
  return topics;
}

std::unique_ptr<takeover> kafka_worker::begin_takeover(std::int32_t partition, std::unique_ptr<partition_store> store) {
  return std::make_unique<takeover>(rules_, brokers_, *group_, partition, partition_count_, cluster_id_,
                                    std::move(store));
}

// S1 and S2.
void kafka_worker::start() {
  const auto later = [this](const call_error& why, const char* what) {
    rules_.environment.log(log_level::warning, fmt::format("{}: {} ({})", what, why.text, why.code));
    not_before_ = rules_.environment.steady() + retry_ms;
  };
  const auto topics = all_topics();
  const auto id = brokers_.id();
  if (not id) return later(id.error(), "asking the brokers who they are");
  cluster_id_ = *id;
  const auto asked = brokers_.partition_counts(topics);
  if (not asked) return later(asked.error(), "asking for partitions");
  const auto& counts = *asked;
  partition_count_ = counts.back();
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (counts[i] == 0)
      return end_with(fmt::format("there is no topic {}: `fairuse topics create` makes what is missing", topics[i]));
    if (counts[i] != partition_count_)
      return end_with(
          fmt::format("topic {} has {} partitions and {} has {}: all of them must have the same number. "
                      "`fairuse topics check` shows the differences",
                      topics[i], counts[i], topics.back(), partition_count_));
  }
  producer_ = brokers_.make_producer(rules_.worker_name);
  if (const auto prepared = producer_->prepare(topics); not prepared) {
    later(prepared.error(), "preparing the producer");
    producer_.reset();
    return;
  }
  if (group_ == nullptr) group_ = brokers_.join({rules_.app, rules_.worker_name, rules_.inputs}, *this);
  failpoint::pass("group_joined");
  phase_ = phase::running;
}

void kafka_worker::assigned(std::span<const topic_partition> partitions) {
  ++counts_.rebalances;
  std::map<std::int32_t, std::size_t> topics;
  for (const auto& each : partitions)
    ++topics[each.partition];
  for (const auto& [partition, count] : topics) {
    if (count != rules_.inputs.size()) {
      rules_.environment.log(log_level::error,
                             fmt::format("partition {} came with {} of {} inputs: they are not assigned "
                                         "together, so it is left alone",
                                         partition, count, rules_.inputs.size()));
      continue;
    }
    owned_[partition].taking = begin_takeover(partition, nullptr);
  }
  rules_.environment.log(log_level::info, fmt::format("the group assigned {} partitions", topics.size()));
}

void kafka_worker::revoked(bool lost) {
  ++counts_.rebalances;
  if (not owned_.empty())
    rules_.environment.log(lost ? log_level::warning : log_level::info,
                           fmt::format("{} partitions {}", owned_.size(), lost ? "are lost" : "go back to the group"));
  for (auto& [partition, each] : owned_)
    if (each.shard) counts_.totals += each.shard->totals();
  // Stores write what is pending as they close.
  owned_.clear();
  fetch_again_ = false;
}

bool kafka_worker::work_on_takeovers() {
  bool working = false;
  bool changed = false;
  for (auto& [partition, each] : owned_) {
    if (not each.taking) continue;
    const auto before = each.taking->state();
    const auto state = each.taking->work();
    working = working or state == takeover_state::working;
    if (state == takeover_state::failed) {
      end_with(fmt::format("partition {}: {}", partition, each.taking->reason()));
      return false;
    }
    if (state == takeover_state::refused and before != state)
      rules_.environment.log(log_level::error,
                             fmt::format("partition {} is refused: {}", partition, each.taking->reason()));
    if (state != takeover_state::ready) continue;
    begin_shard(each);
    changed = true;
  }
  if (changed) fetch_again_ = true;
  return working;
}

void kafka_worker::begin_shard(owned_partition& of) {
  auto& from = *of.taking;
  bool unread = false;
  const auto read_policy = [&](const std::string& digest) -> std::optional<policy> {
    const auto text = from.policy_text(digest);
    unread = unread or not from.policies_read();
    return text ? rules_.configured.parse(*text) : std::nullopt;
  };
  const auto restored = from.restored();
  auto store = from.take_store();
  auto made =
      partition_shard::open(rules_, from.partition(), partition_count_, store, from.found(), actors_, read_policy);
  // If the topic of the policies could not be read to its end, that is no answer yet: the takeover begins again.
  if (not made and unread) {
    of.taking = begin_takeover(from.partition(), std::move(store));
    return;
  }
  if (not made) return refuse(of, made.error());
  rules_.environment.log(
      log_level::info,
      fmt::format("partition {} is ready at epoch {}, {} changelog records read; {}", (*made)->partition(),
                  (*made)->last_epoch(), restored, text_of((*made)->in_force())));
  if ((*made)->case_key_changed()) notices_.case_key_changed();
  of.shard = std::move(*made);
  of.taking.reset();
  of.since = rules_.environment.steady();
  of.last_commit = of.since;
  of.ends.clear();
  of.caught_up = never;
}

// The others continue.
void kafka_worker::refuse(owned_partition& of, const error& why) {
  const auto partition = of.taking->partition();
  of.refused = why.message;
  of.taking.reset();
  rules_.environment.log(log_level::error, fmt::format("partition {} is refused: {}", partition, of.refused));
}

} // namespace fairuse::kafka
