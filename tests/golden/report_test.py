#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two experiments, and what `fairuse simulate` says of them. `small` takes a second, `first` is the one of the README.

usage: report_test.py PROGRAM small|first
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from committed import FOLDER, differences, key_paths

EXPERIMENTS = FOLDER.parents[1] / "config" / "experiments"
SMALL = """\
name: small
population: population.yaml
reviewer: reviewer.yaml
users: 150
days: 5
seed: 7
policies: [fair, omi-2026-03, omi-newest]
guards: [fpr_throttle.upper < 1%]
prices: {currency: USD, stt_minute: 0.0077, economy_minute: 0.0043, review: 0.01}
"""


def simulate(program, file, folder, *options):
    # The exit code says whether the guards hold.
    done = subprocess.run(
        [program, "simulate", str(file), "--json", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 4, 5):
        sys.exit(f"simulate ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def without_floats(value):
    """Quantiles and bounds come from the mathematical library, which is not the same everywhere."""
    if isinstance(value, dict):
        return {key: without_floats(each) for key, each in value.items() if not isinstance(each, float)}
    if isinstance(value, list):
        return [without_floats(each) for each in value if not isinstance(each, float)]
    return value


def seen_in(report):
    run = report["run"]
    # The program's own digest is another one after every build.
    del run["binary"]
    content = json.dumps(without_floats(report), separators=(",", ":"))
    yield f"digest {run['digest']}"
    yield f"events {run['events']}"
    yield f"report {hashlib.sha256(content.encode()).hexdigest()}"
    for each in report["policies"]:
        yield f"policy.{each['name']} {each['digest']}"
        yield f"decisions.{each['name']} {each['decisions_digest']}"


def main():
    program, name = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="fairuse-golden-") as made:
        folder = pathlib.Path(made)
        if name == "first":
            told = differences("digests.txt", name, seen_in(simulate(program, EXPERIMENTS / "first.yaml", folder)))
        else:
            # The report names digests of the files, so nothing of this folder may stand in them.
            for file in ("population.yaml", "reviewer.yaml"):
                shutil.copy(EXPERIMENTS / file, folder)
            file = folder / "small.yaml"
            file.write_text(SMALL)
            report = simulate(program, file, folder, "--workers", "1")
            told = [] if report == simulate(program, file, folder, "--workers", "3") else ["3 workers, another report"]
            told += differences("names.txt", "report", key_paths(report))
            told += differences("digests.txt", name, seen_in(report))
    print("\n".join(told) or "as committed")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
