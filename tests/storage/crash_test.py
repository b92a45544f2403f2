# SPDX-License-Identifier: Apache-2.0
"""Kill the writer at random moments and at every failpoint: after a restart, the decisions are those of an
undisturbed run."""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import Process, run  # noqa: E402

# A killed process leaves what it wrote with the system, so no disk is needed.
MEMORY = "/dev/shm"
FAILPOINTS = ["storage.before_write", "storage.after_write", "storage.after_publish"]
# Passed once a week.
WEEKLY = ["storage.before_checkpoint", "storage.after_checkpoint"]


def start(driver, folder, *more, epochs, every):
    return Process(driver, "run", folder, epochs, "--every", every, *more)


def finish(process):
    """True: it came to its end. False: it was killed."""
    code = process.wait()
    if code not in (0, -9):
        sys.exit(f"exit code {code}: {process.tail()}")
    return code == 0


def decisions(driver, folder):
    run(driver, "check", folder, code=0)
    return run(driver, "decisions", folder, code=0).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    epochs, every = 6000, 5
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as scratch:
        scratch = pathlib.Path(scratch)
        began = time.monotonic()
        finish(start(args.driver, scratch / "whole", epochs=epochs, every=every))
        took = time.monotonic() - began
        expected = decisions(args.driver, scratch / "whole")
        assert expected.count("\n") > epochs
        # Other commit boundaries, same bytes.
        finish(start(args.driver, scratch / "other", epochs=epochs, every=137))
        assert decisions(args.driver, scratch / "other") == expected, "boundaries of commits change decisions"
        folder = scratch / "killed"
        kills = 0
        while kills < args.kills:
            # A store is killed several times before it may finish.
            process = start(args.driver, folder, epochs=epochs, every=draw.choice([1, 5, 50]))
            time.sleep(draw.uniform(0, took / 4))
            process.kill()
            kills += 1
            if finish(process) or kills == args.kills:
                finish(start(args.driver, folder, epochs=epochs, every=every))
                assert decisions(args.driver, folder) == expected, f"after {kills} kills"
                folder = scratch / f"killed-{kills}"
        for name in FAILPOINTS + WEEKLY:
            folder = scratch / name
            for count in (1, 2) if name in WEEKLY else (1, 2, 40):
                finish(start(args.driver, folder, "--kill-at", f"{name}:{count}", epochs=epochs, every=every))
            finish(start(args.driver, folder, epochs=epochs, every=every))
            assert decisions(args.driver, folder) == expected, name
            assert len(list((folder / "checkpoints").iterdir())) == 2, name
    print(f"{kills} kills, {3 * len(FAILPOINTS) + 2 * len(WEEKLY)} failpoints, seed {args.seed}: the same decisions")


main()
