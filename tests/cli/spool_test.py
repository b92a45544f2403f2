#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second input of local mode: what other processes deliver into DIR/spool beside the file or pipe that is read.
usage: spool_test.py PROGRAM [CASE...]"""

import datetime
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import wait_until  # noqa: E402

PLACES = ["epoch_sealed", "slices_done", "batch_built", "before_write", "after_write", "after_publish", "stopping"]


def day_of_a_listener():
    return line("day", "speech", {"lane": "realtime", "ms": 3 * 3_600_000}, ago=datetime.timedelta(hours=4))


def verdict(score=0.93, request="live-1"):
    return line(f"verdict-{request}", "review", {"request": request, "score": score, "usage_type": "audiobook"})


def heard(number, user="u-1"):
    return line(f"s-{number}", "speech", {"lane": "realtime", "ms": 1_000}, user=user)


def deliver(engine, state, name, text):
    """As every writer must: whole, under its name at once."""
    folder = engine.path(state) / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    engine.write("delivery", text).rename(folder / f"{name}.ndjson")


def spooled(engine, state):
    return sorted(each.name for each in (engine.path(state) / "spool").glob("*"))


def kinds(decisions):
    return [json.loads(each)["data"]["decision"] for each in decisions.splitlines()]


def a_verdict_enters_beside_a_growing_file(engine):
    engine.write("in.ndjson", day_of_a_listener())
    process = engine.start("state", "in.ndjson", clock="wall")
    engine.wait_for_decisions("state", lambda lines: b"review_requested" in b"".join(lines))
    deliver(engine, "state", "1", verdict())
    engine.wait_for_decisions("state", lambda lines: b"strike_added" in b"".join(lines))
    wait_until(lambda: not spooled(engine, "state"), "the delivery is gone")
    with engine.path("in.ndjson").open("a") as growing:
        growing.write(line("late", "stt", {"ms": 1_000}))
    code, said = engine.finish(process)
    equal(code, 0, f"exit code, which said {said}")
    told = engine.summary("state", "in.ndjson", clock="wall")
    check(told["lines"] <= 1, "the file goes on where it was, and the delivery is not read again")
    equal(kinds(engine.decisions("state")).count("strike_added"), 1, "strikes")


def what_came_while_no_engine_ran_is_taken_first(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="wall")
    deliver(engine, "state", "1", verdict())
    told = engine.summary("state", "in.ndjson", clock="wall")
    equal(told["lines"], 1, "lines of the second run")
    equal(spooled(engine, "state"), [], "deliveries that are left")
    check("strike_added" in kinds(engine.decisions("state")), "the verdict counts")


def any_number_of_deliveries_is_taken_before_the_end(engine):
    engine.write("in.ndjson", heard("first"))
    engine.good_run("state", "in.ndjson", clock="wall")
    folder = engine.path("state") / "spool"
    folder.mkdir(parents=True)
    for number in range(1_300):
        (folder / f"{number:04}.ndjson").write_text(heard(number), encoding="utf-8")
    told = engine.summary("state", "in.ndjson", clock="wall")
    equal(told["events"], 1_300, "events")
    equal(spooled(engine, "state"), [], "deliveries that are left")


def killed_anywhere_both_inputs_go_on_where_they_stopped(engine):
    """Every line is taken once, whatever the place: none is a duplicate, none is missing."""
    for place in PLACES:
        for nth in (1, 2):
            state = f"{place}-{nth}"
            # A store first: the folder of a state has nothing else in it.
            engine.write("none.ndjson", "\n")
            engine.good_run(state, "none.ndjson", clock="wall")
            for number in range(3):
                text = "".join(heard(f"{number}-{n}", user=f"u-{n % 7}") for n in range(200))
                deliver(engine, state, f"{number:03} by {number}", text)
            engine.write("in.ndjson", "".join(heard(f"file-{n}") for n in range(300)))
            options = ("--chunk-bytes", 2_000, "--commit-bytes", 20_000)
            engine.run(state, "in.ndjson", *options, clock="wall", env={"FAIRUSE_FAIL": f"{place}:kill:{nth}"})
            engine.good_run(state, "in.ndjson", *options, clock="wall")
            packed = engine.call("history", "pack", "--state", state, "-o", f"{state}.history")
            equal(packed.returncode, 0, f"pack, which said {packed.stderr.decode()}")
            told = json.loads(engine.call("history", "inspect", f"{state}.history", "--json").stdout)
            equal(told["events"]["speech"], 900, f"events after a kill at {place}:{nth}")
            equal(told["duplicates"], 0, f"lines that were taken twice after a kill at {place}:{nth}")
            equal(spooled(engine, state), [], f"deliveries that are left after a kill at {place}:{nth}")
            verified = engine.call("verify", "--state", state)
            equal(verified.returncode, 0, f"verify after {place}:{nth}, which said {verified.stderr.decode()}")


def a_malformed_line_is_a_dead_letter_that_names_the_delivery(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="wall")
    deliver(engine, "state", "bad", "no event\n" + verdict())
    engine.good_run("state", "in.ndjson", clock="wall")
    check(b"spool/bad.ndjson" in engine.dead_letters("state"), "the dead letter names the delivery")
    check("strike_added" in kinds(engine.decisions("state")), "the line behind it counts")


def what_has_no_whole_name_is_not_read(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="wall")
    deliver(engine, "state", "1", verdict())
    (engine.path("state") / "spool" / "1.ndjson").rename(engine.path("state") / "spool" / "1.ndjson.new")
    equal(engine.summary("state", "in.ndjson", clock="wall")["lines"], 0, "lines")


def a_store_of_the_past_takes_no_delivery(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="events")
    deliver(engine, "state", "1", verdict())
    done = engine.run("state", "in.ndjson", clock="events")
    equal(done.returncode, 2, "exit code")
    check(b"recorded verdicts belong into the file" in done.stderr, "it says where verdicts belong")
    equal(spooled(engine, "state"), ["1.ndjson"], "the delivery stays")


def a_stop_leaves_what_was_not_sealed_to_the_next_run(engine):
    engine.write("in.ndjson", day_of_a_listener())
    process = engine.start("state", "in.ndjson", clock="wall")
    engine.wait_for_decisions("state", lambda lines: b"review_requested" in b"".join(lines))
    for number in range(40):
        deliver(engine, "state", f"{number:03}", heard(f"n-{number}"))
    engine.finish(process, signal.SIGTERM)
    engine.good_run("state", "in.ndjson", clock="wall")
    equal(spooled(engine, "state"), [], "deliveries that are left")
    engine.call("history", "pack", "--state", "state", "-o", "all.history")
    told = json.loads(engine.call("history", "inspect", "all.history", "--json").stdout)
    equal(told["events"]["speech"], 41, "events")


def what_is_no_file_is_left_where_it_is(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="wall")
    deliver(engine, "state", "3", verdict())
    folder = engine.path("state") / "spool"
    os.mkfifo(folder / "1.ndjson")
    engine.write("elsewhere", verdict(request="live-2"))
    (folder / "2.ndjson").symlink_to(engine.path("elsewhere"))
    done = engine.run("state", "in.ndjson", clock="wall")
    equal(done.returncode, 0, f"exit code, which said {done.stderr.decode()}")
    for name in ("1.ndjson", "2.ndjson"):
        said = f"spool/{name}: what is there is no file of its own; it is left where it is"
        check(said in done.stderr.decode(), done.stderr.decode())
    equal(spooled(engine, "state"), ["1.ndjson", "2.ndjson"], "what is left")
    check("strike_added" in kinds(engine.decisions("state")), "the delivery behind them counts")


def an_operators_command_is_delivered(engine):
    """To a running engine, to one that does not run, once for an id, and not to a store of the past."""

    def command(*words, state="state", code=0):
        who = ("--actor", "ann", "--reason", "a test")
        done = engine.call("command", "--config", "local.yaml", "--state", state, *words, *who)
        equal(done.returncode, code, f"exit code of {words}, which said {done.stderr.decode()}")
        return done.stdout.decode() + done.stderr.decode()

    def marks():
        return engine.status("state", "u-1")["slots"][0]["marks"]

    engine.write("in.ndjson", day_of_a_listener())
    command("reset", "u-1", code=2)
    process = engine.start("state", "in.ndjson", clock="wall")
    engine.wait_for_decisions("state", lambda lines: b"review_requested" in b"".join(lines))
    deliver(engine, "state", "1", verdict())
    engine.wait_for_decisions("state", lambda lines: b"strike_added" in b"".join(lines))
    case = marks()[0]["case"]
    command("appeal", "u-1", case.lower(), "a lecture\x1b[2J of mine")
    engine.wait_for_decisions("state", lambda lines: b"appeal_opened" in b"".join(lines))
    equal([(each["text"], each["closed_at"]) for each in marks()[0]["appeals"]], [("a lecture\x1b[2J of mine", None)], "appeals")
    shown = engine.call("status", "--state", "state", "--user", "u-1").stdout.decode()
    check("open: a lecture?[2J of mine" in " ".join(shown.split()), shown)
    command("clear_strike", "u-1", "1", "--id", "clear-1")
    engine.wait_for_decisions("state", lambda lines: b"strike_cleared" in b"".join(lines))
    check(marks()[0]["appeals"][0]["closed_at"], "the appeal is closed")
    equal(engine.finish(process)[0], 0, "exit code")
    said = command("restore_strike", "u-1", case)
    check("it holds from its next epoch on" in said, said)
    command("clear_strike", "u-1", "1", "--id", "clear-1")
    command("erase", "u-2", code=2)
    command("erase", "u-2", "--yes")
    engine.good_run("state", "in.ndjson", clock="wall")
    decided = kinds(engine.decisions("state"))
    live = [each for each in decided if each.startswith(("appeal", "strike", "user"))]
    # In the order of users in an epoch.
    equal(live, ["strike_added", "appeal_opened", "strike_cleared", "appeal_closed", "strike_restored", "user_erased"], "decisions")
    equal(engine.status("state", "u-1")["slots"][0]["stage"], "warning", "the stage")
    engine.write("past.ndjson", line("old", "stt", {"ms": 1}, ago=datetime.timedelta(days=90)))
    engine.good_run("past", "past.ndjson")
    check("runs by --clock events" in command("reset", "u-1", state="past", code=2), "a store of the past is told of")


def a_name_that_is_no_line_of_text_is_not_read(engine):
    engine.write("in.ndjson", day_of_a_listener())
    engine.good_run("state", "in.ndjson", clock="wall")
    for name in ("a\nb", "Sch\udcf6n"):
        deliver(engine, "state", name, verdict())
    done = engine.run("state", "in.ndjson", clock="wall")
    equal(done.returncode, 0, f"exit code, which said {done.stderr.decode()}")
    for name in ("a?b", "Sch?n"):
        said = f"spool/{name}.ndjson is not read: its name is no line of UTF-8. Rename it"
        check(said in done.stderr.decode(), done.stderr.decode())
    equal(len(spooled(engine, "state")), 2, "deliveries that are left")


CASES = [
    a_verdict_enters_beside_a_growing_file,
    what_came_while_no_engine_ran_is_taken_first,
    any_number_of_deliveries_is_taken_before_the_end,
    killed_anywhere_both_inputs_go_on_where_they_stopped,
    a_malformed_line_is_a_dead_letter_that_names_the_delivery,
    what_has_no_whole_name_is_not_read,
    a_store_of_the_past_takes_no_delivery,
    what_is_no_file_is_left_where_it_is,
    an_operators_command_is_delivered,
    a_name_that_is_no_line_of_text_is_not_read,
    a_stop_leaves_what_was_not_sealed_to_the_next_run,
]

if __name__ == "__main__":
    main(CASES)
