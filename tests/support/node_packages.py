# SPDX-License-Identifier: Apache-2.0
"""Packages of npm that a test checks with, in the build folder.

    folder = node_packages("asyncapi_lint", HERE / "asyncapi")
    run("node", "lint.mjs", file, cwd=folder)
"""

import pathlib
import shutil
import sys

from support.process import run

NPM_CI = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def node_packages(name, source):
    """A folder below the current one with the files of `source`, and what its package-lock.json names; installed once,
    with npm, which tools/setup installs where there is none."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        sys.exit("This test needs node and npm: run tools/setup, or apt-get install npm.")
    target = pathlib.Path.cwd() / name
    lock = (source / "package-lock.json").read_bytes()
    stamp = target / "installed.json"
    shutil.copytree(source, target, dirs_exist_ok=True)
    if not stamp.exists() or stamp.read_bytes() != lock:
        run(*NPM_CI, cwd=target, code=0)
        stamp.write_bytes(lock)
    return target


def lint(name, source, file):
    """Exit as its lint.mjs does with the file."""
    done = run("node", "lint.mjs", file, cwd=node_packages(name, source))
    print(done.stdout + done.stderr)
    sys.exit(done.returncode)
