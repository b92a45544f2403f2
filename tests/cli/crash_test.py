#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Killed anywhere, any number of times: what was decided is byte for byte what an undisturbed run decides, none of it
missing, none twice, and a reader beside the engine never sees anything else. usage: crash_test.py PROGRAM [CASE...]"""

import json
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.traffic import mixed  # noqa: E402

KILLS = 60
FAILPOINTS = ["epoch_sealed", "slices_done", "batch_built", "before_write", "after_write", "after_publish", "stopping"]
# Passed once a week.
WEEKLY = ["before_checkpoint", "after_checkpoint"]
USERS = [f"user-{i}" for i in range(0, 40, 8)]


def everything(engine, state):
    """All that a run leaves: decisions, dead letters, and what users look like."""
    # An erased user is gone from the list of users, and may be.
    looks = [engine.call("status", "--state", state, "--user", user, "--json").stdout for user in USERS]
    return engine.decisions(state), engine.dead_letters(state), b"\n".join(looks)


def same(got, wanted, what):
    for part, a, b in zip(("decisions", "dead letters", "users"), got, wanted):
        same_lines(a, b, f"{part} {what}")


def variations(draw):
    """Options that must change no byte."""
    options = ["--commit-bytes", draw.choice([60_000, 200_000, 1_000_000, 1 << 26])]
    options += ["--chunk-bytes", draw.choice([200, 2_000, 40_000, 1 << 18])]
    if draw.random() < 0.5:
        options += ["--max-active-users", draw.choice([4, 8, 20])]
    return options


def commits_batches_and_memory_change_no_byte(engine):
    for seed in (1, 2, 3):
        engine.write("in.ndjson", mixed(seed))
        engine.good_run(f"whole-{seed}", "in.ndjson")
        wanted = everything(engine, f"whole-{seed}")
        check(wanted[0].count(b"\n") > 1_000, "the traffic decides something")
        draw = random.Random(seed)
        for trial in range(6):
            options = variations(draw)
            engine.good_run(f"{seed}-{trial}", "in.ndjson", *options)
            same(everything(engine, f"{seed}-{trial}"), wanted, f"with {options}")


def a_commit_for_every_epoch_changes_no_byte(engine):
    engine.write("in.ndjson", mixed(7, lines=1_000))
    engine.good_run("whole", "in.ndjson")
    told = engine.summary("each", "in.ndjson", "--commit-bytes", 1, "--max-active-users", 4, "--chunk-bytes", 64)
    equal(told["commits"], told["epochs"], "a commit for every epoch")
    same(everything(engine, "each"), everything(engine, "whole"), "with a commit for every epoch")


def killed_at_random_moments(engine):
    """Kill until the file is through, then begin anew, until there were enough kills."""
    draw = random.Random(4)
    engine.write("in.ndjson", mixed(4))
    begin = time.monotonic()
    engine.good_run("whole", "in.ndjson", "--commit-bytes", 200_000)
    duration = time.monotonic() - begin
    wanted = everything(engine, "whole")
    kills = rounds = stopped = seen = 0
    while kills < KILLS:
        rounds += 1
        state = f"round-{rounds}"
        while True:
            options = variations(draw)
            process = engine.start(state, "in.ndjson", "--until-end", *options)
            time.sleep(draw.uniform(0, duration * 1.1))
            if draw.random() < 0.3:
                told = engine.call("decisions", "--state", state)
                if told.returncode == 0:
                    seen += 1
                    check(wanted[0].startswith(told.stdout), f"a reader beside {state} sees only what stays")
            code = process.stop(signal.SIGTERM if draw.random() < 0.15 else signal.SIGKILL)
            said = process.errors()
            # A SIGTERM before the program has begun ends it like any other; it says nothing then.
            fine = (0, -signal.SIGKILL) if said else (0, -signal.SIGKILL, -signal.SIGTERM)
            check(code in fine, f"{state} ended with {code}: {said.decode()}")
            kills += code != 0
            stopped += b"SIGTERM" in said
            if code == 0 and b"SIGTERM" not in said:
                break
        same(everything(engine, state), wanted, f"of {state}")
    return f"{kills} kills, {stopped} stops, {rounds} times from the beginning, {seen} reads beside it"


def killed_at_every_failpoint(engine):
    engine.write("in.ndjson", mixed(5, lines=6_000))
    engine.good_run("whole", "in.ndjson")
    wanted = everything(engine, "whole")
    hits = 0
    for place in FAILPOINTS + WEEKLY:
        for nth in (1,) if place == "stopping" else (1, 2) if place in WEEKLY else (1, 2, 5, 23):
            state = f"{place}-{nth}"
            options = ("--commit-bytes", 50_000, "--max-active-users", 12)
            died = engine.run(state, "in.ndjson", *options, env={"FAIRUSE_FAIL": f"{place}:kill:{nth}"})
            equal(died.returncode, -signal.SIGKILL, f"{place}:{nth} was passed; it said {died.stderr.decode()}")
            hits += 1
            # Once more at the same place, in the run after.
            again = engine.run(state, "in.ndjson", *options, env={"FAIRUSE_FAIL": f"{place}:kill:{nth}"})
            check(again.returncode in (0, -signal.SIGKILL), f"{place}:{nth} again: {again.stderr.decode()}")
            engine.good_run(state, "in.ndjson")
            same(everything(engine, state), wanted, f"after {place}:{nth}")
    told = engine.run("unhit", "in.ndjson", env={"FAIRUSE_FAIL": "epoch_sealed:kill:100000000"})
    equal(told.returncode, 0, "a place that is not passed so often ends nothing")
    equal(engine.run("bad", "in.ndjson", env={"FAIRUSE_FAIL": "nowhere:kill"}).returncode, 2, "an unknown place")
    return f"{hits} places"


def the_same_file_twice_changes_nothing(engine):
    """Under another name, so that it is read again from its beginning."""
    # Without lines from the future: what was too far ahead the first time may be in time the second.
    content = mixed(6, future=False)
    engine.write("in.ndjson", content)
    engine.write("copy.ndjson", content)
    engine.good_run("twice", "in.ndjson")
    decisions, _, _ = everything(engine, "twice")
    told = json.loads(engine.good_run("twice", "copy.ndjson", "--json").stdout)
    same_lines(engine.decisions("twice"), decisions, "decisions after the second time")
    lines = [json.loads(line) for line in engine.dead_letters("twice").splitlines()]
    added = {line["reason"] for line in lines if line["input"].endswith("copy.ndjson")}
    check("too_old" in added, "what is older than the retention is refused the second time")
    check(told["duplicates"] > 5_000, f"the rest is duplicates: {told}")


CASES = [
    commits_batches_and_memory_change_no_byte,
    a_commit_for_every_epoch_changes_no_byte,
    killed_at_random_moments,
    killed_at_every_failpoint,
    the_same_file_twice_changes_nothing,
]

if __name__ == "__main__":
    main(CASES)
