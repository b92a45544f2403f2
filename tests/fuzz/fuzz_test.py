#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bytes of unknown origin, by the programs of the folder given: no crash, no property broken."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

sys.exit(subprocess.run([ROOT / "tools" / "fuzz", "--mutate", sys.argv[1]], check=False).returncode)
