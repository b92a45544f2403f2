// SPDX-License-Identifier: Apache-2.0
//
// Notices of local mode: a cursor over the decisions of the local store, read beside its engine. `STATE/notifier/` has
// how each ended (`sent.ndjson`), what the webhook never took (`dead.ndjson`), and up to which decision all have ended
// (`position.json`, which is saved behind the two). A notice whose end is not saved is given again after a restart.
//
// Memory: the notices that have not ended, and a few bytes for each thousand decisions among them.
// Threads: one; one process for each folder.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/notifier/end_record.hpp"
#include "api/notifier/notice_log.hpp"
#include "api/notifier/notice_source.hpp"
#include "base/system/folder_lock.hpp"
#include "core/policy_set.hpp"
#include "engine/run_error.hpp"
#include "storage/local_reader.hpp"

namespace fairuse {

struct local_notices_options {
  /// Of the engine; it holds a store.
  std::filesystem::path state_folder;
  /// Tells that a user was erased and came back; empty: they count as not erased.
  std::string case_key;
  /// The others are passed over.
  std::vector<notice_about> send;
  /// How long ends are kept: as decisions are.
  std::int64_t kept_ms = 400 * day_ms;
};

class local_notices final : public notice_source {
public:
  /// Refused: there is no store, or one that runs by `--clock events`, whose users are not of today. Failed: another
  /// notifier has it, or its files are damaged.
  static run_result<std::unique_ptr<local_notices>> open(local_notices_options options);

  result<std::vector<notice>> poll(std::size_t most, time_ms now) override;
  result<bool> is_held(time_ms now) override;
  result<told_user> user_of(const notice& what, time_ms now) override;
  result<void> failing(const notice& what) override;
  result<void> finished(const notice& what, const delivery& end) override;
  result<void> save(time_ms now) override;

private:
  /// What was read at once, up to a decision.
  struct page {
    log_cursor cursor;
    std::size_t unfinished = 0;
  };

  local_notices(local_notices_options options, std::unique_ptr<local_reader> reader, notice_log sent, notice_log dead,
                folder_lock lock);
  result<void> read_position();
  result<void> read_ends();
  void take_end(std::string_view line);
  result<void> look(time_ms now);
  result<void> check_clock() const;
  result<bool> read_page();
  result<void> fill_stage(notice& what);
  void add_page(page read);
  void end_in_page(const std::string& id);
  result<const policy_set*> policies();

  local_notices_options options_;
  std::unique_ptr<local_reader> reader_;
  notice_log sent_;
  notice_log dead_;
  folder_lock lock_;
  /// Up to where decisions were read.
  log_cursor cursor_;
  /// Up to where all notices have ended.
  log_cursor position_;
  /// The epoch that the position was in at the start.
  std::uint64_t started_behind_ = 0;
  bool position_moved_ = false;
  bool log_moved_ = false;
  time_ms position_saved_at_ = 0;
  time_ms looked_at_ = 0;
  std::deque<notice> ready_;
  /// Pages with notices that have not ended, by the order of reading; others are part of the one before them.
  std::map<std::uint64_t, page> pages_;
  std::uint64_t next_page_ = 0;
  std::unordered_map<std::string, std::uint64_t> page_of_;
  /// Behind the position, from before this start.
  known_ends known_;
  std::shared_ptr<const policy_set> policies_;
  store_meta policies_of_;
};

} // namespace fairuse
