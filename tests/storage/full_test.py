# SPDX-License-Identifier: Apache-2.0
"""A disk of 32 MiB: the run stops with a clear error before RocksDB aborts, and nothing committed is lost: after making
space it ends with the decisions of an undisturbed run."""

import argparse
import os
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import enter_mount_namespace, run  # noqa: E402

# Large, and syncing costs nothing.
MEMORY = "/dev/shm"
DISK_FULL = 11  # of the driver


def one_run(program, disk, draw, what):
    """True if the disk was full."""
    every, pad, users = draw.choice([1, 10, 200]), draw.choice([1500, 4000, 9000]), draw.choice([50, 3000])
    more = ["--every", every, "--users", users, "--pad", pad]
    what = f"{what}: every {every}, pad {pad}, users {users}"
    done = run(program, "run", disk / "store", 40_000, *more)
    if done.returncode == 0:
        return False
    if done.returncode != DISK_FULL:
        sys.exit(f"{what}: exit code {done.returncode}, {done.stderr[-500:]}")
    assert "Disk full" in done.stderr, done.stderr
    # Again on the full disk: the same error, and again nothing lost.
    again = run(program, "run", disk / "store", 40_000, *more)
    if again.returncode != DISK_FULL:
        sys.exit(f"{what}: again: exit code {again.returncode}, {again.stderr[-500:]}")
    kept = run(program, "decisions", disk / "store", code=0).stdout
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as made:
        large = pathlib.Path(made)
        shutil.copytree(disk / "store", large / "store")
        # Far enough to see that it goes on: the whole would take long.
        upto = kept.count("\n") // 4
        run(program, "run", large / "store", upto, *more, code=0)
        run(program, "run", large / "whole", upto, *more, code=0)
        got = run(program, "decisions", large / "store").stdout
        wanted = run(program, "decisions", large / "whole").stdout
        assert got.startswith(kept), f"{what}: committed decisions are gone"
        assert got.startswith(wanted) or wanted.startswith(got), f"{what}: other decisions"
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    enter_mount_namespace()
    draw = random.Random(args.seed)
    disk = pathlib.Path(tempfile.mkdtemp())
    stops = 0
    for number in range(args.runs):
        run("mount", "-t", "tmpfs", "-o", "size=32m", "small", disk, code=0)
        stops += one_run(args.driver, disk, draw, f"run {number}")
        run("umount", disk, code=0)
    disk.rmdir()
    print(f"{args.runs} runs, {stops} stopped on a full disk, none aborted")
    if stops == 0:
        sys.exit("no run filled the disk")


main()
