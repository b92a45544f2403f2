#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse demo` shows both lives in under a minute, from wherever it is started.

usage: demo_test.py PROGRAM
"""

import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    program = sys.argv[1]
    source = pathlib.Path(os.environ["FAIRUSE_SOURCE_DIR"])
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(
            [program, "demo"], cwd=source / "docs", env=environment, capture_output=True, text=True, timeout=600
        )
        print(done.stdout)
        print(done.stderr, file=sys.stderr)
        assert done.returncode == 0, done.returncode
        for part in ("Production", "laboratory", "Where to go next", "Users hit", "warning", "holds"):
            assert part in done.stdout, part
        states = list(pathlib.Path(folder).glob("fairuse-demo-*"))
        assert len(states) == 1 and (states[0] / "report/report.json").is_file(), states
        lost = subprocess.run([program, "demo"], cwd=folder, capture_output=True, text=True, timeout=600)
        # A program inside the repository finds the files by itself; a copy elsewhere says what it misses.
        assert lost.returncode == 0 or "run the demo in the repository" in lost.stderr, lost.stderr


if __name__ == "__main__":
    main()
