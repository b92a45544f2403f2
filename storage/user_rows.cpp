// SPDX-License-Identifier: Apache-2.0
#include "storage/user_rows.hpp"

#include <algorithm>

#include "storage/bytes.hpp"
#include "storage/keys.hpp"
#include "storage/opening.hpp"

namespace fairuse {

namespace {

void note_numbers(tombstone& to, std::string_view slot, std::uint32_t strike, std::uint32_t request) {
  if (strike == 0 and request == 0) return;
  const auto known =
      std::find_if(to.slots.begin(), to.slots.end(), [slot](const auto& each) { return each.slot == slot; });
  auto& numbers = known != to.slots.end() ? *known : to.slots.emplace_back(tombstone::numbers{std::string(slot), 0, 0});
  numbers.last_strike = std::max(numbers.last_strike, strike);
  numbers.last_request = std::max(numbers.last_request, request);
}

/// One user's rows and nothing behind them. Without the bound, a seek that finds none walks over every row that is
/// newer than itself: for a million new users at once that is nearly all rows, for each user.
class bounded_rows {
public:
  bounded_rows(rocksdb::DB& db, const rocksdb::Snapshot* as_of, std::string_view prefix) : end_(prefix) {
    // Above every kind of row.
    end_.push_back('\xff');
    bound_ = slice_of(end_);
    rocksdb::ReadOptions how;
    how.iterate_upper_bound = &bound_;
    how.snapshot = as_of;
    rows_.reset(db.NewIterator(how));
    rows_->Seek(slice_of(prefix));
  }
  rocksdb::Iterator* operator->() { return rows_.get(); }

private:
  std::string end_;
  rocksdb::Slice bound_;
  std::unique_ptr<rocksdb::Iterator> rows_;
};

} // namespace

result<void, store_error> user_rows::write(std::string_view uid, const user& who, overlays before, commit_rows& to,
                                           erased_users& erased, std::vector<erasure_row>& erasures) {
  const auto& what = who.changed;
  if (uid.size() > keys::uid_bytes_max or who.sums.policies == nullptr)
    return store_error{store_fault::misuse,
                       "A user was written down who is not bound to policies, or has no valid uid."};
  const auto prefix = keys::user_prefix(uid);
  if (what.erased) return erase(uid, prefix, who, before, to, erased, erasures);
  if (what.core) {
    codec_.write_core(who, value_);
    to.put(uid, keys::core(prefix), value_);
  }
  if (what.conversations and who.conversations) {
    codec_.write_conversations(*who.conversations, value_);
    to.put(uid, keys::conversations(prefix), value_);
  }
  if (what.standings != 0) write_standings(uid, prefix, who, to);
  if (what.standings != 0 or what.exempt_until) write_due(uid, who, to);
  if (what.unloaded)
    for (const auto& each : *what.unloaded)
      write_standing(uid, prefix, {each.slot, each.loaded}, *each.last, to);
  for (const auto hour : what.id_hours)
    if (not who.ids.has(hour))
      return store_error{store_fault::misuse, "Event ids were forgotten before they were written down."};
  return write_hours(uid, prefix, who, what.bucket_hours, what.id_hours, before, to);
}

void user_rows::write_standing(std::string_view uid, std::string_view prefix, const slot_age& slot,
                               const standing& what, commit_rows& to) {
  codec_.write_standing(what, slot.loaded, value_);
  to.put(uid, keys::standing(prefix, slot.slot), value_);
}

void user_rows::write_standings(std::string_view uid, std::string_view prefix, const user& who, commit_rows& to) {
  // All of them, whatever the bits say: there are few, and bits count slots of a policy set that may have been
  // exchanged since.
  const auto& slots = who.sums.policies->slots();
  for (std::size_t i = 0; i < who.standings.size(); ++i)
    if (who.standings[i]) write_standing(uid, prefix, {slots[i].label.slot, slots[i].loaded}, *who.standings[i], to);
}

void user_rows::write_due(std::string_view uid, const user& who, commit_rows& to) {
  if (who.next_due == never) {
    to.erase(uid, keys::due(uid));
    return;
  }
  value_.clear();
  append_big_endian(value_, static_cast<std::uint64_t>(who.next_due));
  to.put(uid, keys::due(uid), value_);
}

// Buckets of an hour that changed are all in memory: it lies within the retention. Its ids are not, if only the
// beginning of a late upload lies in it and its end in the next: then the row in the store has them.
result<void, store_error> user_rows::write_hours(std::string_view uid, std::string_view prefix, const user& who,
                                                 std::span<const hour_number> buckets, std::span<const hour_number> ids,
                                                 overlays before, commit_rows& to) {
  hours_.assign(buckets.begin(), buckets.end());
  hours_.insert(hours_.end(), ids.begin(), ids.end());
  std::sort(hours_.begin(), hours_.end());
  hours_.erase(std::unique(hours_.begin(), hours_.end()), hours_.end());
  const auto resident_from = first_id_hour(who.pruned_hour * hour_ms);
  for (const auto hour : hours_) {
    const auto key = keys::hour(prefix, keys::user_row::hour, hour);
    if (not codec_.write_bucket_hour(who, *who.sums.policies, hour, bucket_part_)) bucket_part_.clear();
    id_part_.clear();
    if (who.ids.has(hour) or hour >= resident_from) {
      if (not codec_.write_id_hour(who, hour, id_part_)) id_part_.clear();
    } else {
      const auto row = find(uid, key, before, &to);
      if (not row) return row.error();
      std::string_view old_buckets;
      std::string_view old_ids;
      if (*row and not split_hour(**row, old_buckets, old_ids)) return damaged(store_, "an hour row does not decode");
      id_part_.assign(old_ids);
    }
    if (bucket_part_.empty() and id_part_.empty()) {
      to.erase(uid, key);
      continue;
    }
    join_hour(bucket_part_, id_part_, value_);
    to.put(uid, key, value_);
  }
  return {};
}

result<std::optional<std::string>, store_error> user_rows::find(std::string_view uid, std::string_view key,
                                                                overlays before, const commit_rows* newest) {
  const auto in = [&](const commit_rows& rows) { return rows.find(uid, key); };
  auto found = newest == nullptr ? std::nullopt : in(*newest);
  for (auto each = before.rbegin(); not found and each != before.rend(); ++each)
    found = in(**each);
  if (not found) return get(*db_, key, store_);
  return *found ? std::optional(std::string(**found)) : std::optional<std::string>();
}

result<void, store_error> user_rows::erase(std::string_view uid, std::string_view prefix, const user& who,
                                           overlays before, commit_rows& to, erased_users& erased,
                                           std::vector<erasure_row>& erasures) {
  tombstone left;
  if (const auto* earlier = erased.find(uid); earlier != nullptr) left = *earlier;
  row_overlay all;
  for (const auto& rows_of : {std::string{prefix}, keys::user_log_prefix(uid)}) {
    if (auto status = gather(uid, rows_of, before, all); not status) return status;
    to.lay_over(uid, rows_of, all);
  }
  for (const auto& [key, value] : all) {
    to.erase(uid, key);
    const auto parsed = keys::parse_user_row(key);
    if (not parsed or not value or parsed->kind != keys::user_row::standing) continue;
    // Slots that are not loaded now keep their numbers as well.
    standing forgotten;
    time_ms loaded = INT64_MIN;
    if (not codec_.read_standing(*value, forgotten, loaded)) return damaged(store_, "a standing row does not decode");
    note_numbers(left, parsed->rest, forgotten.last_strike, forgotten.last_request);
  }
  to.erase(uid, keys::due(uid));
  for (std::size_t i = 0; i < who.standings.size(); ++i)
    if (who.standings[i])
      note_numbers(left, who.sums.policies->slots()[i].label.slot, who.standings[i]->last_strike,
                   who.standings[i]->last_request);
  if (who.changed.unloaded)
    for (const auto& each : *who.changed.unloaded) {
      if (not each.last) continue;
      note_numbers(left, each.slot, each.last->last_strike, each.last->last_request);
      if (not is_bare(*each.last)) write_standing(uid, prefix, {each.slot, each.loaded}, *each.last, to);
    }
  left.erased_at = std::max(left.erased_at, who.erased_at);
  left.admin_ids = who.admin_ids;
  if (auto status = write_all(uid, prefix, who, before, to); not status) return status;
  codec_.write_tombstone(left, value_);
  const auto hash = erased.hash(uid);
  erasures.push_back({hash, value_, std::string(prefix), keys::user_log_prefix(uid)});
  erased.set(hash, std::move(left));
  return {};
}

result<void, store_error> user_rows::write_all(std::string_view uid, std::string_view prefix, const user& who,
                                               overlays before, commit_rows& to) {
  // Only a user who comes back after an erasure has rows again.
  if (who.account or who.exempt) {
    codec_.write_core(who, value_);
    to.put(uid, keys::core(prefix), value_);
  }
  if (who.conversations and not who.conversations->empty()) {
    codec_.write_conversations(*who.conversations, value_);
    to.put(uid, keys::conversations(prefix), value_);
  }
  if (std::any_of(who.standings.begin(), who.standings.end(),
                  [this](const auto& each) { return each and not is_bare(*each); }))
    write_standings(uid, prefix, who, to);
  write_due(uid, who, to);
  std::vector<hour_number> ids;
  who.ids.each_hour([&ids](hour_number hour) { ids.push_back(hour); });
  return write_hours(uid, prefix, who, bucket_hours(who, *who.sums.policies), ids, before, to);
}

bool user_rows::is_bare(const standing& what) {
  std::string bare;
  codec_.write_standing(numbers_of(what), INT64_MIN, bare);
  codec_.write_standing(what, INT64_MIN, value_);
  return value_ == bare;
}

/// One user while it is read.
struct user_rows::reading {
  std::string_view uid;
  std::string prefix;
  user_row_reader to;
  bool found = false;

  bool take(std::string_view key, std::string_view value) {
    const auto row = keys::parse_user_row(key);
    if (not row) return false;
    found = true;
    return to.take(*row, value);
  }
};

result<void, store_error> user_rows::walk(reading& in) {
  bounded_rows rows(*db_, as_of_, in.prefix);
  while (rows->Valid()) {
    const auto key = view(rows->key());
    const auto row = keys::parse_user_row(key);
    // Hours that are not needed are skipped, not read.
    if (row and row->kind == keys::user_row::hour and row->hour < in.to.first_hour()) {
      rows->Seek(keys::hour(in.prefix, keys::user_row::hour, in.to.first_hour()));
      in.found = true;
      continue;
    }
    if (not in.take(key, view(rows->value()))) return damaged(store_, "a user row does not decode");
    rows->Next();
  }
  return status_of(rows->status(), store_);
}

result<void, store_error> user_rows::gather(std::string_view uid, std::string_view prefix, overlays before,
                                            row_overlay& all) {
  bounded_rows rows(*db_, as_of_, prefix);
  for (; rows->Valid(); rows->Next())
    all.emplace(rows->key().ToString(), rows->value().ToString());
  if (auto status = status_of(rows->status(), store_); not status) return status;
  for (const auto* each : before)
    each->lay_over(uid, prefix, all);
  return {};
}

result<void, store_error> user_rows::walk_over(overlays before, reading& in) {
  row_overlay all;
  if (auto status = gather(in.uid, in.prefix, before, all); not status) return status;
  for (const auto& [key, value] : all)
    if (value and not in.take(key, *value)) return damaged(store_, "a user row does not decode");
  return {};
}

result<bool, store_error> user_rows::read(std::string_view uid, const policy_set& policies, time_ms now,
                                          overlays before, user& to) {
  reading in{uid, keys::user_prefix(uid), {codec_, policies, now, to}};
  const bool covered = std::any_of(before.begin(), before.end(), [uid](const auto* each) { return each->holds(uid); });
  if (auto status = covered ? walk_over(before, in) : walk(in); not status) return status.error();
  to.next_due = next_due_of(to);
  return in.found;
}

result<void, store_error> user_rows::load(std::span<const std::string_view> uids, const policy_set& policies,
                                          time_ms now, overlays before, erased_users& erased,
                                          std::vector<std::unique_ptr<user>>& out) {
  result<void, store_error> first;
  out.reserve(uids.size());
  for (const auto uid : uids) {
    auto& made = out.emplace_back(std::make_unique<user>());
    if (auto found = read(uid, policies, now, before, *made); not found) {
      if (first) first = found.error();
      *made = user();
    }
    erased.restore(uid, policies, *made);
    finish_loading(*made, policies, now);
  }
  return first;
}

result<bool, store_error> user_rows::has_usage(hour_number first, overlays before) const {
  bool found = false;
  const auto status = each_row(*db_, store_, keys::user_type, before, "a user row does not decode",
                               [&](std::string_view key, std::string_view value) {
                                 const auto row = keys::parse_user_row(key);
                                 std::string_view buckets;
                                 std::string_view ids;
                                 if (not row) return false;
                                 if (row->kind != keys::user_row::hour or row->hour < first) return true;
                                 if (not split_hour(value, buckets, ids)) return false;
                                 found = not buckets.empty();
                                 // One is enough.
                                 return not found;
                               });
  if (not status and not found) return status.error();
  return found;
}

result<std::vector<std::pair<time_ms, std::string>>, store_error> user_rows::due_users(overlays before) const {
  std::vector<std::pair<time_ms, std::string>> all;
  auto status = each_row(*db_, store_, keys::due_type, before, "a due row does not decode",
                         [&all](std::string_view key, std::string_view value) {
                           const auto uid = keys::parse_due(key);
                           if (not uid or value.size() != sizeof(std::uint64_t)) return false;
                           all.emplace_back(static_cast<time_ms>(big_endian<std::uint64_t>(value.data())), *uid);
                           return true;
                         });
  if (not status) return status.error();
  return all;
}

result<std::vector<std::string>, store_error> user_rows::read_log(std::string_view uid, std::size_t most,
                                                                  overlays before) {
  row_overlay all;
  if (auto status = gather(uid, keys::user_log_prefix(uid), before, all); not status) return status.error();
  std::vector<std::string> rows;
  for (auto& [key, value] : all)
    if (value) rows.push_back(std::move(*value));
  if (rows.size() > most) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(most));
  return rows;
}

result<std::vector<std::uint64_t>, store_error> user_rows::read_ids(std::string_view uid, hour_number hour,
                                                                    overlays before) {
  const auto row = find(uid, keys::hour(keys::user_prefix(uid), keys::user_row::hour, hour), before, nullptr);
  if (not row) return row.error();
  std::vector<std::uint64_t> ids;
  std::string_view buckets;
  std::string_view part;
  if (*row and (not split_hour(**row, buckets, part) or not codec_.read_id_hour(part, ids)))
    return damaged(store_, "an hour row does not decode");
  return ids;
}

} // namespace fairuse
