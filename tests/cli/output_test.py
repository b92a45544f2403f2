#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A result that cannot be written is never lost in silence, whatever stdin, stdout and stderr are.

usage: output_test.py PROGRAM
"""

import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT  # noqa: E402

DAY = ROOT / "config" / "demo" / "day.ndjson"
SCENARIO = ROOT / "tests" / "data" / "cases" / "omi-newest-ladder-0005.jsonl"
LOST = "the result could not be written to stdout: "


def results(engine):
    """Command lines with a result on stdout, and their exit code."""
    if not engine.path("day").exists():
        engine.good_run("day", DAY)
    return [
        (["decisions", "--state", "day"], 0),
        (["status", "--state", "day", "--user", "manager-00"], 0),
        (["run", "--config", "local.yaml", "--state", "day", "--input", DAY, "--clock", "events", "--until-end", "--json"], 0),
        (["check", "local.yaml"], 0),
        (["check", "--json", "none.yaml"], 2),
        (["conform", SCENARIO], 0),
        (["capacity", "--users", "1000"], 0),
        (["history", "pack", DAY, "-o", "day.history", "--force"], 0),
        (["history", "inspect", "day.history"], 0),
        (["history", "export", "day.history", "--csv"], 0),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["--version"], 0),
    ]


def ended(engine, words, redirection):
    """Exit code and stderr of a command that a shell starts."""
    command = ["sh", "-c", f'exec "$0" "$@" {redirection}', engine.program, *map(str, words)]
    done = subprocess.run(command, cwd=engine.folder, env=engine.environment(None), capture_output=True, text=True)
    return done.returncode, done.stderr


def a_full_disk_is_exit_1_and_a_sentence(engine):
    for words, _ in results(engine):
        code, said = ended(engine, words, "> /dev/full")
        equal(code, 1, f"exit code of {words}, which said {said}")
        check(f"{LOST}No space left on device" in said, f"{words} said {said}")


def a_closed_stdout_is_exit_1_and_a_sentence(engine):
    for words, _ in results(engine):
        code, said = ended(engine, words, ">&-")
        equal(code, 1, f"exit code of {words}, which said {said}")
        check(f"{LOST}Bad file descriptor" in said, f"{words} said {said}")


def a_reader_that_has_seen_enough_is_no_failure(engine):
    for words, own_code in results(engine):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [engine.program, *map(str, words)],
            cwd=engine.folder,
            env=engine.environment(None),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(writing)
        equal(done.returncode, own_code, f"exit code of {words}, which said {done.stderr}")
        check(LOST not in done.stderr, f"{words} said {done.stderr}")


def a_stderr_that_takes_nothing_changes_nothing(engine):
    for words, own_code in results(engine):
        for redirection in ("2> /dev/full", "2>&-"):
            equal(ended(engine, words, redirection)[0], own_code, f"exit code of {words} {redirection}")


def closed_descriptors_become_no_file_of_the_store(engine):
    words = ["run", "--config", "local.yaml", "--state", "closed", "--input", DAY, "--clock", "events", "--until-end"]
    equal(ended(engine, words, "<&- >&- 2>&-")[0], 0, "exit code without a result")
    equal(ended(engine, [*words, "--json"], "<&- >&- 2>&-")[0], 1, "exit code of a lost result")
    equal((engine.path("closed") / "db" / "LOCK").read_bytes(), b"", "bytes in LOCK")
    engine.good_run("open", DAY)
    equal(engine.decisions("closed"), engine.decisions("open"), "decisions")


def following_leaves_no_folder_behind(engine):
    results(engine)
    scratch = engine.path("tmp")
    scratch.mkdir()
    with subprocess.Popen(
        [engine.program, "decisions", "--state", "day", "--follow"],
        cwd=engine.folder,
        env={**engine.environment(None), "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
    ) as following:
        following.stdout.readline()
        check(list(scratch.iterdir()), "no temporary folder was made")
        following.send_signal(signal.SIGINT)
        equal(following.wait(60), 130, "exit code after Ctrl-C")
    equal(list(scratch.iterdir()), [], "temporary folders")


def following_ends_when_nothing_reads_any_more(engine):
    results(engine)
    with subprocess.Popen(
        [engine.program, "decisions", "--state", "day", "--follow"],
        cwd=engine.folder,
        env=engine.environment(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as following:
        following.stdout.readline()
        # All of it was written, and no further decision will come.
        following.stdout.close()
        equal(following.wait(60), 0, "exit code")
        equal(following.stderr.read(), b"", "what it says")


if __name__ == "__main__":
    main(
        [
            a_full_disk_is_exit_1_and_a_sentence,
            a_closed_stdout_is_exit_1_and_a_sentence,
            a_reader_that_has_seen_enough_is_no_failure,
            a_stderr_that_takes_nothing_changes_nothing,
            closed_descriptors_become_no_file_of_the_store,
            following_leaves_no_folder_behind,
            following_ends_when_nothing_reads_any_more,
        ]
    )
