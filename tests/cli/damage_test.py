#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A flipped byte in any file of the store is refused with a clear message, or recovered; never silently wrong. A full
disk is a clear stop that loses nothing committed. usage: damage_test.py PROGRAM [CASE...]"""

import os
import pathlib
import random
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import enter_mount_namespace, run  # noqa: E402
from support.traffic import mixed  # noqa: E402

FLIPS_A_FILE = 12
SAID = ("damaged", "Corruption", "corrupt", "not what was written", "newer", "gone", "lost", "cannot")


def flip(path, place, bit):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << bit)]))


def places(draw, size):
    chosen = {0, size - 1, size // 2}
    while len(chosen) < min(size, FLIPS_A_FILE):
        chosen.add(draw.randrange(size))
    return sorted(chosen)


def a_store_that_lost_commits_is_refused_whatever_the_input(engine):
    """Another file could not bring back what the lost commits decided."""
    first, second = mixed(8, lines=400), mixed(9, lines=400)
    engine.write("first.ndjson", first)
    engine.write("second.ndjson", second)
    engine.good_run("s", "first.ndjson")
    (log,) = [each for each in (engine.path("s") / "db").glob("*.log") if each.stat().st_size > 0]
    flip(log, log.stat().st_size // 2, 3)
    for file in ("first.ndjson", "second.ndjson"):
        done = engine.run("s", file)
        equal(done.returncode, 1, f"exit code with {file}, which said {done.stderr.decode()}")
        check("feed the input again" in done.stderr.decode(), f"{file} said {done.stderr.decode()}")


def what_is_missing_or_damaged_is_said_with_its_remedy(engine):
    engine.write("in.ndjson", mixed(8, lines=400))
    engine.good_run("s", "in.ndjson")
    kept = engine.decisions("s")
    asking = [("decisions", "--state", "s"), ("status", "--state", "s", "--user", "u1")]
    (engine.path("s") / "published").unlink()
    for words in asking:
        done = engine.call(*words)
        said = done.stderr.decode()
        equal(done.returncode, 1, f"exit code of {words}, which said {said}")
        check("`published` is missing" in said and "no store" not in said, said)
    engine.good_run("s", "in.ndjson")
    same_lines(engine.decisions("s"), kept, "decisions after the engine was started once")
    for table in (engine.path("s") / "db").glob("CURRENT"):
        table.write_text("junk\n")
    for words in [*asking, ("run", "--config", "local.yaml", "--state", "s", "--input", "in.ndjson")]:
        said = engine.call(*words).stderr.decode()
        check("is damaged" in said and "put a copy back" in said, said)
        check("Kafka" not in said and "changelog" not in said, said)


def a_flipped_byte_is_never_silently_wrong(engine):
    """Half of the input, a flipped byte, the other half."""
    draw = random.Random(8)
    content = mixed(8, lines=8_000)
    lines = content.splitlines(keepends=True)
    engine.write("whole.ndjson", content)
    half = engine.write("in.ndjson", b"")
    # Without --until-end nothing is sealed early, so the whole is what an undisturbed run decides. Several runs leave
    # tables as well as a log.
    for part in range(4):
        with open(half, "ab") as grown:
            grown.write(b"".join(lines[part * len(lines) // 8 : (part + 1) * len(lines) // 8]))
        # Counted before the start: a fast run would have written all of its own already.
        before = len(engine.decisions("half").splitlines()) if part > 0 else 0
        running = engine.start("half", "in.ndjson", "--commit-bytes", 100_000)
        engine.wait_for_decisions("half", lambda seen: len(seen) > before + 100)
        equal(engine.finish(running)[0], 0, "exit code of a run")
    with open(half, "ab") as grown:
        grown.write(b"".join(lines[len(lines) // 2 :]))
    engine.good_run("whole", "whole.ndjson")
    wanted = engine.decisions("whole")
    outcomes = {"refused": 0, "recovered": 0}
    files = [each for each in sorted(engine.path("half").rglob("*")) if each.is_file() and each.stat().st_size > 0]
    check(any(each.suffix == ".sst" for each in files), f"a store with tables: {files}")
    check(any(each.suffix == ".log" for each in files), f"a store with a log: {files}")
    for file in files:
        name = file.relative_to(engine.path("half"))
        for place in places(draw, file.stat().st_size):
            shutil.rmtree(engine.path("s"), ignore_errors=True)
            shutil.copytree(engine.path("half"), engine.path("s"))
            flip(engine.path("s") / name, place, draw.randrange(8))
            done = engine.run("s", "in.ndjson")
            if done.returncode == 0:
                # A run reads only what it needs; a reader of the damaged part gets an error.
                done = engine.call("decisions", "--state", "s")
            if done.returncode == 0:
                same_lines(done.stdout, wanted, f"decisions after a flip in {name} at {place}")
                outcomes["recovered"] += 1
                continue
            said = done.stderr.decode()
            equal(done.returncode, 1, f"exit code after a flip in {name} at {place}, which said {said}")
            check(any(word in said for word in SAID), f"{name} at {place}: unclear: {said}")
            outcomes["refused"] += 1
    return f"{len(files)} files, {outcomes}"


def a_full_disk_is_a_clear_stop(engine):
    disk = engine.path("disk")
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk, code=0)
    try:
        content = mixed(9, lines=40_000)
        engine.write("in.ndjson", content)
        engine.good_run("whole", "in.ndjson")
        wanted = engine.decisions("whole")
        state = disk / "state"
        # Something else takes the room little by little, so that it ends at different moments.
        seen, stops = b"", 0
        for taken in range(6, 40, 3):
            (disk / "ballast").write_bytes(os.urandom(min(taken << 20, max(0, shutil.disk_usage(disk).free - 4096))))
            done = engine.run(state, "in.ndjson", "--commit-bytes", 300_000)
            if done.returncode != 0:
                stops += 1
                said = done.stderr.decode()
                equal(done.returncode, 1, f"exit code on a full disk, which said {said}")
                check("space" in said or "full" in said or "room" in said, f"unclear: {said}")
            (disk / "ballast").unlink()
            if not (pathlib.Path(state) / "CURRENT").exists() and done.returncode != 0 and seen == b"":
                continue
            seen = engine.decisions(state)
            check(wanted.startswith(seen), "what was committed is what an undisturbed run decides first")
        told = engine.run(state, "in.ndjson")
        if told.returncode == 0:
            same_lines(engine.decisions(state), wanted, "decisions when there is space again")
        else:
            check("space" in told.stderr.decode(), told.stderr.decode())
        check(stops > 2, f"the disk was full {stops} times")
        return f"{stops} stops, then exit {told.returncode}"
    finally:
        run("umount", disk)


CASES = [
    a_store_that_lost_commits_is_refused_whatever_the_input,
    what_is_missing_or_damaged_is_said_with_its_remedy,
    a_flipped_byte_is_never_silently_wrong,
    a_full_disk_is_a_clear_stop,
]

if __name__ == "__main__":
    enter_mount_namespace()
    main(CASES)
