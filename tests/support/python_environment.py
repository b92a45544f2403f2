# SPDX-License-Identifier: Apache-2.0
"""Packages of PyPI that a test compares with, in an environment of their own in the build folder.

    folder = python_environment("duckdb", HERE / "duckdb-requirements.txt")
    run(folder / "bin/duckdb", "-c", query)
"""

import pathlib
import subprocess
import sys

from support.process import need_module


def python_environment(name, requirements):
    """The environment's folder below the current one; what it needs is installed if it is not, or if it has changed."""
    need_module("ensurepip", "python3-venv")
    target = pathlib.Path.cwd() / name
    wanted = requirements.read_text()
    stamp = target / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", target], check=True)
        # Python compiles what is imported, which is a small part of it.
        pip = [target / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([*pip, "-r", requirements], check=True)
        stamp.write_text(wanted)
    return target
