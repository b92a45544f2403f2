#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One day and a few more lines through `fairuse run`: every byte that local mode leaves behind.

usage: local_test.py PROGRAM STORE_ROWS
"""

import hashlib
import pathlib
import signal
import subprocess
import sys

from committed import differences, key_paths

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.traffic import DAY_MS, HOUR_MS, MINUTE_MS, admin, line, review, speech  # noqa: E402

STORE_ROWS = sys.argv.pop(2)
CONFIG = ROOT / "config" / "local.yaml"
DAY = ROOT / "config" / "demo" / "day.ndjson"
EVENING = 1_792_008_000_000  # 2026-10-14T20:00:00Z, minutes after the last event of the day.
# Also on a machine that is busy: bytes alone say where commits end.
COMMITS_BY_BYTES = ("--commit-ms", 10_000)
# Rows that follow from how many commits there were: controls, inputs, journal, meta, and dead letters with their line in
# the commit. Hours (u.6) keep buckets of a metering profile that is no longer loaded, if a commit wrote them before.
ROWS_OF_COMMITS = ("c", "i", "j", "m", "x", "u.6")


def facts():
    """Facts that the engine applies unchecked."""
    at = EVENING
    return [
        line("account", "attendee-01", "g-plan", at, {"plan": "unlimited", "time_zone": "Europe/Vienna"}),
        line("account", "attendee-01", "g-stale", at - 2 * HOUR_MS, {"plan": "basic"}),
        line("account", "golden-free", "g-free", at, {"credits_exhausted": True}),
        line("account", "golden-pro", "g-pro", at, {"plan": "pro"}),
        line(
            "conversation",
            "golden-loud",
            "g-talk",
            at,
            {"conversation": "g-1", "title": "Title ü", "overview": "o" * 300, "duration_ms": HOUR_MS, "lane": "sync"},
        ),
        line("stt", "golden-free", "g-stt", at, {"ms": 40 * MINUTE_MS, "provider": "standard"}),
        speech("golden-loud", "g-loud-1", at, 3 * HOUR_MS),
        speech("golden-loud", "g-loud-1", at, 3 * HOUR_MS),
        speech("golden-pro", "g-pro-1", at + MINUTE_MS, 9 * HOUR_MS, "sync"),
        speech("golden-late", "g-late-1", at - 7 * DAY_MS, HOUR_MS, "backfill"),
        review("golden-loud", "g-review-1", at + 2 * MINUTE_MS, "live-1", 0.95),
        review("golden-loud", "g-review-2", at + 3 * MINUTE_MS, "live-9", 0.95),
    ]


def commands():
    """To one user, to all users, and erasures."""
    at = EVENING + 10 * MINUTE_MS
    return [
        admin("golden-loud", "g-stage", at, "set_stage", stage="throttle"),
        admin("golden-loud", "g-resolve", at + 1_000, "resolve", strike=1, notes="a lecture"),
        admin("golden-pro", "g-exempt", at, "exempt", on=True),
        admin("manager-00", "g-reset", at, "reset"),
        admin("*", "g-kill-on", at + MINUTE_MS, "kill_switch", on=True),
        speech("golden-pro", "g-pro-2", at + 2 * MINUTE_MS, HOUR_MS),
        admin("*", "g-kill-off", at + 3 * MINUTE_MS, "kill_switch", on=False),
        admin("*", "g-kill-off", at + 3 * MINUTE_MS, "kill_switch", on=False),
        admin("*", "g-promote", at + 4 * MINUTE_MS, "promote_policy", policy="omi-newest"),
        line("erasure", "listener-00", "g-erase", at + 5 * MINUTE_MS, {"actor": "privacy", "reason": "asked"}),
        speech("listener-00", "g-erased-1", at, HOUR_MS),
        speech("listener-00", "g-new-life", at + 6 * MINUTE_MS, HOUR_MS),
        speech("listener-00", "g-erased-2", at, HOUR_MS),
    ]


def refused():
    """A dead letter each, but for the empty line."""
    at = EVENING + 20 * MINUTE_MS
    return [
        "not json at all\n",
        '{"specversion":"1.0"\n',
        "\n",
        line("nothing", "golden-loud", "g-type", at, {}),
        admin("golden-loud", "g-star", at, "kill_switch", on=True),
        speech("golden-loud", "g-old", at - 20 * DAY_MS),
        speech("golden-loud", "g-ahead", at + 60 * DAY_MS),
    ]


def the_next_day():
    """Timers that fire, and budgets that begin anew."""
    made = []
    for hour in range(1, 31, 3):
        at = EVENING + hour * HOUR_MS
        made.append(speech("golden-loud", f"g-next-{hour}", at, 2 * HOUR_MS))
        made.append(line("stt", "golden-loud", f"g-next-stt-{hour}", at, {"ms": 50 * MINUTE_MS}))
        made.append(review("golden-loud", f"g-next-review-{hour}", at + MINUTE_MS, f"live-{hour // 3 + 2}", 0.9))
    return made


def added():
    text = "".join(facts() + commands() + refused() + the_next_day()).encode()
    first_speech = next(each for each in DAY.read_bytes().splitlines(True) if b"fairuse.speech.v1" in each)
    return text + b'{"id":"\xff\xfe"}\n' + first_speech


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def hashed(name, content):
    return f"{name} {content.count(10)} {sha256(content)}"


def store_lines(engine, state):
    done = subprocess.run([STORE_ROWS, engine.path(state)], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"exit code of golden_store_rows, which said {done.stderr}")
    return done.stdout.splitlines()


def rows(engine, state):
    return {each for each in store_lines(engine, state) if each.startswith("row ")}


def printed(engine, state):
    """The outputs of the commands that read a store, without the folder of the input."""
    folder = f"{engine.folder.resolve()}/".encode()
    raw = engine.call("decisions", "--state", state, "--dead-letters", "--raw").stdout
    status = b""
    for user in ("attendee-00", "attendee-01", "golden-free", "golden-late", "golden-loud", "golden-pro", "manager-00"):
        status += engine.call("status", "--state", state, "--user", user, "--json").stdout
    check(status.count(b"{") > 10, f"status says too little: {status[:200]}")
    return {
        hashed("decisions", engine.decisions(state)),
        hashed("dead_letters", engine.dead_letters(state).replace(folder, b"")),
        hashed("dead_letters.raw", raw),
        hashed("status", status),
    }


def lived(engine, state):
    """The day in one run and one commit, the rest in another."""
    events = engine.write(f"{state}.ndjson", DAY.read_bytes())
    engine.good_run(state, events, *COMMITS_BY_BYTES, config=CONFIG)
    with open(events, "ab") as more:
        more.write(added())
    return engine.summary(state, events, *COMMITS_BY_BYTES, config=CONFIG)


def agree(told):
    check(not told, "\n".join(["", *told]))


def every_byte_of_the_local_life_is_the_committed_one(engine):
    summary = lived(engine, "one")
    settings = {each.split()[1] for each in store_lines(engine, "one") if each.startswith("setting ")}
    agree(
        differences("digests.txt", "local", printed(engine, "one") | rows(engine, "one"))
        + differences("names.txt", "local_setting", settings)
        + differences("names.txt", "run_summary", key_paths(summary))
    )


def sizes_of_commits_and_chunks_change_no_row_of_a_user(engine):
    lived(engine, "one")
    events = engine.write("all.ndjson", DAY.read_bytes() + added())

    def kept(state):
        return sorted(each for each in rows(engine, state) if each.split()[1] not in ROWS_OF_COMMITS)

    for size in (1_000, 20_000, 50_000):
        sizes = ("--commit-bytes", size, "--chunk-bytes", 1_000)
        engine.good_run(f"all-{size}", events, *sizes, *COMMITS_BY_BYTES, config=CONFIG)
        equal(engine.decisions(f"all-{size}"), engine.decisions("one"), f"decisions in commits of {size} bytes")
        equal(kept(f"all-{size}"), kept("one"), f"rows of users and decisions in commits of {size} bytes")


def failpoints_have_their_names_and_places(engine):
    events = engine.write("some.ndjson", b"".join(DAY.read_bytes().splitlines(True)[:80]))
    said = engine.run("none", events, config=CONFIG, env={"FAIRUSE_FAIL": "nowhere:kill"}).stderr.decode()
    names = said.split("with a place of ")[1].split()
    local = []
    for name in names:
        done = engine.run(f"at-{name}", events, config=CONFIG, env={"FAIRUSE_FAIL": f"{name}:kill"})
        check(done.returncode in (0, -signal.SIGKILL), f"{name} ends with {done.returncode}")
        if done.returncode != 0:
            local.append(name)
    agree(differences("names.txt", "failpoint", names) + differences("names.txt", "failpoint_local", local))


if __name__ == "__main__":
    main(
        [
            every_byte_of_the_local_life_is_the_committed_one,
            sizes_of_commits_and_chunks_change_no_row_of_a_user,
            failpoints_have_their_names_and_places,
        ]
    )
