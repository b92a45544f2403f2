// SPDX-License-Identifier: Apache-2.0
#include "storage/opening.hpp"

#include <algorithm>

#include "storage/keys.hpp"
#include "storage/layers.hpp"
#include "storage/published.hpp"

namespace fairuse {

namespace {

/// No commit takes less of a write buffer: a journal row and the meta row.
constexpr std::uint64_t commit_bytes_min = 300;

/// As many commits as can have been in logs and not yet in tables. A gap, if there is one, is among them.
std::uint64_t commits_to_check(rocksdb::DB& db) {
  const auto options = db.GetOptions();
  return options.write_buffer_size * static_cast<std::uint64_t>(options.max_write_buffer_number) / commit_bytes_min;
}

store_error lost(const rocks& db, std::uint64_t published, std::uint64_t there) {
  return {store_fault::lost_tail,
          "The store in " + db.store.string() + " has lost commits: " + std::to_string(published) +
            " were published, " + std::to_string(there) +
            " are there. Its log is damaged. Put a copy of the folder back, or start with an empty folder and feed the "
            "input again."};
}

/// Walk the journal back from its end to its floor: numbers without a gap, every block in the chain. Of what expired
/// any part may be gone: RocksDB rewrites files in no order of time.
result<void, store_error> check_chain(rocks& db, const commit_head& head, const std::optional<published_mark>& mark) {
  const std::unique_ptr<rocksdb::Iterator> rows(db.db->NewIterator(rocksdb::ReadOptions()));
  const auto limit = commits_to_check(*db.db);
  auto number = head.commit;
  auto chain = head.chain;
  std::optional<decoded_journal> later;
  for (rows->SeekForPrev(std::string(1, keys::journal_type + 1)); rows->Valid(); rows->Prev()) {
    const auto key = keys::parse_log(view(rows->key()));
    if (rows->key()[0] != keys::journal_type or number == 0 or head.commit - number >= limit) break;
    if (not key or key->now < head.input_floor) break;
    auto block = decode_journal(view(rows->value()));
    if (not block or block->commit.number != number)
      return damaged(db.store, "commit " + std::to_string(number) + " is missing from the journal");
    if (later and chained(block->chain, later->block) != later->chain)
      return damaged(db.store, "the journal's chain breaks at commit " + std::to_string(number + 1));
    if (not later and block->chain != chain) return damaged(db.store, "journal and state are of different commits");
    if (mark and mark->commit == number and mark->chain != block->chain)
      return damaged(db.store, "the published mark belongs to another store");
    later = std::move(block);
    --number;
  }
  if (auto status = status_of(rows->status(), db.store); not status) return status;
  if (number == head.commit and head.commit != 0) return damaged(db.store, "the journal is missing");
  return {};
}

result<void, store_error> check_empty(rocks& db) {
  const std::unique_ptr<rocksdb::Iterator> rows(db.db->NewIterator(rocksdb::ReadOptions()));
  rows->SeekToFirst();
  if (rows->Valid()) return damaged(db.store, "it has rows and no state");
  return status_of(rows->status(), db.store);
}

} // namespace

result<opened_state, store_error> read_state(rocks& db, const store_options& options) {
  opened_state state{{}, {}, erased_users(options.case_key), case_namer(options.case_key).check(), false};
  const auto mark = read_published(db.store);
  const auto row = get(*db.db, keys::meta, db.store);
  if (not row) return row.error();
  const auto published = mark ? mark->commit : 0;
  if (not *row) {
    if (auto status = check_empty(db); not status) return status.error();
    if (published > 0) return lost(db, published, 0);
    return state;
  }
  auto meta = decode_meta(**row);
  if (not meta) return damaged(db.store, "the meta row does not decode");
  if (meta->schema > schema_known)
    return store_error{store_fault::newer, "The store in " + db.store.string()
                                               + " was written by a newer version (schema "
                                               + std::to_string(meta->schema) + ", this one knows "
                                               + std::to_string(schema_known) + "). Run that version."};
  // RocksDB does not notice that the end of its manifest is missing: then all tables are gone, and the log alone is
  // left.
  const auto anchor = get(*db.db, keys::anchor, db.store);
  if (not anchor) return anchor.error();
  if (not *anchor) return damaged(db.store, "its oldest rows are missing");
  if (published > meta->head.commit) return lost(db, published, meta->head.commit);
  if (auto status = check_chain(db, meta->head, mark); not status) return status.error();
  if (auto status = read_erased(*db.db, db.store, {}, state.erased); not status) return status.error();
  state.key_changed = meta->key_check != state.key_check;
  if (state.key_changed and not state.erased.empty()) return wrong_key(db.store);
  state.meta = std::move(meta->meta);
  state.head = meta->head;
  return state;
}

void finish_loading(user& who, const policy_set& policies, time_ms now) {
  who.changed.track = true;
  // A timer that is due before `now` fires with the sums of its own instant, and sums only move forward.
  bind(who, policies, std::min(now, who.next_due));
}

} // namespace fairuse
