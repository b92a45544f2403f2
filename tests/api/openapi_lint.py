#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Redocly's linter finds no error and no warning in api/openapi.yaml, of whose examples each fits its schema."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.node_packages import lint  # noqa: E402
from support.process import ROOT  # noqa: E402

lint("openapi_lint", pathlib.Path(__file__).resolve().parent / "openapi", ROOT / "api/openapi.yaml")
