# SPDX-License-Identifier: Apache-2.0
"""Compares values with the lines of a committed file of tests/golden. committed.cpp does the same for the C++ test."""

import os
import pathlib

FOLDER = pathlib.Path(os.environ.get("FAIRUSE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2])) / "tests/golden"
UPDATES = os.environ.get("FAIRUSE_GOLDEN_UPDATE") == "1"


def differences(file, group, seen):
    """Every line that differs from those of `file` that begin with `group` and a space. With FAIRUSE_GOLDEN_UPDATE=1
    these lines are replaced instead."""
    seen = {f"{group} {each}" for each in seen}
    path = FOLDER / file
    every = path.read_text().splitlines()
    comments = [line for line in every if line.startswith("#")]
    lines = {line for line in every if line and not line.startswith("#")}
    wanted = {line for line in lines if line.startswith(group + " ")}
    if UPDATES:
        if wanted != seen:
            path.write_text("".join(f"{line}\n" for line in comments + sorted(lines - wanted | seen)))
        return []
    told = [f"seen, not in {file}:      {line}" for line in sorted(seen - wanted)]
    return told + [f"in {file}, not seen:      {line}" for line in sorted(wanted - seen)]


def key_paths(value, path=""):
    """Paths of all members of a JSON value, `[]` for the elements of arrays."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{path}.{key}".lstrip(".")
            yield from key_paths(each, f"{path}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from key_paths(each, path + "[]")
