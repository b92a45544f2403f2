// SPDX-License-Identifier: Apache-2.0
//
// One user, decided in the simplest way: every event is kept, every sum is added up from all events, every stage is
// replayed from the whole history, every timer is searched for. Slow and independent: it shares the plain structs of
// `events` and `policy` with core, and no rule. Where it and core disagree, one of them does not follow the rules that
// README.md and docs/ state.
//
// Threads: none. Events must outlive the user (their arena is the caller's).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/policy_set.hpp"
#include "core/rules.hpp"
#include "core/user.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse::model {

/// A slot: where a policy runs. A promotion makes new ones; old ones are kept, because history points at them.
struct model_slot {
  slot_kind kind = slot_kind::live;
  policy rules;
  slot_label label;
};

/// A speech event that was metered, with its `now` and the switch.
struct metered_event {
  event what;
  time_ms now = 0;
  bool while_off = false;
};

/// An entry of a ladder's history.
struct ladder_entry {
  time_ms at = 0;
  mark_kind kind = mark_kind::verdict;
  bool strike = false;
  bool qualifying = false;
  bool cleared = false;
  usage_type type = usage_type::none;
  std::int32_t score_nano = 0;
  stage to = stage::none;
  time_ms end = never;
  std::uint32_t number = 0;
  int appeals = 0;
  bool appeal_is_open = false;
  /// The answer that it is of, or was borrowed of; nullptr: none.
  const review_answer* of = nullptr;
};

enum class review_step : std::uint8_t { asked, finished, failed, unanswered };

/// One event of a slot's reviews.
struct review_note {
  review_step what = review_step::asked;
  time_ms at = 0;
  time_ms asked_at = 0;
  std::int32_t score_nano = 0;
  const policy* rules = nullptr; ///< of that moment
};

struct charge {
  time_ms at = 0;
  std::int64_t ms = 0;
};

struct position {
  stage at = stage::none;
  time_ms until = never;
};

/// The history of one slot.
struct slot_history {
  std::vector<ladder_entry> ladder;
  /// Stage ends before this instant have been written.
  time_ms ends_passed_until = INT64_MIN;
  /// Another policy was promoted when the ladder had `first` entries: entries before that are not replayed by its
  /// rules.
  struct baseline {
    std::size_t first = 0;
    position from;
  };
  baseline base;
  bool ever_promoted = false;
  time_ms since = 0;
  std::uint32_t last_strike = 0;

  std::vector<review_note> reviews;
  std::uint32_t last_request = 0;
  std::uint32_t pending = 0;
  time_ms pending_asked = 0;
  time_ms pending_until = never;
  std::set<std::uint32_t> timed_out;
  bool last_change_free = false;

  std::vector<charge> charges;
  std::set<std::int64_t> days_reset;
  std::set<std::int64_t> days_low;
  bool exhausted = false;

  bool hard = false;
  bool ceiling = false;
  time_ms restrictions_seen = INT64_MIN;
  bool recheck = false;
  bool locked = false;
};

class naive_user {
public:
  naive_user(policy live, std::vector<policy> shadows, std::int64_t retention_ms, review_mode reviews);

  void set_controls(bool enabled, bool killed);
  /// What `promote_policy` does to the slots; nothing if there is no such shadow.
  void promote(const std::string& shadow);

  void advance(time_ms now);
  applied apply(time_ms now, const event& given, std::int64_t horizon_ms);

  /// The case reference of a strike of this user, by its number; empty: strikes have none.
  std::function<std::string(std::uint32_t)> reference;

  std::vector<decision> decisions;
  /// Why the live slot did not ask although a cap was exceeded.
  std::uint64_t terminal_count = 0;
  std::uint64_t pending_count = 0;
  std::uint64_t cooldown_count = 0;

  /// For generators: the sum of a window, and its cap.
  std::int64_t sum(std::size_t slot, std::size_t window, time_ms at) const;
  std::int64_t cap(std::size_t slot, std::size_t window) const;
  stage stage_of(std::size_t slot) const { return now_at(slot).at; }
  /// When the earliest timer is due; `never` if there is none.
  time_ms next_due() const { return next_timer().due; }
  const policy& rules(std::size_t slot) const { return slots_[slot]->rules; }
  std::size_t slots() const { return slots_.size(); }

private:
  // usage.cpp: sums of speech.
  std::int64_t sum_over(const model_slot& where, std::int64_t span_ms, time_ms at) const;
  std::int64_t of_event(const model_slot& where, std::int64_t span_ms, time_ms at, const metered_event& metered) const;
  std::int64_t ceiling_sum(std::size_t slot, time_ms at) const;
  std::vector<time_ms> instants_of_change(const model_slot& where, time_ms after) const;
  bool holds_hard(std::size_t slot, time_ms at) const;
  bool holds_ceiling(std::size_t slot, time_ms at) const;
  std::int64_t hard_cap(std::size_t slot, std::size_t window) const;
  template <class Drained>
  time_ms first_drained(std::size_t slot, time_ms at, Drained&& drained) const;
  void refresh_restrictions(std::size_t slot, time_ms at, const std::string& cause, reason engaged, reason lifted);
  void write_restriction(std::size_t slot, time_ms at, const std::string& cause, restriction_kind kind, reason why);
  std::optional<time_ms> next_drain(std::size_t slot) const;
  void drain(std::size_t slot, time_ms at);

  // ladder.cpp: what follows from verdicts and commands.
  position replay(std::size_t slot, std::size_t first, position from, time_ms ends_before) const;
  position now_at(std::size_t slot) const;
  std::uint32_t strikes(std::size_t slot, time_ms from) const;
  void remember(std::size_t slot, ladder_entry what);
  void write_stage_change(std::size_t slot, time_ms at, const std::string& cause, position was, reason why,
                          usage_type type, const std::string& who, const std::string& note, std::uint32_t strike = 0);
  void finish_review(std::size_t slot, time_ms at, const std::string& cause, std::int32_t score, usage_type type,
                     reason why, std::uint32_t request, time_ms asked_at, const review_answer* of);
  bool clear(std::size_t slot, std::size_t index, time_ms at, const std::string& cause, reason why,
             const std::string& who, const std::string& note);
  void write_about(std::size_t slot, std::size_t index, decision_kind kind, time_ms at, const std::string& cause,
                   reason why, const std::string& who, const std::string& note);
  void close_appeal(std::size_t slot, std::size_t index, time_ms at, const std::string& cause, reason why,
                    const std::string& who, const std::string& note);
  void refold(std::size_t slot, position was, time_ms at, const std::string& cause, reason why, const std::string& who,
              const std::string& note);
  void upgrade(std::size_t slot, time_ms at, const std::string& cause);
  applied command(time_ms now, const event& given);
  applied command_strike(time_ms now, const std::string& cause, const admin_command& what);
  applied command_exempt(time_ms now, const std::string& cause, const admin_command& what);
  void end_exemption(time_ms at);
  void command_stage(time_ms now, const std::string& cause, const admin_command& what);
  void command_reset(time_ms now, const std::string& cause, const admin_command& what);

  // reviews.cpp: requests and answers.
  struct waiting {
    time_ms cooldown_until = INT64_MIN;
    time_ms retry_until = INT64_MIN;
    time_ms asked_at = INT64_MIN;
  };
  waiting waits(std::size_t slot) const;
  bool terminal(std::size_t slot) const;
  void ask(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t exceeded);
  void request(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t exceeded);
  void ask_as_shadow(std::size_t slot, time_ms now, const std::string& cause, std::uint8_t exceeded);
  std::uint8_t recipes(time_ms from) const;
  applied answer(time_ms now, const event& given);
  void ignore(std::size_t slot, time_ms now, const std::string& cause, reason why, std::uint32_t number);
  void fail(std::size_t slot, time_ms at, const std::string& cause, decision_kind kind, reason why,
            const review_answer* of, std::uint32_t number);

  // naive_user.cpp
  struct timer {
    time_ms due = never;
    int kind = 0;
    std::size_t slot = 0;
    auto operator<=>(const timer&) const = default;
  };
  timer next_timer() const;
  void fire(const timer& due_timer);
  void make_slots(const policy& live, std::vector<policy> shadows);
  bool judges(std::size_t slot) const;
  decision& write(std::size_t slot, decision_kind kind, reason why, time_ms at, const std::string& cause);
  bool had(time_ms now, const event& given) const;
  applied speech(time_ms now, const event& given);
  void evaluate(std::size_t slot, time_ms now, const metered_event& metered, const std::string& cause);
  applied stt(time_ms now, const event& given);
  applied account(time_ms now, const event& given);
  applied conversation(const event& given);
  void erase(time_ms now, const event& given);
  void refresh_lock(std::size_t slot, time_ms now, const std::string& cause, reason unlocked);
  std::string plan() const;
  bool credits_exhausted() const;
  std::uint8_t exceeded(std::size_t slot, time_ms at) const;
  std::int64_t used(std::size_t slot, std::int64_t day) const;
  bool tracked(std::size_t slot, time_ms at) const;
  bool blocks(std::size_t slot, time_ms at) const;
  void charge_budget(std::size_t slot, time_ms now, const event& given, std::int64_t ms, const std::string& cause);
  void refresh_budget(std::size_t slot, time_ms at, const std::string& cause);
  void write_used(std::size_t slot, decision_kind kind, time_ms at, const std::string& cause);

  std::int64_t retention_ms_;
  review_mode reviews_;
  bool enabled_ = true;
  bool killed_ = false;
  std::deque<model_slot> all_slots_;
  std::vector<const model_slot*> slots_;
  std::vector<slot_history> history_;

  std::vector<metered_event> speech_;
  std::vector<event> accounts_;
  std::vector<event> conversations_;
  /// Hours of the instants of speech and STT that were taken, by source and id.
  std::map<std::pair<std::string, std::string>, std::set<std::int64_t>> ids_;
  std::set<std::tuple<std::string, std::string>> ids_for_ever_;
  bool exempt_ = false;
  time_ms exempt_until_ = never;
  time_ms erased_at_ = INT64_MIN;
};

/// What a decision says of an answer besides its score.
shared_details said_by(const review_answer& of);
/// Speech of one event after union, ms.
std::int64_t speech_of(const event& given);

} // namespace fairuse::model
