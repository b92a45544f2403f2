# SPDX-License-Identifier: Apache-2.0
"""Programs in Go, built by a test.

    gate = go_program(ROOT / "examples/gateway/go", "gate_over_http")
    run(gate, "u-17", "upload")
"""

import os
import pathlib
import shutil

from support.process import Failure, run

# Debian's, before one of another source: it is the older one, and brings its library compiled.
PATH = f"/usr/bin:{os.environ.get('PATH', '')}"


def go_program(module, package):
    """Its path below the current folder, as are what go fetches and keeps; go.sum says which bytes are taken."""
    go = shutil.which("go", path=PATH)
    if go is None:
        raise Failure("this test needs go: run tools/setup, or apt-get install golang-go")
    kept = pathlib.Path.cwd() / "go"
    environment = {**os.environ, "GOMODCACHE": str(kept / "modules"), "GOCACHE": str(kept / "cache"), "GOTOOLCHAIN": "local",
                   "GOFLAGS": "-mod=readonly -modcacherw", "GOPATH": str(kept)}  # fmt: skip
    run(go, "vet", f"./{package}", cwd=module, env=environment, code=0)
    run(go, "build", "-o", kept / package, f"./{package}", cwd=module, env=environment, code=0)
    return kept / package
