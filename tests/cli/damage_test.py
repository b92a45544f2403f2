#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A flipped byte in any file of the store: refused with a clear message, or recovered; never silently wrong. A full disk:
a clear stop that loses nothing committed. usage: damage_test.py PROGRAM [CASE...]"""

import os
import pathlib
import random
import shutil
import subprocess

from engine import check, equal, main, same_lines
from traffic import mixed

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


def a_flipped_byte_is_never_silently_wrong(engine):
    """Half of the input, a flipped byte, the other half."""
    draw = random.Random(8)
    content = mixed(8, lines=8_000)
    lines = content.splitlines(keepends=True)
    engine.write("whole.ndjson", content)
    half = engine.write("in.ndjson", b"")
    # Without --until-end nothing is sealed early, so the whole is what an undisturbed run decides. Several lives, so that
    # there are tables as well as a log.
    for part in range(4):
        with open(half, "ab") as grown:
            grown.write(b"".join(lines[part * len(lines) // 8 : (part + 1) * len(lines) // 8]))
        running = engine.start("half", "in.ndjson", "--commit-bytes", 100_000)
        before = len(engine.decisions("half").splitlines()) if part > 0 else 0
        engine.wait_for_decisions("half", lambda seen: len(seen) > before + 100)
        equal(engine.finish(running)[0], 0, "exit code of a life")
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
                # A run reads only what it needs; whoever reads the damaged part is told.
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


def mount_small(folder):
    """A disk of 32 MiB, or why there is none."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    return done.returncode == 0, done.stderr.decode().strip()


def a_full_disk_is_a_clear_stop(engine):
    disk = engine.path("disk")
    mounted, why = mount_small(disk)
    if not mounted:
        return f"skipped: {why or 'mounting needs root'}"
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
            same_lines(engine.decisions(state), wanted, "decisions when there is room again")
        else:
            check("space" in told.stderr.decode(), told.stderr.decode())
        check(stops > 2, f"the disk was full {stops} times")
        return f"{stops} stops, then exit {told.returncode}"
    finally:
        subprocess.run(["umount", str(disk)], check=False)


CASES = [a_flipped_byte_is_never_silently_wrong, a_full_disk_is_a_clear_stop]

if __name__ == "__main__":
    main(CASES)
