# SPDX-License-Identifier: Apache-2.0
"""The compatibility rules, written down a second time in the most obvious way.

Every sum is recomputed from all events, every count from the whole history. It follows the numbered rules of
tests/data/cases/README.md and shares nothing with the engine; conform_test.py holds the engine against it.
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
        self.c = config
        self.new = config["profile"] == "omi-newest"
        self.users = {}
        self.killed = False
        self.enabled = True

    def user(self, uid):
        return self.users.setdefault(uid, User())

    # Rules 1, 2, 8, 10: sums and caps.
    def totals(self, u, t):
        if not self.enabled:
            return [0, 0, 0]
        size = self.c["bucket_s"]
        return [sum(ms for b, ms in u.speech if b * size >= t // 1000 - span) for _, span in WINDOWS]

    def caps(self, u):
        raised = self.new and u.plan == "unlimited"
        return self.c["caps_unlimited_ms" if raised else "caps_ms"]

    def off(self, u):
        return self.killed or u.exempt or not self.enabled

    def hard(self, u, t):
        over = any(s > cap for s, cap in zip(self.totals(u, t), self.c["caps_ms"]))
        return u.stage == "restrict" and over and not self.off(u)

    def ceiling(self, u, t):
        limit = self.c["ceiling_ms"]
        return self.new and limit > 0 and not self.off(u) and self.totals(u, t)[0] >= limit

    # Rule 9: budget.
    def tracked(self, u):
        return u.stage == "restrict" and self.c["budget_ms"] > 0 and not self.off(u)

    def used(self, u, t):
        return u.used.get(t // DAY, 0) if self.enabled and self.c["budget_ms"] > 0 else 0

    def exhausted(self, u, t):
        return self.enabled and 0 < self.c["budget_ms"] <= self.used(u, t)

    # Rule 7: stages and their ends.
    def enter(self, u, stage, t):
        u.stage = stage
        u.until = t + 30 * DAY if stage == "restrict" else None

    def expire(self, u, t):
        if u.until is not None and t > u.until:
            self.enter(u, "throttle", t)

    # Rules 3 to 6: reviews.
    def review(self, u, t):
        if self.new and u.stage == "restrict":
            return {"outcome": "terminal"}
        if u.last_review is not None and t <= u.last_review + self.c["cooldown_s"] * 1000:
            return {"outcome": "cooldown"}
        free = u.plan == "basic" and u.exhausted
        if not free and u.fails:
            return {"outcome": "failed"}
        u.last_review = t
        score, usage = (1.0, "free_exhausted") if free else (u.score, u.usage)
        week = sum(v >= t - 7 * DAY for v in u.violations)
        month = sum(v >= t - 30 * DAY for v in u.violations)
        before = u.stage
        if score >= self.c["score_gate"]:
            if before == "none":
                self.enter(u, "warning", t)
            elif before == "warning" and week >= 2:
                self.enter(u, "throttle", t)
            elif before == "throttle" and week >= 3:
                self.enter(u, "restrict", t)
        if u.stage != before:
            u.free_step = usage == "free_exhausted"
        u.violations.append(t)
        return {"outcome": "synthetic" if free else "scored", "score": score, "usage_type": usage,
                "action": u.stage if u.stage != before else "none", "from": before, "to": u.stage,
                "prior_7d": week, "prior_30d": month}

    def evaluate(self, u, t, row):
        if not self.enabled:
            return
        totals = self.totals(u, t)
        over = [[name, s, cap] for (name, _), s, cap in zip(WINDOWS, totals, self.caps(u)) if s > cap]
        row["totals"], row["caps"] = totals, [] if self.off(u) else over
        if row["caps"]:
            row["review"] = self.review(u, t)

    def meter(self, u, t, ms):
        if self.enabled and ms > 0:
            u.speech.append((t // 1000 // self.c["bucket_s"], ms))

    def retry(self, u, t, row):
        if u.until is not None and (u.until - t) // 1000 > 0:
            row["retry_after_s"] = (u.until - t) // 1000

    def on_speech(self, u, e, row):
        t, ms, source = e["t"], e["ms"], e["source"]
        if source == "realtime":
            self.meter(u, t, ms)
            row["result"] = "accepted"
            self.evaluate(u, t, row)
        elif source in ("sync", "sync_fresh"):
            self.upload(u, t, ms, row)
        else:
            row["result"] = "metered"
        row["stage"] = u.stage

    def upload(self, u, t, ms, row):
        if self.hard(u, t):
            row["result"] = "hard_restricted"
            self.retry(u, t, row)
        elif self.ceiling(u, t):
            row["result"] = "ceiling"
        elif self.tracked(u) and self.exhausted(u, t):
            row["result"] = "budget_exhausted"
        else:
            row["result"] = "accepted"
            if ms > 0:
                tracked = self.tracked(u)
                self.meter(u, t, ms)
                self.evaluate(u, t, row)
                if tracked:
                    u.used[t // DAY] = u.used.get(t // DAY, 0) + ms

    def on_stt(self, u, e, row):
        t, ms = e["t"], e["ms"]
        row["tracked"] = self.tracked(u)
        row["blocked"] = row["tracked"] and self.exhausted(u, t)
        if row["tracked"] and not row["blocked"] and ms > 0:
            u.used[t // DAY] = u.used.get(t // DAY, 0) + ms
        row["used_ms"], row["exhausted"] = self.used(u, t), self.exhausted(u, t)

    def on_gate(self, u, e, row):
        t = e["t"]
        row["hard_restricted"] = self.hard(u, t)
        if row["hard_restricted"]:
            self.retry(u, t, row)
        row["ceiling"] = self.ceiling(u, t)
        row["budget_exhausted"] = self.tracked(u) and self.exhausted(u, t)
        row["stage"] = u.stage

    def on_status(self, u, e, row):
        t = e["t"]
        row["totals"], row["stage"] = self.totals(u, t), u.stage
        if u.stage == "restrict" and u.until is not None:
            row["until_ms"] = u.until
        row["violations"] = [sum(v >= t - 7 * DAY for v in u.violations), sum(v >= t - 30 * DAY for v in u.violations)]
        row["used_ms"] = self.used(u, t)

    def on_plan(self, u, e, row):
        u.plan = e["plan"]
        if self.new and u.plan != "basic" and u.free_step and u.stage != "none":
            self.enter(u, "none", e["t"])
        row["stage"] = u.stage

    def row(self, i, e):
        row = {"i": i, "t": e["t"], "type": e["type"]}
        kind = e["type"]
        if kind == "kill_switch":
            self.killed = e["on"]
        if kind == "enabled":
            self.enabled = e["on"]
        if "uid" not in e:
            return row
        row["uid"] = e["uid"]
        u = self.user(e["uid"])
        self.expire(u, e["t"])
        if kind == "check":
            self.evaluate(u, e["t"], row)
            row["stage"] = u.stage
        elif kind == "classifier":
            u.score, u.usage = e["score"], e["usage_type"]
        elif kind == "fault":
            u.fails = e["on"]
        elif kind == "credits":
            u.exhausted = e["exhausted"]
        elif kind == "exempt":
            u.exempt = e["on"]
        elif kind == "admin_set_stage":
            self.enter(u, e["stage"], e["t"])
            row["stage"] = u.stage
        elif kind == "admin_reset":
            self.enter(u, "none", e["t"])
            u.free_step = False
            row["stage"] = u.stage
        elif kind == "admin_resolve":
            row["stage"] = u.stage
        else:
            getattr(self, "on_" + kind)(u, e, row)
        return row
