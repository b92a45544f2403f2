# SPDX-License-Identifier: Apache-2.0
"""What to break: (name, file, text, broken text). The text must stand exactly once in the file."""

BIND = "core/bind.cpp"
BUCKETS = "core/bucket_log.cpp"
BUDGET = "core/budget.cpp"
CERTIFICATE = "core/certificate.cpp"
CONTEXT = "core/context.cpp"
METERING = "core/metering.cpp"
POLICY = "core/policy.cpp"
QUIET = "core/quiet.cpp"
QUIET_SLOTS = "core/quiet_slots.cpp"
READING = "core/reading.hpp"
LIMIT_LISTS = "core/reading.cpp"
RUN = "core/run.cpp"
SPEECH = "core/speech.cpp"
TIMERS = "core/timers.cpp"
SUMS = "core/sums.cpp"
RULES = "core/rules.cpp"
LIMITS = "core/limits.cpp"
REVIEWS = "core/reviews.cpp"
LADDER = "core/ladder.cpp"
FACTS = "core/facts.cpp"
IDS = "core/id_log.cpp"
SHARD = "actors/shard_actor.cpp"
CUTTER = "actors/slice_cutter.cpp"

MUTANTS = [
    # Metering.
    ("segments: overlaps count twice", METERING, "if (out[i].begin <= out[last].end)", "if (out[i].begin > out[last].end + day_ms)"),
    ("segments: the inner one cuts the outer", METERING, "out[last].end = std::max(out[last].end, out[i].end);", "out[last].end = out[i].end;"),
    ("segments: not sorted", METERING, "return a.begin < b.begin;", "return false and a.begin < b.begin;"),
    ("window: a second longer", BUCKETS, "return (bucket * bucket_s + span_s + 1) * second_ms;", "return (bucket * bucket_s + span_s + 2) * second_ms;"),
    ("window: buckets rounded down", BUCKETS, "whole_buckets(cutoff_s + bucket_s - 1, bucket_s);", "whole_buckets(cutoff_s, bucket_s);"),
    ("log: base does not move back", BUCKETS, "const auto base = std::min(bucket, bucket_at(0));", "const auto base = bucket_at(0);"),
    ("log: lanes are mixed", BUCKETS, "if ((word & ~amount(amount_max)) == empty and ms_of(word) + ms <= amount_max) {", "if (ms_of(word) + ms <= amount_max) {"),
    ("log: amounts overflow", BUCKETS, "for (; ms > amount_max; ms -= amount_max)", "for (; ms > amount_max + 1; ms -= amount_max)"),
    ("late inserts move no tail", SUMS, "running.tail += inserted;", "running.tail += 0 * inserted;"),
    ("late speech stays live", "core/metering.hpp", "now - instant > profile.fresh_within_ms;", "now - instant > profile.fresh_within_ms + 1;"),
    ("arrival basis forgotten", "core/metering.hpp", "profile.basis == time_basis::arrival ? now : time", "time"),
    ("tails go with pruned buckets", SUMS, "who.sums.span(span).tail -= gone;", "who.sums.span(span).tail -= 0 * gone;"),
    ("unwritten ids are forgotten", SUMS, "first = std::min(first, unwritten);", "first = std::max(first, std::min(first, unwritten));"),
    ("late timers see the sums of now", BIND, "detail::rebuild_sums(who, policies, std::min(now, who.next_due));", "detail::rebuild_sums(who, policies, now);"),
    ("unwritten standings stay behind", BIND, "changed |= (who.changed.standings >> i & 1) << slot;", "changed |= who.changed.standings & (std::uint64_t{1} << i);"),
    ("promotion keeps old restrictions", BIND, "standing->drain_due = now;", "standing->drain_due += 0 * now;"),
    ("sorted ids are not searched", IDS, "return std::binary_search(first, tail, key) or", "return"),
    ("an id counts in its own hour alone", IDS, "(has_since(first, key) or has_in(hour, key))", "(has_since(first + day_ms, key) or has_in(hour, key))"),
    ("whatever hour is in memory counts", IDS, "(has_since(first, key) or has_in(hour, key))", "(has_since(0 * first, key) or has_in(hour, key))"),
    ("an older hour of its own does not count", IDS, "(has_since(first, key) or has_in(hour, key))", "(has_since(first, key) or has_in(0 * hour, key))"),
    ("the hour 24 h ago does not count", "core/id_log.hpp", "return hour_of(now) - 24;", "return hour_of(now) - 23;"),
    ("the filter keeps no loaded ids", IDS, "  filter_.drop();\n}\n\nbool id_log::has(", "}\n\nbool id_log::has("),
    # Events and timers.
    ("speech is not deduplicated", RULES, "return has_kept_id(what) and not detail::is_new(who, what, now) ?", "return has_kept_id(what) and not detail::is_new(who, what, now) and what.kind != event_kind::speech ?"),
    ("stt is not deduplicated", RULES, "return has_kept_id(what) and not detail::is_new(who, what, now) ?", "return has_kept_id(what) and not detail::is_new(who, what, now) and what.kind != event_kind::stt ?"),
    ("a deadline ends at its instant", TIMERS, "return deadline == never ? never : deadline + 1;", "return deadline == never ? never : deadline;"),
    ("timers fire after the events", TIMERS, "while (who.next_due <= now) {", "while (who.next_due < now) {"),
    ("timers carry now", TIMERS, "fire({who, in_force, out, first.due, nullptr, first.slot}, first.what);", "fire({who, in_force, out, first.due + 1, nullptr, first.slot}, first.what);"),
    ("an exemption ends at its last instant", TIMERS, "due_timer first{after(who.exempt_until),", "due_timer first{who.exempt_until,"),
    ("an exemption ends behind a stage", TIMERS, "enum class timer : std::uint8_t { exemption_end, stage_end, budget_reset, review_timeout, drain };", "enum class timer : std::uint8_t { stage_end, budget_reset, review_timeout, drain, exemption_end };"),
    ("an exemption may end at once", FACTS, "if (command.until <= live.at) return applied::past_until;", "if (command.until < live.at) return applied::past_until;"),
    ("a later exemption keeps the first end", FACTS, "if (who.exempt == command.on and who.exempt_until == command.until)", "if (who.exempt == command.on)"),
    ("the end of an exemption judges nobody", FACTS, "refresh_exempt(live, reason::exemption_ended);", "live.who.sums.end_quiet(0);"),
    ("retention excludes its edge", RULES, "what.instant < now - retention_ms ?", "what.instant <= now - retention_ms ?"),
    ("horizon excludes its edge", RULES, "if (what.instant > now + horizon_ms)", "if (what.instant >= now + horizon_ms)"),
    ("erased events come back", RULES, "if (what.instant <= who.erased_at)", "if (what.instant < who.erased_at)"),
    ("uploads are not refused over budget", SPEECH, "(known->hard or known->ceiling or budget_blocks(context));", "(known->hard or known->ceiling);"),
    ("refused uploads are charged", SPEECH, "met.refused.set(slot);\n    else if", "met.refused.set(slot);\n    if"),
    ("the kill switch judges", CONTEXT, "if (in_force.killed or exempt) return false;", "if (exempt) return false;"),
    ("exempt users are judged", CONTEXT, "if (in_force.killed or exempt) return false;", "if (in_force.killed) return false;"),
    ("ids are pruned behind the load", RULES, "how = detail::take(live, what);", "who.pruned_hour = 0, detail::prune(who, now), how = detail::take(live, what);"),
    # Caps, restrictions, budget.
    ("a cap triggers at its value", READING, "if (left_ms < 0)", "if (left_ms <= 0)"),
    ("a standing excess crosses again", LIMITS, "if (windows.sums[window] - ms_of_event(context, window) > cap) continue;", "if (windows.sums[window] - ms_of_event(context, window) > cap + day_ms) continue;"),
    ("speech outside the window crosses", LIMITS, "sum += speech.bucket >= first ? speech.ms : 0;", "sum += speech.ms + 0 * first;"),
    ("hard caps hold the exempt", LIMITS, "if (context.who.exempt) return {};", ""),
    ("hard caps at their value", READING, "reading.holds_hard = reading.hard.exceeded != 0;", "reading.holds_hard = reading.hard.exceeded != 0 or reading.hard.headroom_ms == 0;"),
    ("the ceiling above its value", LIMIT_LISTS, "ceiling.cap_ms - 1});", "ceiling.cap_ms});"),
    ("a drain lifts when one window is low", SUMS, "latest = std::max(latest, drains_from(who, policies, limit, sum, position, log.size(), now));", "latest = drains_from(who, policies, limit, sum, position, log.size(), now);"),
    ("the deadline is never the retry time", LIMITS, "written.until = until_deadline ? context.known()->until : drains;", "written.until = until_deadline ? drains : drains;"),
    ("a raised plan keeps the old drain", LIMITS, "if (unchanged and engaged == reason::cap_exceeded and before->drain_due > context.at) return;", "if (unchanged and before->drain_due > context.at) return;"),
    ("drain timers engage", LIMITS, "reading.holds_ceiling = reading.holds_ceiling and before.ceiling;", "reading.holds_ceiling = reading.holds_ceiling or before.ceiling;"),
    ("quiet a ms too long", QUIET, "sums.added_ms(context.spec().view) + headroom_ms;", "sums.added_ms(context.spec().view) + headroom_ms + 1;"),
    ("asking is quiet a ms too long", REVIEWS, "return {review_block::cooldown, until + 1};", "return {review_block::cooldown, until + 2};"),
    ("budget is tracked for every user", READING, "return at == budget.at or (budget.track_from_trigger and exceeds_cap());", "return at == budget.at or budget.track_from_trigger;"),
    ("budget blocks above its limit", BUDGET, "used_budget(context.known(), context.at) >= ms;", "used_budget(context.known(), context.at) > ms;"),
    ("budget blocks in every stage", BUDGET, "budget.per_utc_day_ms > 0 and context.current_stage() == budget.at", "budget.per_utc_day_ms > 0"),
    ("a low budget is told above its share", BUDGET, "budget.per_utc_day_ms % one_nano * budget.low_nano + one_nano - 1", "budget.per_utc_day_ms % one_nano * budget.low_nano + one_nano"),
    ("a low budget is told twice a day", BUDGET, "if (known->low or not is_low(context)) return;", "if (not is_low(context)) return;"),
    ("a low budget is told with the end of it", BUDGET, "if (not blocks) write_used(context, decision_kind::budget_low);", "write_used(context, decision_kind::budget_low);"),
    ("stt of yesterday is charged", BUDGET, "if (utc_day(sent_at) < today) {", "if (utc_day(sent_at) + 1 < today) {"),
    ("budget is not reset", BUDGET, "of.used_ms = 0;", "of.used_ms = 1;"),
    # Reviews.
    ("cooldown over at its last instant", REVIEWS, "if (context.at <= until)", "if (context.at < until)"),
    ("no check interval", REVIEWS, "until = std::max(until, known->asked_at + interval);", "until = std::max(until, known->asked_at);"),
    ("a failure keeps the cooldown", REVIEWS, "standing.cooldown_until = INT64_MIN;\n  back_off", "back_off"),
    ("back-off does not double", REVIEWS, "wait *= 2;", "wait *= 1;"),
    ("back-off without end", REVIEWS, "of.retry_until = now + std::min(wait, std::max(base, retry_after_max_ms));", "of.retry_until = now + wait;"),
    ("synthetic for every plan", REVIEWS, "} else if (context.on_free_plan() and context.who.credits_exhausted()) {", "} else if (context.who.credits_exhausted()) {"),
    ("last stage is asked about", REVIEWS, "rules.review.last_stage == at_last_stage::skip and", "rules.review.last_stage != at_last_stage::skip and"),
    ("shadows borrow old verdicts", REVIEWS, "return each->at >= oldest ? &*each : nullptr;", "return each->at >= oldest - 1 ? &*each : nullptr;"),
    ("shadows borrow synthetic verdicts", REVIEWS, "each->kind == mark_kind::verdict and each->type != usage_type::free_exhausted", "each->kind == mark_kind::verdict"),
    ("late answers count", REVIEWS, "if (known->pending == name.number) {", "if (known->pending == name.number or known->pending == 0) {"),
    ("late answers are ignored for ever", REVIEWS, "timed_out.erase(late);", "static_cast<void>(late);"),
    ("killed answers count", REVIEWS, "if (context.in_force.killed) return reason::kill_switch;", ""),
    ("no recipe for audiobooks of an hour", REVIEWS, "over_hour_ += duration_ms > hour_ms;", "over_hour_ += duration_ms >= hour_ms;"),
    # Ladder.
    ("the gate is exclusive", LADDER, "found.score_nano >= rules.review.score_gate_nano;", "found.score_nano > rules.review.score_gate_nano;"),
    ("a clearing score cools as usual", LADDER, "found.asked_at + (clears ? review.cleared_cooldown_ms : review.cooldown_ms);", "found.asked_at + (clears ? review.cooldown_ms : review.cooldown_ms);"),
    ("cooldown counts from the answer", LADDER, "begin_cooldown(standing, rules.review, found);", "begin_cooldown(standing, rules.review, {found.score_nano, found.type, found.why, found.request, context.at});"),
    ("every review is a strike", LADDER, "added.strike = added.qualifying or rules.counts == strike_basis::finished_reviews;", "added.strike = true;"),
    ("strikes just outside count", LADDER, "each.cleared == reason::none and each.at >= from;", "each.cleared == reason::none and each.at >= from - 1;"),
    ("cleared strikes count", LADDER, "return each.strike and each.cleared == reason::none and", "return each.strike and"),
    ("a refold counts from now", LADDER, "folded.enter(rules, step->at, each.at);", "folded.enter(rules, step->at, now);"),
    ("a refold forgets ends", LADDER, "folded.pass_ends(rules, now);", ""),
    ("ends fall to none", POLICY, "return rule != nullptr ? rule->falls_to : stage::none;", "return rule == nullptr ? rule->falls_to : stage::none;"),
    ("notified on the way down", LADDER, "if (to > from and rule != nullptr and rule->notify) {", "if (to != from and rule != nullptr and rule->notify) {"),
    ("marks are kept for ever", LADDER, "return each.at < now - marks_kept_ms;", "return each.at < now - 2 * marks_kept_ms;"),
    # Facts.
    ("an upgrade clears everything", FACTS, "if (each.type == usage_type::free_exhausted)", "if (each.strike)"),
    ("a reset keeps the free mark", FACTS, "standing.last_change_free = false;", ""),
    ("an older fact wins", FACTS, "if (not named or stamp <= known) return false;", "if (not named) return false;"),
    ("renewing does nothing", FACTS, "const bool differs = added.from != added.to or", "const bool differs = added.from != added.to and"),
    ("admin ids are forgotten", FACTS, "fresh.admin_ids = std::move(who.admin_ids);", ""),
    ("numbers start anew after an erasure", "core/user.hpp", "  numbers.last_strike = what.last_strike;\n", ""),
    ("an erasure holds up to its instant only", FACTS, "fresh.erased_at = std::max(what.instant, live.at);", "fresh.erased_at = what.instant;"),
    ("thirty-one conversations", FACTS, "if (kept.size() > conversations_max)", "if (kept.size() > conversations_max + 1)"),
    # Runs: a row for everything that ends a stretch of quiet events.
    ("run: a crossing a millisecond late", RUN, "if (ms > view.left_ms and", "if (ms > view.left_ms + 1 and"),
    ("run: a review is asked for late", QUIET_SLOTS, "std::min(bounds.asks_at, bounds.drains_at)", "bounds.drains_at"),
    ("run: a drain is passed", QUIET_SLOTS, "std::min(bounds.asks_at, bounds.drains_at)", "bounds.asks_at"),
    ("run: a timer is passed", RUN, "  advanced_until_ = now + prunes_every_;\n  read_bounds();\n", "  read_bounds();\n  advanced_until_ = now + prunes_every_;\n"),
    ("run: a timer that an event set is passed", RUN, "  advanced_until_ = std::min(advanced_until_, who_.next_due);\n", ""),
    ("run: an upload is metered alone", RUN, "(not idle and tag.from() == lane::sync) or", ""),
    ("run: STT is never charged", RUN, "      if (not idle) break;\n", ""),
    ("run: a stage does not count STT", QUIET_SLOTS, "known->at != stage::none or", ""),
    ("run: an excess does not count STT", QUIET_SLOTS, "not restricted and context.who.sums.quiet(context.slot).exceeded == 0", "not restricted"),
    ("run: why no review was asked for", RUN, "if (quiet_.live_why() != review_block::none\n", "if (run_.count == 0\n"),
    ("run: it goes on behind a request", RUN, "not asked and i < last", "(asked or i < last) and i < last"),
    ("run: slots that do not judge count", QUIET_SLOTS, "  if (not context.judges()) return;\n", ""),
    ("run: a slot that may ask does not see the speech", RUN, "  quiet_.due(now, slots_);\n", ""),
    ("run: a slot does not see what crosses its cap", RUN, "quiet_.crossed(view, who_.sums.added_ms(view) + run_.ms[i], slots_);", "continue;"),
    ("run: a restricted slot does not see uploads", RUN, "if (tag.kind() == event_kind::stt or tag.from() == lane::sync) quiet_.busy(slots_);", "if (tag.kind() == event_kind::stt) quiet_.busy(slots_);"),
    ("run: a restricted slot does not see STT", RUN, "if (tag.kind() == event_kind::stt or tag.from() == lane::sync) quiet_.busy(slots_);", "if (tag.kind() == event_kind::speech and tag.from() == lane::sync) quiet_.busy(slots_);"),
    ("run: the last bucket is missing in what is compared", RUN, "  close_buckets();\n  const auto written", "  const auto written"),
    ("run: late speech stays live", RUN, "late_ms > profile.fresh_within_ms ?", "late_ms > profile.fresh_within_ms + 1 ?"),
    ("run: arrival basis forgotten", RUN, "profile.by_arrival ? now : instant", "instant"),
    ("run: a bucket takes the speech of the next one", RUN, "at < profile.begin or at >= profile.end", "at < profile.begin or at >= profile.end + day_ms"),
    ("run: a bucket takes another lane's speech", RUN, " or profile.under != profile.from", ""),
    ("run: a review does not read what was said lately", FACTS, "unread.ambiguous = not add_outline(kept, run.instant[i], what);", "unread.ambiguous = kept.empty() and not add_outline(kept, run.instant[i], what);"),
    ("run: conversations are not read for a review", REVIEWS, "  read_conversations(context.who, unread);\n", ""),
    ("run: conversations come too late for an erasure", RUN, "      read_conversations(live.who, live.out.conversations);\n      return apply_erasure(live, what);", "      return apply_erasure(live, what);"),
    # Certificates: a row for every condition.
    ("run: certificate, a sum above the cap", CERTIFICATE, "add(rule.span_ms, rule.cap_ms);", "add(rule.span_ms, rule.cap_ms + 1);"),
    ("run: certificate, plans with a lower cap", CERTIFICATE, "      add(rule.span_ms, plan.caps_ms[window]);\n", "      add(rule.span_ms, rule.cap_ms + 0 * plan.caps_ms[window]);\n"),
    ("run: certificate, other policies", CERTIFICATE, "for (const auto& each : all)\n    add(each);", "add(all.front());"),
    ("run: certificate, the last of two caps of a span", CERTIFICATE, "known->most_ms = std::min(known->most_ms, most_ms);", "known->most_ms = most_ms;"),
    ("run: certificate, the ceiling is not met", CERTIFICATE, "add(rules.ceiling.span_ms, rules.ceiling.cap_ms - 1);", "add(rules.ceiling.span_ms, rules.ceiling.cap_ms);"),
    ("run: certificate, a policy without a ceiling", CERTIFICATE, "if (rules.ceiling.cap_ms > 0) add", "add"),
    ("run: certificate, one window is enough", CERTIFICATE, "return std::all_of(bounds_.begin()", "return std::any_of(bounds_.begin()"),
    ("run: certificate, a window touches as many hours as it has", CERTIFICATE, "(length_ms + hour_ms - 1) / hour_ms + 1;", "(length_ms + hour_ms - 1) / hour_ms;"),
    ("run: certificate, a part of an hour is none", CERTIFICATE, "(length_ms + hour_ms - 1) / hour_ms + 1;", "length_ms / hour_ms + 1;"),
    ("run: certificate, a shorter span bounds a longer one", CERTIFICATE, "peaks.ms[i] <= most_ms / ((hours + peaks.hours[i] - 1) / peaks.hours[i])", "peaks.ms[i] <= most_ms"),
    ("run: certificate, the last part of a longer span", CERTIFICATE, "most_ms / ((hours + peaks.hours[i] - 1) / peaks.hours[i])", "most_ms / std::max<std::int64_t>(1, hours / peaks.hours[i])"),
    ("run: certificate, speech ahead of its now", CERTIFICATE, "ahead_ms = std::max(ahead_ms, -late_ms);", "ahead_ms = std::max(ahead_ms, 0 * late_ms);"),
    ("run: certificate, the second in which now lies", CERTIFICATE, "ahead_ms + second_ms", "ahead_ms"),
    ("run: certificate, exhausted credits", CERTIFICATE, "not detail_of<account_fact>(what).credits_exhausted.value_or(false);", "not detail_of<account_fact>(what).credits_exhausted.value_or(false) or true;"),
    ("run: certificate, answers, commands and erasures", CERTIFICATE, "    case event_kind::erasure:\n      return false;", "    case event_kind::erasure:\n      return true;"),
    ("run: certificate, what is late is not counted", CERTIFICATE, "late_ms > fresh_within_ms_ and", "late_ms > fresh_within_ms_ + day_ms and"),
    ("run: certificate, backfill moves to backfill", CERTIFICATE, " and tag.from() != lane::backfill;", ";"),
    ("run: certificate, STT is not counted", CERTIFICATE, "out.stt_ms += std::max(0, run.ms[i]);", "out.stt_ms += 0 * run.ms[i];"),
    ("run: certificate, no late speech without a limit", CERTIFICATE, "all.front().metering.fresh_within_ms > 0 ?", "all.front().metering.fresh_within_ms >= 0 ?"),
    ("late speech stays in a window that it has left", SUMS, "    if (view.counts(from, while_off)) running.left_ms += speech.ms;\n", ""),
    ("late speech moves no tail", SUMS, "    running.tail += inserted;\n", ""),
    # Actors.
    ("users are loaded under the rules of the end", SHARD, "store_->load(absent, *periods_.front().in_force->policies, first)", "store_->load(absent, *in_force().policies, first)"),
    ("users are loaded at the end", SHARD, "first = std::min(first, each.steps.front().now);", "first = sealed_->now;"),
    ("a promotion reaches only the due", SHARD, "const auto until = promoted ? never - 1 : sealed.now;", "const auto until = sealed.now + 0 * promoted;"),
    ("commands are obeyed twice", SHARD, "if (use != id_use::first) {", "if (use != id_use::first and now < 0) {"),
    ("unwritten users are dropped", SHARD, "if (oldest->who->changed.any()) continue;", ""),
    ("a command has no place in the order", CUTTER, "[next](const event& e) { return before(e, *next); }", "[next](const event& e) { return not before(*next, e) or true; }"),
    ("older ids come too early", "actors/user_actor.cpp", "  advance(who, *taken.in_force, taken.now, result.wrote);\n", "  for (const auto& hour : what.older)\n    who.ids.load(hour.hour, hour.keys);\n  advance(who, *taken.in_force, taken.now, result.wrote);\n  if (what.older.empty()) return;\n"),
]
