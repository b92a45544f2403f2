# SPDX-License-Identifier: Apache-2.0
"""Flip one bit in any file of a store: the next run refuses with a message, or ends with the decisions of an
undisturbed run. Never anything else. The same holds for files whose end is cut off."""

import argparse
import collections
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import Process, run  # noqa: E402

# A killed process leaves what it wrote with the system, so no disk is needed.
MEMORY = "/dev/shm"
EPOCHS, EVERY = 1500, 3


def driver(*arguments):
    return run(*arguments, text=False)


def killed_store(program, folder, draw):
    """A store as a crash leaves it: a log that is in use, and tables."""
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        with Process(program, "run", folder, EPOCHS, "--every", EVERY, "--pad", 400, "--buffer", 262144):
            time.sleep(draw.uniform(0.2, 0.9))
        sizes = {p.suffix: p.stat().st_size for p in sorted((folder / "db").glob("*")) if p.stat().st_size > 4096}
        if ".log" in sizes and ".sst" in sizes:
            return


def kind_of(path):
    name = path.name
    return path.suffix or ("MANIFEST" if name.startswith("MANIFEST") else "OPTIONS" if name.startswith("OPTIONS")
                           else name)


def positions(size, count, draw):
    """Ends of files are where formats are weakest."""
    edges = [p for p in (0, 1, 4, 6, size // 2, size - 1, size - 2, size - 5) if 0 <= p < size]
    tail = [draw.randrange(max(0, size - 4096), size) for _ in range(count)]
    return edges + tail + [draw.randrange(size) for _ in range(count)]


def damage(path, position, draw, cut):
    data = bytearray(path.read_bytes())
    if cut:
        del data[position:]
    else:
        data[position] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def outcome_of(program, folder, expected):
    done = driver(program, "run", folder, EPOCHS, "--every", EVERY, "--pad", 400, "--buffer", "262144")
    if done.returncode < 0:
        return f"WRONG: ended by signal {-done.returncode}: {done.stderr[-300:]}"
    if done.returncode != 0:
        if done.returncode < 10 or len(done.stderr) < 40:
            return f"WRONG: refused without a message: {done.returncode} {done.stderr}"
        return "refused"
    out = driver(program, "decisions", folder)
    if out.returncode != 0:
        return "refused"
    if out.stdout != expected:
        return "WRONG: other decisions"
    return "recovered"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--flips", type=int, required=True, help="random positions per file, twice")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    counts = collections.Counter()
    wrong = []
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as scratch:
        scratch = pathlib.Path(scratch)
        assert driver(args.driver, "run", scratch / "whole", EPOCHS, "--every", EVERY, "--pad", 400).returncode == 0
        expected = driver(args.driver, "decisions", scratch / "whole").stdout
        base = scratch / "base"
        killed_store(args.driver, base, draw)
        for path in sorted(p for p in base.rglob("*") if p.is_file() and p.stat().st_size > 0):
            size = path.stat().st_size
            # A manifest that ends early reads like a whole one.
            manifest = path.name.startswith("MANIFEST")
            for n, position in enumerate(positions(size, args.flips * (3 if manifest else 1), draw)):
                cut = n % 5 == 4 or (manifest and n % 3 != 0)
                folder = scratch / "copy"
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(base, folder)
                damage(folder / path.relative_to(base), position, draw, cut)
                outcome = outcome_of(args.driver, folder, expected)
                counts[(kind_of(path), "cut" if cut else "flip", outcome.split(":")[0])] += 1
                if outcome.startswith("WRONG"):
                    wrong.append((path.name, position, cut, outcome))
    for (kind, how, outcome), number in sorted(counts.items()):
        print(f"{kind:12} {how:5} {outcome:10} {number}")
    if wrong:
        sys.exit("\n".join(map(str, wrong)))


main()
