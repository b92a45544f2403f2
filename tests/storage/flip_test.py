# SPDX-License-Identifier: Apache-2.0
"""Flip one bit in any file of a store: the next run refuses with a message, or ends with the decisions of an
undisturbed run. Never anything else. Torn files (a cut end) are treated the same."""

import argparse
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

# A killed process leaves what it wrote with the system, so no disk is needed.
MEMORY = "/dev/shm"
EPOCHS, EVERY = 1500, 3


def driver(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, timeout=300)


def killed_store(program, folder, dice):
    """A store as a crash leaves it: a log that is in use, and tables."""
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        process = subprocess.Popen([program, "run", str(folder), str(EPOCHS), "--every", str(EVERY), "--pad", "400",
                                    "--buffer", "262144"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.2, 0.9))
        process.kill()
        process.wait()
        sizes = {p.suffix: p.stat().st_size for p in sorted((folder / "db").glob("*")) if p.stat().st_size > 4096}
        if ".log" in sizes and ".sst" in sizes:
            return


def kind_of(path):
    name = path.name
    return path.suffix or ("MANIFEST" if name.startswith("MANIFEST") else "OPTIONS" if name.startswith("OPTIONS")
                           else name)


def positions(size, count, dice):
    """Ends of files are where formats are weakest."""
    edges = [p for p in (0, 1, 4, 6, size // 2, size - 1, size - 2, size - 5) if 0 <= p < size]
    tail = [dice.randrange(max(0, size - 4096), size) for _ in range(count)]
    return edges + tail + [dice.randrange(size) for _ in range(count)]


def damage(path, position, dice, cut):
    data = bytearray(path.read_bytes())
    if cut:
        del data[position:]
    else:
        data[position] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def judge(program, folder, accept, expected):
    more = ["--buffer", "262144"] + (["--accept-lost-tail"] if accept else [])
    done = driver(program, "run", folder, EPOCHS, "--every", EVERY, "--pad", 400, *more)
    if done.returncode < 0:
        return f"WRONG: died of signal {-done.returncode}: {done.stderr[-300:]}"
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
    dice = random.Random(args.seed)
    counts = collections.Counter()
    wrong = []
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as scratch:
        scratch = pathlib.Path(scratch)
        assert driver(args.driver, "run", scratch / "whole", EPOCHS, "--every", EVERY, "--pad", 400).returncode == 0
        expected = driver(args.driver, "decisions", scratch / "whole").stdout
        base = scratch / "base"
        killed_store(args.driver, base, dice)
        for path in sorted(p for p in base.rglob("*") if p.is_file() and p.stat().st_size > 0):
            size = path.stat().st_size
            # A manifest that ends early reads like a whole one.
            manifest = path.name.startswith("MANIFEST")
            for n, position in enumerate(positions(size, args.flips * (3 if manifest else 1), dice)):
                accept = n % 2 == 1
                cut = n % 5 == 4 or (manifest and n % 3 != 0)
                folder = scratch / "copy"
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(base, folder)
                damage(folder / path.relative_to(base), position, dice, cut)
                verdict = judge(args.driver, folder, accept, expected)
                counts[(kind_of(path), "cut" if cut else "flip", verdict.split(":")[0])] += 1
                if verdict.startswith("WRONG"):
                    wrong.append((path.name, position, accept, cut, verdict))
    for (kind, how, verdict), number in sorted(counts.items()):
        print(f"{kind:12} {how:5} {verdict:10} {number}")
    if wrong:
        sys.exit("\n".join(map(str, wrong)))


main()
