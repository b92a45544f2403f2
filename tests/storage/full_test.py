# SPDX-License-Identifier: Apache-2.0
"""A disk of 32 MiB: the run stops with a clear error before RocksDB aborts, and nothing committed is lost: after making
room it ends with the decisions of an undisturbed run."""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

# Where there is room, and syncing costs nothing.
MEMORY = "/dev/shm"
DISK_FULL = 13  # 10 + store_fault::disk_full


def inside(program, runs, seed):
    """In a mount namespace of its own."""
    dice = random.Random(seed)
    small = pathlib.Path(tempfile.mkdtemp())
    stops = 0
    for n in range(runs):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "small", str(small)], check=True)
        every, pad, users = dice.choice([1, 10, 200]), dice.choice([1500, 4000, 9000]), dice.choice([50, 3000])
        command = [program, "run", None, "40000", "--every", str(every), "--users", str(users), "--pad", str(pad)]
        command[2] = str(small / "store")
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        what = f"run {n}: every {every}, pad {pad}, users {users}"
        if done.returncode not in (0, DISK_FULL):
            sys.exit(f"{what}: exit code {done.returncode}, {done.stderr[-500:]}")
        if done.returncode == DISK_FULL:
            stops += 1
            assert "Disk full" in done.stderr, done.stderr
            # Again on the full disk: the same error, and again nothing lost.
            again = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if again.returncode != DISK_FULL:
                sys.exit(f"{what}: again: exit code {again.returncode}, {again.stderr[-500:]}")
            kept = subprocess.run([program, "decisions", str(small / "store")], capture_output=True, timeout=600)
            assert kept.returncode == 0, kept.stderr
        with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as roomy:
            shutil.copytree(small / "store", f"{roomy}/store")
            if done.returncode == DISK_FULL:
                lines = kept.stdout.count(b"\n")
                # Far enough to see that it goes on: the whole would take long.
                upto = str(lines // 4)
                command[3] = upto
                command[2] = f"{roomy}/store"
                on = subprocess.run(command, capture_output=True, text=True, timeout=600)
                assert on.returncode == 0, on.stderr
                whole = subprocess.run(command[:2] + [f"{roomy}/whole"] + command[3:], capture_output=True, timeout=600)
                assert whole.returncode == 0, whole.stderr
                a = subprocess.run([program, "decisions", f"{roomy}/store"], capture_output=True, timeout=600).stdout
                b = subprocess.run([program, "decisions", f"{roomy}/whole"], capture_output=True, timeout=600).stdout
                assert a.startswith(kept.stdout), f"{what}: committed decisions are gone"
                assert a.startswith(b) or b.startswith(a), f"{what}: other decisions"
        subprocess.run(["umount", str(small)], check=True)
    print(f"{runs} runs, {stops} stopped on a full disk, none aborted")
    if stops == 0:
        sys.exit("no run filled the disk")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true")
    args = parser.parse_args()
    if args.inside:
        inside(args.driver, args.runs, args.seed)
        return
    probe = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
    if probe.returncode != 0:
        print("skipped: no mount namespaces here")
        return
    os.execvp("unshare", ["unshare", "-Urm", sys.executable, "-B", __file__, args.driver, "--runs", str(args.runs),
                          "--seed", str(args.seed), "--inside"])


main()
