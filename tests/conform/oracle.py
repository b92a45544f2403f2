# SPDX-License-Identifier: Apache-2.0
"""The compatibility rules, implemented a second time in the simplest way.

Every sum is recomputed from all events, every count from the whole history. It follows the numbered rules of
tests/data/cases/README.md and shares no code with the engine; conform_test.py compares the two.
"""

DAY = 86_400_000
WINDOWS = [("daily", 24 * 3600), ("3day", 72 * 3600), ("weekly", 168 * 3600)]
STAGES = ["none", "warning", "throttle", "restrict"]


class User:
    def __init__(self):
        self.speech = []  # (bucket, ms)
        self.violations = []
        self.stage = "none"
        self.until = None
        self.last_review = None
        self.plan = "basic"
        self.exhausted = False
        self.exempt = False
        self.used = {}
        self.free_step = False
        self.score, self.usage, self.fails = 0.0, "none", False


class Oracle:
    def __init__(self, config):
        self.config = config
        self.new = config["profile"] == "omi-newest"
        self.users = {}
        self.killed = False
        self.enabled = True

    def user(self, uid):
        return self.users.setdefault(uid, User())

    # Rules 1, 2, 8, 10: sums and caps.
    def totals(self, who, now):
        if not self.enabled:
            return [0, 0, 0]
        size = self.config["bucket_s"]
        return [sum(ms for b, ms in who.speech if b * size >= now // 1000 - span) for _, span in WINDOWS]

    def caps(self, who):
        raised = self.new and who.plan == "unlimited"
        return self.config["caps_unlimited_ms" if raised else "caps_ms"]

    def off(self, who):
        return self.killed or who.exempt or not self.enabled

    def hard(self, who, now):
        over = any(s > cap for s, cap in zip(self.totals(who, now), self.config["caps_ms"]))
        return who.stage == "restrict" and over and not self.off(who)

    def ceiling(self, who, now):
        limit = self.config["ceiling_ms"]
        return self.new and limit > 0 and not self.off(who) and self.totals(who, now)[0] >= limit

    # Rule 9: budget.
    def tracked(self, who):
        return who.stage == "restrict" and self.config["budget_ms"] > 0 and not self.off(who)

    def used(self, who, now):
        return who.used.get(now // DAY, 0) if self.enabled and self.config["budget_ms"] > 0 else 0

    def exhausted(self, who, now):
        return self.enabled and 0 < self.config["budget_ms"] <= self.used(who, now)

    # Rule 7: stages and their ends.
    def enter(self, who, stage, now):
        who.stage = stage
        who.until = now + 30 * DAY if stage == "restrict" else None

    def expire(self, who, now):
        if who.until is not None and now > who.until:
            self.enter(who, "throttle", now)

    # Rules 3 to 6: reviews.
    def review(self, who, now):
        if self.new and who.stage == "restrict":
            return {"outcome": "terminal"}
        if who.last_review is not None and now <= who.last_review + self.config["cooldown_s"] * 1000:
            return {"outcome": "cooldown"}
        free = who.plan == "basic" and who.exhausted
        if not free and who.fails:
            return {"outcome": "failed"}
        who.last_review = now
        score, usage = (1.0, "free_exhausted") if free else (who.score, who.usage)
        week = sum(at >= now - 7 * DAY for at in who.violations)
        month = sum(at >= now - 30 * DAY for at in who.violations)
        before = who.stage
        if score >= self.config["score_gate"]:
            if before == "none":
                self.enter(who, "warning", now)
            elif before == "warning" and week >= 2:
                self.enter(who, "throttle", now)
            elif before == "throttle" and week >= 3:
                self.enter(who, "restrict", now)
        if who.stage != before:
            who.free_step = usage == "free_exhausted"
        who.violations.append(now)
        return {"outcome": "synthetic" if free else "scored", "score": score, "usage_type": usage,
                "action": who.stage if who.stage != before else "none", "from": before, "to": who.stage,
                "prior_7d": week, "prior_30d": month}

    def evaluate(self, who, now, row):
        if not self.enabled:
            return
        totals = self.totals(who, now)
        over = [[name, s, cap] for (name, _), s, cap in zip(WINDOWS, totals, self.caps(who)) if s > cap]
        row["totals"], row["caps"] = totals, [] if self.off(who) else over
        if row["caps"]:
            row["review"] = self.review(who, now)

    def meter(self, who, now, ms):
        if self.enabled and ms > 0:
            who.speech.append((now // 1000 // self.config["bucket_s"], ms))

    def retry(self, who, now, row):
        if who.until is not None and (who.until - now) // 1000 > 0:
            row["retry_after_s"] = (who.until - now) // 1000

    def on_speech(self, who, event, row):
        now, ms, source = event["t"], event["ms"], event["source"]
        if source == "realtime":
            self.meter(who, now, ms)
            row["result"] = "accepted"
            self.evaluate(who, now, row)
        elif source in ("sync", "sync_fresh"):
            self.upload(who, now, ms, row)
        else:
            row["result"] = "metered"
        row["stage"] = who.stage

    def upload(self, who, now, ms, row):
        if self.hard(who, now):
            row["result"] = "hard_restricted"
            self.retry(who, now, row)
        elif self.ceiling(who, now):
            row["result"] = "ceiling"
        elif self.tracked(who) and self.exhausted(who, now):
            row["result"] = "budget_exhausted"
        else:
            row["result"] = "accepted"
            if ms > 0:
                tracked = self.tracked(who)
                self.meter(who, now, ms)
                self.evaluate(who, now, row)
                if tracked:
                    who.used[now // DAY] = who.used.get(now // DAY, 0) + ms

    def on_stt(self, who, event, row):
        now, ms = event["t"], event["ms"]
        row["tracked"] = self.tracked(who)
        row["blocked"] = row["tracked"] and self.exhausted(who, now)
        if row["tracked"] and not row["blocked"] and ms > 0:
            who.used[now // DAY] = who.used.get(now // DAY, 0) + ms
        row["used_ms"], row["exhausted"] = self.used(who, now), self.exhausted(who, now)

    def on_gate(self, who, event, row):
        now = event["t"]
        row["hard_restricted"] = self.hard(who, now)
        if row["hard_restricted"]:
            self.retry(who, now, row)
        row["ceiling"] = self.ceiling(who, now)
        row["budget_exhausted"] = self.tracked(who) and self.exhausted(who, now)
        row["stage"] = who.stage

    def on_status(self, who, event, row):
        now = event["t"]
        row["totals"], row["stage"] = self.totals(who, now), who.stage
        if who.stage == "restrict" and who.until is not None:
            row["until_ms"] = who.until
        row["violations"] = [sum(at >= now - days * DAY for at in who.violations) for days in (7, 30)]
        row["used_ms"] = self.used(who, now)

    def on_plan(self, who, event, row):
        who.plan = event["plan"]
        if self.new and who.plan != "basic" and who.free_step and who.stage != "none":
            self.enter(who, "none", event["t"])
        row["stage"] = who.stage

    def row(self, i, event):
        row = {"i": i, "t": event["t"], "type": event["type"]}
        kind = event["type"]
        if kind == "kill_switch":
            self.killed = event["on"]
        if kind == "enabled":
            self.enabled = event["on"]
        if "uid" not in event:
            return row
        row["uid"] = event["uid"]
        who = self.user(event["uid"])
        self.expire(who, event["t"])
        if kind == "check":
            self.evaluate(who, event["t"], row)
            row["stage"] = who.stage
        elif kind == "classifier":
            who.score, who.usage = event["score"], event["usage_type"]
        elif kind == "fault":
            who.fails = event["on"]
        elif kind == "credits":
            who.exhausted = event["exhausted"]
        elif kind == "exempt":
            who.exempt = event["on"]
        elif kind == "admin_set_stage":
            self.enter(who, event["stage"], event["t"])
            row["stage"] = who.stage
        elif kind == "admin_reset":
            self.enter(who, "none", event["t"])
            who.free_step = False
            row["stage"] = who.stage
        elif kind == "admin_resolve":
            row["stage"] = who.stage
        else:
            getattr(self, "on_" + kind)(who, event, row)
        return row
