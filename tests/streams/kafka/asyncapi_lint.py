#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AsyncAPI project's own parser finds no error and no warning in docs/asyncapi.yaml.

Installs the parser (pinned in asyncapi/package-lock.json) into the build folder, once, with npm, which tools/setup
installs where there is none.
"""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from support.process import ROOT, run  # noqa: E402

HERE = pathlib.Path(__file__).parent / "asyncapi"
NPM_CI = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]

if shutil.which("npm") is None or shutil.which("node") is None:
    sys.exit("This test needs node and npm: run tools/setup, or apt-get install npm.")

target = pathlib.Path.cwd() / "asyncapi_lint"
target.mkdir(exist_ok=True)
lock = (HERE / "package-lock.json").read_bytes()
stamp = target / "installed.json"
for name in ("package.json", "package-lock.json", "lint.mjs"):
    shutil.copy(HERE / name, target / name)
if not stamp.exists() or stamp.read_bytes() != lock:
    run(*NPM_CI, cwd=target, code=0)
    stamp.write_bytes(lock)
done = run("node", "lint.mjs", ROOT / "docs/asyncapi.yaml", cwd=target)
print(done.stdout + done.stderr)
sys.exit(done.returncode)
