# SPDX-License-Identifier: Apache-2.0
"""Programs in Go, built by a test.

    gate = go_program(ROOT / "examples/gateway/go", "gate_over_http")
    run(gate, "u-17", "upload")
"""

import os
import pathlib
import shutil

from support.process import ROOT, Failure, run

# What go fetches and keeps stays in the build's folder.
KEPT = pathlib.Path(os.environ.get("FAIRUSE_BINARY_DIR", ROOT / "build")) / "go"


def go_environment():
    """With Debian's go before one of another source: it is the older one, and brings its library compiled."""
    settings = {"GOPATH": KEPT, "GOMODCACHE": KEPT / "modules", "GOCACHE": KEPT / "cache", "GOTOOLCHAIN": "local",
                "GOFLAGS": "-mod=readonly -modcacherw", "PATH": f"/usr/bin:{os.environ.get('PATH', '')}"}  # fmt: skip
    return {**os.environ, **{name: str(value) for name, value in settings.items()}}


def go_program(module, package):
    """Its path; go.sum of the module says which bytes are taken."""
    environment = go_environment()
    go = shutil.which("go", path=environment["PATH"])
    if go is None:
        raise Failure("this test needs go: run tools/setup, or apt-get install golang-go")
    for words in (("vet",), ("build", "-o", KEPT / package)):
        run(go, *words, f"./{package}", cwd=module, env=environment, code=0)
    return KEPT / package
