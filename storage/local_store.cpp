// SPDX-License-Identifier: Apache-2.0
#include "storage/local_store.hpp"

#include <algorithm>
#include <system_error>

#include "storage/checkpoint_keeper.hpp"
#include "storage/committed_users.hpp"
#include "storage/erased_users.hpp"
#include "storage/journal.hpp"
#include "storage/keys.hpp"
#include "storage/log_pages.hpp"
#include "storage/opening.hpp"
#include "storage/published.hpp"
#include "storage/rocks.hpp"
#include "storage/user_rows.hpp"
#include "storage/user_scan.hpp"
#include "storage/writer.hpp"

namespace fairuse {

struct local_store::body {
  body(rocks opened, const store_options& chosen, opened_state state, published_file mark)
    : options(chosen),
      db(std::move(opened)),
      logs(*db.db, db.store),
      erased(std::move(state.erased)),
      rows(*db.db, db.store),
      meta(std::move(state.meta)),
      key_changed(state.key_changed),
      open(std::make_unique<commit_batch>()) {
    logs.bounds.commit = state.head.commit;
    logs.bounds.epoch = meta.epoch;
    logs.bounds.input_floor = state.head.input_floor;
    logs.bounds.decision_floor = state.head.decision_floor;
    db.floors->move_to(meta.now, options);
    writer = std::make_unique<commit_writer>(db, std::move(mark), logs.bounds, options, state.head, state.key_check);
  }

  store_options options;
  rocks db;
  log_pages logs;
  erased_users erased;
  user_rows rows;
  store_meta meta;
  bool key_changed;
  std::unique_ptr<commit_batch> open;
  std::unique_ptr<commit_batch> spare;
  std::uint32_t next_decision = 0;
  std::uint32_t next_dead_letter = 0;
  result<void, store_error> failed;
  std::unique_ptr<commit_writer> writer;

  void fail(store_error error) {
    if (failed) failed = std::move(error);
  }
  void fail_unless(const result<void, store_error>& status) {
    if (not status) fail(status.error());
  }
  /// Wait for the commit that is under way, and take its result.
  result<void, store_error> take_finished() {
    auto [status, batch] = writer->finish();
    if (batch) spare = std::move(batch);
    fail_unless(status);
    return failed;
  }
  /// What RocksDB does not have yet, oldest first.
  std::vector<const commit_rows*> before(bool with_open) const {
    std::vector<const commit_rows*> all;
    if (writer->running() != nullptr) all.push_back(&writer->running()->rows);
    if (with_open) all.push_back(&open->rows);
    return all;
  }
};

bool holds_local_store(const std::filesystem::path& folder) {
  std::error_code unknown;
  return published_exists(folder) or std::filesystem::exists(rocks_folder(folder), unknown);
}

void remove_local_store(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(rocks_folder(folder), ignored);
  std::filesystem::remove(published_path(folder), ignored);
  std::filesystem::remove_all(checkpoint_folder(folder), ignored);
}

result<std::unique_ptr<local_store>, store_error> local_store::open(const std::filesystem::path& folder,
                                                                    const store_options& options) {
  if (auto made = make_folder(folder); not made) return made.error();
  // As long as nothing was published, an empty store has lost nothing.
  const bool fresh = not published_exists(folder);
  auto opened = rocks::open(folder, options, fresh);
  if (not opened) return opened.error();
  auto state = read_state(*opened, options);
  if (not state) return state.error();
  auto mark = published_file::open(folder);
  if (not mark) return mark.error();
  const auto& head = state->head;
  if (auto status = mark->write({head.commit, state->meta.epoch, state->meta.now, head.chain}); not status)
    return status.error();
  auto all = std::make_unique<body>(std::move(*opened), options, std::move(*state), std::move(*mark));
  return std::unique_ptr<local_store>(new local_store(std::move(all)));
}

local_store::local_store(std::unique_ptr<body> all) : body_(std::move(all)) {}
local_store::~local_store() = default;

std::vector<std::unique_ptr<user>> local_store::load(std::span<const std::string_view> uids, const policy_set& policies,
                                                     time_ms now) {
  auto& own = *body_;
  std::vector<std::unique_ptr<user>> all;
  own.fail_unless(own.rows.load(uids, policies, now, own.before(true), own.erased, all));
  return all;
}

older_ids local_store::load_ids(std::string_view uid, hour_number hour) {
  auto ids = body_->rows.read_ids(uid, hour, body_->before(true));
  if (ids) return {hour, std::move(*ids)};
  body_->fail(ids.error());
  return {hour, {}};
}

std::vector<std::pair<time_ms, std::string>> local_store::due_users() {
  auto& own = *body_;
  own.fail_unless(own.take_finished());
  auto due = own.rows.due_users({});
  if (due) return std::move(*due);
  own.fail(due.error());
  return {};
}

bool local_store::has_usage(hour_number first) {
  const auto found = body_->rows.has_usage(first, body_->before(true));
  if (found) return *found;
  body_->fail(found.error());
  return true;
}

time_ms local_store::erased_at(std::string_view uid) {
  if (body_->erased.empty()) return INT64_MIN;
  const auto* left = body_->erased.find(uid);
  return left == nullptr ? INT64_MIN : left->erased_at;
}

std::unique_ptr<user_scan> local_store::scan_users(const policy_set& policies) const {
  return std::make_unique<user_scan>(body_->db, policies, body_->meta.now);
}

std::shared_ptr<const committed_users> local_store::last_commit() const {
  return std::make_shared<const committed_users>(body_->db);
}

std::string local_store::policy_text(std::string_view digest) {
  for (const auto& [known, text] : body_->open->policies)
    if (known == digest) return text;
  body_->fail_unless(body_->take_finished());
  auto row = get(*body_->db.db, keys::policy(digest), body_->db.store);
  if (row) return row->value_or(std::string());
  body_->fail(row.error());
  return {};
}

const stored_logs& local_store::logs() const { return body_->logs; }

bool local_store::case_key_changed() const { return body_->key_changed; }

store_meta& local_store::meta() { return body_->meta; }

void local_store::add_epoch(std::uint64_t number, time_ms now, std::uint32_t lines) {
  auto& own = *body_;
  auto& log = own.open->log;
  const bool first_ever = own.meta.epoch == 0 and own.meta.now == 0;
  if (not first_ever and (number != own.meta.epoch + 1 or now < own.meta.now))
    own.fail({store_fault::misuse, "Epochs must go up by one, and their time must not go back."});
  if (log.nows.empty()) {
    log.first_epoch = number;
    log.controls = own.meta.controls;
  }
  log.nows.push_back(now);
  log.lines.push_back(lines);
  own.meta.epoch = number;
  own.meta.now = now;
  own.next_decision = 0;
  own.next_dead_letter = 0;
}

void local_store::add_lines(std::string_view lines) {
  auto& input = body_->open->log.input;
  input.append(lines);
  if (not lines.empty() and lines.back() != '\n') input.push_back('\n');
}

void local_store::add_decision(std::string_view json) {
  auto& own = *body_;
  auto& log = own.open->log;
  log.decisions.push_back(
      {{own.meta.epoch, own.meta.now, own.next_decision++}, log.decision_bytes.size(), json.size()});
  log.decision_bytes.append(json).push_back('\n');
}

void local_store::add_dead_letter(const dead_letter& dead_letter) {
  auto& own = *body_;
  own.open->log.dead_letters.push_back({{own.meta.epoch, own.meta.now, own.next_dead_letter++}, dead_letter});
}

void local_store::add_user(std::string_view uid, user& who) {
  auto& own = *body_;
  if (not who.changed.any()) return;
  own.fail_unless(own.rows.write(uid, who, own.before(false), own.open->rows, own.erased, own.open->erasures));
  who.changed.clear();
}

void local_store::add_to_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index,
                             std::string_view row) {
  body_->open->rows.put(uid, keys::user_log(uid, now, epoch, index), row);
}

void local_store::keep_policy(std::string_view digest, std::string_view text) {
  body_->open->policies.emplace_back(digest, text);
}

std::size_t local_store::open_bytes() const { return body_->open->bytes(); }

result<void, store_error> local_store::commit(std::function<void()> published) {
  auto& own = *body_;
  if (auto status = own.take_finished(); not status) return status;
  if (own.open->log.nows.empty()) return {};
  own.open->log.after = own.meta;
  own.open->published = std::move(published);
  auto next = own.spare ? std::move(own.spare) : std::make_unique<commit_batch>();
  own.writer->start(std::exchange(own.open, std::move(next)));
  return {};
}

result<void, store_error> local_store::wait() { return body_->take_finished(); }

void local_store::wait_for_checkpoint() { body_->writer->checkpoints().wait(); }

std::optional<std::string> local_store::take_checkpoint_failure() {
  return body_->writer->checkpoints().take_failure();
}

std::uint64_t local_store::committed() const { return body_->logs.bounds.commit; }

std::uint64_t local_store::committed_epoch() const { return body_->logs.bounds.epoch; }

result<void, store_error> local_store::failure() const { return body_->failed; }

} // namespace fairuse
