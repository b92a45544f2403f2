#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse demo` shows local mode, a simulation and a replay in under a minute, from wherever it is started.

usage: demo_test.py PROGRAM
"""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        done = run(program, "demo", cwd=ROOT / "docs", env={**os.environ, "TMPDIR": folder}, code=0)
        print(done.stdout)
        print(done.stderr, file=sys.stderr)
        for part in ("Production", "laboratory", "Where to go next", "Users hit", "warning", "holds"):
            assert part in done.stdout, part
        replayed = done.stdout[done.stdout.index("== Replay") : done.stdout.index("== Where to go next")]
        for part in ("under fair (lines) and under stricter (columns)", "newly hit: 1;", "- attendee-00, warning instead of none"):
            assert part in replayed, part
        states = list(pathlib.Path(folder).glob("fairuse-demo-*"))
        for command in ("run --config", "status", "simulate", "history pack", "replay"):
            (line,) = [each for each in done.stdout.splitlines() if each.startswith(f"fairuse {command} ")]
            assert f"{states[0]}/" in line and (command in ("status", "history pack") or str(ROOT) in line), line
        assert len(states) == 1 and (states[0] / "report/report.json").is_file(), states
        assert (states[0] / "replay/report.json").is_file(), states
        lost = run(program, "demo", cwd=folder)
        # A program inside the repository finds the files by itself; a copy elsewhere says what it misses.
        assert lost.returncode == 0 or "run the demo in the repository" in lost.stderr, lost.stderr


if __name__ == "__main__":
    main()
