#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Break core and actors line by line in a scratch copy; every break must fail a test. See README.md."""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import run  # noqa: E402
from table import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ["cmake", "base", "events", "core", "actors", "tests"]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(mutants CXX C)
set(CMAKE_BUILD_TYPE Debug)
set(CMAKE_CXX_FLAGS_DEBUG "-O1")
set(FAIRUSE_BUILD_TESTS ON)
set(FAIRUSE_CCACHE ON)
set(FAIRUSE_MOLD ON)
list(APPEND CMAKE_MODULE_PATH "${PROJECT_SOURCE_DIR}/cmake")
include(Compiler)
include(Dependencies)
include(Fairuse)
enable_testing()
foreach(module IN ITEMS base events core actors tests/core tests/actors)
  add_subdirectory(${module})
endforeach()
"""
# Quick tests first; the first failure is enough.
BINARIES = [
    ("core_test", "tests/core/core_test", {}),
    ("actors_test", "tests/actors/actors_test", {}),
    ("core_model_test", "tests/core/core_model_test", {"RC_PARAMS": "seed=1 max_success=400 max_size=60 noshrink=1"}),
    ("actors_variations_test", "tests/actors/actors_variations_test", {"RC_PARAMS": "seed=1 max_success=20 max_size=40 noshrink=1"}),
]


# Some mutants write decisions without end.
MEMORY_MAX = 2 << 30
SECONDS_MAX = 60


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


def build(folder, target):
    return subprocess.run(["cmake", "--build", folder, "--target", target], capture_output=True, text=True)


def first_failure(output):
    """The name of the test, as Boost.Test says it."""
    found = re.search(rb'error: in "([^"]+)"', output)
    return f": {found[1].decode()}" if found else ""


def failing_test(scratch):
    """None if all tests pass, else which one does not (a broken build counts: it cannot be shipped)."""
    for target, program, environment in BINARIES:
        done = build(scratch / "build", target)
        if done.returncode != 0:
            return "build"
        try:
            command = [scratch / "build" / program, "--color_output=no"]
            done = subprocess.run(
                command,
                capture_output=True,
                env={**os.environ, **environment},
                timeout=SECONDS_MAX,
                preexec_fn=limit_memory,
            )
        except subprocess.TimeoutExpired:
            return f"{target} (never ends)"
        if done.returncode != 0:
            return target + first_failure(done.stdout + done.stderr)
    return None


def prepare(scratch):
    for module in MODULES:
        shutil.copytree(ROOT / module, scratch / module, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (scratch / "CMakeLists.txt").write_text(PROJECT)
    run("cmake", "-G", "Ninja", "-S", scratch, "-B", scratch / "build", code=0)


def main():
    words = sys.argv[1:]
    chosen = [m for m in MUTANTS if not words or any(word in m[0] for word in words)]
    alive, stale = [], []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = pathlib.Path(folder)
        prepare(scratch)
        if failed := failing_test(scratch):
            print(f"the unbroken tree fails {failed}")
            return 1
        for name, path, text, broken in chosen:
            source = scratch / path
            whole = source.read_text()
            if whole.count(text) != 1:
                stale.append(name)
                print(f"stale  {name}: its text stands {whole.count(text)} times in {path}", flush=True)
                continue
            begin = time.monotonic()
            source.write_text(whole.replace(text, broken))
            killer = failing_test(scratch)
            source.write_text(whole)
            if killer is None:
                alive.append(name)
            print(f"{'killed' if killer else 'ALIVE '} {name}: {killer or '-'} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{len(chosen)} mutants, {len(alive)} alive, {len(stale)} stale")
    return 1 if alive or stale else 0


if __name__ == "__main__":
    sys.exit(main())
