# SPDX-License-Identifier: Apache-2.0
"""What to break: (name, file, text, broken text). The text must stand exactly once in the file."""

METERING = "core/metering.cpp"
SUMS = "core/sums.cpp"
RULES = "core/rules.cpp"
LIMITS = "core/limits.cpp"
REVIEWS = "core/reviews.cpp"
LADDER = "core/ladder.cpp"
FACTS = "core/facts.cpp"
QUERY = "core/query.cpp"
IDS = "core/id_log.cpp"
SHARD = "actors/shard_actor.cpp"
CUTTER = "actors/slice_cutter.cpp"

MUTANTS = [
    # Metering.
    ("segments: overlaps count twice", METERING, "if (out[i].begin <= out[last].end)", "if (out[i].begin > out[last].end + day_ms)"),
    ("segments: the inner one cuts the outer", METERING, "out[last].end = std::max(out[last].end, out[i].end);", "out[last].end = out[i].end;"),
    ("segments: not sorted", METERING, "return a.begin < b.begin;", "return false and a.begin < b.begin;"),
    ("window: a second longer", METERING, "return (bucket * bucket_s + span_s + 1) * second_ms;", "return (bucket * bucket_s + span_s + 2) * second_ms;"),
    ("window: buckets rounded down", METERING, "return (cutoff_s + bucket_s - 1) / bucket_s;", "return cutoff_s / bucket_s;"),
    ("log: base does not move back", METERING, "const auto base = std::min(bucket, bucket_at(0));", "const auto base = bucket_at(0);"),
    ("log: lanes are mixed", METERING, "if ((word & ~amount(amount_max)) == empty and ms_of(word) + ms <= amount_max) {", "if (ms_of(word) + ms <= amount_max) {"),
    ("log: amounts overflow", METERING, "for (; ms > amount_max; ms -= amount_max)", "for (; ms > amount_max + 1; ms -= amount_max)"),
    ("late inserts move no tail", SUMS, "s.tail += inserted;", "s.tail += 0 * inserted;"),
    ("late speech stays live", SUMS, "now - e.instant > profile.fresh_within_ms;", "now - e.instant > profile.fresh_within_ms + 1;"),
    ("arrival basis forgotten", SUMS, "const auto at = profile.basis == time_basis::arrival ? now : e.time;", "const auto at = e.time;"),
    ("tails go with pruned buckets", SUMS, "u.sums.span(i).tail -= gone;", "u.sums.span(i).tail -= 0 * gone;"),
    ("unwritten ids are forgotten", SUMS, "first_id_hour = std::min(first_id_hour, unwritten);", "first_id_hour = std::max(first_id_hour, std::min(first_id_hour, unwritten));"),
    ("late timers see the sums of now", SUMS, "detail::rebuild_sums(u, policies, std::min(now, u.next_due));", "detail::rebuild_sums(u, policies, now);"),
    ("unwritten standings stay behind", SUMS, "changed |= (u.changed.standings >> i & 1) << slot;", "changed |= u.changed.standings & (std::uint64_t{1} << i);"),
    ("promotion keeps old restrictions", SUMS, "if (s and (s->hard or s->ceiling)) s->drain_due = now;", "if (s and (s->hard or s->ceiling)) s->drain_due += 0 * now;"),
    ("sorted ids are not searched", IDS, "if (g.sorted > 0 and std::binary_search(first, tail, key)) return true;", "if (g.sorted > 9999 and std::binary_search(first, tail, key)) return true;"),
    # Events and timers.
    ("speech is not deduplicated", RULES, "applied apply_speech(user& u, const controls& c, time_ms now, const event& e, step_output& out) {\n  if (not u.ids.add(hour_of(e.instant), e.key))", "applied apply_speech(user& u, const controls& c, time_ms now, const event& e, step_output& out) {\n  if (not u.ids.add(hour_of(e.instant), e.key) and e.ms == 1)"),
    ("stt is not deduplicated", RULES, "applied apply_stt(user& u, const controls& c, time_ms now, const event& e, step_output& out) {\n  if (not u.ids.add(hour_of(e.instant), e.key))", "applied apply_stt(user& u, const controls& c, time_ms now, const event& e, step_output& out) {\n  if (not u.ids.add(hour_of(e.instant), e.key) and e.ms == 1)"),
    ("a deadline ends at its instant", RULES, "return deadline == never ? never : deadline + 1;", "return deadline == never ? never : deadline;"),
    ("timers fire after the events", RULES, "while (u.next_due <= now) {", "while (u.next_due < now) {"),
    ("timers carry now", RULES, "context x{u, c, out, t.due, {}, t.slot};", "context x{u, c, out, u.next_due + 1, {}, t.slot};"),
    ("retention excludes its edge", RULES, "e.instant < now - retention_ms ?", "e.instant <= now - retention_ms ?"),
    ("horizon excludes its edge", RULES, "if (e.instant > now + horizon_ms)", "if (e.instant >= now + horizon_ms)"),
    ("erased events come back", RULES, "or e.instant > u.erased_at)", "or e.instant >= u.erased_at)"),
    ("uploads are not refused over budget", RULES, "(s->hard or s->ceiling or budget_blocks(x));", "(s->hard or s->ceiling);"),
    ("refused uploads are charged", RULES, "else if ((tracking >> slot & 1) != 0)", "if ((tracking >> slot & 1) != 0)"),
    ("the kill switch judges", RULES, "if (held.killed or u.exempt) return false;", "if (u.exempt) return false;"),
    ("exempt users are judged", RULES, "if (held.killed or u.exempt) return false;", "if (held.killed) return false;"),
    ("ids are pruned behind the load", RULES, "how = detail::apply_kind(u, c, now, e, out);", "u.pruned_hour = 0, detail::prune(u, now), how = detail::apply_kind(u, c, now, e, out);"),
    # Caps, restrictions, budget.
    ("a cap triggers at its value", LIMITS, "if (room < 0)\n      r.exceeded", "if (room <= 0)\n      r.exceeded"),
    ("a standing excess crosses again", LIMITS, "if (r.sums[w] - from_this > cap) continue;", "if (r.sums[w] - from_this > cap + day_ms) continue;"),
    ("speech outside the window crosses", LIMITS, "from_this += what.bucket >= first ? what.ms : 0;", "from_this += what.ms;"),
    ("hard caps hold the exempt", LIMITS, "rule->hard_caps and not x.u.exempt;", "rule->hard_caps;"),
    ("hard caps at their value", LIMITS, "r.hard |= room < 0;", "r.hard |= room <= 0;"),
    ("the ceiling above its value", LIMITS, "const auto room = ceiling.cap_ms - 1 - sum_at", "const auto room = ceiling.cap_ms - sum_at"),
    ("a drain lifts when one window is low", QUERY, "last = std::max(last, drains_one(u, policies, limit, now));", "last = drains_one(u, policies, limit, now);"),
    ("the deadline is never the retry time", LIMITS, "d.until = until_deadline ? x.known()->until : drains;", "d.until = drains;"),
    ("a raised plan keeps the old drain", LIMITS, "if (unchanged and engaged == reason::cap_exceeded and before->drain_due > x.at) return;", "if (unchanged and before->drain_due > x.at) return;"),
    ("drain timers engage", LIMITS, "holds.ceiling &= before.ceiling;", "holds.ceiling |= before.ceiling;"),
    ("quiet a ms too long", LIMITS, "x.u.sums.odometer(x.spec().view) + room;", "x.u.sums.odometer(x.spec().view) + room + 1;"),
    ("asking is quiet a ms too long", REVIEWS, "return {quiet_reason::cooldown, held_back + 1};", "return {quiet_reason::cooldown, held_back + 2};"),
    ("budget is tracked for everybody", LIMITS, "return x.current_stage() == budget.at or (budget.track_from_trigger and exceeds(x));", "return x.current_stage() == budget.at or budget.track_from_trigger;"),
    ("budget blocks above its limit", LIMITS, "s->used_ms >= budget.per_utc_day_ms;", "s->used_ms > budget.per_utc_day_ms;"),
    ("budget blocks in every stage", LIMITS, "budget.per_utc_day_ms > 0 and s->at == budget.at and s->utc_day", "budget.per_utc_day_ms > 0 and s->utc_day"),
    ("stt of yesterday is charged", LIMITS, "if (utc_day(e.instant) < today) {", "if (utc_day(e.instant) + 1 < today) {"),
    ("budget is not reset", LIMITS, "s.utc_day = utc_day(x.at);\n  s.used_ms = 0;", "s.utc_day = utc_day(x.at);\n  s.used_ms = 1;"),
    # Reviews.
    ("cooldown over at its last instant", REVIEWS, "if (x.at <= held_back)", "if (x.at < held_back)"),
    ("no check interval", REVIEWS, "held_back = std::max(held_back, s->asked_at + interval);", "held_back = std::max(held_back, s->asked_at);"),
    ("a failure keeps the cooldown", REVIEWS, "s.cooldown_until = INT64_MIN;\n  back_off", "back_off"),
    ("back-off does not double", REVIEWS, "wait *= 2;", "wait *= 1;"),
    ("back-off without end", REVIEWS, "s.retry_until = x.at + std::min(wait, std::max(base, retry_after_max_ms));", "s.retry_until = x.at + wait;"),
    ("synthetic for every plan", REVIEWS, "if (x.rules().is_free(x.u.plan()) and x.u.credits_exhausted()) {", "if (x.u.credits_exhausted()) {"),
    ("last stage is asked about", REVIEWS, "x.rules().review.last_stage == at_last_stage::skip and", "x.rules().review.last_stage != at_last_stage::skip and"),
    ("shadows borrow old verdicts", REVIEWS, "return m->at >= oldest ? &*m : nullptr;", "return m->at >= oldest - 1 ? &*m : nullptr;"),
    ("shadows borrow synthetic verdicts", REVIEWS, "m->kind == mark_kind::verdict and m->type != usage_type::free_exhausted", "m->kind == mark_kind::verdict"),
    ("late answers count", REVIEWS, "if (s->pending == name.number) {", "if (s->pending == name.number or s->pending == 0) {"),
    ("late answers are ignored for ever", REVIEWS, "mine.timed_out.erase(mine.timed_out.begin() + (late - s->timed_out.begin()));", "static_cast<void>(mine);"),
    ("killed answers count", REVIEWS, "if (x.held.killed) return reason::kill_switch;", ""),
    ("no recipe for audiobooks of an hour", REVIEWS, "over_hour += talk.duration_ms > hour_ms;", "over_hour += talk.duration_ms >= hour_ms;"),
    # Ladder.
    ("the gate is exclusive", LADDER, "v.score_nano >= rules.review.score_gate_nano;", "v.score_nano > rules.review.score_gate_nano;"),
    ("a clearing score cools as usual", LADDER, "v.asked_at + (clears ? rules.review.cleared_cooldown_ms : rules.review.cooldown_ms);", "v.asked_at + rules.review.cooldown_ms;"),
    ("cooldown counts from the answer", LADDER, "s.cooldown_until = v.asked_at +", "s.cooldown_until = x.at +"),
    ("every review is a strike", LADDER, "m.strike = m.qualifying or rules.counts == strike_basis::finished_reviews;", "m.strike = true;"),
    ("strikes just outside count", LADDER, "m.cleared == reason::none and m.at >= from;", "m.cleared == reason::none and m.at >= from - 1;"),
    ("cleared strikes count", LADDER, "return m.strike and m.cleared == reason::none and", "return m.strike and"),
    ("a refold counts from now", LADDER, "f.enter(rules, next->at, m.at);", "f.enter(rules, next->at, now);"),
    ("a refold forgets ends", LADDER, "f.pass_ends(rules, now);", ""),
    ("ends fall to none", LADDER, "return rule != nullptr ? rule->falls_to : stage::none;", "return rule == nullptr ? rule->falls_to : stage::none;"),
    ("notified on the way down", LADDER, "if (to > from and rule != nullptr and rule->notify) {", "if (to != from and rule != nullptr and rule->notify) {"),
    ("marks live for ever", LADDER, "return m.at < now - marks_kept_ms;", "return m.at < now - 2 * marks_kept_ms;"),
    # Facts.
    ("an upgrade clears everything", FACTS, "if (m.type == usage_type::free_exhausted)", "if (m.strike)"),
    ("a reset keeps the free mark", FACTS, "s.last_change_free = false;", ""),
    ("an older fact wins", FACTS, "if (not named or stamp <= known) return false;", "if (not named) return false;"),
    ("renewing does nothing", FACTS, "const bool differs = m.from != m.to or", "const bool differs = m.from != m.to and"),
    ("admin ids are forgotten", FACTS, "fresh.admin_ids = std::move(u.admin_ids);", ""),
    ("numbers start anew after an erasure", FACTS, "fresh.standings[slot]->last_strike = u.standings[slot]->last_strike;", ""),
    ("an erasure holds up to its instant only", FACTS, "fresh.erased_at = std::max(e.instant, now);", "fresh.erased_at = e.instant;"),
    ("thirty-one conversations", FACTS, "if (talks.size() > conversations_max)", "if (talks.size() > conversations_max + 1)"),
    # Actors.
    ("users wake with the rules of the end", SHARD, "store_->load(absent, *stretches_.front().held->policies, first)", "store_->load(absent, *held().policies, first)"),
    ("users wake at the end", SHARD, "first = std::min(first, s.steps.front().now);", "first = sealed_->now;"),
    ("a promotion reaches only the due", SHARD, "const auto until = promoted ? never - 1 : sealed.now;", "const auto until = sealed.now + 0 * promoted;"),
    ("commands are obeyed twice", SHARD, "if (place != command_ids_.end() and *place == command.key) {", "if (place != command_ids_.end() and *place == command.key and now < 0) {"),
    ("unwritten users are let go", SHARD, "if (oldest->who->changed.any()) continue;", ""),
    ("a command has no place in the order", CUTTER, "[next](const event& e) { return before(e, *next); }", "[next](const event& e) { return not before(*next, e) or true; }"),
    ("older ids come too early", "actors/user_actor.cpp", "  advance(who, *s.held, s.now, result.wrote);\n", "  for (const auto& hour : what.older)\n    who.ids.load(hour.hour, hour.keys);\n  advance(who, *s.held, s.now, result.wrote);\n  if (what.older.empty()) return;\n"),
]
