#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AsyncAPI project's own parser finds no error and no warning in docs/asyncapi.yaml."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from support.node_packages import lint  # noqa: E402
from support.process import ROOT  # noqa: E402

lint("asyncapi_lint", pathlib.Path(__file__).resolve().parent / "asyncapi", ROOT / "docs/asyncapi.yaml")
