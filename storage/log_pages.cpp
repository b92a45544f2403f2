// SPDX-License-Identifier: Apache-2.0
#include "storage/log_pages.hpp"

#include <algorithm>

#include "storage/journal.hpp"
#include "storage/keys.hpp"
#include "storage/rocks.hpp"

namespace fairuse {

template <class Visit>
result<void, store_error> log_pages::page(char type, time_ms floor, std::uint64_t last, log_cursor& from,
                                          std::size_t most, Visit&& visit) const {
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(rocksdb::ReadOptions()));
  // Behind the cursor: a zero byte makes the smallest key that is larger.
  rows->Seek(std::max(keys::floor(type, floor), from.empty() ? from : from + '\0'));
  for (; most > 0 and rows->Valid() and rows->key()[0] == type; rows->Next(), --most) {
    const auto key = keys::parse_log(view(rows->key()));
    if (not key) return damaged(store_, "a log key is malformed");
    if (key->number > last) return {};
    if (not visit(*key, view(rows->key()), view(rows->value()))) return damaged(store_, "a log row does not decode");
    from = rows->key().ToString();
  }
  return status_of(rows->status(), store_);
}

result<std::vector<std::string>, store_error> log_pages::decisions(log_cursor& from, std::size_t most) const {
  std::vector<std::string> all;
  auto status = page(keys::decision_type, bounds.decision_floor, bounds.epoch, from, most,
                     [&all](const keys::log_key&, std::string_view, std::string_view value) {
                       all.emplace_back(value);
                       return true;
                     });
  if (not status) return status.error();
  return all;
}

std::optional<std::uint64_t> log_pages::epoch_of(const log_cursor& decisions) const {
  if (decisions.empty()) return 0;
  const auto key = keys::parse_log(decisions);
  if (not key or decisions.size() != keys::entry(keys::decision_type, 0, 0, 0).size()
      or decisions[0] != keys::decision_type or key->number > bounds.epoch)
    return std::nullopt;
  // Its own row may have expired, but none is behind the last one.
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(rocksdb::ReadOptions()));
  rows->SeekForPrev(std::string(1, keys::decision_type + 1));
  if (rows->Valid() and rows->key()[0] == keys::decision_type and view(rows->key()) < decisions) return std::nullopt;
  return key->number;
}

result<std::vector<stored_dead_letter>, store_error> log_pages::dead_letters(log_cursor& from, std::size_t most) const {
  std::vector<stored_dead_letter> all;
  auto status = page(keys::dead_letter_type, bounds.decision_floor, bounds.epoch, from, most,
                     [&all](const keys::log_key& key, std::string_view, std::string_view value) {
                       auto dead_letter = decode_dead_letter(value);
                       if (dead_letter) all.push_back({key.number, key.now, std::move(*dead_letter)});
                       return dead_letter.has_value();
                     });
  if (not status) return status.error();
  return all;
}

result<std::vector<stored_commit>, store_error> log_pages::commits(log_cursor& from, std::size_t most) const {
  std::vector<stored_commit> all;
  result<void, store_error> inner;
  auto status = page(keys::journal_type, bounds.input_floor, bounds.commit, from, most,
                     [&, this](const keys::log_key&, std::string_view key, std::string_view value) {
                       auto row = decode_journal(value);
                       if (not row) return false;
                       inner = complete(row->commit, row->controls, row->input_digest, key);
                       all.push_back(std::move(row->commit));
                       return inner.has_value();
                     });
  if (not inner) return inner.error();
  if (not status) return status.error();
  return all;
}

result<void, store_error> log_pages::complete(stored_commit& commit, std::uint64_t controls,
                                              const std::string& input_digest, std::string_view key) const {
  const auto stored = get(*db_, keys::controls(controls), store_);
  if (not stored) return stored.error();
  auto decoded = *stored ? decode_controls(**stored) : std::nullopt;
  if (not decoded) return damaged(store_, "the controls of a commit are missing");
  commit.controls = std::move(*decoded);
  if (input_digest.empty()) return {};
  const auto packed = get(*db_, std::string(1, keys::input_type).append(key.substr(1)), store_);
  if (not packed) return packed.error();
  auto lines = *packed ? unpack_input(**packed) : std::nullopt;
  if (not lines or digest_of_input(*lines) != input_digest)
    return damaged(store_, "the input of a commit is missing or not what was written");
  commit.input = std::move(*lines);
  return {};
}

} // namespace fairuse
