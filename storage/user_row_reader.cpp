// SPDX-License-Identifier: Apache-2.0
#include "storage/user_row_reader.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/query.hpp"
#include "storage/user_state.hpp"

namespace fairuse {

user_row_reader::user_row_reader(row_codec& codec, const policy_set& policies, time_ms now, user& to)
  : codec_(codec), policies_(policies), now_(now), to_(to) {
  to.metered.resize(policies.profiles().size());
}

bool user_row_reader::take(const keys::user_row_key& row, std::string_view value) {
  switch (row.kind) {
    case keys::user_row::core:
      return codec_.read_core(value, to_);
    case keys::user_row::standing:
      return take_standing(row.rest, value);
    case keys::user_row::conversations:
      to_.conversations = std::make_unique<std::vector<conversation>>();
      return codec_.read_conversations(value, *to_.conversations);
    case keys::user_row::hour:
      return take_hour(row.hour, value);
  }
  return false;
}

bool user_row_reader::take_state(std::string_view state) {
  return each_state_row(state, [this](std::string_view key, std::string_view value) {
    if (key == erased_state_key) return take_erased(value);
    const auto row = keys::parse_behind_prefix(key);
    return key.empty() or (row and take(*row, value));
  });
}

bool user_row_reader::take_erased(std::string_view value) {
  tombstone left;
  if (not codec_.read_tombstone(value, left)) return false;
  restore_erased(left, policies_, to_);
  if (unloaded_ == nullptr) return true;
  for (const auto& each : left.slots) {
    if (policies_.slot_named(each.slot) >= 0) continue;
    auto known = std::find_if(unloaded_->begin(), unloaded_->end(),
                              [&each](const standing_row& row) { return row.slot == each.slot; });
    if (known == unloaded_->end()) known = unloaded_->insert(known, {each.slot, {}, INT64_MIN});
    known->last.last_strike = std::max(known->last.last_strike, each.last_strike);
    known->last.last_request = std::max(known->last.last_request, each.last_request);
  }
  return true;
}

bool user_row_reader::take_standing(std::string_view name, std::string_view value) {
  const auto slot = policies_.slot_named(name);
  if (slot < 0 and unloaded_ == nullptr) return true;
  standing read;
  time_ms loaded = INT64_MIN;
  if (not codec_.read_standing(value, read, loaded)) return false;
  if (slot < 0) {
    unloaded_->push_back({std::string(name), std::move(read), loaded});
    return true;
  }
  const auto place = static_cast<std::size_t>(slot);
  if (to_.standings.empty()) to_.standings.resize(policies_.slots().size());
  if (loaded != policies_.slots()[place].loaded) read = numbers_of(read);
  to_.standings[place] = std::make_unique<standing>(std::move(read));
  return true;
}

bool user_row_reader::take_hour(hour_number hour, std::string_view value) {
  std::string_view buckets;
  std::string_view ids;
  if (not split_hour(value, buckets, ids)) return false;
  if (not buckets.empty() and hour >= first_bucket_hour()
      and not codec_.read_bucket_hour(buckets, policies_, hour, to_))
    return false;
  if (ids.empty() or hour < first_id_hour_wanted()) return true;
  if (not codec_.read_id_hour(ids, ids_)) return false;
  to_.ids.load(hour, ids_);
  return true;
}

// Whole hours, as they are kept in memory.
hour_number user_row_reader::first_bucket_hour() {
  if (not first_bucket_) first_bucket_ = hour_of(std::min(now_, next_due_of(to_)) - policies_.retention_ms());
  return *first_bucket_;
}

hour_number user_row_reader::first_id_hour_wanted() const { return keeps_all_ids_ ? INT32_MIN : first_id_hour(now_); }

hour_number user_row_reader::first_hour() { return std::min(first_bucket_hour(), first_id_hour_wanted()); }

void restore_erased(const tombstone& left, const policy_set& policies, user& to) {
  to.erased_at = std::max(to.erased_at, left.erased_at);
  for (const auto& id : left.admin_ids)
    note_permanent_id(to.admin_ids, id);
  for (const auto& each : left.slots) {
    const auto slot = policies.slot_named(each.slot);
    if (slot < 0) continue;
    if (to.standings.empty()) to.standings.resize(policies.slots().size());
    auto& mine = to.standings[static_cast<std::size_t>(slot)];
    if (not mine) mine = std::make_unique<standing>();
    mine->last_strike = std::max(mine->last_strike, each.last_strike);
    mine->last_request = std::max(mine->last_request, each.last_request);
  }
}

} // namespace fairuse
