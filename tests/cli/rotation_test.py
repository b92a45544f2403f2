#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A followed file is rotated: what was read of it is sealed, and neither a stop nor a next run loses a line.

usage: rotation_test.py PROGRAM [CASE...]
"""

import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import wait_until  # noqa: E402
from support.traffic import at, ms, now_ms, speech  # noqa: E402


def minutes(user, name, instant, count):
    return "".join(speech(user, f"{name}{i}", instant) for i in range(count))


def spoken_minutes(engine, state, user):
    window = engine.status(state, user)["slots"][0]["windows"][0]
    return window["sum_ms"] // ms("1m")


def move(engine):
    """As logrotate does by default."""
    os.rename(engine.path("a"), engine.path("a.1"))
    engine.write("a", "")


def truncate(engine):
    """As logrotate does with copytruncate."""
    os.truncate(engine.path("a"), 0)


def move_away(engine):
    os.rename(engine.path("a"), engine.path("a.1"))


def wait_for_first(engine, state):
    """It is committed, so what was written with it is read."""
    wait_until(lambda: engine.call("status", "--state", state, "--user", "first").returncode == 0, "the first commit")


def rotated_and_stopped(engine, state, rotate, wait, clock, now):
    """50 lines of one instant behind a first one are read, the file rotated, the engine stopped: its stderr."""
    engine.write("a", speech("first", "f", now - 1) + minutes("u", "a", now, 50))
    running = engine.start(state, "a", clock=clock)
    wait_for_first(engine, state)
    rotate(engine)
    if wait:
        running.wait_for_line("reading it from its beginning")
    code, told = engine.finish(running)
    equal(code, 0, f"exit code after SIGTERM, which said {told}")
    return told


def a_rotation_and_a_stop_lose_nothing(engine):
    for rotate in (move, truncate, move_away):
        for wait in (True, False):
            if wait and rotate is move_away:
                continue
            for clock in ("events", "wall"):
                now = now_ms() - 1_000 if clock == "wall" else at("+3h")
                state = f"{rotate.__name__}-{clock}-{'told' if wait else 'at once'}"
                rotated_and_stopped(engine, state, rotate, wait, clock, now)
                equal(spoken_minutes(engine, state, "u"), 50, f"minutes after the stop, {state}")
                engine.write("a", speech("u", "later", now + 1))
                engine.good_run(state, "a", clock=clock)
                equal(spoken_minutes(engine, state, "u"), 51, f"minutes after the next run, {state}")
                equal(engine.dead_letters(state), b"", f"dead letters, {state}")


def a_stop_without_a_rotation_seals_nothing(engine):
    told = rotated_and_stopped(engine, "s", lambda _: None, False, "events", at("+3h"))
    check("moved away" not in told, told)
    check(engine.call("status", "--state", "s", "--user", "u").returncode != 0, "the open epoch was sealed")
    engine.good_run("s", "a")
    equal(spoken_minutes(engine, "s", "u"), 50, "minutes after the next run")


def a_rotation_decides_a_waiting_jump(engine):
    """A line that is nine days ahead waits, with lines behind it that are too few to decide."""
    for rotate in (move, truncate):
        state = rotate.__name__
        lines = [speech("first", "f", at("+1h")), speech("u", "u0", at("+2h")), speech("u", "wrong", at("+9d"))]
        lines += [speech("u", f"u{i}", at("+2h")) for i in (1, 2)]
        engine.write("a", "".join(lines))
        running = engine.start(state, "a")
        wait_for_first(engine, state)
        rotate(engine)
        running.wait_for_line("line 3: its time")
        engine.write("a", speech("u", "next", at("+3h")))
        code, told = engine.finish(running)
        equal(code, 0, f"exit code after SIGTERM, which said {told}")
        check("stay there (2 to 0)" in told, told)
        engine.good_run(state, "a")
        equal(spoken_minutes(engine, state, "u"), 4, f"minutes of those behind the jump, {state}")
        refused = [json.loads(each)["reason"] for each in engine.dead_letters(state).splitlines()]
        equal(refused, ["future"], f"dead letters, {state}")


def a_moved_file_that_is_named_gives_what_a_kill_left(engine):
    """`kill -9` before the rotated lines are committed: the moved file has them."""
    engine.write("a", speech("first", "f", at("+3h") - 1) + minutes("u", "a", at("+3h"), 50))
    running = engine.start("s", "a", env={"FAIRUSE_FAIL": "epoch_sealed:kill:2"})
    wait_for_first(engine, "s")
    move(engine)
    equal(running.wait(), -signal.SIGKILL, "exit code")
    engine.write("a", speech("u", "later", at("+4h")))
    engine.good_run("s", "a.1")
    engine.good_run("s", "a")
    equal(spoken_minutes(engine, "s", "u"), 51, "minutes after the moved file and the new one")


CASES = [
    a_rotation_and_a_stop_lose_nothing,
    a_stop_without_a_rotation_seals_nothing,
    a_rotation_decides_a_waiting_jump,
    a_moved_file_that_is_named_gives_what_a_kill_left,
]

if __name__ == "__main__":
    main(CASES)
