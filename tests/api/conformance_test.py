#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schemathesis finds no difference between the description of the API and a running engine in local mode: all checks, 100
examples of each operation, and sequences along the links.

usage: conformance_test.py PROGRAM [SEED [OPTION OF SCHEMATHESIS...]]

Installs Schemathesis (pinned in schemathesis/requirements.txt) into the build folder.
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.api import Api, token_line, token_of  # noqa: E402
from support.local_mode import Engine  # noqa: E402
from support.openapi import operations  # noqa: E402
from support.process import ROOT, run  # noqa: E402
from support.python_environment import python_environment  # noqa: E402

program, seed, more = sys.argv[1], (sys.argv[2:] or ["1"])[0], sys.argv[3:]
tool = python_environment("schemathesis", HERE / "schemathesis/requirements.txt") / "bin/st"
with Engine(program) as engine:
    roles = sorted(set().union(*(each.roles for each in operations())))
    uid = {"uid": "u-1"} if "user" in roles else {}
    engine.write("tokens", token_line("all", *roles, **uid))
    engine.deployment(more="api: {tokens: tokens}\n")
    engine.write("in.ndjson", "")
    process = engine.start("state", "in.ndjson", "--listen", "127.0.0.1:0", clock="wall")
    api = Api(process, token="all")
    api.wait_for("u-1", lambda answer: not answer["degraded"], "the start")
    # Proxies of the machine are for others.
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env |= {"FAIRUSE_TOKEN": token_of("all"), "FAIRUSE_HOOKS": str(HERE / "schemathesis/hooks.py")}
    words = ["--config-file", HERE / "schemathesis/schemathesis.toml", "run", ROOT / "api/openapi.yaml", "--seed", seed]
    done = run(tool, *words, "--url", f"http://127.0.0.1:{api.port}", "--no-color", *more, cwd=engine.folder, env=env)
    print(done.stdout[-20_000:] + done.stderr)
    code, said = engine.finish(process)
    print(said[-2_000:] if code else "")
sys.exit(done.returncode or code)
