# SPDX-License-Identifier: Apache-2.0
"""Event lines for the whole-program tests: one by one, or a mixed month drawn from a seed.

Instants and durations read as in a policy: at("+2h"), ms("30d"), ms("1h30m").
"""

import datetime
import json
import random
import re
import time

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

UNITS_MS = {"ms": 1, "s": 1_000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def ms(text):
    """Milliseconds of "30d", "-5m", "+1h30m"."""
    if not re.fullmatch(r"[+-]?(\d+(ms|[smhd]))+", text):
        raise ValueError(f"'{text}' is no duration")
    whole = sum(int(count) * UNITS_MS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhd])", text))
    return -whole if text.startswith("-") else whole


def at(text):
    """An instant from the beginning of the traffic: at("+30d")."""
    return START_MS + ms(text)


def now_ms():
    return time.time_ns() // 1_000_000


def time_text(instant):
    second = datetime.datetime.fromtimestamp(instant // 1000, datetime.timezone.utc)
    return second.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant % 1000:03d}Z"


def line(kind, subject, identity, instant, data, source="test"):
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": source,
        "type": f"fairuse.{kind}.v1",
        "subject": subject,
        "time": time_text(instant),
        "data": data,
    }
    return json.dumps(event, separators=(",", ":")) + "\n"


def speech(subject, identity, instant, spoken_ms=MINUTE_MS, lane="realtime"):
    return line("speech", subject, identity, instant, {"lane": lane, "ms": spoken_ms})


def admin(subject, identity, instant, command, **arguments):
    data = {"command": command, "actor": "support@example.org", "reason": "test", **arguments}
    return line("admin", subject, identity, instant, data)


def review(subject, identity, instant, request, score, usage_type="audiobook", **more):
    data = {"request": request, "score": score, "usage_type": usage_type, "confidence": 0.9, "model": "m"}
    data.update({"evidence": ["one"], "prompt_version": "1", **more})
    return line("review", subject, identity, instant, data)


def segments(draw):
    made, end = [], 0
    for _ in range(draw.randint(1, 6)):
        begin = end + draw.randint(0, 5_000)
        end = begin + draw.randint(500, 9_000)
        made.append([begin, end])
    return made


LANES = ["realtime", "realtime", "realtime", "sync", "custom"]

BAD = [
    "not json at all\n",
    '{"specversion":"1.0"\n',
    '{"specversion":"1.0","id":"x","source":"s","type":"fairuse.nothing.v1","subject":"u","time":"2026-01-02T00:00:00Z","data":{}}\n',
    "[]\n",
    "\n",
    "   \n",
    "\r\n",
    "\x01\x02\n",
]


def one_line(draw, number, now, users, future):
    """Something that may happen, mostly speech; some of it late, wrong, or from the future."""
    user = f"user-{min(draw.randrange(users), draw.randrange(users))}"
    name = f"e{number}"
    kind = draw.random()
    if kind < 0.70:
        if draw.random() < 0.5:
            return speech(user, name, now, draw.randint(0, 12 * MINUTE_MS), draw.choice(LANES))
        return line("speech", user, name, now, {"lane": "realtime", "segments": segments(draw)})
    if kind < 0.76:
        return line("stt", user, name, now, {"ms": draw.randint(0, 5 * MINUTE_MS), "provider": "p"})
    if kind < 0.82:
        return review(user, name, now, f"live-{draw.randint(1, 4)}", round(draw.random(), 4), cost_micro=number)
    if kind < 0.86:
        plan = {draw.choice(["plan"]): draw.choice(["basic", "unlimited", "pro"])}
        return line("account", user, name, now, plan | {"locale": "pt-BR"} if number % 3 == 0 else plan)
    if kind < 0.88:
        return line("account", user, name, now, {"credits_exhausted": draw.random() < 0.5})
    if kind < 0.92:
        data = {"conversation": f"c{draw.randrange(50)}", "title": "t", "overview": "o" * draw.randint(0, 300)}
        data.update({"category": "work", "duration_ms": draw.randint(0, HOUR_MS), "lane": "realtime"})
        return line("conversation", user, name, now, data)
    if kind < 0.923:
        return admin(user, name, now, "set_stage", stage=draw.choice(["none", "warning", "throttle", "restrict"]))
    if kind < 0.926:
        return admin(user, name, now, "reset")
    if kind < 0.928:
        on = draw.random() < 0.2
        dated = {"until": time_text(now + number % 7 * DAY_MS)} if on and number % 4 else {}
        return admin(user, name, now, "exempt", on=on, **dated)
    if kind < 0.9285:
        return admin("*", name, now, "kill_switch", on=draw.random() < 0.2)
    if kind < 0.929:
        return admin("*", name, now, "enable", on=draw.random() < 0.8)
    if kind < 0.9294:
        return line("erasure", user, name, now, {"actor": "a", "reason": "r"})
    if kind < 0.96:
        return draw.choice(BAD)
    if kind < 0.97:
        return speech(user, name, now - draw.randint(9, 20) * DAY_MS)
    if kind < 0.975:
        return speech(user, name, now + 60 * DAY_MS * future)
    return speech(user, name, now - draw.randint(0, 7 * DAY_MS), draw.randint(0, MINUTE_MS), "sync")


def mixed(seed, lines=20_000, users=40, days=20, future=True):
    """A file of the past: facts first, then mixed traffic; a few lines come twice. `future`: some lie 60 days ahead."""
    draw = random.Random(seed)
    made = [line("account", f"user-{i}", f"a{i}", START_MS + i, {"plan": "unlimited"}) for i in range(0, users, 3)]
    step = days * DAY_MS // lines
    now = START_MS
    for number in range(lines):
        # Bursts share an instant, so epochs of many lines occur as well.
        if draw.random() < 0.7:
            now += draw.randint(0, 3 * step)
        made.append(one_line(draw, number, now, users, future))
        if draw.random() < 0.03:
            # The number of a pending request is not known here, so a few are answered.
            user, score = f"user-{draw.randrange(6)}", round(draw.uniform(0.2, 1), 3)
            made += [review(user, f"r{number}-{n}", now, f"live-{n}", score) for n in range(1, 9)]
        if draw.random() < 0.02:
            made.append(draw.choice(made[-200:]))
    return "".join(made).encode()
