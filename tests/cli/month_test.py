#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A month of real speech against a recount by brute force: the same users cross the same caps at the same events with
the same sums. The recordings and their sources: tests/data/real/README.md. usage: month_test.py PROGRAM [CASE...]"""

import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT  # noqa: E402
from support.traffic import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, line, ms  # noqa: E402

PIECE_MS = ms("10m")
EPOCH_LINES_MAX = 4096
SPANS_MS = {"daily": ms("24h"), "3day": ms("72h"), "weekly": ms("168h")}
CAPS_MS = {
    "basic": {"daily": ms("2h"), "3day": ms("8h"), "weekly": ms("10h")},
    "unlimited": {"daily": ms("4h"), "3day": ms("16h"), "weekly": ms("20h")},
}
# People by how many recordings they sit through on a day: none to all of it.
PEOPLE = [(20, (0, 3)), (15, (0, 10)), (8, (5, 20)), (5, (15, 40)), (2, (30, 60))]


def recordings():
    read = []
    for name in ("meetings", "broadcasts"):
        with open(ROOT / "tests" / "data" / "real" / f"{name}.ndjson", encoding="utf-8") as lines:
            read += [json.loads(each) for each in lines]
    return read


def pieces(recording):
    """Ten minutes each, as an app sends them: (offset of the piece, its raw segments)."""
    found = {}
    for begin, end in recording["segments_ms"]:
        while begin < end:
            piece = begin // PIECE_MS
            until = min(end, (piece + 1) * PIECE_MS)
            found.setdefault(piece, []).append([begin - piece * PIECE_MS, until - piece * PIECE_MS])
            begin = until
    return [(piece * PIECE_MS, segments) for piece, segments in sorted(found.items())]


def month(draw):
    """Events as (arrival, user, id, time, segments, lane), in order of arrival; some late, some twice."""
    library, events, user = recordings(), [], 0
    for count, (fewest, most) in PEOPLE:
        for _ in range(count):
            for day in range(30):
                at = START_MS + day * DAY_MS + draw.randint(ms("6h"), ms("10h"))
                for number in range(draw.randint(fewest, most)):
                    events += attend(draw, f"user-{user}", f"{day}-{number}", at, draw.choice(library))
                    at = events[-1][3] + draw.randint(0, PIECE_MS)
            user += 1
    events += [(each[0] + draw.randint(0, DAY_MS), *each[1:]) for each in events if draw.random() < 0.02]
    return sorted(events)


def attend(draw, user, meeting, at, recording):
    # Mostly at once; sometimes an upload of hours or days later.
    late = draw.choice([0] * 8 + [draw.randint(0, ms("6h")), draw.randint(0, ms("3d"))])
    lane = "sync" if late else draw.choice(["realtime"] * 8 + ["custom", "backfill"])
    return [
        (at + offset + segments[-1][1] + late, user, f"{meeting}-{offset}", at + offset, segments, lane)
        for offset, segments in pieces(recording)
    ]


def minutes_of(time, segments):
    """Speech by minute; overlaps once."""
    spoken, until = {}, -1
    for begin, end in sorted(segments):
        begin = max(begin, until)
        until = max(until, end)
        at = time + begin
        while at < time + end:
            minute = at // MINUTE_MS
            stop = min(time + end, (minute + 1) * MINUTE_MS)
            spoken[minute] = spoken.get(minute, 0) + stop - at
            at = stop
    return spoken


def epochs_of(events):
    """What the clock of events makes of them: (now, events)."""
    now, open_epoch = None, []
    for each in events:
        instant = each[3] + max(end for _, end in each[4])
        if now is not None and (instant > now or len(open_epoch) == EPOCH_LINES_MAX):
            yield now, open_epoch
            open_epoch = []
        now = instant if now is None else max(now, instant)
        open_epoch.append((instant, each))
    yield now, open_epoch


def recount(events, plans):
    """Crossings as (user, window, event, sum), by summing everything again at every event."""
    metered, seen, crossings = {}, set(), []
    for now, epoch in epochs_of(events):
        for instant, (_, user, identity, time, segments, lane) in sorted(epoch, key=lambda e: (e[1][1], e[0], e[1][2])):
            if (user, identity, instant // HOUR_MS) in seen or instant < now - ms("8d"):
                continue
            seen.add((user, identity, instant // HOUR_MS))
            if lane in ("custom", "backfill") or instant < now - ms("24h"):
                continue
            added = minutes_of(time, segments)
            minutes = metered.setdefault(user, {})
            for window, span in SPANS_MS.items():
                first = now // 1000 * 1000 - span
                before = sum(spoken for minute, spoken in minutes.items() if minute * MINUTE_MS >= first)
                after = before + sum(spoken for minute, spoken in added.items() if minute * MINUTE_MS >= first)
                cap = CAPS_MS[plans.get(user, "basic")][window]
                if before <= cap < after:
                    crossings.append((user, window, identity, after))
            for minute, spoken in added.items():
                minutes[minute] = minutes.get(minute, 0) + spoken
            for minute in [m for m in minutes if m * MINUTE_MS < now - ms("9d")]:
                del minutes[minute]
    return crossings


def crossed(engine, state):
    found = []
    for text in engine.decisions(state).splitlines():
        decision = json.loads(text)
        data = decision["data"]
        if data["decision"] == "cap_crossed" and data["slot"] == "live":
            found.append((decision["subject"], data["window"], data["cause"]["event"], data["sum_ms"]))
    return found


def users_cross_caps_exactly_where_a_recount_says(engine):
    events = month(random.Random(20260101))
    users = sorted({each[1] for each in events})
    plans = {user: "unlimited" for user in users[::4]}
    head = [line("account", user, f"plan-{user}", START_MS, {"plan": plan}) for user, plan in plans.items()]
    body = [
        line("speech", user, identity, time, {"lane": lane, "segments": segments})
        for _, user, identity, time, segments, lane in events
    ]
    engine.write("month.ndjson", "".join(head + body))
    # Account facts that come before the first speech share its epoch, so they hold from its beginning.
    wanted = recount(events, plans)
    engine.good_run("s", "month.ndjson", "--max-active-users", 20, "--commit-bytes", 1_000_000)
    got = crossed(engine, "s")
    equal(sorted({each[0] for each in got}), sorted({each[0] for each in wanted}), "users who cross a cap")
    equal(sorted(got), sorted(wanted), "crossings")
    check(len(wanted) > 200, f"enough crossings to mean something: {len(wanted)}")
    return f"{len(events)} events, {len(users)} users, {len({e[0] for e in wanted})} of them cross, {len(wanted)} crossings"


CASES = [users_cross_caps_exactly_where_a_recount_says]

if __name__ == "__main__":
    main(CASES)
