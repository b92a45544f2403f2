#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse replay` with and without certificates: byte-equal reports, tables and decisions, whatever is replayed.

usage: certificate_test.py PROGRAM
"""

import json
import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import POLICIES, ROOT, main  # noqa: E402
from support.traffic import HOUR_MS, START_MS, line, mixed  # noqa: E402

PRESETS = [POLICIES / f"{name}.yaml" for name in ("fair", "omi-2026-03", "omi-newest")]
EXPERIMENTS = ROOT / "config/experiments"
REVIEWER = EXPERIMENTS / "reviewer.yaml"
REAL = ROOT / "tests/data/real"


def certified(stderr):
    found = re.search(rb"(\d+) of \d+ users cannot reach a cap", stderr)
    return int(found[1]) if found else 0


def both(engine, *command):
    """A replay with and without certificates; how many users had one."""
    made = []
    for more in ((), ("--no-certificate",)):
        for who in ("hit", "all"):
            written = ("--out", "report", "--decisions", "decisions", "--users", who)
            done = engine.call(*command, *written, *more)
            equal(done.returncode, 0, f"exit code of {command}, which said {done.stderr.decode()}")
            parts = (engine.path("report/report.json").read_bytes(), done.stdout, engine.path("decisions").read_bytes())
            made.append((parts, certified(done.stderr)))
    for (got, count), (wanted, none) in zip(made[:2], made[2:]):
        for part, with_them, without in zip(("report", "table", "decisions"), got, wanted):
            same_lines(with_them, without, f"{part} with certificates")
        equal(none, 0, "users with a certificate where there are none")
        equal(count, made[0][1], "users with a certificate, whoever is listed")
    return made[0][1], json.loads(made[0][0][0])


def replayed(engine, history, *options, policies=PRESETS):
    chosen = [word for each in policies for word in ("--policy", each)]
    return both(engine, "replay", history, *chosen, *options)


def pack(engine, name, *sources):
    done = engine.call("history", "pack", *sources, "-o", name)
    equal(done.returncode, 0, f"pack of {sources}, which said {done.stderr.decode()}")
    return name


def synthetic_month(engine):
    engine.write(
        "month.yaml",
        f"population: {EXPERIMENTS / 'population.yaml'}\nreviewer: {REVIEWER}\nusers: 300\ndays: 12\npolicies: [fair]\n",
    )
    done = engine.call("simulate", "month.yaml", "--write-history", "month.history", "--out", "simulated")
    equal(done.returncode, 0, f"simulate, which said {done.stderr.decode()}")
    return "month.history"


def a_month_under_three_presets(engine):
    count, report = replayed(engine, synthetic_month(engine), "--reviewer", REVIEWER)
    check(100 < count < 300, f"{count} users cannot reach a cap")
    check(report["policies"][0]["reviews"] > 10, "others are reviewed")
    for preset in PRESETS:
        check(replayed(engine, "month.history", policies=[preset])[0] > 100, f"users under {preset}")


def real_speech_under_three_presets(engine):
    """Recordings of meetings and broadcasts, segment by segment, one or more a day."""
    recordings = [
        json.loads(text) for file in ("meetings", "broadcasts") for text in (REAL / f"{file}.ndjson").open()
    ]
    lines = []
    for user in range(24):
        for day in range(9):
            for number in range(user % 16):
                said = recordings[(user + day + number) % len(recordings)]
                instant = START_MS + (day * 24 + 8) * HOUR_MS + number * HOUR_MS
                data = {"lane": ("realtime", "sync", "backfill")[user % 3], "segments": said["segments_ms"]}
                lines.append(line("speech", f"u{user:02}", f"{user}-{day}-{number}", instant, data))
        lines.append(line("account", f"u{user:02}", f"plan-{user}", START_MS, {"plan": ("basic", "unlimited")[user % 2]}))
    engine.write("real.ndjson", "".join(lines))
    count, report = replayed(engine, pack(engine, "real.history", "real.ndjson"))
    crossed = sum(sum(policy["crossings"].values()) for policy in report["policies"])
    check(0 < count < 24 and crossed > 0, f"{count} users have a certificate, {crossed} caps were crossed")


def a_deployment_that_was_killed(engine):
    """Every place of a commit, and facts, commands, answers and late speech of every kind."""
    engine.write("in.ndjson", mixed(11, lines=4_000, users=60))
    for place in ("slices_done", "before_write", "after_write", "after_publish"):
        died = engine.run("killed", "in.ndjson", "--commit-bytes", 50_000, env={"FAIRUSE_FAIL": f"{place}:kill:2"})
        equal(died.returncode, -signal.SIGKILL, f"{place} was passed; it said {died.stderr.decode()}")
    engine.good_run("killed", "in.ndjson")
    count, _ = replayed(engine, pack(engine, "killed.history", "--state", "killed"))
    check(0 < count < 60, f"{count} users cannot reach a cap")


def histories_of_earlier_builds(engine):
    for version in (1, 2):
        history = ROOT / f"tests/data/histories/format-{version}.history"
        check(replayed(engine, history)[0] > 0, f"users of version {version}")


def recorded_controls_decide_everybody(engine):
    """Who is judged when is not what a certificate knows."""
    count, _ = replayed(engine, synthetic_month(engine), "--controls", "recorded", policies=PRESETS[:1])
    equal(count, 0, "users with a certificate")


def synthetic_users_beside_a_history(engine):
    synthetic_month(engine)
    engine.write(
        "beside.yaml",
        f"history: month.history\npopulation: {EXPERIMENTS / 'population.yaml'}\nusers: 50\nreviewer: {REVIEWER}\n"
        "policies: [fair, omi-newest]\n",
    )
    count, report = both(engine, "simulate", "beside.yaml")
    equal(report["run"]["users"], 350, "users")
    check(100 < count <= 300, f"{count} users cannot reach a cap")


CASES = [
    a_month_under_three_presets,
    real_speech_under_three_presets,
    a_deployment_that_was_killed,
    histories_of_earlier_builds,
    recorded_controls_decide_everybody,
    synthetic_users_beside_a_history,
]

if __name__ == "__main__":
    main(CASES)
