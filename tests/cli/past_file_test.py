#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of the past, whose events are their clock: what sets `now`, and what a wrong stamp may do to it.

usage: past_file_test.py PROGRAM [CASE...]
"""

import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.traffic import admin, at, line, ms, speech, time_text  # noqa: E402


def all_of(engine, state):
    return engine.decisions(state) + engine.dead_letters(state)


def killed_at_every_epoch(engine, name, content):
    """Commit every epoch, kill before each of them, go on: nothing differs from an undisturbed run."""
    engine.write("in.ndjson", content)
    engine.good_run(f"{name}-whole", "in.ndjson")
    wanted = all_of(engine, f"{name}-whole")
    kills = 0
    for nth in range(1, 1_000):
        state = f"{name}-{nth}"
        fail = {"FAIRUSE_FAIL": f"epoch_sealed:kill:{nth}"}
        died = engine.run(state, "in.ndjson", "--commit-bytes", 1, "--chunk-bytes", 64, env=fail)
        if died.returncode == 0:
            break
        equal(died.returncode, -signal.SIGKILL, f"exit code, having said {died.stderr.decode()}")
        kills += 1
        engine.good_run(state, "in.ndjson")
        same_lines(all_of(engine, state), wanted, f"{name}, killed at epoch {nth}")
    return kills


def a_command_before_the_first_speech_runs_at_its_own_time(engine):
    """On 2 January, speech a week later: with another user's heartbeat before it, and without."""
    stage = admin("u", "stage", at("+1d"), "set_stage", stage="restrict")
    spoken = speech("u", "s1", at("+7d")) + speech("u", "s2", at("+9d"))
    for state, before in (("alone", ""), ("beside", speech("v", "heartbeat", at("+1d"), 0))):
        engine.write(f"{state}.ndjson", before + stage + spoken)
        engine.good_run(state, f"{state}.ndjson")
        live = engine.status(state, "u")["slots"][0]
        equal((live["stage"], live["since"]), ("restrict", time_text(at("+1d"))), f"the stage, {state}")


def a_command_in_a_file_of_its_own_runs_at_its_own_time(engine):
    engine.write("commands.ndjson", admin("u", "stage", at("+1d"), "set_stage", stage="throttle"))
    engine.good_run("s", "commands.ndjson")
    engine.write("speech.ndjson", "".join(speech("u", f"s{i}", at("+90d") + i * ms("1h")) for i in range(9)))
    told = engine.summary("s", "speech.ndjson")
    equal(told["events"], 9, "events of a file that begins three months later")
    equal(engine.dead_letters("s"), b"", "dead letters")


def a_lone_stamp_that_sets_the_clock_before_any_speech_is_told(engine):
    accounts = [line("account", "u", f"a{i}", at("+1h") + i, {"plan": "basic"}) for i in range(20)]
    engine.write("accounts.ndjson", "".join(accounts) + line("account", "v", "wrong", at("+370d"), {"plan": "basic"}))
    said = engine.good_run("s", "accounts.ndjson").stderr.decode()
    check(f"the clock stands at {time_text(at('+370d'))}, because of line 21;" in said, said)
    engine.write("speech.ndjson", speech("u", "s", at("+2h")))
    engine.good_run("s", "speech.ndjson")
    equal([json.loads(each)["reason"] for each in engine.dead_letters("s").splitlines()], ["too_old"], "dead letters")


def a_kill_before_the_first_speech_changes_nothing(engine):
    head = [line("account", "u", f"a{i}", at("+1d") + i * ms("7h"), {"plan": "basic"}) for i in range(9)]
    head += [admin("u", "stage", at("+5d"), "set_stage", stage="restrict"), "junk\n"]
    head += [line("erasure", "v", "gone", at("+30d"), {"actor": "a", "reason": "r"})]
    content = "".join(head) + "".join(speech(user, f"{user}{i}", at("+7d") + i * ms("1h")) for user in "uv" for i in range(6))
    kills = killed_at_every_epoch(engine, "opening", content)
    check(kills > 12, f"the opening has epochs: {kills}")
    return f"{kills} kills"


def one_wrong_stamp_does_not_ruin_a_file(engine):
    """30 lines of `u` behind a line that is 7, 20 or 39 days ahead, or behind a first line 300 days ahead."""
    spoken = [speech("u", f"s{i}", at("+1h") + i * ms("1m")) for i in range(30)]
    for days, before in ((7, spoken[:1]), (20, spoken[:1]), (39, spoken[:1]), (300, [])):
        wrong = speech("u", "wrong", at(f"+{days}d"))
        engine.write("in.ndjson", "".join(before) + wrong + "".join(spoken[len(before) :]))
        state = f"s{days}"
        said = engine.good_run(state, "in.ndjson").stderr.decode()
        warnings = [each for each in said.splitlines() if f"line {len(before) + 1}: its time {time_text(at(f'+{days}d'))}" in each]
        equal(len(warnings), 1, f"warnings that name line and jump in {said!r}")
        refused = [json.loads(each) for each in engine.dead_letters(state).splitlines()]
        equal([each["reason"] for each in refused], ["future"], f"dead letters, {days} days ahead")
        window = engine.status(state, "u")["slots"][0]["windows"][0]
        equal(window["sum_ms"], ms("30m"), f"today's speech, {days} days ahead")


def a_gap_that_is_real_is_followed(engine):
    spoken = [speech("u", f"a{i}", at("+1h") + i) for i in range(5)] + [speech("u", f"b{i}", at("+20d") + i) for i in range(5)]
    engine.write("in.ndjson", "".join(spoken))
    said = engine.good_run("s", "in.ndjson").stderr.decode()
    check(f"line 6: its time {time_text(at('+20d'))}" in said and "time goes on" in said, said)
    equal(engine.dead_letters("s"), b"", "dead letters")


def lines_that_are_too_old_are_told_and_do_not_stop(engine):
    for name, new, old, said in (("row", 2_000, 1_200, "line 3000: "), ("half", 3, 5, "5 of 8 lines"), ("few", 9, 5, None)):
        content = [speech("u", f"n{i}", at("+30d") + i) for i in range(new)]
        content += [speech("u", f"o{i}", at("+1d") + i) for i in range(old)]
        engine.write("in.ndjson", "".join(content))
        told = engine.good_run(name, "in.ndjson").stderr.decode()
        equal(told.count("(`too_old`)"), 0 if said is None else 1, f"warnings of {name}: {told!r}")
        check(said is None or said in told, told)
        equal(len(engine.dead_letters(name).splitlines()), old, f"dead letters of {name}")


def an_hour(name, begin):
    return speech("u", name, at(begin), ms("1h"))


# Of each user an hour after the other, with a wrong first line, wrong stamps (one alone, two in a row, one of another
# kind, one right before the end) and a gap that is real.
JUMPS = [
    an_hour("w0", "+300d"),
    *(an_hour(f"a{i}", f"+{i}h") for i in range(6)),
    an_hour("w1", "+20d"),
    "junk\n",
    *(an_hour(f"b{i}", f"+{6 + i}h") for i in range(4)),
    an_hour("w2", "+7d"),
    an_hour("w3", "+39d"),
    *(an_hour(f"c{i}", f"+{10 + i}h") for i in range(4)),
    line("account", "v", "w4", at("+9d"), {"plan": "basic"}),
    *(an_hour(f"d{i}", f"+{14 + i}h") for i in range(4)),
    *(an_hour(f"e{i}", f"+15d{i}h") for i in range(4)),
    an_hour("w5", "+30d"),
    an_hour("f", "+15d5h"),
]
JUMPS_REFUSED = 7  # six stamps and a line of junk


def a_kill_beside_a_waiting_line_changes_nothing(engine):
    """Every line that is accepted begins an epoch, and is killed there."""
    kills = killed_at_every_epoch(engine, "jumps", "".join(JUMPS))
    equal(kills, len(JUMPS) - JUMPS_REFUSED, "every accepted line is an epoch")
    equal(len(engine.dead_letters("jumps-whole").splitlines()), JUMPS_REFUSED, "dead letters")
    return f"{kills} kills"


# A wrong stamp and one of its voters, with hours before them that decide something.
WAITING = JUMPS.index(an_hour("w1", "+20d")) + 3


def a_line_waits_in_an_open_pipe(engine):
    """Whose other end then writes byte by byte."""
    content = "".join(JUMPS)
    engine.write("in.ndjson", content)
    engine.good_run("whole", "in.ndjson")
    running = engine.start("s", "-", stdin=subprocess.PIPE)
    running.stdin.write("".join(JUMPS[:WAITING]).encode())
    running.stdin.flush()
    engine.wait_for_decisions("s", lambda lines: len(lines) > 0)
    equal(len(engine.dead_letters("s").splitlines()), 1, "dead letters while the second wrong line waits")
    for byte in "".join(JUMPS[WAITING:]).encode():
        running.stdin.write(bytes([byte]))
        running.stdin.flush()
    running.stdin.close()
    equal(running.wait(), 0, "exit code at the end of the pipe")
    same_lines(engine.decisions("s"), engine.decisions("whole"), "decisions of a pipe")
    equal(len(engine.dead_letters("s").splitlines()), JUMPS_REFUSED, "dead letters of a pipe")


def a_line_waits_in_a_growing_file_and_through_a_stop(engine):
    """Without --until-end; SIGTERM while it waits leaves it to the next run, which also may wait."""
    engine.write("in.ndjson", "".join(JUMPS))
    engine.good_run("whole", "in.ndjson")
    wanted = all_of(engine, "whole")
    file = engine.write("in.ndjson", "".join(JUMPS[:WAITING]))
    running = engine.start("s", "in.ndjson")
    engine.wait_for_decisions("s", lambda lines: len(lines) > 0)
    code, told = engine.finish(running)
    equal(code, 0, f"exit code after SIGTERM, which said {told}")
    check("line 8" not in told, f"nothing is said of a line that waits: {told}")
    before = engine.decisions("s")
    running = engine.start("s", "in.ndjson")
    with open(file, "a", encoding="utf-8") as grown:
        for each in JUMPS[WAITING:]:
            grown.write(each)
            grown.flush()
    engine.wait_for_decisions("s", lambda lines: len(lines) > len(before.splitlines()))
    code, told = engine.finish(running)
    equal(code, 0, f"exit code after SIGTERM, which said {told}")
    engine.good_run("s", "in.ndjson")
    same_lines(all_of(engine, "s"), wanted, "a file that grew and an engine that was stopped")


CASES = [
    a_kill_beside_a_waiting_line_changes_nothing,
    a_line_waits_in_an_open_pipe,
    a_line_waits_in_a_growing_file_and_through_a_stop,
    one_wrong_stamp_does_not_ruin_a_file,
    a_gap_that_is_real_is_followed,
    lines_that_are_too_old_are_told_and_do_not_stop,
    a_command_before_the_first_speech_runs_at_its_own_time,
    a_command_in_a_file_of_its_own_runs_at_its_own_time,
    a_lone_stamp_that_sets_the_clock_before_any_speech_is_told,
    a_kill_before_the_first_speech_changes_nothing,
]

if __name__ == "__main__":
    main(CASES)
