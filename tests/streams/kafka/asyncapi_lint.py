#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AsyncAPI project's own parser finds no error and no warning in docs/asyncapi.yaml.

Installs the parser (pinned in asyncapi/package-lock.json) into the build folder. Exit code 77 (skipped) without npm.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get("FAIRUSE_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
HERE = pathlib.Path(__file__).parent / "asyncapi"

if shutil.which("npm") is None or shutil.which("node") is None:
    print("skipped: no npm")
    sys.exit(77)

target = pathlib.Path.cwd() / "asyncapi_lint"
target.mkdir(exist_ok=True)
lock = (HERE / "package-lock.json").read_bytes()
stamp = target / "installed.json"
for name in ("package.json", "package-lock.json", "lint.mjs"):
    shutil.copy(HERE / name, target / name)
if not stamp.exists() or stamp.read_bytes() != lock:
    command = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=target, check=True, stdout=subprocess.DEVNULL)
    stamp.write_bytes(lock)
sys.exit(subprocess.run(["node", "lint.mjs", ROOT / "docs/asyncapi.yaml"], cwd=target).returncode)
