#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents list the variables of the environment that the program reads: all of them, and no others."""

import re
import unittest

from documents import ROOT, documents

# What only tests set.
INTERNAL = {"FAIRUSE_FAIL"}
NAME = re.compile(r"\b(?:FAIR_USE_[A-Z0-9_]*[A-Z0-9]|MAX_DAILY_AUDIO_HOURS)\b")


class Variables(unittest.TestCase):
    def test_every_override_is_listed(self):
        source = (ROOT / "config" / "overrides.cpp").read_text(encoding="utf-8")
        listed = (ROOT / "config" / "policies" / "README.md").read_text(encoding="utf-8")
        self.assertEqual(set(NAME.findall(source)), set(NAME.findall(listed)))

    def test_every_other_variable_is_explained(self):
        sources = [each for module in ("cli", "engine", "streams", "storage", "config", "base")
                   for each in (ROOT / module).rglob("*.cpp")]  # fmt: skip
        read = {name for each in sources for name in re.findall(r'"(FAIRUSE_[A-Z_]+)"', each.read_text(encoding="utf-8"))}
        told = "".join((ROOT / each).read_text(encoding="utf-8") for each in documents())
        self.assertEqual({name for name in read - INTERNAL if name not in told}, set())
        self.assertIn("FAIRUSE_CASE_KEY", read)


if __name__ == "__main__":
    unittest.main()
