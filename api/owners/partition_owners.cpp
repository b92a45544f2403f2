// SPDX-License-Identifier: Apache-2.0

#include "api/owners/partition_owners.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_members.hpp"
#include "base/pure/numbers.hpp"
#include "base/system/stoppable_pause.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

constexpr kafka::milliseconds wait_for_records{200};
constexpr std::chrono::milliseconds pause{500};
/// Calls that ask to be made again.
constexpr int calls_max = 100;

template <class Call>
kafka::call_result<> repeated(Call call) {
  auto done = call();
  for (int i = 0; asks_for(done, kafka::next_action::again) and i < calls_max; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    done = call();
  }
  return done;
}

} // namespace

partition_owners::partition_owners(partition_owners_options options, kafka::cluster& brokers)
  : options_{std::move(options)},
    brokers_{brokers},
    reader_{brokers, options_.topic},
    thread_{[this](const std::stop_token& stop) { work(stop); }} {}

std::optional<std::string> partition_owners::url_of(std::string_view uid) const {
  const std::lock_guard guard{mutex_};
  if (partitions_ == 0) return std::nullopt;
  const auto found = claims_.find(options_.partition_of(uid, partitions_));
  if (found == claims_.end() or found->second.instance == options_.instance) return std::nullopt;
  return found->second.url;
}

void partition_owners::work(const std::stop_token& stop) {
  const topic_reader::take told = [this](const kafka::record& what, const std::vector<kafka::header>&) { take(what); };
  while (not stop.stop_requested()) {
    kafka::call_result<> done;
    if (not follows_) {
      const auto begun = begin(told);
      if (begun) follows_ = *begun;
      if (not begun) done = begun.error();
    } else {
      done = reader_.read_some(wait_for_records, told);
      if (not done) follows_ = false;
      if (done) done = write_claims();
    }
    if (done and follows_) {
      last_told_.clear();
      continue;
    }
    if (not done) tell(done.error());
    pause_for(pause, stop);
  }
}

// What is written down now. False: not yet.
kafka::call_result<bool> partition_owners::begin(const topic_reader::take& told) {
  const std::vector<std::string> topics{options_.input};
  const auto counts = brokers_.partition_counts(topics);
  if (not counts) return counts.error();
  {
    const std::lock_guard guard{mutex_};
    partitions_ = counts->front();
  }
  if (const auto follows = reader_.follow_all(); not follows) return follows.error();
  return reader_.read_all(wait_for_records, told);
}

void partition_owners::take(const kafka::record& what) {
  const auto partition = what.key ? parse_number<std::int32_t>(*what.key) : std::nullopt;
  if (not partition or not what.value) return;
  const auto row = nlohmann::json::parse(*what.value, nullptr, false);
  if (not row.is_object()) return;
  claim made{text_in(row, "instance"), text_in(row, "url"), static_cast<std::uint64_t>(number_in(row, "epoch"))};
  if (made.instance.empty() or made.url.empty()) return;
  const std::lock_guard guard{mutex_};
  auto& known = claims_[*partition];
  if (made.epoch >= known.epoch) known = std::move(made);
}

kafka::call_result<> partition_owners::write_claims() {
  const auto which = unclaimed();
  return which.empty() ? kafka::call_result<>{} : write(which);
}

std::vector<owned_partition> partition_owners::unclaimed() const {
  auto all = options_.owned();
  const std::lock_guard guard{mutex_};
  std::erase_if(all, [this](const owned_partition& each) {
    const auto found = claims_.find(each.partition);
    if (found == claims_.end()) return false;
    const auto& known = found->second;
    const bool is_ours = known.instance == options_.instance and known.url == options_.url;
    return is_ours or known.epoch > each.epoch;
  });
  return all;
}

// Owners change seldom, so no producer is kept.
kafka::call_result<> partition_owners::write(const std::vector<owned_partition>& which) {
  const auto producer = brokers_.make_producer(options_.transactional_id);
  const std::vector<std::string> topics{options_.topic};
  auto done = repeated([&] { return producer->prepare(topics); });
  if (done) done = producer->begin();
  for (const auto& each : which) {
    if (not done) break;
    std::string value = "{";
    json_members to{value};
    to.text("instance", options_.instance);
    to.text("url", options_.url);
    to.integer("epoch", static_cast<std::int64_t>(each.epoch));
    value.push_back('}');
    producer->produce(options_.topic, each.partition, std::to_string(each.partition), value, {});
  }
  if (done) done = repeated([&] { return producer->flush(); });
  if (done) done = repeated([&] { return producer->commit(); });
  if (not done) return done;
  const std::lock_guard guard{mutex_};
  for (const auto& each : which)
    claims_[each.partition] = {options_.instance, options_.url, each.epoch};
  return done;
}

// The same error once, until it works again.
void partition_owners::tell(const kafka::call_error& why) {
  if (std::exchange(last_told_, why.text) == why.text) return;
  options_.log(log_level::warning,
               fmt::format("instances cannot find each other through {}: {} ({})", options_.topic, why.text, why.code));
}

} // namespace fairuse
