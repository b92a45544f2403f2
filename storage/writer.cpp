// SPDX-License-Identifier: Apache-2.0
#include "storage/writer.hpp"

#include <algorithm>
#include <cassert>

#include "storage/keys.hpp"
#include "storage/layers.hpp"

namespace fairuse {

namespace {

/// Erased rows stay in old files until these are rewritten. Every so often that is done for a few users; for the others
/// it happens within a day, because RocksDB rewrites every file of that age (periodic_compaction_seconds).
constexpr std::uint64_t forget_every_commits = 1000;
constexpr std::size_t forget_at_once_max = 8;

} // namespace

void commit_batch::clear() {
  log.clear();
  rows.clear();
  policies.clear();
  erasures.clear();
  published = {};
}

commit_writer::commit_writer(rocks& db, published_file published, log_bounds& bounds, const store_options& options,
                             commit_head head, std::string key_check)
  : db_(&db),
    published_(std::move(published)),
    bounds_(&bounds),
    options_(&options),
    head_(head),
    key_check_(std::move(key_check)),
    checkpoints_(db, options, head),
    thread_([this] { run(); }) {}

commit_writer::~commit_writer() {
  static_cast<void>(finish());
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void commit_writer::start(std::unique_ptr<commit_batch> what) {
  assert(not running_);
  running_ = std::move(what);
  {
    const std::lock_guard guard(mutex_);
    busy_ = true;
  }
  changed_.notify_all();
}

std::pair<result<void, store_error>, std::unique_ptr<commit_batch>> commit_writer::finish() {
  if (not running_) return {};
  std::unique_lock guard(mutex_);
  changed_.wait(guard, [this] { return not busy_; });
  auto result = std::exchange(result_, {});
  running_->clear();
  return {std::move(result), std::move(running_)};
}

void commit_writer::run() {
  std::unique_lock guard(mutex_);
  for (;;) {
    changed_.wait(guard, [this] { return busy_ or stop_; });
    if (not busy_) break;
    guard.unlock();
    auto result = write(*running_);
    guard.lock();
    result_ = std::move(result);
    busy_ = false;
    changed_.notify_all();
  }
  guard.unlock();
  forget_erased(true);
}

void commit_writer::fail_here(std::string_view name) const {
  if (options_->failpoint) options_->failpoint(name);
}

result<void, store_error> commit_writer::write(const commit_batch& what) {
  fail_here("storage.before_write");
  auto head = head_;
  const auto now = what.log.nows.back();
  checkpoints_.before_commit(head, now);
  head.input_floor = std::max(head.input_floor, now - options_->input_retention_ms);
  head.decision_floor = std::max(head.decision_floor, now - options_->decision_retention_ms);
  batch_.Clear();
  const auto journal = encode_journal(what.log, head);
  batch_.Put(keys::commit(keys::journal_type, now, head.commit), journal);
  put_log(what.log, head);
  put_rows(what);
  if (head.commit == 1) batch_.Put(slice_of(keys::anchor), "fairuse");
  batch_.Put(slice_of(keys::meta), encode_meta(what.log.after, head, key_check_));
  if (auto room = db_->make_room(batch_.GetDataSize()); not room) return room;
  rocksdb::WriteOptions durable;
  durable.sync = true;
  if (auto status = status_of(db_->db->Write(durable, &batch_), db_->store); not status) return status;
  head_ = head;
  last_controls_ = controls_hash(encode_controls(what.log.controls));
  fail_here("storage.after_write");
  if (auto status = published_.write({head.commit, what.log.after.epoch, now, head.chain}); not status) return status;
  db_->floors->move_to(now, *options_);
  bounds_->input_floor = head.input_floor;
  bounds_->decision_floor = head.decision_floor;
  bounds_->epoch = what.log.after.epoch;
  bounds_->commit = head.commit;
  if (what.published) what.published();
  fail_here("storage.after_publish");
  checkpoints_.after_commit(head, now);
  for (const auto& erasure : what.erasures) {
    erased_.push_back(erasure.prefix);
    erased_.push_back(erasure.log_prefix);
  }
  forget_erased(false);
  return {};
}

void commit_writer::put_log(const commit_log& log, const commit_head& head) {
  const auto controls = encode_controls(log.controls);
  if (const auto hash = controls_hash(controls); hash != last_controls_) batch_.Put(keys::controls(hash), controls);
  if (not log.input.empty())
    batch_.Put(keys::commit(keys::input_type, log.nows.back(), head.commit), packer_.pack(log.input));
  const auto key_of = [](char type, const log_place& at) { return keys::entry(type, at.now, at.epoch, at.index); };
  for (const auto& [place, at, size] : log.decisions)
    batch_.Put(key_of(keys::decision_type, place), rocksdb::Slice(log.decision_bytes.data() + at, size));
  for (const auto& [place, what] : log.dead_letters)
    batch_.Put(key_of(keys::dead_letter_type, place), encode_dead_letter(what));
}

void commit_writer::put_rows(const commit_batch& what) {
  for (const auto& [digest, text] : what.policies)
    batch_.Put(keys::policy(digest), text);
  for (const auto& erasure : what.erasures)
    batch_.Put(keys::erased(as_bytes(erasure.who)), erasure.row);
  add_rows(batch_, what.rows);
}

void commit_writer::forget_erased(bool now) {
  ++commits_since_forget_;
  if (erased_.empty() or (not now and commits_since_forget_ < forget_every_commits)) return;
  commits_since_forget_ = 0;
  // Compaction changes nothing that is read, so a refusal (no space) may wait.
  const auto count = std::min(erased_.size(), forget_at_once_max);
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = erased_[i] + '\xFF';
    const rocksdb::Slice first(erased_[i]);
    const rocksdb::Slice last(end);
    db_->db->CompactRange(rocksdb::CompactRangeOptions(), &first, &last).PermitUncheckedError();
  }
  erased_.erase(erased_.begin(), erased_.begin() + static_cast<std::ptrdiff_t>(count));
}

} // namespace fairuse
