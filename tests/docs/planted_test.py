#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""commands_test.py finds what is wrong in a document: one row for each kind of mistake.

usage: planted_test.py PROGRAM
"""

import pathlib
import sys
import tempfile
import unittest

from commands_test import Reader
from documents import check_document

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
FOUND = [
    ("```\nfairuse --version\n```", "names its language"),
    ("```sh unrun:\nfairuse --version\n```", "say why"),
    ("```sh unrun: x\nfairuse run --inptu -\n```", "fairuse run has no option --inptu"),
    ("```sh unrun: x\nfairuse capture exprot --config a b\n```", "fairuse capture has no option --config"),
    ("```sh unrun: x\nA=b fairuse rnu\n```", "no subcommand 'rnu'"),
    ("```sh unrun: x\ntrue && tools/kafka start --prot 1\n```", "no option --prot"),
    ("```sh unrun: x\nmake dmeo\n```", "make has no dmeo"),
    ("```sh unrun: x\nfairuse check config/none.yaml\n```", "there is no config/none.yaml"),
    ("Say `fairuse decisions --flolow`.", "no option --flolow"),
    ("See [it](none.md#place).", "there is no none.md"),
    ("See `config/none.yaml`.", "there is no config/none.yaml"),
    ("```sh\nfairuse check none.yaml\n```", "ended with 2"),
    ("```sh\nfairuse check none.yaml | cat\n```", "ended with 2"),
    ("```sh\nfairuse decisions --state none --follow\n```", "ended with 2"),
    ("```console\n$ fairuse --version\nfairuse 99\n```", "not printed any more"),
    ("```sh stays\nfairuse run --config none.yaml\n```", "ended with 2"),
    ("```console\n$ printf 'b\\na\\n'\na\nb\n```", "not in this place:\nb"),
]
GOOD = [
    "```sh\nexport A=config B=c\nfairuse check $A/local.yaml # --inptu\n```",
    "```sh\nfairuse conform \\\n  tests/data/cases/omi-newest-ladder-0005.jsonl > rows\ntest -s rows\n```",
    "```console\n$ printf 'a b\\n\\nc\\n'\na\nc\n```",
    "```sh stays\nfairuse run --config config/local.yaml --state kept --input config/demo/day.ndjson --clock events\n```\n"
    "```console\n$ fairuse status --state kept --user listener-00\nlive\n```",
    "```python hello.py\nprint(1)\n```\n```console\n$ python3 hello.py\n1\n```",
]


class Planted(unittest.TestCase):
    def read(self, text):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        document = folder / "planted.md"
        document.write_text(f"# Planted\n\n{text}\n", encoding="utf-8")
        check_document(str(document), PROGRAM)
        return Reader(PROGRAM, "fast", folder / "reader").follow(str(document))

    def test_each_kind_of_mistake_is_found(self):
        for text, words in FOUND:
            with self.subTest(text=text):
                with self.assertRaises(AssertionError) as found:
                    self.read(text)
                self.assertIn(words, str(found.exception))

    def test_what_is_right_passes(self):
        for text in GOOD:
            with self.subTest(text=text):
                self.assertGreater(self.read(text), 0)


if __name__ == "__main__":
    unittest.main()
