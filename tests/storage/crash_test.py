# SPDX-License-Identifier: Apache-2.0
"""Kill the writer at random moments and at every failpoint: after a restart, the decisions are those of a run that
nobody disturbed."""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

# A killed process leaves what it wrote with the system, so no disk is needed.
MEMORY = "/dev/shm"
FAILPOINTS = ["storage.before_write", "storage.after_write", "storage.after_publish"]


def run(driver, folder, *more, epochs, every):
    return subprocess.Popen(
        [driver, "run", str(folder), str(epochs), "--every", str(every), *more],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate(timeout=300)
    if process.returncode not in (0, -9):
        sys.exit(f"exit code {process.returncode}: {errors}")
    return process.returncode == 0


def decisions(driver, folder):
    done = subprocess.run([driver, "decisions", str(folder)], capture_output=True, timeout=300)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    check = subprocess.run([driver, "check", str(folder)], capture_output=True, timeout=300)
    if check.returncode != 0:
        sys.exit(f"check: {check.returncode} {check.stderr.decode()}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    epochs, every = 6000, 5
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as scratch:
        scratch = pathlib.Path(scratch)
        began = time.monotonic()
        finish(run(args.driver, scratch / "whole", epochs=epochs, every=every))
        took = time.monotonic() - began
        expected = decisions(args.driver, scratch / "whole")
        assert expected.count(b"\n") > epochs
        # Other commit boundaries, same bytes.
        finish(run(args.driver, scratch / "other", epochs=epochs, every=137))
        assert decisions(args.driver, scratch / "other") == expected, "boundaries of commits change decisions"
        folder = scratch / "killed"
        kills = 0
        while kills < args.kills:
            # A store is killed several times before it may finish.
            process = run(args.driver, folder, epochs=epochs, every=dice.choice([1, 5, 50]))
            time.sleep(dice.uniform(0, took / 4))
            process.kill()
            kills += 1
            if finish(process) or kills == args.kills:
                finish(run(args.driver, folder, epochs=epochs, every=every))
                assert decisions(args.driver, folder) == expected, f"after {kills} kills"
                folder = scratch / f"killed-{kills}"
        for name in FAILPOINTS:
            folder = scratch / name
            for count in (1, 2, 40):
                finish(run(args.driver, folder, "--kill-at", f"{name}:{count}", epochs=epochs, every=every))
            finish(run(args.driver, folder, epochs=epochs, every=every))
            assert decisions(args.driver, folder) == expected, name
    print(f"{kills} kills, {3 * len(FAILPOINTS)} failpoints, seed {args.seed}: the same decisions")


main()
