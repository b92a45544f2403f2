// SPDX-License-Identifier: Apache-2.0
//
// Review requests of a local store: a cursor over its decisions, texts from the users' rows. Verdicts go into the
// store's second input (streams/local/spool.hpp), so the engine may run or not.
//
// The cursor stands in <state>/reviewer and moves behind a decision when everything before it is finished. A request
// that is handed out again after a crash and was answered meanwhile is not pending any more, so it is passed over.
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/reviewer/request_json.hpp"
#include "api/reviewer/review_source.hpp"
#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "storage/local_reader.hpp"

namespace fairuse {

class local_requests final : public review_source {
public:
  /// An error if there is no store in `state`, or one of `--clock events`: nothing takes verdicts there.
  static result<std::unique_ptr<local_requests>> open(const std::filesystem::path& state);

  result<news> poll(std::size_t most, time_ms now) override;
  void finished(std::uint64_t handle, review_answer answer, time_ms now) override;
  result<void> commit(time_ms now) override;
  std::size_t waiting() const override { return answers_; }
  bool at_end() override { return unread_.empty() and asked_.empty(); }

  /// A request, and why nobody would be asked.
  struct shown_request {
    review_request what;
    std::optional<not_asked> why_not;
  };
  /// The last request of this user, answered or not, with the conversations of now. Reads all decisions of the store in
  /// `state`, which may be one of `--clock events`, and changes nothing there.
  static result<shown_request> last_request_of(const std::filesystem::path& state, const std::string& uid, time_ms now);

private:
  /// Decisions that were read at once, and how many requests among them are not finished.
  struct page {
    log_cursor behind;
    std::size_t open = 0;
  };
  struct asked_request {
    std::uint64_t page = 0;
    std::string uid;
  };
  local_requests(std::filesystem::path state, std::unique_ptr<local_reader> reader);
  result<shown_request> find_last_of(const std::string& uid, time_ms now);
  result<void> read_policies();
  result<void> read_page();
  result<void> take(std::string_view decision, time_ms now, news& out);
  std::optional<not_asked> why_not(const decided_request& told, const user* who, time_ms now) const;
  result<const policy*> policy_of(const std::string& digest);
  void finish_pages();

  std::filesystem::path state_;
  std::unique_ptr<local_reader> reader_;
  std::shared_ptr<const policy_set> policies_;
  /// What policies_ was read for.
  stored_controls controls_;
  std::map<std::string, policy> by_digest_;
  log_cursor next_;
  log_cursor finished_until_;
  log_cursor saved_;
  /// Decisions of the last page that are still to be taken.
  std::deque<std::string> unread_;
  std::map<std::uint64_t, page> pages_;
  std::uint64_t last_page_ = 0;
  std::map<std::uint64_t, asked_request> asked_;
  std::uint64_t last_handle_ = 0;
  /// Events that wait for a commit.
  std::string lines_;
  std::size_t answers_ = 0;
  std::uint32_t deliveries_ = 0;
};

} // namespace fairuse
