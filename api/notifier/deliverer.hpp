// SPDX-License-Identifier: Apache-2.0
//
// Brings notices to the webhook: at least once, in order for each user, for as long as it takes or until it gives up.
//
//   deliverer all{settings, secrets, source, figures, send, log};
//   while (...) {
//     for (auto& [ticket, answer] : client.poll(all.idle_ms(now))) all.answered(ticket, answer, now);
//     all.turn(now);
//   }
//
// - A later notice of a user waits for the earlier one, and for nobody else's.
// - 2xx: sent. 410: given up, for the webhook is not to be asked again. Anything else, and no answer, is tried again
// with
//   doubling waits, half of each by chance; Retry-After is waited for, by all notices if the status is 429 or 503. What
//   is not sent `give_up_after` after its first attempt is given up.
// - Nothing is sent while the source is held. Before each attempt a notice is dropped if it is not true any more.
// - At most `waiting_max` notices are in memory; the source is not asked for more.
// Threads: one. Reads no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/http_client.hpp"
#include "api/notifier/notice_source.hpp"
#include "api/notifier/webhook.hpp"
#include "api/status_listener.hpp"
#include "base/pure/log_level.hpp"
#include "config/notifier_settings.hpp"

namespace fairuse {

/// What /metrics shows.
struct notifier_figures {
  explicit notifier_figures(process_metrics& all);

  prometheus::Counter& sent;
  prometheus::Counter& gave_up;
  prometheus::Counter& dropped;
  prometheus::Counter& taken;      ///< attempts that were answered with 2xx
  prometheus::Counter& refused;    ///< with another status
  prometheus::Counter& unanswered; ///< not at all
  prometheus::Gauge& waiting;
  prometheus::Gauge& under_way;
  prometheus::Gauge& held;
  /// Of the oldest notice that waits.
  prometheus::Gauge& oldest_seconds;
};

/// Why a notice is not true any more; empty: it is.
std::string_view why_dropped(const notice& what, const told_user& who, time_ms now);

/// From one attempt to the next. `attempts`: those that failed, at least 1; `id`: what the chance is drawn from.
std::int64_t retry_wait_ms(const notifier_settings& settings, std::uint32_t attempts, std::string_view id);

class deliverer {
public:
  using send_request = std::function<http_client::ticket(outgoing_request)>;
  using log_function = std::function<void(log_level, const std::string&)>;

  /// REQUIRES: all outlive it.
  deliverer(const notifier_settings& settings, const webhook_secrets& secrets, notice_source& from,
            notifier_figures& figures, send_request send, log_function log);

  /// What a request came to.
  result<void> answered(http_client::ticket ticket, const http_answer& answer, time_ms now);
  /// Take new notices, begin what is due, save what ended.
  result<void> turn(time_ms now);
  /// Take and begin nothing more: what is under way ends.
  void stop() { stopped_ = true; }
  /// When turn() would begin something; `never`: not before something else happens.
  time_ms next_due() const;
  /// Until then; at most the time after which the source is asked again.
  std::int64_t idle_ms(time_ms now) const;
  std::size_t waiting() const { return waiting_; }
  std::size_t under_way() const { return tickets_.size(); }

  std::size_t waiting_max() const { return std::size_t{settings_.concurrency} * 64; }

private:
  struct waiting_notice {
    notice what;
    /// Empty: not made yet.
    std::string body;
    std::uint32_t attempts = 0;
    int status = 0;
    bool has_failed = false;
  };
  using queue = std::deque<waiting_notice>;

  result<void> take_new(time_ms now);
  result<void> begin_due(time_ms now);
  result<void> begin(const std::string& uid, time_ms now);
  result<void> failed(const std::string& uid, const http_answer& answer, time_ms now);
  result<void> end_first(const std::string& uid, notice_end how, std::string why, time_ms now);
  void tell_failing(const http_answer& answer);
  void tell_ended(notice_end how);
  void show(time_ms now);

  const notifier_settings& settings_;
  const webhook_secrets& secrets_;
  notice_source& from_;
  notifier_figures& figures_;
  send_request send_;
  log_function log_;
  /// Notices of a user; the first one is tried.
  std::map<std::string, queue, std::less<>> queues_;
  /// When the first notice of a user is due. Not of users whose notice is under way.
  std::set<std::pair<time_ms, std::string>> due_;
  std::unordered_map<http_client::ticket, std::string> tickets_;
  std::size_t waiting_ = 0;
  /// The webhook asked for a pause.
  time_ms paused_until_ = 0;
  bool held_ = false;
  bool stopped_ = false;
  /// Notices that wait and have failed, and what the log says of them.
  std::size_t failing_ = 0;
  std::set<std::pair<http_fault, int>> told_;
};

} // namespace fairuse
